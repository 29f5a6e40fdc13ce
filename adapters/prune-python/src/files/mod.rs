//! Doors to files: checkpoints (`checkpoint.rs`), ONNX models and what was exported to them (`graph.rs`). `job.rs` reads
//! what they ask in common, `argument.rs` has the words of their messages, `watched.rs` runs them so that Ctrl-C stops them.

mod argument;
mod checkpoint;
mod graph;
mod job;
mod watched;

pub(crate) use argument::argument;
pub(crate) use checkpoint::{apply, check, expand, inspect, mask, preview};
pub(crate) use graph::{shrink, slice};
pub(crate) use watched::FileReport;
