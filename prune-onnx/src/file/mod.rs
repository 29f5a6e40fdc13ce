//! The encoding of ONNX files.
//!
//! A generated protobuf library reads a message into the fields that it knows and writes those. It drops or moves
//! unknown fields, packs lists that were not packed, and keeps a second copy of every tensor. Here messages are walked
//! where they lie in memory, and writing copies every field but the few that change.

mod cut;
mod read;
mod rope;
pub(crate) mod write;

#[cfg(test)]
mod tests;

pub use cut::cut_bytes;
