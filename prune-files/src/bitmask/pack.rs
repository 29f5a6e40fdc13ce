//! Packs a dense file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::choice::{PackingChoice, describe, entries, packable, read, rows_and_columns, size};
use super::config::{self, PackedFacts};
use super::{CONFIG, DENSE_CONFIG, DENSE_HEADER, DENSE_INDEX, PARTS, WEIGHT, rows};
use crate::disk;
use crate::error::{Error, show};
use crate::output::Outputs;
use crate::output::header::{TensorToWrite, begin, header};
use crate::output::{Destination, Temporary};
use crate::parts::drive::in_order;
use crate::read::model::{Model, ModelKind};
use crate::report::PruneReport;
use crate::text::clipped::clipped;
use crate::text::term::Term;
use crate::watch::Watch;

/// Bytes that are copied at a time.
const COPIED: u64 = 4 << 20;

/// Packs dense files, one for each file of the model, and puts the packed files in the place of the output. `pruned`
/// lists the layers that have masks. A file in which nothing would become smaller is put there unchanged.
pub(crate) fn pack_into(
    outputs: Outputs,
    model: &Model,
    dense: Vec<Temporary>,
    pruned: &[usize],
    to: &Destination,
    report: &mut PruneReport,
    watch: &Watch,
) -> Result<(), Error> {
    let (able, unable): (Vec<usize>, Vec<usize>) = pruned.iter().partition(|&&tensor| packable(model.tensor(tensor)));
    report.not_packed = unable.iter().map(|&tensor| model.tensor(tensor).name.clone()).collect();
    let names: BTreeSet<&str> = able.iter().map(|&tensor| model.tensor(tensor).name.as_str()).collect();
    check_names(model, &names)?;
    let mut sources = Vec::new();
    let mut choices = Vec::new();
    for dense in &dense {
        let source = Model::open_new(dense.temporary_path(), dense.shown())?;
        let named = |&tensor: &usize| names.contains(source.tensor(tensor).name.as_str());
        let tensors: Vec<usize> = (0..source.len()).filter(named).collect();
        let choice = PackingChoice::of(&source, &tensors, watch)?;
        let grown = tensors.iter().filter(|tensor| choice.packed.binary_search(tensor).is_err());
        report.larger_packed.extend(grown.map(|&tensor| source.tensor(tensor).name.clone()));
        sources.push(source);
        choices.push(choice);
    }
    let described = describe(&sources, &choices, watch)?;
    let mut notes = Notes::of(model, &described)?;
    let mut files = Vec::new();
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    let (mut bytes, mut data, mut bound) = (0, 0, 0.0);
    let new = outputs.files(model)?;
    for ((((shard, source), choice), dense), file) in
        model.shards().iter().zip(&sources).zip(&choices).zip(dense).zip(new)
    {
        let written = if choice.packed.is_empty() {
            let data = source.tensors().map(|tensor| tensor.bytes).sum();
            let names = source.tensors().map(|tensor| tensor.name.clone()).collect();
            files.push(dense);
            PackedFile { names, bytes: source.bytes(), data, bound: data as f64 }
        } else {
            let metadata = notes.metadata(source)?;
            let written = pack(source, choice, &metadata, &file, watch)?;
            files.push(file);
            written
        };
        places.extend(written.names.into_iter().map(|name| (name, shard.name.clone())));
        bytes += written.bytes;
        data += written.data;
        bound += written.bound;
    }
    if let (Some(config), false) = (&notes.config, described.packed.is_empty()) {
        outputs.beside("config.json", config.as_bytes())?;
    }
    if let (ModelKind::Index { folder, index, .. }, false) = (model.kind(), described.packed.is_empty()) {
        outputs.beside(index, &index_of(folder, index, places, data)?)?;
    }
    report.format = "bitmask";
    report.bytes_after = bytes;
    report.entropy_bound = Some(bound as u64);
    report.warnings = outputs.place(files, to, watch)?;
    if bytes > report.bytes_before {
        let more = crate::text::size::bytes(bytes - report.bytes_before);
        report.warnings.push(format!(
            "the packed output is {more} larger than the model, though its values are fewer: the names of the parts and \
             the header that {} needs take more than was saved; write it dense",
            Term::Expand
        ));
    }
    Ok(())
}

