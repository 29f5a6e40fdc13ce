//! Errors of a broken encoding.

/// The deepest nesting of graphs that is read. A protobuf library stops at 100 messages, which are 33 graphs.
pub(crate) const DEEPEST: usize = 32;

/// Problems of the encoding itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireProblem {
    /// The file or a message ends inside a field.
    #[error("a field reaches past the end of what holds it; the file is cut off or is no ONNX model")]
    Truncated,
    /// A number takes more than ten bytes or 64 bits.
    #[error("a number is longer than 64 bits")]
    LongNumber,
    /// Field numbers are 1 to 2^29 - 1.
    #[error("a field has the number {0}, which protobuf does not allow")]
    FieldNumber(u64),
    /// Groups are older than ONNX, and there are no wire types 6 and 7.
    #[error("a field has the wire type {0}, which ONNX does not use")]
    WireType(u8),
    /// A field of a known number holds another type.
    #[error("field {field} of {message} has the wire type {wire_type}, which is not its own")]
    OtherType {
        /// The field's number.
        field: u32,
        /// The message that it is a field of.
        message: &'static str,
        /// The form that it is written in.
        wire_type: u8,
    },
    /// A field occurs twice, and may occur once.
    #[error("{message} has field {field} more than once")]
    Twice {
        /// The field's number.
        field: u32,
        /// The message that it is a field of.
        message: &'static str,
    },
    /// A name is not UTF-8.
    #[error("field {field} of {message} is not UTF-8")]
    Utf8 {
        /// The field's number.
        field: u32,
        /// The message that it is a field of.
        message: &'static str,
    },
    /// Something lacks the name that it must have.
    #[error("{message} has no name")]
    Nameless {
        /// The message without a name.
        message: &'static str,
    },
    /// Graphs are nested more than 32 deep.
    #[error("graphs lie in graphs more than {} deep", DEEPEST)]
    TooDeep,
}
