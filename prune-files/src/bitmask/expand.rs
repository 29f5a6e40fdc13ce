//! Expands a packed file to a dense one, bit for bit.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use prune_core::printable;
use safetensors::Dtype;
use serde::Serialize;

use super::pack::{copy, index_of};
use super::rows::{self, RowPart, parts};
use super::{DENSE_CONFIG, DENSE_HEADER, DENSE_INDEX, PARTS, WEIGHT, config};
use crate::error::{Error, show};
use crate::output::Outputs;
use crate::output::header::{TensorToWrite, begin, header};
use crate::output::{self, Destination, Temporary, parent};
use crate::parts::drive::in_order;
use crate::read::header::Header;
use crate::read::model::{Model, ModelKind, index};
use crate::text::clipped::clipped;
use crate::text::size::bytes;
use crate::text::term::Term;
use crate::watch::Watch;

/// The result of [`expand`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Expansion {
    /// The names of the tensors that were packed.
    pub layers: Vec<String>,
    /// The path of the output.
    pub output: String,
    /// Warnings about moving the output to its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Bytes of the packed files.
    pub bytes_before: u64,
    /// Bytes of the dense files.
    pub bytes_after: u64,
}

impl fmt::Display for Expansion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = (bytes(self.bytes_before), bytes(self.bytes_after));
        let output = printable(&self.output);
        write!(f, "{output}: {} layers expanded, {before} before, {after} after", self.layers.len())?;
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}

/// A packed tensor: the places of its parts, and its facts.
#[derive(Debug)]
pub(crate) struct PackedTensor {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) elements: usize,
    /// The tensor of its values.
    pub(crate) compressed: usize,
    bitmask: usize,
    row_offsets: usize,
    sides: usize,
}

impl PackedTensor {
    /// The tensors that are the parts of this one.
    pub(crate) fn parts(&self) -> [usize; 4] {
        [self.sides, self.compressed, self.bitmask, self.row_offsets]
    }

    fn columns(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    fn size(&self) -> usize {
        self.dtype.bitsize() / 8
    }
}

/// Turns a checkpoint in the packed format, ours or that of compressed-tensors, back into a dense one. From a file that
/// `prune` packed it makes the original dense file, byte for byte.
///
/// # Errors
///
/// As [`Model::open`]; [`Error::Request`] if nothing is packed, [`Error::Companion`] if the parts of a tensor
/// contradict each other.
pub fn expand(model: &Path, to: &Destination, watch: &Watch) -> Result<Expansion, Error> {
    let source = Model::open(model)?;
    let path = to.check(&source, &[], false)?;
    output::clear(&parent(&path));
    let packed = find(&source)?;
    if packed.is_empty() {
        let why = format!("{} has no packed tensors: none of its names end in .compressed and .bitmask", show(model));
        return Err(Error::request(why));
    }
    let outputs = Outputs::create(&source, &[], &path, to, watch)?;
    let files = outputs.files(&source)?;
    let mut places = BTreeMap::new();
    let (mut after, mut data) = (0, 0);
    for (shard, file) in files.iter().enumerate() {
        let written = write_shard(&source, &packed, shard, file, watch)?;
        places.extend(written.names.into_iter().map(|name| (name, source.shards()[shard].name.clone())));
        after += written.bytes;
        data += written.data;
    }
    match source.kind() {
        ModelKind::File => {}
        ModelKind::Folder(folder) => beside(&source, &outputs, folder)?,
        ModelKind::Index { folder, index, .. } => {
            beside(&source, &outputs, folder)?;
            let text = match noted(&source, DENSE_INDEX).filter(|text| places_tensors(text, &places)) {
                Some(text) => text.as_bytes().to_vec(),
                None => index_of(folder, index, places, data)?,
            };
            outputs.beside(index, &text)?;
        }
    }
    let warnings = outputs.place(files, to, watch)?;
    let layers = packed.into_iter().map(|packed| packed.name).collect();
    let (output, bytes_before) = (to.shown(&source), source.bytes());
    Ok(Expansion { layers, output, warnings, bytes_before, bytes_after: after })
}

/// Writes `config.json` without the block.
fn beside(source: &Model, outputs: &Outputs, folder: &Path) -> Result<(), Error> {
    let Some(text) = config::read(folder)? else { return Ok(()) };
    outputs.beside("config.json", config::without_block(&text, noted(source, DENSE_CONFIG)).as_bytes())
}

/// The text under a name in the metadata of the model's files.
fn noted<'s>(source: &'s Model, name: &str) -> Option<&'s str> {
    source.shards().iter().find_map(|shard| shard.header.metadata.get(name)).map(String::as_str)
}

