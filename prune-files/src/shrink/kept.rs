//! The file of kept indices, by which `prune slice` cuts a checkpoint.

use std::path::Path;

use prune_graph::Removal;
use prune_onnx::{Analysis, KeptUse, Tensor};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ShrinkJob;
use crate::disk;
use crate::error::{Error, show};
use crate::text::term::Term;

/// The value of `format`.
const FORMAT: &str = "prune-kept-1";

/// The separator between the name of a constant and the name of the value that one of its uses goes into.
pub(crate) const USE: char = '@';

/// The longest file that is read.
const LONGEST: u64 = 1 << 30;

/// The kept indices of each constant that lost some.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptFile {
    format: String,
    /// The model that was shrunk.
    pub(crate) model: String,
    pub(crate) tensors: Vec<KeptTensor>,
}

/// A constant, a digest of its earlier values, and the kept indices of each axis that lost some.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptTensor {
    /// The constant's name. With `@` and a value's name it stands only for the use that goes into that value.
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) content: Digest,
    pub(crate) axes: Vec<KeptAxes>,
}

/// An axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptAxes {
    pub(crate) axis: usize,
    pub(crate) kept: Vec<usize>,
}

/// SHA-256 of a tensor's values, widened to f64, in logical order. It is equal for equal values of any floating type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Digest(String);

/// Computes a [`Digest`] value by value.
#[derive(Default)]
pub(crate) struct Digester(Sha256);

impl Digester {
    pub(crate) fn add(&mut self, value: f64) {
        // Zeros of either sign are equal.
        self.0.update((value + 0.0).to_bits().to_le_bytes());
    }

    pub(crate) fn finish(self) -> Digest {
        Digest(self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl KeptFile {
    /// The indices that a removal keeps of a model.
    pub(super) fn of(analysis: &Analysis<'_>, removal: &Removal, job: &ShrinkJob) -> Result<Self, prune_onnx::Error> {
        let mut tensors = Vec::new();
        for uses in analysis.kept(removal).chunk_by(|one, next| one.tensor == next.tensor) {
            let Some(tensor) = analysis.constant(&uses[0].tensor) else { continue };
            if !tensor.data_type().is_floating() {
                continue;
            }
            let content = digest(tensor)?;
            for found in uses {
                let name = if uses.len() == 1 { found.tensor.clone() } else { name_of_use(analysis, found) };
                let axes = found.axes.iter().map(|(&axis, kept)| KeptAxes { axis, kept: kept.clone() }).collect();
                tensors.push(KeptTensor { name, shape: tensor.dims().to_vec(), content: content.clone(), axes });
            }
        }
        Ok(KeptFile { format: FORMAT.to_owned(), model: show(&job.model), tensors })
    }

    /// Reads a file that [`shrink`](super::shrink()) wrote.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let about = disk::stat(path).map_err(Error::read(path))?;
        let refuse = |why: String| Error::Companion { path: path.to_owned(), why };
        if !about.is_file() || about.len() > LONGEST {
            return Err(refuse(format!("is no file that {} writes", Term::KeptWriter)));
        }
        let bytes = disk::read(path).map_err(Error::read(path))?;
        let file: KeptFile = serde_json::from_slice(&bytes)
            .map_err(|error| refuse(format!("is no file that {} writes: {error}", Term::KeptWriter)))?;
        if file.format != FORMAT {
            return Err(refuse(format!("is of the format `{}`; `{FORMAT}` is read", file.format)));
        }
        for tensor in &file.tensors {
            for KeptAxes { axis, kept } in &tensor.axes {
                let length = tensor.shape.get(*axis).copied().unwrap_or(0);
                let rising = kept.windows(2).all(|pair| pair[0] < pair[1]);
                if kept.is_empty() || !rising || kept.last().is_some_and(|&last| last >= length) {
                    let why =
                        format!("`{}`, axis {axis}: the indices kept do not fit its length {length}", tensor.name);
                    return Err(refuse(why));
                }
            }
        }
        Ok(file)
    }

    /// The file's text.
    pub(super) fn text(&self) -> Result<Vec<u8>, Error> {
        let mut text = serde_json::to_vec(self).map_err(|error| Error::request(error.to_string()))?;
        text.push(b'\n');
        Ok(text)
    }
}

/// The name of one use of a constant whose uses are cut in different ways. It ends with the output of the first node of
/// this use.
fn name_of_use(analysis: &Analysis<'_>, found: &KeptUse) -> String {
    let node = found.nodes.first().and_then(|&node| analysis.model().graph().nodes()[node].output(0));
    format!("{}{USE}{}", found.tensor, node.unwrap_or("output"))
}

fn digest(tensor: &Tensor) -> Result<Digest, prune_onnx::Error> {
    let mut digester = Digester::default();
    tensor.visit(|_, value| digester.add(value))?;
    Ok(digester.finish())
}