/// Notes in the metadata: they tell readers the packing, and let the dense files be rebuilt byte for byte.
struct Notes<'m> {
    model: &'m Model,
    described: &'m PackedFacts,
    /// The new `config.json`, if there is one.
    config: Option<String>,
    /// Notes for the first packed file only.
    once: BTreeMap<String, String>,
}

impl<'m> Notes<'m> {
    fn of(model: &'m Model, described: &'m PackedFacts) -> Result<Self, Error> {
        let mut notes = Notes { model, described, config: None, once: BTreeMap::new() };
        let (folder, index) = match model.kind() {
            ModelKind::File => return Ok(notes),
            ModelKind::Folder(folder) => (folder, None),
            ModelKind::Index { folder, index, .. } => (folder, Some(index)),
        };
        if let Some(text) = config::read(folder)? {
            let (text, before) = config::with_block(&text, described);
            notes.config = Some(text);
            notes.once.insert(DENSE_CONFIG.to_owned(), before);
        }
        if let Some(index) = index {
            let path = folder.join(index);
            let bytes = disk::read(&path).map_err(Error::read(&path))?;
            // It has been read as JSON before, so it is valid text.
            notes.once.extend(String::from_utf8(bytes).ok().map(|text| (DENSE_INDEX.to_owned(), text)));
        }
        Ok(notes)
    }

    /// The metadata of a packed file: that of the dense file, and the notes.
    fn metadata(&mut self, source: &Model) -> Result<BTreeMap<String, String>, Error> {
        let mut metadata = source.shards()[0].header.metadata.clone();
        metadata.insert(DENSE_HEADER.to_owned(), table_of(source)?);
        // Without a `config.json` beside them, the files hold the block themselves.
        if self.config.is_none() {
            let within = metadata.get(CONFIG).map(String::as_str);
            let block = self.described.block(within);
            metadata.insert(CONFIG.to_owned(), block);
        }
        debug_assert!(self.once.is_empty() || !matches!(self.model.kind(), ModelKind::File));
        metadata.append(&mut self.once);
        Ok(metadata)
    }
}

/// Refuses tensors whose parts would take a name that is in use.
fn check_names(model: &Model, packed: &BTreeSet<&str>) -> Result<(), Error> {
    for name in packed {
        let base = name.strip_suffix(WEIGHT).unwrap_or(name);
        if let Some(taken) = PARTS.iter().map(|part| format!("{base}{part}")).find(|name| model.find(name).is_some()) {
            let (name, taken) = (clipped(name), clipped(&taken));
            let why =
                format!("`{name}` cannot be packed: the model has a tensor `{taken}`, as a part of it would be named");
            return Err(Error::request(format!("{why}; leave it out with {}", Term::Exclude)));
        }
    }
    Ok(())
}

/// The table of a file's header, as it is stored.
fn table_of(model: &Model) -> Result<String, Error> {
    let shard = &model.shards()[0];
    let mut table = vec![0; shard.header.data_start as usize - 8];
    shard.read(&mut table, 8)?;
    // It has been read as JSON, so it is valid text.
    String::from_utf8(table).map_err(|_| Error::request(format!("{}: the header is no text", show(&shard.path))))
}

pub(super) fn pretty(whole: &Map<String, Value>) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(whole).unwrap_or_default();
    text.push(b'\n');
    text
}

/// An index for other tensors in the same files.
pub(super) fn index_of(
    folder: &Path,
    index: &str,
    places: BTreeMap<String, String>,
    data: u64,
) -> Result<Vec<u8>, Error> {
    let path = folder.join(index);
    let text = disk::read(&path).map_err(Error::read(&path))?;
    // It has been read as an index before.
    let mut whole: Map<String, Value> = serde_json::from_slice(&text).unwrap_or_default();
    if let Some(metadata) = whole.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("total_size".to_owned(), json!(data));
    }
    whole.insert("weight_map".to_owned(), json!(places));
    Ok(pretty(&whole))
}

/// The contents of a packed file.
struct PackedFile {
    names: Vec<String>,
    bytes: u64,
    data: u64,
    bound: f64,
}

