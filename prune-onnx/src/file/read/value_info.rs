//! Types and shapes of values.

use super::once;
use crate::data_type::DataType;
use crate::error::Error;
use crate::model::{Dim, ValueInfo};
use crate::wire::EncodedBytes;
use crate::wire::schema::{shape, value_info as info, value_type as field_of_type};

pub(super) fn value_info(encoded: EncodedBytes) -> Result<ValueInfo, Error> {
    let message = "a value";
    let mut name = String::new();
    let mut described = None;
    for field in encoded.fields() {
        let field = field?;
        match field.number {
            info::NAME => name = field.string(message)?,
            info::TYPE => once(&mut described, field, message)?,
            _ => {}
        }
    }
    let (data_type, shape) = match described {
        Some(described) => value_type(&described)?,
        None => (None, None),
    };
    Ok(ValueInfo { encoded, name, data_type, shape })
}

type ElementsAndDims = (Option<DataType>, Option<Vec<Dim>>);

/// The element type and shape of a tensor type; nothing for other types.
fn value_type(encoded: &EncodedBytes) -> Result<ElementsAndDims, Error> {
    let mut tensor = None;
    for field in encoded.fields() {
        let field = field?;
        if field.number == field_of_type::TENSOR {
            once(&mut tensor, field, "a type")?;
        }
    }
    let Some(tensor) = tensor else { return Ok((None, None)) };
    let message = "a tensor's type";
    let mut code = 0;
    let mut dims = None;
    for field in tensor.fields() {
        let field = field?;
        match field.number {
            field_of_type::ELEMENT => code = field.int(message)?,
            field_of_type::SHAPE => once(&mut dims, field, message)?,
            _ => {}
        }
    }
    let data_type = i32::try_from(code).ok().filter(|&code| code != 0).map(DataType::from_code);
    Ok((data_type, dims.map(|dims| shape(&dims)).transpose()?))
}

fn shape(encoded: &EncodedBytes) -> Result<Vec<Dim>, Error> {
    let mut dims = Vec::new();
    for field in encoded.fields() {
        let field = field?;
        if field.number == shape::DIM {
            dims.push(dim(&field.bytes("a shape")?)?);
        }
    }
    Ok(dims)
}

fn dim(encoded: &EncodedBytes) -> Result<Dim, Error> {
    let message = "an axis";
    let mut read = Dim::Unknown;
    for field in encoded.fields() {
        let field = field?;
        match field.number {
            shape::DIM_VALUE => {
                // Some exporters write -1 for an open length.
                let length = field.int(message)?;
                read = if length < 0 { Dim::Unknown } else { Dim::Known(length) };
            }
            shape::DIM_PARAM => {
                let name = field.string(message)?;
                read = if name.is_empty() { Dim::Unknown } else { Dim::Named(name) };
            }
            _ => {}
        }
    }
    Ok(read)
}
