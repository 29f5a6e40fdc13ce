//! Attributes of nodes.

use super::{ReadContext, graph, once, tensor};
use crate::error::{Error, WireProblem};
use crate::model::{Attribute, AttributeValue};
use crate::wire::EncodedBytes;
use crate::wire::schema::attribute as field;

/// The number that says which field holds the value.
mod kind {
    pub(super) const FLOAT: i64 = 1;
    pub(super) const INT: i64 = 2;
    pub(super) const STRING: i64 = 3;
    pub(super) const TENSOR: i64 = 4;
    pub(super) const GRAPH: i64 = 5;
    pub(super) const FLOATS: i64 = 6;
    pub(super) const INTS: i64 = 7;
    pub(super) const STRINGS: i64 = 8;
    pub(super) const TENSORS: i64 = 9;
    pub(super) const GRAPHS: i64 = 10;
}

pub(super) fn attribute(encoded: &EncodedBytes, context: ReadContext<'_>) -> Result<Attribute, Error> {
    let message = "an attribute";
    let inner = ReadContext { depth: context.depth + 1, ..context };
    let mut name = None;
    let mut stated = 0;
    let mut guess = 0;
    let (mut float, mut int, mut text) = (0.0, 0, Vec::new());
    let (mut floats, mut ints, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut one_tensor, mut one_graph) = (None, None);
    let (mut tensors, mut graphs) = (Vec::new(), Vec::new());
    for part in encoded.fields() {
        let part = part?;
        match part.number {
            field::NAME => name = Some(part.string(message)?),
            field::TYPE => stated = part.int(message)?,
            field::F => (float, guess) = (part.float(message)?, kind::FLOAT),
            field::I => (int, guess) = (part.int(message)?, kind::INT),
            field::S => (text, guess) = (part.bytes(message)?.bytes.to_vec(), kind::STRING),
            field::T => {
                once(&mut one_tensor, part, message)?;
                guess = kind::TENSOR;
            }
            field::G => {
                once(&mut one_graph, part, message)?;
                guess = kind::GRAPH;
            }
            field::FLOATS => {
                part.floats(message, &mut floats)?;
                guess = kind::FLOATS;
            }
            field::INTS => {
                part.ints(message, &mut ints)?;
                guess = kind::INTS;
            }
            field::STRINGS => {
                texts.push(part.bytes(message)?.bytes.to_vec());
                guess = kind::STRINGS;
            }
            field::TENSORS => {
                tensors.push(tensor::tensor(part.bytes(message)?, context)?);
                guess = kind::TENSORS;
            }
            field::GRAPHS => {
                graphs.push(graph(&part.bytes(message)?, inner)?);
                guess = kind::GRAPHS;
            }
            // The caller of the function gives the value.
            field::REF_ATTR_NAME => stated = -1,
            _ => {}
        }
    }
    let Some(name) = name else {
        return encoded.fail(WireProblem::Nameless { message });
    };
    // Writers before version 3 of the format left the type out. The value that is there decides then.
    let value = match if stated == 0 { guess } else { stated } {
        kind::FLOAT => AttributeValue::Float(float),
        kind::INT => AttributeValue::Int(int),
        kind::STRING => AttributeValue::String(text),
        kind::TENSOR => match one_tensor {
            Some(one) => AttributeValue::Tensor(tensor::tensor(one, context)?),
            None => AttributeValue::Other,
        },
        kind::GRAPH => match one_graph {
            Some(one) => AttributeValue::Graph(graph(&one, inner)?),
            None => AttributeValue::Other,
        },
        kind::FLOATS => AttributeValue::Floats(floats),
        kind::INTS => AttributeValue::Ints(ints),
        kind::STRINGS => AttributeValue::Strings(texts),
        kind::TENSORS => AttributeValue::Tensors(tensors),
        kind::GRAPHS => AttributeValue::Graphs(graphs),
        _ => AttributeValue::Other,
    };
    Ok(Attribute { name, value })
}
