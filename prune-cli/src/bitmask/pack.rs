//! From a dense file to a packed one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use safetensors::Dtype;
use serde_json::{Map, Value, json};

use super::rows::{self, RowPart, parts};
use super::{CONFIG, DENSE_HEADER, PARTS, WEIGHT, config};
use crate::clipped::clipped;
use crate::drive::in_order;
use crate::error::{Error, show};
use crate::model::{Kind, Model};
use crate::output::{Destination, Temporary};
use crate::prune::outputs::Outputs;
use crate::report::Report;
use crate::watch::Watch;
use crate::writing::{Entry, header};

/// Bytes that are carried over at a time.
const COPIED: u64 = 4 << 20;

/// Packs dense files, one for each of the model's, and puts the packed ones in the place of the output. `pruned` are the
/// layers that have masks.
pub(crate) fn pack_into(
    outputs: Outputs,
    model: &Model,
    dense: Vec<Temporary>,
    pruned: &[usize],
    to: &Destination,
    report: &mut Report,
    watch: &Watch,
) -> Result<(), Error> {
    let mut packed: Vec<String> = Vec::new();
    for &tensor in pruned {
        let about = model.tensor(tensor);
        if about.elements == 0 || about.shape.is_empty() || !about.name.ends_with(WEIGHT) {
            report.not_packed.push(about.name.clone());
        } else {
            packed.push(about.name.clone());
        }
    }
    packed.sort_unstable();
    check_names(model, &packed)?;
    let names: BTreeSet<&str> = packed.iter().map(String::as_str).collect();
    let sparsity = report.all.newly_pruned as f64 / report.all.elements.max(1) as f64;
    let two_of_four = report.events.last().is_some_and(|event| event.target.starts_with("2:4:"));
    let structure = if two_of_four { "2:4" } else { "unstructured" };
    let files = outputs.files(model)?;
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    let (mut bytes, mut data, mut bound) = (0, 0, 0.0);
    for ((shard, dense), file) in model.shards().iter().zip(dense).zip(&files) {
        let source = Model::open(dense.temporary_path())?;
        let mut metadata = shard.header.metadata.clone();
        metadata.insert(DENSE_HEADER.to_owned(), table_of(&source)?);
        if matches!(model.kind(), Kind::File) {
            let within = metadata.get(CONFIG).and_then(|text| serde_json::from_str::<Value>(text).ok());
            let block = config::block(within.as_ref(), &packed, sparsity, structure);
            metadata.insert(CONFIG.to_owned(), block.to_string());
        }
        let written = pack(&source, &names, &metadata, file, watch)?;
        places.extend(written.names.into_iter().map(|name| (name, shard.name.clone())));
        bytes += written.bytes;
        data += written.data;
        bound += written.bound;
    }
    match model.kind() {
        Kind::File => {}
        Kind::Folder(folder) => beside(&outputs, folder, &packed, sparsity, structure)?,
        Kind::Index { folder, index, .. } => {
            beside(&outputs, folder, &packed, sparsity, structure)?;
            outputs.beside(index, &index_of(folder, index, places, data)?)?;
        }
    }
    report.format = "bitmask";
    report.bytes_after = bytes;
    report.entropy_bound = Some(bound as u64);
    report.warnings = outputs.place(files, to, watch)?;
    Ok(())
}

/// Refuses names that the parts of packed tensors would take twice.
fn check_names(model: &Model, packed: &[String]) -> Result<(), Error> {
    for name in packed {
        let base = name.strip_suffix(WEIGHT).unwrap_or(name);
        if let Some(taken) = PARTS.iter().map(|part| format!("{base}{part}")).find(|name| model.find(name).is_some()) {
            let (name, taken) = (clipped(name), clipped(&taken));
            let why =
                format!("`{name}` cannot be packed: the model has a tensor `{taken}`, as a part of it would be named");
            return Err(Error::request(format!("{why}; leave it out with --exclude")));
        }
    }
    Ok(())
}

/// The table of a file's header, as it stands there.
fn table_of(model: &Model) -> Result<String, Error> {
    let shard = &model.shards()[0];
    let mut table = vec![0; shard.header.data_start as usize - 8];
    shard.read(&mut table, 8)?;
    // It has been read as JSON, which is a text.
    String::from_utf8(table).map_err(|_| Error::request(format!("{}: the header is no text", show(&shard.path))))
}

/// Writes `config.json` with the block.
fn beside(outputs: &Outputs, folder: &Path, packed: &[String], sparsity: f64, structure: &str) -> Result<(), Error> {
    let mut whole = config::read(folder)?.unwrap_or_default();
    let block = config::block(whole.get(CONFIG), packed, sparsity, structure);
    whole.insert(CONFIG.to_owned(), block);
    outputs.beside("config.json", &pretty(&whole))
}

