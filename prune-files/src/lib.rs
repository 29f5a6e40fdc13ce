//! Reads, prunes and writes trained checkpoints of any size, exactly, safely and in little memory. The command `prune`
//! in `prune-cli` uses this library.
//!
//! A checkpoint is one safetensors file, or several with an index. It is read by position in parts of a few MiB.
//! [`prune_core`] ranks it without having it in memory as a whole. The output is written beside its place, and then
//! appears there as a whole.
//!
//! ```
//! use prune_files::{Destination, Format, Job, Watch, apply};
//! use prune_core::Density;
//! use prune_schedule::{Event, Scope};
//!
//! # let folder = tempfile::tempdir()?;
//! # let [model, sparse] = ["model.safetensors", "sparse.safetensors"].map(|name| folder.path().join(name));
//! # let header = b"{\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}";
//! # let values = [0.5f32, -3.0, 2.0, 0.1].map(f32::to_le_bytes).concat();
//! # std::fs::write(&model, [&(header.len() as u64).to_le_bytes()[..], header, &values].concat())?;
//! let event = Event::unstructured(Scope::Global(Density::new(0.5)?))?;
//! let job = Job::new(model, vec![(None, event)]);
//! let to = Destination::new(sparse);
//! let report = apply(&job, &to, Format::Dense, &Watch::default())?;
//! assert_eq!((report.all.kept, report.all.elements), (2, 4));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! `onnx`: `shrink` takes channels out of ONNX models, and `slice` cuts the checkpoints that the models were exported
//! from.
//!
//! # Map
//!
//! A folder or file uses only those above it or on its own line.
//!
//! ```text
//! text/, disk/, other_format   names and numbers in messages; file-system calls; files of other formats
//! error, watch                 errors; progress, and the flag that stops a command
//! parts/                       tensors in parts: bytes as numbers, bits as masks, work on all threads
//! read/                        headers, indexes and files, read strictly and by position
//! layers/                      weights among tensors, the plan of an event, evidence and masks beside a model, counts
//! output/                      outputs that appear whole or not at all
//! masks/                       a plan becomes pieces of work, which are ranked, decided and handed to a sink
//! report                       the report of pruning
//! bitmask/                     the packed format
//! prune/                       a whole job, and the preview of a strategy
//! look/                        the contents of a checkpoint, and checks of it
//! shrink/, slice/              smaller ONNX models and checkpoints
//! ```

mod bitmask;
mod disk;
mod error;
#[cfg(test)]
mod faults;
mod layers;
mod look;
mod masks;
mod other_format;
mod output;
mod parts;
mod prune;
mod read;
mod report;
#[cfg(feature = "onnx")]
mod shrink;
#[cfg(feature = "onnx")]
mod slice;
mod text;
mod watch;

pub use bitmask::{Expansion, expand};
pub use error::{Error, HeaderProblem, IndexProblem};
pub use layers::known::DenseTensor;
pub use layers::mask_bytes::{masks_from_safetensors, masks_to_safetensors};
pub use look::check::{CheckReport, CheckedLayer, Want, check};
pub use look::inspect::{AxisPattern, Count, Inspection, TensorInspection, inspect};
pub use other_format::OtherFormat;
pub use output::{Destination, leftovers};
pub use prune::preview::{Preview, PreviewRow, preview};
pub use prune::{Format, Job, ReportFile, apply, events_of, with_axis, write_masks, write_zero_masks};
#[cfg(feature = "onnx")]
pub use prune_graph::{ClassScore as ChannelScore, Method as ChannelMethod};
pub use prune_schedule::{Filter, LeftDense, Totals, UnitCounts};
pub use read::header::{Header, TensorInfo};
pub use read::model::Model;
pub use report::{AllTotals, EventReport, PruneReport, PrunedLayer};
#[cfg(feature = "onnx")]
pub use shrink::{FamilyShare, ShrinkBy, ShrinkJob, ShrinkOutputs, ShrinkReport, ShrunkLayer, StaysReport, shrink};
#[cfg(feature = "onnx")]
pub use slice::{CutTensor, SliceJob, SliceReport, slice};
pub use text::term::{Term, spell};
pub use watch::{Progress, Silent, Watch};
