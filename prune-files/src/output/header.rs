//! The header of a new file.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use safetensors::Dtype;
use serde_json::{Value, json};

use super::Temporary;
use crate::error::Error;
use crate::read::header::TensorInfo;

/// A tensor that will be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorToWrite {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: u64,
}

impl TensorToWrite {
    /// An entry for an existing tensor.
    pub(crate) fn like(about: &TensorInfo) -> Self {
        TensorToWrite { name: about.name.clone(), dtype: about.dtype, shape: about.shape.clone(), bytes: about.bytes }
    }

    /// Longer types come first, so that each tensor begins at a multiple of its element's length; then the order is by
    /// name.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        other.dtype.bitsize().cmp(&self.dtype.bitsize()).then_with(|| self.name.cmp(&other.name))
    }
}

/// Gives a new file its length and the header that [`header`] made. Returns the byte at which each tensor begins.
pub(crate) fn begin<'e>(
    file: &Temporary,
    header: &[u8],
    entries: impl IntoIterator<Item = &'e TensorToWrite>,
) -> Result<Vec<u64>, Error> {
    let mut end = header.len() as u64;
    let begin = |entry: &TensorToWrite| {
        let start = end;
        end += entry.bytes;
        start
    };
    let starts = entries.into_iter().map(begin).collect();
    file.set_len(end)?;
    file.write(header, 0)?;
    Ok(starts)
}

/// The length and the table of a file that holds these tensors one after the other. Spaces at the end of the table let
/// the data begin at a multiple of eight bytes, so that readers can use any element type without a copy.
pub(crate) fn header(entries: &[TensorToWrite], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let mut table = String::from("{");
    if !metadata.is_empty() {
        table += &format!("\"__metadata__\":{}", json!(metadata));
    }
    let mut start = 0;
    for entry in entries {
        let end = start + entry.bytes;
        let (name, dtype) = (Value::from(entry.name.as_str()), entry.dtype.to_string());
        let about = json!({ "dtype": dtype, "shape": entry.shape, "data_offsets": [start, end] });
        let comma = if table.len() > 1 { "," } else { "" };
        table += &format!("{comma}{name}:{about}");
        start = end;
    }
    table.push('}');
    table.extend(core::iter::repeat_n(' ', (8 - table.len() % 8) % 8));
    let mut bytes = (table.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(table.as_bytes());
    bytes
}
