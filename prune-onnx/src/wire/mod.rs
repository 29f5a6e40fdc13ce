//! Protobuf as it lies in the file: one field after the other, each with the bytes it was written as.

pub(crate) mod schema;

use bytes::Bytes;

use crate::error::{Error, WireProblem};

/// Bytes of a message and their position in the file, which error messages name.
#[derive(Debug, Clone)]
pub(crate) struct EncodedBytes {
    pub(crate) bytes: Bytes,
    pub(crate) at: usize,
}

impl EncodedBytes {
    pub(crate) fn fail<T>(&self, problem: WireProblem) -> Result<T, Error> {
        Err(Error::Wire { at: self.at as u64, problem })
    }

    /// The fields in the order of the file.
    pub(crate) fn fields(&self) -> Fields {
        Fields { rest: self.clone() }
    }
}

/// A field's value by its wire type.
#[derive(Debug, Clone)]
pub(crate) enum WireValue {
    Varint(u64),
    Fixed64(u64),
    Bytes(EncodedBytes),
    Fixed32(u32),
}

impl WireValue {
    fn wire_type(&self) -> u8 {
        match self {
            WireValue::Varint(_) => 0,
            WireValue::Fixed64(_) => 1,
            WireValue::Bytes(_) => 2,
            WireValue::Fixed32(_) => 5,
        }
    }
}

/// A field, and all bytes that it was written as.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) value: WireValue,
    pub(crate) encoded: EncodedBytes,
}

impl Field {
    fn other_type<T>(&self, message: &'static str) -> Result<T, Error> {
        let wire_type = self.value.wire_type();
        self.encoded.fail(WireProblem::OtherType { field: self.number, message, wire_type })
    }

    /// A field of bytes, or a message.
    pub(crate) fn bytes(self, message: &'static str) -> Result<EncodedBytes, Error> {
        match self.value {
            WireValue::Bytes(bytes) => Ok(bytes),
            _ => self.other_type(message),
        }
    }

    pub(crate) fn string(self, message: &'static str) -> Result<String, Error> {
        let field = self.number;
        let bytes = self.bytes(message)?;
        match core::str::from_utf8(&bytes.bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => bytes.fail(WireProblem::Utf8 { field, message }),
        }
    }

    pub(crate) fn int(&self, message: &'static str) -> Result<i64, Error> {
        match self.value {
            // A negative number is written as 64 bits, whatever its type.
            WireValue::Varint(number) => Ok(number as i64),
            _ => self.other_type(message),
        }
    }

    pub(crate) fn float(&self, message: &'static str) -> Result<f32, Error> {
        match self.value {
            WireValue::Fixed32(bits) => Ok(f32::from_bits(bits)),
            _ => self.other_type(message),
        }
    }

    /// Adds the numbers of a repeated field. They may be packed or written one by one.
    pub(crate) fn ints(&self, message: &'static str, into: &mut Vec<i64>) -> Result<(), Error> {
        match &self.value {
            WireValue::Varint(number) => into.push(*number as i64),
            WireValue::Bytes(packed) => {
                let mut rest = packed.clone();
                while !rest.bytes.is_empty() {
                    into.push(varint(&mut rest)? as i64);
                }
            }
            _ => return self.other_type(message),
        }
        Ok(())
    }

    /// Adds the floats of a repeated field.
    pub(crate) fn floats(&self, message: &'static str, into: &mut Vec<f32>) -> Result<(), Error> {
        match &self.value {
            WireValue::Fixed32(bits) => into.push(f32::from_bits(*bits)),
            WireValue::Bytes(packed) => {
                let (floats, rest) = packed.bytes.as_chunks::<4>();
                if !rest.is_empty() {
                    return packed.fail(WireProblem::Truncated);
                }
                into.extend(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)));
            }
            _ => return self.other_type(message),
        }
        Ok(())
    }
}

/// The fields of a message. The first error is the last item.
#[derive(Debug)]
pub(crate) struct Fields {
    rest: EncodedBytes,
}

impl Iterator for Fields {
    type Item = Result<Field, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.bytes.is_empty() {
            return None;
        }
        let field = field(&mut self.rest);
        if field.is_err() {
            self.rest.bytes.clear();
        }
        Some(field)
    }
}

fn field(rest: &mut EncodedBytes) -> Result<Field, Error> {
    let start = rest.clone();
    let key = varint(rest)?;
    let number = match u32::try_from(key >> 3) {
        Ok(number @ 1..0x2000_0000) => number,
        _ => return start.fail(WireProblem::FieldNumber(key >> 3)),
    };
    let value = match (key & 7) as u8 {
        0 => WireValue::Varint(varint(rest)?),
        1 => WireValue::Fixed64(u64::from_le_bytes(fixed(rest)?)),
        2 => {
            let long = varint(rest)?;
            match usize::try_from(long) {
                Ok(long) if long <= rest.bytes.len() => WireValue::Bytes(take(rest, long)),
                _ => return start.fail(WireProblem::Truncated),
            }
        }
        5 => WireValue::Fixed32(u32::from_le_bytes(fixed(rest)?)),
        other => return start.fail(WireProblem::WireType(other)),
    };
    let used = start.bytes.len() - rest.bytes.len();
    let encoded = EncodedBytes { bytes: start.bytes.slice(..used), at: start.at };
    Ok(Field { number, value, encoded })
}

/// The first `long` bytes. There must be that many.
fn take(rest: &mut EncodedBytes, long: usize) -> EncodedBytes {
    let at = rest.at;
    rest.at += long;
    EncodedBytes { bytes: rest.bytes.split_to(long), at }
}

fn fixed<const N: usize>(rest: &mut EncodedBytes) -> Result<[u8; N], Error> {
    match rest.bytes.first_chunk::<N>() {
        Some(bytes) => {
            let bytes = *bytes;
            take(rest, N);
            Ok(bytes)
        }
        None => rest.fail(WireProblem::Truncated),
    }
}

fn varint(rest: &mut EncodedBytes) -> Result<u64, Error> {
    let mut number = 0;
    for (place, &byte) in rest.bytes.iter().enumerate() {
        // The tenth byte has room for one bit.
        if place == 9 && byte > 1 {
            break;
        }
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            take(rest, place + 1);
            return Ok(number);
        }
    }
    rest.fail(if rest.bytes.len() < 10 { WireProblem::Truncated } else { WireProblem::LongNumber })
}

/// Writes a number.
pub(crate) fn put_varint(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// Writes the key and the length of a field of bytes.
pub(crate) fn put_head(into: &mut Vec<u8>, number: u32, long: u64) {
    put_varint(into, u64::from(number) << 3 | 2);
    put_varint(into, long);
}

/// Writes a field of bytes.
pub(crate) fn put_bytes(into: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_head(into, number, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

/// Writes a field of a whole number.
pub(crate) fn put_int(into: &mut Vec<u8>, number: u32, value: i64) {
    put_varint(into, u64::from(number) << 3);
    put_varint(into, value as u64);
}

/// Writes a field of a float.
pub(crate) fn put_float(into: &mut Vec<u8>, number: u32, value: f32) {
    put_varint(into, u64::from(number) << 3 | 5);
    into.extend_from_slice(&value.to_le_bytes());
}