pub(super) fn pretty(whole: &Map<String, Value>) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(whole).unwrap_or_default();
    text.push(b'\n');
    text
}

/// An index with other tensors in the same files.
pub(super) fn index_of(
    folder: &Path,
    index: &str,
    places: BTreeMap<String, String>,
    data: u64,
) -> Result<Vec<u8>, Error> {
    let path = folder.join(index);
    let text = std::fs::read(&path).map_err(Error::read(&path))?;
    // It has been read as an index before.
    let mut whole: Map<String, Value> = serde_json::from_slice(&text).unwrap_or_default();
    if let Some(metadata) = whole.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("total_size".to_owned(), json!(data));
    }
    whole.insert("weight_map".to_owned(), json!(places));
    Ok(pretty(&whole))
}

/// What a packed file holds.
struct Written {
    names: Vec<String>,
    bytes: u64,
    data: u64,
    bound: f64,
}

/// Where a tensor's bytes go.
#[derive(Debug, Clone, Copy)]
enum Part {
    Whole(usize),
    Shape(usize),
    Compressed(usize),
    Bitmask(usize),
    RowOffsets(usize),
}

/// Packs the tensors of these names of a dense file.
fn pack(
    source: &Model,
    names: &BTreeSet<&str>,
    metadata: &BTreeMap<String, String>,
    file: &Temporary,
    watch: &Watch,
) -> Result<Written, Error> {
    let packed: Vec<usize> = (0..source.len()).filter(|&t| names.contains(source.tensor(t).name.as_str())).collect();
    let (counts, work) = count(source, &packed, watch)?;
    let mut values = vec![0u64; source.len()];
    for (&(tensor, _), count) in work.iter().zip(&counts) {
        values[tensor] += *count as u64;
    }
    let mut entries: Vec<(Entry, Part)> = Vec::new();
    let mut bound = 0.0;
    for (tensor, about) in source.tensors().enumerate() {
        let entry = |name: String, dtype: Dtype, shape: Vec<usize>, bytes: u64| Entry { name, dtype, shape, bytes };
        if packed.binary_search(&tensor).is_err() {
            let (name, shape) = (about.name.clone(), about.shape.clone());
            entries.push((entry(name, about.dtype, shape, about.bytes), Part::Whole(tensor)));
            bound += about.bytes as f64;
            continue;
        }
        let base = about.name.strip_suffix(WEIGHT).unwrap_or(&about.name);
        let (lead, columns) = about.shape.split_at(about.shape.len() - 1);
        let rows: usize = lead.iter().product();
        let bitmask: Vec<usize> = lead.iter().copied().chain([columns[0].div_ceil(8)]).collect();
        let bits = (rows * columns[0].div_ceil(8)) as u64;
        let size = (about.dtype.bitsize() / 8) as u64;
        let [shape, compressed, mask, offsets] = PARTS.map(|part| format!("{base}{part}"));
        let rank = about.shape.len();
        entries.push((entry(shape, Dtype::I64, vec![rank], 8 * rank as u64), Part::Shape(tensor)));
        let len = vec![values[tensor] as usize];
        entries.push((entry(compressed, about.dtype, len, values[tensor] * size), Part::Compressed(tensor)));
        entries.push((entry(mask, Dtype::U8, bitmask, bits), Part::Bitmask(tensor)));
        entries.push((entry(offsets, Dtype::I64, lead.to_vec(), 8 * rows as u64), Part::RowOffsets(tensor)));
        bound += values[tensor] as f64 * size as f64 + entropy(values[tensor] as f64, about.elements as f64);
    }
    // Longer types first, so that each begins at a multiple of its length.
    entries.sort_by(|(a, _), (b, _)| b.dtype.bitsize().cmp(&a.dtype.bitsize()).then_with(|| a.name.cmp(&b.name)));
    let list: Vec<Entry> = entries.iter().map(|(entry, _)| entry.clone()).collect();
    let head = header(&list, metadata);
    if head.len() as u64 - 8 > crate::header::LONGEST {
        return Err(Error::request("the header of the packed file would be longer than the format allows"));
    }
    file.write(&head, 0)?;
    let mut at = head.len() as u64;
    let mut places =
        Places { compressed: vec![0; source.len()], bitmask: vec![0; source.len()], offsets: vec![0; source.len()] };
    let mut copies = Vec::new();
    for (entry, part) in &entries {
        match *part {
            Part::Whole(tensor) => copies.push((tensor, at)),
            Part::Shape(tensor) => {
                let sides = source.tensor(tensor).shape.iter().flat_map(|&side| (side as i64).to_le_bytes());
                file.write(&sides.collect::<Vec<u8>>(), at)?;
            }
            Part::Compressed(tensor) => places.compressed[tensor] = at,
            Part::Bitmask(tensor) => places.bitmask[tensor] = at,
            Part::RowOffsets(tensor) => places.offsets[tensor] = at,
        }
        at += entry.bytes;
    }
    file.set_len(at)?;
    copy(source, &copies, file, watch)?;
    fill(source, &work, &counts, &places, file, watch)?;
    let names = list.into_iter().map(|entry| entry.name).collect();
    Ok(Written { names, bytes: at, data: at - head.len() as u64, bound })
}