/// True if the text of an index places exactly these tensors in exactly these files.
fn places_tensors(text: &str, places: &BTreeMap<String, String>) -> bool {
    index::parse(text.as_bytes()).is_ok_and(|map| map == *places)
}

/// The packed tensors, in the order of names. Contradicting parts are an error.
pub(crate) fn find(source: &Model) -> Result<Vec<PackedTensor>, Error> {
    let mut packed = Vec::new();
    for tensor in source.tensors() {
        let Some(base) = tensor.name.strip_suffix(PARTS[1]) else { continue };
        let [shape, compressed, bitmask, row_offsets] = PARTS.map(|part| source.find(&format!("{base}{part}")));
        if let (Some(shape), Some(compressed), Some(bitmask), Some(row_offsets)) =
            (shape, compressed, bitmask, row_offsets)
        {
            packed.push(fit(source, base, shape, [compressed, bitmask, row_offsets])?);
        }
    }
    packed.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(packed)
}

/// Refuses a model with packed tensors: their values are not where a layer's values are.
pub(crate) fn refuse_packed(model: &Model) -> Result<(), Error> {
    let whole = |base: &str| PARTS.iter().all(|part| model.find(&format!("{base}{part}")).is_some());
    let mut bases = model.tensors().filter_map(|tensor| tensor.name.strip_suffix(PARTS[1]));
    let Some(base) = bases.find(|base| whole(base)) else { return Ok(()) };
    let name = clipped(&format!("{base}{WEIGHT}"));
    let why = format!(
        "{} is packed as a bitmask (`{name}` is); make it dense first with {}",
        show(model.place()),
        Term::Expand
    );
    Err(Error::request(why))
}

fn contradiction(source: &Model, tensor: usize, why: impl fmt::Display) -> Error {
    let path = source.path_of(tensor).to_owned();
    Error::Companion { path, why: format!("`{}` {why}", clipped(&source.tensor(tensor).name)) }
}

/// A packed tensor, after a check that its parts fit each other.
fn fit(source: &Model, base: &str, shape: usize, parts: [usize; 3]) -> Result<PackedTensor, Error> {
    let [compressed, bitmask, row_offsets] = parts;
    let about = source.tensor(shape);
    if about.dtype != Dtype::I64 || about.shape.len() != 1 || !(1..=64).contains(&about.elements) {
        return Err(contradiction(source, shape, "is no shape: I64 with one axis of 1 to 64 lengths is"));
    }
    let mut bytes = vec![0; about.bytes as usize];
    source.read(shape, 0, &mut bytes)?;
    let side = |bytes: &[u8]| bytes.try_into().ok().map(i64::from_le_bytes).and_then(|side| usize::try_from(side).ok());
    let Some(sides) = bytes.chunks_exact(8).map(side).collect::<Option<Vec<usize>>>() else {
        return Err(contradiction(source, shape, "has a negative length"));
    };
    let elements = sides.iter().try_fold(1usize, |product, &side| product.checked_mul(side));
    let Some(elements) = elements.filter(|&elements| 0 < elements && elements <= usize::MAX / 64) else {
        return Err(contradiction(source, shape, format_args!("says {sides:?}, which is empty or overflows")));
    };
    let (lead, columns) = sides.split_at(sides.len() - 1);
    let bits: Vec<usize> = lead.iter().copied().chain([columns[0].div_ceil(8)]).collect();
    let about = source.tensor(bitmask);
    if about.dtype != Dtype::U8 || about.shape != bits {
        let why = format!("is {} of shape {:?}, where U8 of {bits:?} is needed", about.dtype, about.shape);
        return Err(contradiction(source, bitmask, why));
    }
    let about = source.tensor(row_offsets);
    if about.dtype != Dtype::I64 || about.elements != lead.iter().product::<usize>() {
        let why = format!("is {} of shape {:?}, where I64 of {lead:?} is needed", about.dtype, about.shape);
        return Err(contradiction(source, row_offsets, why));
    }
    let about = source.tensor(compressed);
    if about.element_type().is_none() || about.shape.len() != 1 {
        let why = format!("is {} of shape {:?}, where floats along one axis are needed", about.dtype, about.shape);
        return Err(contradiction(source, compressed, why));
    }
    let name = format!("{base}{WEIGHT}");
    if source.find(&name).is_some() {
        return Err(contradiction(source, compressed, "stands beside the tensor that it would become"));
    }
    Ok(PackedTensor {
        name,
        dtype: about.dtype,
        shape: sides,
        elements,
        compressed,
        bitmask,
        row_offsets,
        sides: shape,
    })
}

