//! Constant tensors.

use super::ReadContext;
use crate::data_type::{DataType, TypedField};
use crate::error::{Error, TensorProblem};
use crate::model::{Data, Entries, External, Tensor};
use crate::wire::schema::{entry as pair, tensor as field};
use crate::wire::{EncodedBytes, WireValue};

/// The value of `data_location` for data in another file.
const EXTERNAL: i64 = 1;

pub(super) fn tensor(encoded: EncodedBytes, context: ReadContext<'_>) -> Result<Tensor, Error> {
    let message = "a tensor";
    let mut name = String::new();
    let (mut lengths, mut code, mut location) = (Vec::new(), 0, 0);
    let mut raw = None;
    let mut typed: Option<(TypedField, u64)> = None;
    let mut entries = Entries::default();
    let mut segment = false;
    let mut twice = false;
    for part in encoded.fields() {
        let part = part?;
        match part.number {
            field::DIMS => part.ints(message, &mut lengths)?,
            field::DATA_TYPE => code = part.int(message)?,
            field::NAME => name = part.string(message)?,
            field::RAW_DATA => raw = Some(part.bytes(message)?.bytes),
            field::SEGMENT => segment = true,
            field::DATA_LOCATION => location = part.int(message)?,
            field::EXTERNAL_DATA => {
                let (key, value) = entry(&part.bytes(message)?)?;
                match key.as_str() {
                    "location" => entries.location = Some(value),
                    "offset" => entries.offset = Some(value),
                    "length" => entries.length = Some(value),
                    "checksum" => entries.checksum = Some(value),
                    _ => {}
                }
            }
            _ => {
                if let Some(of) = typed_field(part.number) {
                    let count = values(&part.value, of);
                    // An empty list does not decide which field holds the data.
                    if count > 0 {
                        twice |= typed.is_some_and(|(before, _)| before != of);
                        typed = Some((of, typed.map_or(0, |(_, count)| count) + count));
                    }
                }
            }
        }
    }
    let fail = |problem| Error::tensor(&name, problem);
    if segment {
        return fail(TensorProblem::Segment);
    }
    let mut dims = Vec::with_capacity(lengths.len());
    for (axis, &length) in lengths.iter().enumerate() {
        match usize::try_from(length) {
            Ok(length) => dims.push(length),
            Err(_) => return fail(TensorProblem::Negative { axis, length }),
        }
    }
    let data_type = DataType::from_code(i32::try_from(code).unwrap_or(i32::MAX));
    // Lengths of 0 are left out of this product: they must not hide other lengths whose product is too large.
    let counted = dims.iter().filter(|&&length| length > 0).try_fold(1usize, |all, &length| all.checked_mul(length));
    let Some(_) = counted.filter(|all| data_type.bytes_of(*all).is_none_or(|bytes| bytes < 1 << 56)) else {
        return fail(TensorProblem::Huge(dims));
    };
    let elements: usize = dims.iter().product();
    let raw = raw.filter(|raw| !raw.is_empty());
    if twice || raw.is_some() && typed.is_some() || location == EXTERNAL && (raw.is_some() || typed.is_some()) {
        return fail(TensorProblem::Twice);
    }
    let length = |wanted, found, units| TensorProblem::Length { shape: dims.clone(), data_type, wanted, found, units };
    let bytes = data_type.bytes_of(elements);
    let data = if location == EXTERNAL {
        let Some(wanted) = bytes else { return fail(TensorProblem::Form(data_type)) };
        Data::External(External::new(context.folder, &name, entries, wanted)?)
    } else if let Some((of, found)) = typed {
        match data_type.typed(elements) {
            Some((own, wanted)) if own == of && wanted == found => Data::Typed(of),
            Some((own, wanted)) if own == of => return fail(length(wanted, found, "values")),
            _ => return fail(TensorProblem::Form(data_type)),
        }
    } else {
        let raw = raw.unwrap_or_default();
        match bytes {
            Some(wanted) if wanted != raw.len() as u64 => return fail(length(wanted, raw.len() as u64, "bytes")),
            None if !raw.is_empty() && data_type == DataType::String => return fail(TensorProblem::Form(data_type)),
            None if elements > 0 && raw.is_empty() => return fail(length(elements as u64, 0, "values")),
            _ => Data::Raw(raw),
        }
    };
    Ok(Tensor { encoded, name, dims, data_type, data })
}

fn typed_field(number: u32) -> Option<TypedField> {
    let all = [
        TypedField::Floats,
        TypedField::Doubles,
        TypedField::Int32s,
        TypedField::Int64s,
        TypedField::Uint64s,
        TypedField::Strings,
    ];
    all.into_iter().find(|of| field::of(*of) == number)
}

/// The number of values in a typed field.
fn values(value: &WireValue, of: TypedField) -> u64 {
    match (value, of) {
        (WireValue::Bytes(packed), TypedField::Floats) => packed.bytes.len() as u64 / 4,
        (WireValue::Bytes(packed), TypedField::Doubles) => packed.bytes.len() as u64 / 8,
        // Each number ends at a byte below 128.
        (WireValue::Bytes(packed), TypedField::Int32s | TypedField::Int64s | TypedField::Uint64s) => {
            packed.bytes.iter().filter(|&&byte| byte < 0x80).count() as u64
        }
        _ => 1,
    }
}

/// A key and its value.
pub(super) fn entry(encoded: &EncodedBytes) -> Result<(String, String), Error> {
    let message = "an entry";
    let (mut key, mut value) = (String::new(), String::new());
    for part in encoded.fields() {
        let part = part?;
        match part.number {
            pair::KEY => key = part.string(message)?,
            pair::VALUE => value = part.string(message)?,
            _ => {}
        }
    }
    Ok((key, value))
}
