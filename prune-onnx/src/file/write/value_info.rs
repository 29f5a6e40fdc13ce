//! Types of values with new lengths.

use super::super::rope::Rope;
use super::WriteJob;
use crate::error::Error;
use crate::model::{Dim, ValueInfo};
use crate::wire::schema::{shape, value_info, value_type};
use crate::wire::{EncodedBytes, put_int};

impl<'m> WriteJob<'m> {
    /// A value with new lengths; `None` if none changes. Names and unknown lengths stay.
    pub(super) fn value_info(&self, of: &'m ValueInfo) -> Result<Option<Rope<'m>>, Error> {
        let mut lengths = Vec::new();
        for (axis, dim) in of.shape.iter().flatten().enumerate() {
            let new = self.edits.lengths.get(&(of.name.clone(), axis)).copied();
            lengths.push(new.filter(|new| matches!(dim, Dim::Known(old) if old != new)));
        }
        if lengths.iter().all(Option::is_none) {
            return Ok(None);
        }
        let path = [value_info::TYPE, value_type::TENSOR, value_type::SHAPE];
        descend(&of.encoded, &path, &lengths).map(Some)
    }
}

/// Copies a message, and replaces the lengths of the shape at the end of the path.
fn descend<'m>(encoded: &EncodedBytes, path: &[u32], lengths: &[Option<i64>]) -> Result<Rope<'m>, Error> {
    let mut rope = Rope::default();
    let mut axis = 0;
    for field in encoded.fields() {
        let field = field?;
        match path.split_first() {
            Some((&number, rest)) if field.number == number => {
                let inner = field.clone().bytes("a value")?;
                rope.message(number, descend(&inner, rest, lengths)?);
                continue;
            }
            None if field.number == shape::DIM => {
                axis += 1;
                if let Some(&Some(length)) = lengths.get(axis - 1) {
                    rope.message(shape::DIM, dim(&field.clone().bytes("a shape")?, length)?);
                    continue;
                }
            }
            _ => {}
        }
        rope.copy(&field.encoded.bytes);
    }
    Ok(rope)
}

fn dim<'m>(encoded: &EncodedBytes, length: i64) -> Result<Rope<'m>, Error> {
    let mut rope = Rope::default();
    rope.put(|into| put_int(into, shape::DIM_VALUE, length));
    for field in encoded.fields() {
        let field = field?;
        if field.number != shape::DIM_VALUE {
            rope.copy(&field.encoded.bytes);
        }
    }
    Ok(rope)
}
