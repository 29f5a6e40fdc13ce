//! Elements of constant tensors as numbers.

use bytes::Bytes;
use half::{bf16, f16};

use super::{Data, Tensor};
use crate::data_type::{DataType, TypedField};
use crate::error::{Error, TensorProblem};
use crate::wire::WireValue;
use crate::wire::schema::tensor as field;

impl Tensor {
    /// The elements: little-endian, in logical order. External data are read; `raw_data` is lent.
    ///
    /// # Errors
    /// [`Error::Tensor`] for texts and for values that the type does not have, [`Error::External`] and [`Error::Read`]
    /// for data in another file.
    pub fn bytes(&self) -> Result<Bytes, Error> {
        match &self.data {
            Data::Raw(bytes) => Ok(bytes.clone()),
            Data::External(external) => external.bytes(&self.name),
            Data::Typed(typed) => self.typed_bytes(*typed).map(Bytes::from),
        }
    }

    /// Calls `visit` with the index and the value of each element in logical order. Values are widened to f64.
    ///
    /// # Errors
    /// As [`Tensor::bytes`], and [`TensorProblem::NotNumbers`] for types that are no numbers of at least 8 bits.
    pub fn visit(&self, mut visit: impl FnMut(usize, f64)) -> Result<(), Error> {
        let bytes = self.bytes()?;
        macro_rules! each {
            ($type:ty, $value:expr) => {{
                let (values, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                for (index, bytes) in values.iter().enumerate() {
                    visit(index, $value(<$type>::from_le_bytes(*bytes)));
                }
            }};
        }
        match self.data_type {
            DataType::Float => each!(f32, f64::from),
            DataType::Double => each!(f64, f64::from),
            DataType::Float16 => each!(f16, f64::from),
            DataType::Bfloat16 => each!(bf16, f64::from),
            DataType::Uint8 | DataType::Bool => each!(u8, f64::from),
            DataType::Int8 => each!(i8, f64::from),
            DataType::Uint16 => each!(u16, f64::from),
            DataType::Int16 => each!(i16, f64::from),
            DataType::Uint32 => each!(u32, f64::from),
            DataType::Int32 => each!(i32, f64::from),
            DataType::Uint64 => each!(u64, |value| value as f64),
            DataType::Int64 => each!(i64, |value| value as f64),
            other => return Error::tensor(&self.name, TensorProblem::NotNumbers(other)),
        }
        Ok(())
    }

    /// All elements as f64, as [`Tensor::visit`] shows them.
    ///
    /// # Errors
    /// As [`Tensor::visit`].
    pub fn floats(&self) -> Result<Vec<f64>, Error> {
        // The shape of a type that is not known promises nothing about the data.
        let stored = if let Data::Raw(bytes) = &self.data { bytes.len() } else { self.elements() };
        let mut values = Vec::with_capacity(self.elements().min(stored));
        self.visit(|_, value| values.push(value))?;
        Ok(values)
    }

    /// All elements of a tensor of whole numbers.
    ///
    /// # Errors
    /// As [`Tensor::bytes`], and [`TensorProblem::NotNumbers`] for types other than integers and truth values of at
    /// least 8 bits.
    pub fn ints(&self) -> Result<Vec<i64>, Error> {
        let bytes = self.bytes()?;
        macro_rules! all {
            ($type:ty) => {{
                let (values, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                Ok(values.iter().map(|bytes| <$type>::from_le_bytes(*bytes) as i64).collect())
            }};
        }
        match self.data_type {
            DataType::Uint8 | DataType::Bool => all!(u8),
            DataType::Int8 => all!(i8),
            DataType::Uint16 => all!(u16),
            DataType::Int16 => all!(i16),
            DataType::Uint32 => all!(u32),
            DataType::Int32 => all!(i32),
            DataType::Uint64 => all!(u64),
            DataType::Int64 => all!(i64),
            other => Error::tensor(&self.name, TensorProblem::NotNumbers(other)),
        }
    }

    /// The elements of a typed field, in the form of `raw_data`.
    fn typed_bytes(&self, typed: TypedField) -> Result<Vec<u8>, Error> {
        let (number, message) = (field::of(typed), "a tensor");
        let long = self.byte_len().map_or(0, |long| long as usize);
        let mut bytes = Vec::with_capacity(long);
        let mut ints = Vec::new();
        let mut packed: usize = 0;
        for field in self.encoded.fields() {
            let field = field?;
            if field.number != number {
                continue;
            }
            match (typed, &field.value) {
                // Packed floats have the same bytes as in `raw_data`.
                (TypedField::Floats | TypedField::Doubles, WireValue::Bytes(values)) => {
                    bytes.extend_from_slice(&values.bytes)
                }
                (TypedField::Floats, _) => bytes.extend_from_slice(&field.float(message)?.to_le_bytes()),
                (TypedField::Doubles, WireValue::Fixed64(bits)) => bytes.extend_from_slice(&bits.to_le_bytes()),
                (TypedField::Int32s | TypedField::Int64s | TypedField::Uint64s, _) => {
                    field.ints(message, &mut ints)?;
                    for &value in &ints {
                        self.put(&mut bytes, packed, value)?;
                        packed += 1;
                    }
                    ints.clear();
                }
                _ => return Error::tensor(&self.name, TensorProblem::NotNumbers(self.data_type)),
            }
        }
        bytes.truncate(long);
        Ok(bytes)
    }

    /// Adds one value of a typed field of integers: the bytes of an element, or of the elements that share a byte.
    fn put(&self, bytes: &mut Vec<u8>, index: usize, value: i64) -> Result<(), Error> {
        use DataType as D;
        let data_type = self.data_type;
        macro_rules! narrow {
            ($type:ty) => {
                match <$type>::try_from(value) {
                    Ok(value) => bytes.extend_from_slice(&value.to_le_bytes()),
                    Err(_) => return Error::tensor(&self.name, TensorProblem::Range { index, value, data_type }),
                }
            };
        }
        match data_type {
            D::Int8 => narrow!(i8),
            D::Int16 => narrow!(i16),
            D::Int32 => narrow!(i32),
            D::Uint16 | D::Float16 | D::Bfloat16 => narrow!(u16),
            D::Uint32 => narrow!(u32),
            D::Int64 | D::Uint64 => bytes.extend_from_slice(&value.to_le_bytes()),
            _ => narrow!(u8),
        }
        Ok(())
    }
}
