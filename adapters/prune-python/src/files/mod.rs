//! Functions on files: checkpoints (`checkpoint.rs`), and ONNX models with the checkpoints they were exported from
//! (`graph.rs`). `job.rs` reads the arguments that these functions share. `argument.rs` names arguments in messages.
//! `watched.rs` runs the functions so that Ctrl-C stops them.

mod argument;
mod checkpoint;
mod graph;
mod job;
mod watched;

pub(crate) use argument::argument;
pub(crate) use checkpoint::{apply, check, expand, inspect, mask, preview};
pub(crate) use graph::{shrink, slice};
pub(crate) use watched::FileReport;
