//! `prune slice`: cuts a checkpoint as its ONNX model was cut, so that training can go on.

mod matching;

use core::fmt;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use prune_onnx::cut_bytes;
use serde::Serialize;

use crate::disk;
use crate::error::{Error, show};
use crate::output::header::{TensorToWrite, header};
use crate::output::{self, Temporary, is_same, parent};
use crate::read::model::Model;
use crate::shrink::KeptFile;
use crate::text::size::bytes;
use crate::watch::Watch;

/// A checkpoint to be cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceJob {
    /// The checkpoint.
    pub checkpoint: PathBuf,
    /// The kept indices, as [`shrink`](crate::shrink()) wrote them.
    pub kept: PathBuf,
    /// A JSON table from names of the checkpoint's tensors to names of the ONNX model's, for tensors whose values
    /// differ.
    pub names: Option<PathBuf>,
}

/// The result of [`slice()`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SliceReport {
    /// The path of the output.
    pub output: String,
    /// Tensors that were cut, in the checkpoint's order.
    pub cut: Vec<CutTensor>,
    /// Tensors that stay as they are.
    pub whole: Vec<String>,
    /// Bytes of the checkpoint.
    pub bytes_before: u64,
    /// Bytes of the output.
    pub bytes_after: u64,
}

/// A tensor that was cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CutTensor {
    /// Its name in the checkpoint.
    pub name: String,
    /// The constant of the model that it was cut like.
    pub like: String,
    /// The way in which that was found: `content`, `transposed content`, `names`, or `buffer of` a tensor.
    pub by: String,
    /// Its shape before.
    pub shape: Vec<usize>,
    /// Its shape after.
    pub shape_after: Vec<usize>,
}

/// Cuts the tensors of a checkpoint, and optimiser buffers of the same shapes, as a model was cut.
///
/// A tensor is matched with the constant that holds its values, or its values transposed, since exporters write linear
/// layers so. If several constants have equal values, the one of the tensor's own name is taken. A tensor is the buffer
/// of a matched one if it has the same shape and its name contains that of the matched one as whole segments.
///
/// # Errors
///
/// [`Error::Companion`] if a constant that lost indices has no tensor in the checkpoint, or if a tensor could be
/// several constants; errors of reading and writing. No output has changed then.
pub fn slice(job: &SliceJob, output: &Path, force: bool, watch: &Watch) -> Result<SliceReport, Error> {
    let checkpoint = Model::open(&job.checkpoint)?;
    let kept = KeptFile::read(&job.kept)?;
    let names = job.names.as_deref().map(read_names).transpose()?.unwrap_or_default();
    output::check_new(output, force, false)?;
    let mut read: Vec<PathBuf> = checkpoint.all_paths().collect();
    read.extend([job.kept.clone()]);
    read.extend(job.names.clone());
    for path in &read {
        if is_same(output, path).map_err(Error::write(output))? {
            let what = "a file that is read".to_owned();
            return Err(Error::SameFile { path: output.to_owned(), what, in_place: false });
        }
    }
    let witness = checkpoint.witness();
    let matched = matching::matched(&checkpoint, &kept, &names, job, watch)?;
    output::clear(&parent(output));
    let file = Temporary::create(output, None)?;
    let sliced = write(&checkpoint, &matched, &file, output, watch)?;
    witness.check()?;
    watch.check()?;
    file.place(force)?;
    Ok(sliced)
}

/// The cut of a tensor.
struct AxisCuts {
    like: String,
    by: String,
    axes: BTreeMap<usize, Vec<usize>>,
}

fn write(
    checkpoint: &Model,
    matched: &BTreeMap<usize, AxisCuts>,
    file: &Temporary,
    output: &Path,
    watch: &Watch,
) -> Result<SliceReport, Error> {
    let mut entries = Vec::new();
    let (mut cut, mut whole) = (Vec::new(), Vec::new());
    for (place, tensor) in checkpoint.tensors().enumerate() {
        let mut shape = tensor.shape.clone();
        match matched.get(&place) {
            Some(found) => {
                found.axes.iter().for_each(|(&axis, kept)| shape[axis] = kept.len());
                let (name, like, by) = (tensor.name.clone(), found.like.clone(), found.by.clone());
                cut.push(CutTensor { name, like, by, shape: tensor.shape.clone(), shape_after: shape.clone() });
            }
            None => whole.push(tensor.name.clone()),
        }
        let elements: usize = shape.iter().product();
        let long = (elements * tensor.dtype.bitsize()).div_ceil(8) as u64;
        entries.push(TensorToWrite { name: tensor.name.clone(), dtype: tensor.dtype, shape, bytes: long });
    }
    let shards = checkpoint.shards().iter();
    let metadata = shards.flat_map(|shard| shard.header.metadata.clone()).collect();
    let head = header(&entries, &metadata);
    file.write(&head, 0)?;
    let mut at = head.len() as u64;
    watch.progress.begin("writing", checkpoint.bytes());
    for (place, tensor) in checkpoint.tensors().enumerate() {
        watch.check()?;
        let mut values = vec![0; tensor.bytes as usize];
        checkpoint.read(place, 0, &mut values)?;
        if let Some(found) = matched.get(&place) {
            values = cut_bytes(&values, &tensor.shape, tensor.dtype.bitsize() / 8, &found.axes);
        }
        file.write(&values, at)?;
        at += values.len() as u64;
        watch.progress.advance(tensor.bytes);
    }
    watch.progress.end();
    Ok(SliceReport { output: show(output), cut, whole, bytes_before: checkpoint.bytes(), bytes_after: at })
}

/// Reads a table of names.
fn read_names(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    let bytes = disk::read(path).map_err(Error::read(path))?;
    let refuse = |error: serde_json::Error| {
        let why = format!("is no table from names of the checkpoint to names of the model, as JSON: {error}");
        Error::Companion { path: path.to_owned(), why }
    };
    serde_json::from_slice::<crate::text::texts::Texts>(&bytes).map(|texts| texts.0).map_err(refuse)
}

impl fmt::Display for SliceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::text::clipped::clipped;
        use prune_schedule::table::{Column, aligned, shape};
        let header = [
            ("tensor", Column::Left),
            ("shape", Column::Left),
            ("left", Column::Left),
            ("cut as", Column::Left),
            ("found by", Column::Left),
        ];
        let rows = self.cut.iter().map(|cut| {
            let [before, after] = [&cut.shape, &cut.shape_after].map(|sides| shape(sides));
            [clipped(&cut.name), before, after, clipped(&cut.like), cut.by.clone()]
        });
        writeln!(f, "{}", aligned(&header, rows))?;
        if !self.whole.is_empty() {
            let names = crate::text::clipped::listed(&self.whole);
            writeln!(f, "{} tensors stay as they are: {names}", self.whole.len())?;
        }
        let (before, after) = (bytes(self.bytes_before), bytes(self.bytes_after));
        write!(f, "{}: {before} before, {after} after", self.output)
    }
}
