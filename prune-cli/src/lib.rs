//! Prunes trained checkpoints of any size, exactly, safely and in little memory: the library behind the command `prune`.
//!
//! A checkpoint is a safetensors file, or several with an index. It is read by position in parts of a few MiB, ranked by
//! [`prune_core`] without ever being in memory, and written beside its place before it appears there whole.
//!
//! ```
//! use prune_cli::{Destination, Filter, Format, Job, Watch, apply};
//! use prune_core::Density;
//! use prune_schedule::{Event, Scope};
//!
//! # let folder = tempfile::tempdir()?;
//! # let [model, sparse] = ["model.safetensors", "sparse.safetensors"].map(|name| folder.path().join(name));
//! # let header = b"{\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}";
//! # let values = [0.5f32, -3.0, 2.0, 0.1].map(f32::to_le_bytes).concat();
//! # std::fs::write(&model, [&(header.len() as u64).to_le_bytes()[..], header, &values].concat())?;
//! let event = Event::unstructured(Scope::Global(Density::new(0.5)?))?;
//! let events = vec![(None, event)];
//! let (scores, gradients, inputs, masks) = (None, None, None, None);
//! let job = Job { model, events, filter: Filter::default(), scores, gradients, inputs, masks };
//! let to = Destination { path: Some(sparse), force: false };
//! let report = apply(&job, &to, Format::Dense, &Watch::default())?;
//! assert_eq!((report.all.kept, report.all.elements), (2, 4));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Map
//!
//! `header/` and `model/` read checkpoints; `known` says what they hold and `filter` selects layers; `inputs` reads weights, scores and masks (`mask_values`); `source`
//! shows layers to the core's ranking; `runs` cuts tensors into parts; `plan` says how masks are made, `decide` makes them,
//! `sink` takes them; `output/` puts files in their place; `disk/` makes the calls of the file system; `prune/` puts it all together; `bitmask/` is the packed format; `shrink/` and `slice/` make smaller models;
//! `inspect` and `check` look at what is there.

mod bitmask;
mod bits;
mod buffer;
mod check;
mod clipped;
mod decide;
mod disk;
mod drive;
mod error;
#[cfg(test)]
mod faults;
mod filter;
mod foreign;
mod groups;
mod header;
mod inputs;
mod inspect;
mod known;
mod mask_values;
mod model;
mod non_zeros;
mod object_text;
mod other_format;
mod output;
mod outside;
mod preview;
mod prune;
mod ranks;
mod report;
mod runs;
mod shrink;
mod sink;
mod size;
mod slice;
mod source;
mod texts;
mod watch;
mod work;
mod writing;

pub use bitmask::{Expansion, expand};
pub use check::{CheckReport, CheckedLayer, Want, check};
pub use error::{Error, HeaderProblem, IndexProblem};
pub use header::{Header, TensorInfo};
pub use inspect::{Count, Held, Inspected, Inspection, inspect};
pub use known::DenseTensor;
pub use model::Model;
pub use other_format::OtherFormat;
pub use output::{Destination, leftovers};
pub use preview::{Preview, PreviewRow, preview};
pub use prune::{Format, Job, ReportFile, apply, events_of, with_axis, write_masks, write_zero_masks};
pub use prune_graph::{ClassScore as ChannelScore, Method as ChannelMethod};
pub use prune_schedule::{Filter, LeftDense, Totals, UnitCounts};
pub use report::{EventReport, LayerReport, Report};
pub use shrink::{FamilyShare, ShrinkBy, ShrinkJob, ShrinkOutputs, ShrinkReport, ShrunkLayer, StaysReport, shrink};
pub use slice::{CutTensor, SliceJob, Sliced, slice};
pub use watch::{Progress, Silent, Watch};
