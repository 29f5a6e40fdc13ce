//! Numbers of the fields that are read or written. There is a module for each message.

/// `ModelProto`.
pub(crate) mod model {
    pub(crate) const IR_VERSION: u32 = 1;
    pub(crate) const PRODUCER_NAME: u32 = 2;
    pub(crate) const PRODUCER_VERSION: u32 = 3;
    pub(crate) const GRAPH: u32 = 7;
    pub(crate) const OPSET_IMPORT: u32 = 8;
    pub(crate) const TRAINING_INFO: u32 = 20;
    pub(crate) const FUNCTIONS: u32 = 25;
}

/// `OperatorSetIdProto`.
pub(crate) mod operator_set {
    pub(crate) const DOMAIN: u32 = 1;
    pub(crate) const VERSION: u32 = 2;
}

/// `FunctionProto`.
pub(crate) mod function {
    pub(crate) const NAME: u32 = 1;
    pub(crate) const NODE: u32 = 7;
    pub(crate) const DOMAIN: u32 = 10;
}

/// `GraphProto`.
pub(crate) mod graph {
    pub(crate) const NODE: u32 = 1;
    pub(crate) const NAME: u32 = 2;
    pub(crate) const INITIALIZER: u32 = 5;
    pub(crate) const INPUT: u32 = 11;
    pub(crate) const OUTPUT: u32 = 12;
    pub(crate) const VALUE_INFO: u32 = 13;
    pub(crate) const QUANTIZATION_ANNOTATION: u32 = 14;
    pub(crate) const SPARSE_INITIALIZER: u32 = 15;
}

/// `NodeProto`.
pub(crate) mod node {
    pub(crate) const INPUT: u32 = 1;
    pub(crate) const OUTPUT: u32 = 2;
    pub(crate) const NAME: u32 = 3;
    pub(crate) const OP_TYPE: u32 = 4;
    pub(crate) const ATTRIBUTE: u32 = 5;
    pub(crate) const DOMAIN: u32 = 7;
}

/// `AttributeProto`.
pub(crate) mod attribute {
    pub(crate) const NAME: u32 = 1;
    pub(crate) const F: u32 = 2;
    pub(crate) const I: u32 = 3;
    pub(crate) const S: u32 = 4;
    pub(crate) const T: u32 = 5;
    pub(crate) const G: u32 = 6;
    pub(crate) const FLOATS: u32 = 7;
    pub(crate) const INTS: u32 = 8;
    pub(crate) const STRINGS: u32 = 9;
    pub(crate) const TENSORS: u32 = 10;
    pub(crate) const GRAPHS: u32 = 11;
    pub(crate) const TYPE: u32 = 20;
    pub(crate) const REF_ATTR_NAME: u32 = 21;
}

/// `TensorProto`.
pub(crate) mod tensor {
    use crate::data_type::TypedField;

    pub(crate) const DIMS: u32 = 1;
    pub(crate) const DATA_TYPE: u32 = 2;
    pub(crate) const SEGMENT: u32 = 3;
    pub(crate) const FLOAT_DATA: u32 = 4;
    pub(crate) const INT32_DATA: u32 = 5;
    pub(crate) const STRING_DATA: u32 = 6;
    pub(crate) const INT64_DATA: u32 = 7;
    pub(crate) const NAME: u32 = 8;
    pub(crate) const RAW_DATA: u32 = 9;
    pub(crate) const DOUBLE_DATA: u32 = 10;
    pub(crate) const UINT64_DATA: u32 = 11;
    pub(crate) const DOC_STRING: u32 = 12;
    pub(crate) const EXTERNAL_DATA: u32 = 13;
    pub(crate) const DATA_LOCATION: u32 = 14;
    pub(crate) const METADATA_PROPS: u32 = 16;

    /// The number of a typed field.
    pub(crate) fn of(typed: TypedField) -> u32 {
        match typed {
            TypedField::Floats => FLOAT_DATA,
            TypedField::Doubles => DOUBLE_DATA,
            TypedField::Int32s => INT32_DATA,
            TypedField::Int64s => INT64_DATA,
            TypedField::Uint64s => UINT64_DATA,
            TypedField::Strings => STRING_DATA,
        }
    }
}

/// `SparseTensorProto`, whose name is that of its values.
pub(crate) mod sparse_tensor {
    pub(crate) const VALUES: u32 = 1;
}

/// `TensorAnnotation`.
pub(crate) mod annotation {
    pub(crate) const TENSOR_NAME: u32 = 1;
    pub(crate) const PARAMETERS: u32 = 2;
}

/// `ValueInfoProto`.
pub(crate) mod value_info {
    pub(crate) const NAME: u32 = 1;
    pub(crate) const TYPE: u32 = 2;
}

/// `TypeProto` and its part for tensors.
pub(crate) mod value_type {
    pub(crate) const TENSOR: u32 = 1;
    pub(crate) const ELEMENT: u32 = 1;
    pub(crate) const SHAPE: u32 = 2;
}

/// `TensorShapeProto` and its dimensions.
pub(crate) mod shape {
    pub(crate) const DIM: u32 = 1;
    pub(crate) const DIM_VALUE: u32 = 1;
    pub(crate) const DIM_PARAM: u32 = 2;
}

/// `StringStringEntryProto`.
pub(crate) mod entry {
    pub(crate) const KEY: u32 = 1;
    pub(crate) const VALUE: u32 = 2;
}