/// The contents of a dense file.
struct DenseFile {
    names: Vec<String>,
    bytes: u64,
    data: u64,
}

/// The origin of a tensor of the dense file.
#[derive(Clone, Copy)]
enum Origin {
    Whole(usize),
    Packed(usize),
}

/// Writes the dense file for a shard: the dense tensors of the shard, and the packed tensors whose values lie in it.
fn write_shard(
    source: &Model,
    packed: &[PackedTensor],
    shard: usize,
    file: &Temporary,
    watch: &Watch,
) -> Result<DenseFile, Error> {
    let parts_of_packed: BTreeSet<usize> = packed.iter().flat_map(PackedTensor::parts).collect();
    let mut entries: Vec<(TensorToWrite, Origin)> = Vec::new();
    for tensor in (0..source.len()).filter(|t| source.shard_of(*t) == shard && !parts_of_packed.contains(t)) {
        entries.push((TensorToWrite::like(source.tensor(tensor)), Origin::Whole(tensor)));
    }
    let here = |p: &PackedTensor| source.shard_of(p.compressed) == shard;
    if parts_of_packed.iter().all(|&tensor| source.shard_of(tensor) != shard) && !packed.iter().any(here) {
        return as_it_is(source, shard, file, watch);
    }
    for (place, p) in packed.iter().enumerate().filter(|(_, p)| here(p)) {
        let bytes = (p.elements * p.size()) as u64;
        let entry = TensorToWrite { name: p.name.clone(), dtype: p.dtype, shape: p.shape.clone(), bytes };
        entries.push((entry, Origin::Packed(place)));
    }
    let metadata = &source.shards()[shard].header.metadata;
    let head = match metadata.get(DENSE_HEADER).and_then(|table| as_before(table, &mut entries)) {
        Some(head) => head,
        None => {
            entries.sort_by(|(a, _), (b, _)| a.order(b));
            let list: Vec<TensorToWrite> = entries.iter().map(|(entry, _)| entry.clone()).collect();
            header(&list, &config::plain_metadata(metadata))
        }
    };
    let (mut copies, mut expanded) = (Vec::new(), Vec::new());
    let starts = begin(file, &head, entries.iter().map(|(entry, _)| entry))?;
    for ((_, from), at) in entries.iter().zip(starts) {
        match *from {
            Origin::Whole(tensor) => copies.push((tensor, at)),
            Origin::Packed(place) => expanded.push((&packed[place], at)),
        }
    }
    copy(source, &copies, file, watch)?;
    for (packed, at) in expanded {
        unpack(source, packed, file, at, watch)?;
    }
    let data = entries.iter().map(|(entry, _)| entry.bytes).sum();
    let names = entries.into_iter().map(|(entry, _)| entry.name).collect();
    Ok(DenseFile { names, bytes: head.len() as u64 + data, data })
}

/// Copies a shard that has nothing to do with packed tensors.
fn as_it_is(source: &Model, shard: usize, file: &Temporary, watch: &Watch) -> Result<DenseFile, Error> {
    let about = &source.shards()[shard];
    let head = about.header.data_start;
    let mut bytes = vec![0; head as usize];
    about.read(&mut bytes, 0)?;
    file.write(&bytes, 0)?;
    file.set_len(about.len)?;
    let tensors = (0..source.len()).filter(|&tensor| source.shard_of(tensor) == shard);
    copy(
        source,
        &tensors.clone().map(|tensor| (tensor, source.tensor(tensor).start)).collect::<Vec<_>>(),
        file,
        watch,
    )?;
    let names = tensors.map(|tensor| source.tensor(tensor).name.clone()).collect();
    Ok(DenseFile { names, bytes: about.len, data: about.len - head })
}

