//! Types of elements.

/// A typed field of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypedField {
    Floats,
    Doubles,
    Int32s,
    Int64s,
    Uint64s,
    Strings,
}

macro_rules! data_types {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $bits:expr, $text:literal;)*) => {
        /// The type of a tensor's elements.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum DataType {
            $($(#[$doc])* $name,)*
            /// A type newer than this library, by its number in the format.
            Other(i32),
        }

        impl DataType {
            /// The type of a number in the format.
            pub fn from_code(code: i32) -> Self {
                match code {
                    $($code => DataType::$name,)*
                    other => DataType::Other(other),
                }
            }

            /// Its number in the format.
            pub fn code(self) -> i32 {
                match self {
                    $(DataType::$name => $code,)*
                    DataType::Other(code) => code,
                }
            }

            /// Bits of an element; `None` for texts and for types that this library does not know.
            pub fn bits(self) -> Option<u32> {
                match self {
                    $(DataType::$name => $bits,)*
                    DataType::Other(_) => None,
                }
            }
        }

        impl core::fmt::Display for DataType {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    $(DataType::$name => f.write_str($text),)*
                    DataType::Other(code) => write!(f, "type {code}"),
                }
            }
        }
    };
}

data_types! {
    /// 32 bits, IEEE.
    Float = 1, Some(32), "FLOAT";
    /// Unsigned, 8 bits.
    Uint8 = 2, Some(8), "UINT8";
    /// Signed, 8 bits.
    Int8 = 3, Some(8), "INT8";
    /// Unsigned, 16 bits.
    Uint16 = 4, Some(16), "UINT16";
    /// Signed, 16 bits.
    Int16 = 5, Some(16), "INT16";
    /// Signed, 32 bits.
    Int32 = 6, Some(32), "INT32";
    /// Signed, 64 bits.
    Int64 = 7, Some(64), "INT64";
    /// Texts.
    String = 8, None, "STRING";
    /// True or false, a byte each.
    Bool = 9, Some(8), "BOOL";
    /// 16 bits, IEEE.
    Float16 = 10, Some(16), "FLOAT16";
    /// 64 bits, IEEE.
    Double = 11, Some(64), "DOUBLE";
    /// Unsigned, 32 bits.
    Uint32 = 12, Some(32), "UINT32";
    /// Unsigned, 64 bits.
    Uint64 = 13, Some(64), "UINT64";
    /// Two floats of 32 bits.
    Complex64 = 14, Some(64), "COMPLEX64";
    /// Two floats of 64 bits.
    Complex128 = 15, Some(128), "COMPLEX128";
    /// The upper half of a float of 32 bits.
    Bfloat16 = 16, Some(16), "BFLOAT16";
    /// 8 bits: 4 of exponent, finite, with NaN.
    Float8E4m3fn = 17, Some(8), "FLOAT8E4M3FN";
    /// 8 bits: 4 of exponent, finite, no negative zero.
    Float8E4m3fnuz = 18, Some(8), "FLOAT8E4M3FNUZ";
    /// 8 bits: 5 of exponent.
    Float8E5m2 = 19, Some(8), "FLOAT8E5M2";
    /// 8 bits: 5 of exponent, finite, no negative zero.
    Float8E5m2fnuz = 20, Some(8), "FLOAT8E5M2FNUZ";
    /// Unsigned, 4 bits.
    Uint4 = 21, Some(4), "UINT4";
    /// Signed, 4 bits.
    Int4 = 22, Some(4), "INT4";
    /// 4 bits: 2 of exponent.
    Float4E2m1 = 23, Some(4), "FLOAT4E2M1";
    /// 8 bits, all of exponent.
    Float8E8m0 = 24, Some(8), "FLOAT8E8M0";
    /// Unsigned, 2 bits.
    Uint2 = 25, Some(2), "UINT2";
    /// Signed, 2 bits.
    Int2 = 26, Some(2), "INT2";
}

impl DataType {
    /// Bytes of an element; `None` if elements are not whole bytes, and then the tensor cannot be cut.
    pub fn bytes(self) -> Option<usize> {
        match self.bits() {
            Some(bits) if bits % 8 == 0 => Some(bits as usize / 8),
            _ => None,
        }
    }

    /// The bytes that this number of elements takes.
    pub(crate) fn bytes_of(self, elements: usize) -> Option<u64> {
        self.bits().map(|bits| (elements as u128 * u128::from(bits)).div_ceil(8).min(u128::from(u64::MAX)) as u64)
    }

    /// The typed field for this type, and the number of its values that this number of elements takes.
    pub(crate) fn typed(self, elements: usize) -> Option<(TypedField, u64)> {
        use DataType as D;
        let n = elements as u64;
        Some(match self {
            D::Float => (TypedField::Floats, n),
            D::Complex64 => (TypedField::Floats, n.saturating_mul(2)),
            D::Double => (TypedField::Doubles, n),
            D::Complex128 => (TypedField::Doubles, n.saturating_mul(2)),
            D::Int64 => (TypedField::Int64s, n),
            D::Uint32 | D::Uint64 => (TypedField::Uint64s, n),
            D::String => (TypedField::Strings, n),
            D::Other(_) => return None,
            D::Uint4 | D::Int4 | D::Float4E2m1 => (TypedField::Int32s, n.div_ceil(2)),
            D::Uint2 | D::Int2 => (TypedField::Int32s, n.div_ceil(4)),
            _ => (TypedField::Int32s, n),
        })
    }

    /// True if elements are floats that can be read as numbers.
    pub fn is_floating(self) -> bool {
        matches!(self, DataType::Float | DataType::Double | DataType::Float16 | DataType::Bfloat16)
    }
}
