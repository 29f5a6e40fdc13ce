//! Constant tensors that are cut, get new values, are renamed, or whose external data moved.

use super::super::cut::TensorCut;
use super::super::rope::Rope;
use super::WriteJob;
use super::data::DataKey;
use crate::builder::raw_tensor;
use crate::data_type::{DataType, TypedField};
use crate::edits::TensorPlace;
use crate::error::{Error, TensorProblem};
use crate::model::{Data, Tensor};
use crate::wire::schema::{entry, tensor};
use crate::wire::{EncodedBytes, put_bytes, put_int, put_varint};

impl<'m> WriteJob<'m> {
    /// A tensor; `None` if nothing in it changes.
    pub(super) fn tensor(
        &self,
        of: &'m Tensor,
        key: DataKey,
        place: Option<TensorPlace>,
        name: Option<&str>,
    ) -> Result<Option<Rope<'m>>, Error> {
        let kept = place.and_then(|place| self.edits.cuts.get(&place));
        let values = place.and_then(|place| self.edits.values.get(&place));
        let had_checksum = of.external().is_some_and(|external| external.checksum.is_some());
        let entries = self.data.entries(key, had_checksum);
        if kept.is_none() && values.is_none() && entries.is_none() && name.is_none() {
            return Ok(None);
        }
        let stays = kept.is_none() && values.is_none();
        let mut rope = Rope::default();
        if !stays {
            let dims = match values {
                Some((dims, bytes)) => {
                    check_length(&of.name, of.data_type, dims, bytes.len())?;
                    dims.clone()
                }
                None => TensorCut::new(of, kept)?.dims(),
            };
            rope.put(|into| dims.iter().for_each(|&length| put_int(into, tensor::DIMS, length as i64)));
        }
        for field in of.encoded.fields() {
            let field = field?;
            match field.number {
                tensor::NAME if name.is_some() => {}
                tensor::NAME | tensor::DATA_TYPE | tensor::DOC_STRING | tensor::METADATA_PROPS => {
                    rope.copy(&field.encoded.bytes);
                }
                tensor::EXTERNAL_DATA if entries.is_some() => {
                    if !is_placed(&field.clone().bytes("a tensor")?)? {
                        rope.copy(&field.encoded.bytes);
                    }
                }
                // A tensor that is only moved or renamed keeps its other fields.
                _ if stays => rope.copy(&field.encoded.bytes),
                tensor::DATA_LOCATION if entries.is_some() => rope.copy(&field.encoded.bytes),
                number if is_known(number) => {}
                _ => {
                    let problem = TensorProblem::Cut("it has a field that is newer than this program");
                    return Error::tensor(&of.name, problem);
                }
            }
        }
        if let Some(name) = name {
            rope.put(|into| put_bytes(into, tensor::NAME, name.as_bytes()));
        }
        if let Some(entries) = entries {
            for (key, value) in entries {
                rope.put(|into| {
                    let mut pair = Vec::new();
                    put_bytes(&mut pair, entry::KEY, key.as_bytes());
                    put_bytes(&mut pair, entry::VALUE, value.as_bytes());
                    put_bytes(into, tensor::EXTERNAL_DATA, &pair);
                });
            }
        } else if let Some((_, bytes)) = values {
            match of.data {
                Data::Typed(TypedField::Int64s) => rope.put(|into| put_int64s(into, bytes)),
                _ => rope.put(|into| put_bytes(into, tensor::RAW_DATA, bytes)),
            }
        } else if kept.is_some() {
            rope.cut(tensor::RAW_DATA, TensorCut::new(of, kept)?);
        }
        Ok(Some(rope))
    }
}

/// An added tensor.
pub(super) fn new<'m>(name: &str, data_type: DataType, dims: &[usize], bytes: &[u8]) -> Result<Rope<'m>, Error> {
    check_length(name, data_type, dims, bytes.len())?;
    let mut rope = Rope::default();
    rope.put(|into| into.extend_from_slice(&raw_tensor(name, data_type, dims, bytes)));
    Ok(rope)
}

fn check_length(name: &str, data_type: DataType, dims: &[usize], found: usize) -> Result<(), Error> {
    let elements = dims.iter().try_fold(1usize, |all, &length| all.checked_mul(length));
    let wanted = elements.and_then(|elements| data_type.bytes_of(elements)).unwrap_or(u64::MAX);
    if wanted == found as u64 {
        return Ok(());
    }
    let (shape, found) = (dims.to_vec(), found as u64);
    Error::tensor(name, TensorProblem::Length { shape, data_type, wanted, found, units: "bytes" })
}

/// True if an entry is about the place of the data. Such entries are written anew.
fn is_placed(encoded: &EncodedBytes) -> Result<bool, Error> {
    let mut key = String::new();
    for field in encoded.fields() {
        let field = field?;
        if field.number == entry::KEY {
            key = field.string("an entry")?;
        }
    }
    Ok(matches!(key.as_str(), "location" | "offset" | "length" | "checksum"))
}

/// True for the fields that hold the shape, the elements, or the place of the elements.
fn is_known(number: u32) -> bool {
    matches!(
        number,
        tensor::DIMS
            | tensor::FLOAT_DATA
            | tensor::INT32_DATA
            | tensor::STRING_DATA
            | tensor::INT64_DATA
            | tensor::RAW_DATA
            | tensor::DOUBLE_DATA
            | tensor::UINT64_DATA
            | tensor::EXTERNAL_DATA
            | tensor::DATA_LOCATION
    )
}

/// Writes 64-bit integers into the typed field that held them.
fn put_int64s(into: &mut Vec<u8>, bytes: &[u8]) {
    let mut packed = Vec::new();
    for value in bytes.as_chunks::<8>().0 {
        put_varint(&mut packed, u64::from_le_bytes(*value));
    }
    put_bytes(into, tensor::INT64_DATA, &packed);
}
