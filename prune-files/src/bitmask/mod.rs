//! The packed format: a bit an element and the values that are not zero, as compressed-tensors lays `sparse-bitmask` out.
//!
//! For a tensor `X.weight` of shape (.., rows, columns) a file has
//!
//! * `X.shape`, I64: the shape;
//! * `X.compressed`, of the tensor's type: its values in logical order, without those whose bits are all zero;
//! * `X.bitmask`, U8, of shape (.., rows, columns / 8 rounded up): bit `i % 8` of byte `i / 8` of a row is set where the
//!   element `i` of that row has a value;
//! * `X.row_offsets`, I64, of shape (.., rows): at which value each row begins.
//!
//! A bit is set unless the stored bits are all zero, so that `-0.0` survives. The table of the dense file goes along in the
//! metadata, so that it can be made again byte for byte. A tensor that would become larger so stays dense.

mod choice;
mod config;
mod expand;
mod object_text;
mod pack;
mod rows;

pub use expand::{Expansion, expand};
pub(crate) use expand::{Packed, find, refuse_packed};
pub(crate) use pack::pack_into;

/// What the names of a packed tensor's parts end with.
const PARTS: [&str; 4] = [".shape", ".compressed", ".bitmask", ".row_offsets"];

/// What the names of tensors end with that are packed.
const WEIGHT: &str = ".weight";

/// The metadata under which the dense file's table goes along.
const DENSE_HEADER: &str = "prune.dense_header";

/// The metadata under which goes along what stood in the place of the block in `config.json`; empty where nothing did.
const DENSE_CONFIG: &str = "prune.dense_config";

/// The metadata under which the index of the dense files goes along.
const DENSE_INDEX: &str = "prune.dense_index";

/// The metadata, and the field of `config.json`, under which readers find how weights are packed.
const CONFIG: &str = "quantization_config";
