//! The encoding of ONNX files.
//!
//! A generated protobuf library reads a message into fields that it knows and writes those: it drops or moves what it does
//! not know, writes packed what was not, and holds every tensor once more. Here messages are walked where they lie, and
//! writing copies all fields but the few that change.

mod cut;
mod read;
mod rope;
pub(crate) mod write;

#[cfg(test)]
mod tests;

pub use cut::cut_bytes;
