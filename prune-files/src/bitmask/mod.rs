//! The packed format: one bit per element, and the values that are not zero, in the `sparse-bitmask` layout of
//! compressed-tensors.
//!
//! For a tensor `X.weight` of shape (.., rows, columns) a file has
//!
//! * `X.shape`, I64: the shape;
//! * `X.compressed`, of the tensor's type: its values in logical order, without those whose bits are all zero;
//! * `X.bitmask`, U8, of shape (.., rows, columns / 8 rounded up): bit `i % 8` of byte `i / 8` of a row is set if the
//!   element `i` of that row has a value;
//! * `X.row_offsets`, I64, of shape (.., rows): the number of the value at which each row begins.
//!
//! A bit is unset only if all stored bits are zero, so `-0.0` survives. The table of the dense file is stored in the
//! metadata, so that the file can be rebuilt byte for byte. A tensor that packing would make larger stays dense.

mod choice;
mod config;
mod expand;
mod object_text;
mod pack;
mod rows;

pub use expand::{Expansion, expand};
pub(crate) use expand::{PackedTensor, find, refuse_packed};
pub(crate) use pack::pack_into;

/// The endings of the names of a packed tensor's parts.
const PARTS: [&str; 4] = [".shape", ".compressed", ".bitmask", ".row_offsets"];

/// The ending of the names of tensors that are packed.
const WEIGHT: &str = ".weight";

/// The metadata that holds the table of the dense file.
const DENSE_HEADER: &str = "prune.dense_header";

/// The metadata that holds the text that the block replaced in `config.json`; empty if it replaced none.
const DENSE_CONFIG: &str = "prune.dense_config";

/// The metadata that holds the index of the dense files.
const DENSE_INDEX: &str = "prune.dense_index";

/// The metadata, and the field of `config.json`, that tells readers the packing of weights.
const CONFIG: &str = "quantization_config";
