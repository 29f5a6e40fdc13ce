//! The tensors of dense files that are packed: those that become smaller.

use safetensors::Dtype;

use super::config::PackedFacts;
use super::rows::{self, RowPart, parts};
use super::{PARTS, WEIGHT};
use crate::error::Error;
use crate::layers::groups::{Question, ask};
use crate::layers::inputs::ModelInputs;
use crate::layers::known::CheckpointFacts;
use crate::layers::sums::non_zeros;
use crate::output::header::TensorToWrite;
use crate::parts::drive::in_order;
use crate::read::header::TensorInfo;
use crate::read::model::Model;
use crate::watch::Watch;

/// True if a tensor can be packed, whatever its values.
pub(super) fn packable(tensor: &TensorInfo) -> bool {
    tensor.elements > 0 && !tensor.shape.is_empty() && tensor.name.ends_with(WEIGHT)
}

/// The tensors of a dense file that are packed, with their parts.
pub(super) struct PackingChoice {
    /// Their places in the file, ascending.
    pub(super) packed: Vec<usize>,
    /// The number of values of each tensor of the file, for the tensors that were counted.
    pub(super) values: Vec<usize>,
    /// The parts of these tensors, each with its tensor and its number of values.
    pub(super) parts: Vec<(usize, RowPart, usize)>,
}

impl PackingChoice {
    /// Counts the values of these tensors, and chooses the tensors that are smaller packed than dense.
    pub(super) fn of(source: &Model, tensors: &[usize], watch: &Watch) -> Result<Self, Error> {
        let mut work = Vec::new();
        for &tensor in tensors {
            let (rows, columns) = rows_and_columns(source.tensor(tensor));
            work.extend(parts(rows, columns).map(|part| (tensor, part)));
        }
        watch.progress.begin("counting", tensors.iter().map(|&tensor| source.tensor(tensor).bytes).sum());
        let counts = in_order(&work, watch, |&(tensor, part), scratch| {
            let bytes = read(source, tensor, part, scratch.weights.bytes_mut(part.elements() * size(source, tensor)))?;
            watch.progress.advance(bytes.len() as u64);
            Ok(rows::count(bytes, size(source, tensor)))
        })?;
        watch.progress.end();
        let mut values = vec![0; source.len()];
        work.iter().zip(&counts).for_each(|(&(tensor, _), count)| values[tensor] += count);
        let smaller = |&&tensor: &&usize| {
            let about = source.tensor(tensor);
            entries(about, values[tensor]).iter().map(|entry| entry.bytes).sum::<u64>() < about.bytes
        };
        let mut packed: Vec<usize> = tensors.iter().filter(smaller).copied().collect();
        packed.sort_unstable();
        let parts = work.into_iter().zip(counts).map(|((tensor, part), count)| (tensor, part, count));
        let parts = parts.filter(|(tensor, ..)| packed.binary_search(tensor).is_ok()).collect();
        Ok(PackingChoice { packed, values, parts })
    }
}

/// The entries of a tensor's parts, in the order of [`PARTS`].
pub(super) fn entries(about: &TensorInfo, values: usize) -> [TensorToWrite; 4] {
    let base = about.name.strip_suffix(WEIGHT).unwrap_or(&about.name);
    let (rows, columns) = rows_and_columns(about);
    let lead = &about.shape[..about.shape.len().saturating_sub(1)];
    let bits: Vec<usize> = lead.iter().copied().chain([columns.div_ceil(8)]).collect();
    let (rank, size) = (about.shape.len(), about.dtype.bitsize() / 8);
    let [shape, compressed, bitmask, offsets] = PARTS.map(|part| format!("{base}{part}"));
    let entry = |name: String, dtype: Dtype, shape: Vec<usize>, bytes: usize| TensorToWrite {
        name,
        dtype,
        shape,
        bytes: bytes as u64,
    };
    [
        entry(shape, Dtype::I64, vec![rank], 8 * rank),
        entry(compressed, about.dtype, vec![values], values * size),
        entry(bitmask, Dtype::U8, bits, rows * columns.div_ceil(8)),
        entry(offsets, Dtype::I64, lead.to_vec(), 8 * rows),
    ]
}

/// A description of the packed files, for the block: the packed names, and counts over all tensors.
pub(super) fn describe(sources: &[Model], choices: &[PackingChoice], watch: &Watch) -> Result<PackedFacts, Error> {
    let (mut elements, mut non_zero, mut two_of_four) = (0usize, 0usize, true);
    let mut packed = Vec::new();
    for (source, choice) in sources.iter().zip(choices) {
        let known = CheckpointFacts::of(source)?;
        let inputs = ModelInputs::new(source, &known);
        let all: Vec<usize> = (0..source.len()).collect();
        for (tensor, count) in non_zeros(&inputs, &all, watch)?.into_iter().enumerate() {
            elements += count.map_or(0, |_| source.tensor(tensor).elements);
            non_zero += count.unwrap_or_default();
        }
        packed.extend(choice.packed.iter().map(|&tensor| source.tensor(tensor).name.clone()));
        let question = |&tensor: &usize| {
            let axis = source.tensor(tensor).shape.len() - 1;
            Question { tensor, axis, allowed: vec![(4, 2)], may_stop: true }
        };
        // Readers take `2:4` to mean whole groups of four.
        let lanes = |&tensor: &usize| source.tensor(tensor).shape.last().is_some_and(|side| side.is_multiple_of(4));
        two_of_four &= choice.packed.iter().all(lanes);
        if two_of_four {
            let questions: Vec<Question> = choice.packed.iter().map(question).collect();
            two_of_four = ask(&inputs, &questions, watch)?.iter().flatten().all(|found| found.most <= 2);
        }
    }
    packed.sort_unstable();
    let sparsity = (elements - non_zero) as f64 / elements.max(1) as f64;
    Ok(PackedFacts { two_of_four: two_of_four && !packed.is_empty(), packed, sparsity })
}

/// The number of rows and of columns of a tensor, where a row runs along the last axis.
pub(super) fn rows_and_columns(about: &TensorInfo) -> (usize, usize) {
    let columns = about.shape.last().copied().unwrap_or(1);
    (about.elements / columns.max(1), columns)
}

pub(super) fn size(source: &Model, tensor: usize) -> usize {
    source.tensor(tensor).dtype.bitsize() / 8
}

pub(super) fn read<'b>(
    source: &Model,
    tensor: usize,
    part: RowPart,
    into: &'b mut [u8],
) -> Result<&'b mut [u8], Error> {
    let (_, columns) = rows_and_columns(source.tensor(tensor));
    let first = part.row * columns + part.column;
    source.read(tensor, (first * size(source, tensor)) as u64, into)?;
    Ok(into)
}