/// The original header of the dense file, if it lists exactly these tensors. Then `entries` are put into its order.
fn as_before(table: &str, entries: &mut Vec<(TensorToWrite, Origin)>) -> Option<Vec<u8>> {
    let data: u64 = entries.iter().map(|(entry, _)| entry.bytes).sum();
    let header = Header::parse(table.as_bytes(), 8 + table.len() as u64 + data).ok()?;
    if header.tensors.len() != entries.len() {
        return None;
    }
    let by_name: BTreeMap<&str, &(TensorToWrite, Origin)> =
        entries.iter().map(|entry| (entry.0.name.as_str(), entry)).collect();
    let found = header.tensors.iter().map(|tensor| {
        let entry = by_name.get(tensor.name.as_str())?;
        (entry.0.dtype == tensor.dtype && entry.0.shape == tensor.shape).then(|| (*entry).clone())
    });
    let ordered = found.collect::<Option<Vec<_>>>()?;
    *entries = ordered;
    let mut bytes = (table.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(table.as_bytes());
    Some(bytes)
}

/// Expands a packed tensor and writes it to its place.
fn unpack(source: &Model, packed: &PackedTensor, file: &Temporary, at: u64, watch: &Watch) -> Result<(), Error> {
    let columns = packed.columns();
    let work: Vec<RowPart> = parts(packed.elements / columns, columns).collect();
    let bits_at = |part: &RowPart| (part.row * columns.div_ceil(8) + part.column / 8) as u64;
    // For rank 1 and 2 the offsets have one meaning; for higher ranks compressed-tensors has its own.
    let offsets_count = packed.shape.len() <= 2;
    let mut counts = Vec::with_capacity(work.len());
    let counted = in_order(&work, watch, |part, scratch| {
        let bits = scratch.masks.bytes_mut(part.bytes());
        source.read(packed.bitmask, bits_at(part), bits)?;
        let mut rows = Vec::new();
        let count = rows::count_bits(bits, part.columns, |row| rows.push(row as i64));
        let count = count.ok_or_else(|| contradiction(source, packed.bitmask, "has bits past the end of a row"))?;
        let mut offsets = vec![0; if part.column == 0 && offsets_count { rows.len() * 8 } else { 0 }];
        source.read(packed.row_offsets, 8 * part.row as u64, &mut offsets)?;
        let offsets: Vec<i64> =
            offsets.chunks_exact(8).map(|b| b.try_into().map(i64::from_le_bytes).unwrap_or_default()).collect();
        // The steps are compared here; the start of the part is compared later.
        let steps = offsets.windows(2).zip(&rows).all(|(pair, &row)| pair[1].checked_sub(pair[0]) == Some(row));
        let first = offsets.first().copied();
        Ok((count, first, steps))
    })?;
    let mut before = 0u64;
    for (part, (count, first, steps)) in work.iter().zip(counted) {
        if !steps || first.is_some_and(|first| u64::try_from(first) != Ok(before)) {
            return Err(contradiction(source, packed.row_offsets, "contradicts the bitmask"));
        }
        counts.push((*part, before, count));
        before += count as u64;
    }
    let values = source.tensor(packed.compressed).elements;
    if before != values as u64 {
        let why = format!("has {values} values, but the bitmask has {before} bits");
        return Err(contradiction(source, packed.compressed, why));
    }
    watch.progress.begin("expanding", (packed.elements * packed.size()) as u64);
    let size = packed.size();
    in_order(&counts, watch, |(part, before, count), scratch| {
        let bits = scratch.masks.bytes_mut(part.bytes());
        source.read(packed.bitmask, bits_at(part), bits)?;
        let values = scratch.scores.bytes_mut(count * size);
        source.read(packed.compressed, before * size as u64, values)?;
        let dense = scratch.weights.bytes_mut(part.elements() * size);
        rows::unpack(bits, values, size, part.columns, dense);
        watch.progress.advance(dense.len() as u64);
        file.write(dense, at + ((part.row * columns + part.column) * size) as u64)
    })?;
    watch.progress.end();
    Ok(())
}