/// How many bytes it takes at least to say which `kept` of `elements` are kept.
fn entropy(kept: f64, elements: f64) -> f64 {
    let term = |count: f64| if count > 0.0 { -count * (count / elements).log2() } else { 0.0 };
    (term(kept) + term(elements - kept)) / 8.0
}

/// Where the parts of each tensor begin in the packed file.
struct Places {
    compressed: Vec<u64>,
    bitmask: Vec<u64>,
    offsets: Vec<u64>,
}

/// Parts of tensors, each with its tensor.
type Work = Vec<(usize, RowPart)>;

/// The parts of all tensors, and how many values each has.
fn count(source: &Model, packed: &[usize], watch: &Watch) -> Result<(Vec<usize>, Work), Error> {
    let mut work = Vec::new();
    for &tensor in packed {
        let about = source.tensor(tensor);
        let columns = about.shape.last().copied().unwrap_or(1);
        work.extend(parts(about.elements / columns, columns).map(|part| (tensor, part)));
    }
    watch.progress.begin("counting", packed.iter().map(|&tensor| source.tensor(tensor).bytes).sum());
    let counts = in_order(&work, watch, |&(tensor, part), scratch| {
        let bytes = read(source, tensor, part, scratch.weights.bytes_mut(part.elements() * size(source, tensor)))?;
        watch.progress.advance(bytes.len() as u64);
        Ok(rows::count(bytes, size(source, tensor)))
    })?;
    watch.progress.end();
    Ok((counts, work))
}

fn size(source: &Model, tensor: usize) -> usize {
    source.tensor(tensor).dtype.bitsize() / 8
}

fn read<'b>(source: &Model, tensor: usize, part: RowPart, into: &'b mut [u8]) -> Result<&'b mut [u8], Error> {
    let columns = source.tensor(tensor).shape.last().copied().unwrap_or(1);
    let first = part.row * columns + part.column;
    source.read(tensor, (first * size(source, tensor)) as u64, into)?;
    Ok(into)
}

/// Copies whole tensors to their places.
pub(super) fn copy(source: &Model, copies: &[(usize, u64)], file: &Temporary, watch: &Watch) -> Result<(), Error> {
    let mut work = Vec::new();
    for &(tensor, at) in copies {
        let bytes = source.tensor(tensor).bytes;
        work.extend(
            (0..bytes).step_by(COPIED as usize).map(|from| (tensor, from, at + from, COPIED.min(bytes - from))),
        );
    }
    in_order(&work, watch, |&(tensor, from, at, len), scratch| {
        let bytes = scratch.weights.bytes_mut(len as usize);
        source.read(tensor, from, bytes)?;
        file.write(bytes, at)
    })?;
    Ok(())
}

/// Writes values, bits and row offsets.
fn fill(
    source: &Model,
    work: &[(usize, RowPart)],
    counts: &[usize],
    places: &Places,
    file: &Temporary,
    watch: &Watch,
) -> Result<(), Error> {
    // How many values of its tensor lie before each part.
    let mut before = Vec::with_capacity(work.len());
    let mut sum = 0u64;
    for (i, &(tensor, part)) in work.iter().enumerate() {
        if i == 0 || work[i - 1].0 != tensor {
            sum = 0;
        }
        before.push((tensor, part, sum));
        sum += counts[i] as u64;
    }
    watch.progress.begin("packing", before.iter().map(|(_, part, _)| part.elements() as u64).sum());
    in_order(&before, watch, |&(tensor, part, before), scratch| {
        let size = size(source, tensor);
        let columns = source.tensor(tensor).shape.last().copied().unwrap_or(1);
        let bytes = read(source, tensor, part, scratch.weights.bytes_mut(part.elements() * size))?;
        let (mut bits, mut offsets) = (Vec::with_capacity(part.bytes()), Vec::new());
        let mut row_start = before;
        let packed = rows::pack(bytes, size, part.columns, &mut bits, |count| {
            offsets.extend_from_slice(&(row_start as i64).to_le_bytes());
            row_start += count as u64;
        });
        file.write(&bytes[..packed], places.compressed[tensor] + before * size as u64)?;
        let first_byte = part.row * columns.div_ceil(8) + part.column / 8;
        file.write(&bits, places.bitmask[tensor] + first_byte as u64)?;
        if part.column == 0 {
            file.write(&offsets, places.offsets[tensor] + 8 * part.row as u64)?;
        }
        watch.progress.advance(part.elements() as u64);
        Ok(())
    })?;
    watch.progress.end();
    Ok(())
}