/// Packs the chosen tensors of a dense file.
fn pack(
    source: &Model,
    choice: &PackingChoice,
    metadata: &BTreeMap<String, String>,
    file: &Temporary,
    watch: &Watch,
) -> Result<PackedFile, Error> {
    // Each entry has its tensor; the part of a packed tensor also has its number.
    let mut list: Vec<(TensorToWrite, usize, Option<usize>)> = Vec::new();
    let mut bound = 0.0;
    for (tensor, about) in source.tensors().enumerate() {
        if choice.packed.binary_search(&tensor).is_err() {
            list.push((TensorToWrite::like(about), tensor, None));
            bound += about.bytes as f64;
            continue;
        }
        let values = choice.values[tensor];
        list.extend(entries(about, values).into_iter().enumerate().map(|(part, entry)| (entry, tensor, Some(part))));
        bound += (values * size(source, tensor)) as f64 + entropy(values as f64, about.elements as f64);
    }
    list.sort_by(|(a, ..), (b, ..)| a.order(b));
    let entries: Vec<TensorToWrite> = list.iter().map(|(entry, ..)| entry.clone()).collect();
    let head = header(&entries, metadata);
    if head.len() as u64 - 8 > crate::read::header::LONGEST {
        return Err(Error::request("the header of the packed file would be longer than the format allows"));
    }
    let mut places = vec![[0; 4]; source.len()];
    let mut copies = Vec::new();
    for (&(_, tensor, part), at) in list.iter().zip(begin(file, &head, &entries)?) {
        match part {
            None => copies.push((tensor, at)),
            Some(part) => places[tensor][part] = at,
        }
    }
    for &tensor in &choice.packed {
        let sides = source.tensor(tensor).shape.iter().flat_map(|&side| (side as i64).to_le_bytes());
        file.write(&sides.collect::<Vec<u8>>(), places[tensor][0])?;
    }
    copy(source, &copies, file, watch)?;
    fill(source, choice, &places, file, watch)?;
    let data = entries.iter().map(|entry| entry.bytes).sum();
    let names = entries.into_iter().map(|entry| entry.name).collect();
    Ok(PackedFile { names, bytes: head.len() as u64 + data, data, bound })
}

/// The least number of bytes that tells which `kept` of `elements` are kept.
fn entropy(kept: f64, elements: f64) -> f64 {
    let term = |count: f64| if count > 0.0 { -count * (count / elements).log2() } else { 0.0 };
    (term(kept) + term(elements - kept)) / 8.0
}

/// Copies whole tensors to new places.
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

/// Writes values, bits and row offsets. `places` are the starts of the parts of each tensor.
fn fill(
    source: &Model,
    choice: &PackingChoice,
    places: &[[u64; 4]],
    file: &Temporary,
    watch: &Watch,
) -> Result<(), Error> {
    // The number of values of the tensor that lie before each part.
    let mut work = Vec::with_capacity(choice.parts.len());
    let (mut last, mut sum) = (None, 0u64);
    for &(tensor, part, count) in &choice.parts {
        if last.replace(tensor) != Some(tensor) {
            sum = 0;
        }
        work.push((tensor, part, sum));
        sum += count as u64;
    }
    watch.progress.begin("packing", work.iter().map(|(_, part, _)| part.elements() as u64).sum());
    in_order(&work, watch, |&(tensor, part, before), scratch| {
        let size = size(source, tensor);
        let [_, compressed, bitmask, row_offsets] = places[tensor];
        let (_, columns) = rows_and_columns(source.tensor(tensor));
        let bytes = read(source, tensor, part, scratch.weights.bytes_mut(part.elements() * size))?;
        let (mut bits, mut offsets) = (Vec::with_capacity(part.bytes()), Vec::new());
        let mut row_start = before;
        let packed = rows::pack(bytes, size, part.columns, &mut bits, |count| {
            offsets.extend_from_slice(&(row_start as i64).to_le_bytes());
            row_start += count as u64;
        });
        file.write(&bytes[..packed], compressed + before * size as u64)?;
        let first_byte = part.row * columns.div_ceil(8) + part.column / 8;
        file.write(&bits, bitmask + first_byte as u64)?;
        if part.column == 0 {
            file.write(&offsets, row_offsets + 8 * part.row as u64)?;
        }
        watch.progress.advance(part.elements() as u64);
        Ok(())
    })?;
    watch.progress.end();
    Ok(())
}
