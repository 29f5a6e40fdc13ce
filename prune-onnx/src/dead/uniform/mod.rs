//! Slices of values that are one number whatever the input is, for each channel: the bias behind rows of zeros, for
//! example.
//!
//! It is a walk over the nodes, and each value has facts about one axis. Nothing is known behind an operator that is
//! not listed, which is safe.

mod combine;
mod function;
mod linear;
mod reshape;

use std::collections::HashMap;

use crate::analysis::Analysis;
use crate::error::Error;
use crate::model::{Node, Tensor};
use crate::ops;
use crate::shapes::Shape;
pub(crate) use linear::{Addend, Linear, SoleReaders};

/// Constants with more elements are not compared element by element; biases, scales and shifts are short.
const MOST_ELEMENTS: usize = 1 << 20;

/// The facts about a value along one axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Uniform {
    /// The axis.
    pub(crate) axis: usize,
    /// For each index, the number that every element of its slice is, if there is one.
    pub(crate) numbers: Vec<Option<f64>>,
}

/// The facts about each value, by name. A value is missing if none of its slices is a number.
pub(crate) type Uniforms<'m> = HashMap<&'m str, Uniform>;

/// Finds the slices of every value that are numbers.
pub(crate) fn uniforms<'m>(analysis: &Analysis<'m>, sole: &SoleReaders<'m>) -> Result<Uniforms<'m>, Error> {
    let mut known = Uniforms::new();
    for (at, node) in analysis.model.graph().nodes().iter().enumerate() {
        let Some(output) = node.output(0).filter(|_| ops::is_own(analysis.model, node)) else { continue };
        let found = NodeFacts { analysis, sole, known: &known, at, node }.state()?;
        let found = found.map(|found| Uniform {
            axis: found.axis,
            numbers: found.numbers.into_iter().map(|number| number.filter(|number| number.is_finite())).collect(),
        });
        if let Some(found) = found.filter(|found| found.numbers.iter().any(Option::is_some)) {
            known.insert(output, found);
        }
    }
    Ok(known)
}

/// A node, and the facts about its inputs.
struct NodeFacts<'a, 'm> {
    analysis: &'a Analysis<'m>,
    sole: &'a SoleReaders<'m>,
    known: &'a Uniforms<'m>,
    at: usize,
    node: &'m Node,
}

impl<'m> NodeFacts<'_, 'm> {
    fn state(&self) -> Result<Option<Uniform>, Error> {
        match self.node.op_type() {
            "Conv" | "Gemm" | "MatMul" => self.linear(),
            "BatchNormalization" => self.batch_norm(),
            "Add" | "Sum" | "Sub" | "Mul" | "Div" | "Max" | "Min" | "Pow" | "PRelu" => self.combine(),
            "Concat" => Ok(self.concat()),
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => Ok(self.regroup()),
            "Transpose" => Ok(self.transpose()),
            "GlobalAveragePool" | "GlobalMaxPool" | "MaxPool" => Ok(self.pool()),
            "AveragePool" if linear::is_unpadded(self.node) && self.node.int("ceil_mode").unwrap_or(0) == 0 => {
                Ok(self.pool())
            }
            "ReduceMean" | "ReduceMax" | "ReduceMin" => self.reduce(),
            _ => self.function(),
        }
    }

    /// The facts about an input that is no constant.
    fn value(&self, slot: usize) -> Option<&Uniform> {
        self.known.get(self.node.input(slot)?)
    }

    /// An input that is a constant of the model.
    fn constant(&self, slot: usize) -> Option<&'m Tensor> {
        self.analysis.constants.get(self.node.input(slot)?).map(|constant| constant.tensor)
    }

    /// The shape of an input.
    fn shape(&self, slot: usize) -> Option<Shape> {
        self.analysis.shape_of(self.node.input(slot)?)
    }

    /// The shape of output 0.
    fn out_shape(&self) -> Option<Shape> {
        self.analysis.shape_of(self.node.output(0)?)
    }

    /// A pool. Its windows lie on spatial axes, so channels keep their numbers.
    fn pool(&self) -> Option<Uniform> {
        self.value(0).filter(|read| read.axis <= 1).cloned()
    }

    fn linear(&self) -> Result<Option<Uniform>, Error> {
        let Some(linear) = Linear::of(self.analysis, self.sole, self.at) else { return Ok(None) };
        let Some(bias) = linear.bias()? else { return Ok(None) };
        let read = self.value(0).filter(|read| read.axis == linear.axis && read.numbers.len() == linear.inputs());
        let numbers = match read {
            Some(read) => linear.numbers(&read.numbers, &bias)?,
            None => linear.numbers(&vec![None; linear.inputs()], &bias)?,
        };
        Ok(Some(Uniform { axis: linear.out_axis, numbers }))
    }

    fn batch_norm(&self) -> Result<Option<Uniform>, Error> {
        let mut parts = Vec::new();
        for slot in 1..5 {
            let Some(tensor) = self.constant(slot) else { return Ok(None) };
            parts.push(tensor.floats()?);
        }
        let [scale, shift, mean, variance] = parts.as_slice() else { return Ok(None) };
        let channels = scale.len();
        if parts.iter().any(|part| part.len() != channels) || self.node.int("training_mode").unwrap_or(0) != 0 {
            return Ok(None);
        }
        let read = self.value(0).filter(|read| read.axis == 1 && read.numbers.len() == channels);
        let epsilon = f64::from(self.node.float("epsilon").unwrap_or(1e-5));
        let number = |c: usize| {
            if scale[c] == 0.0 {
                return Some(shift[c]);
            }
            let value = read?.numbers[c]?;
            Some((value - mean[c]) / (variance[c] + epsilon).sqrt() * scale[c] + shift[c])
        };
        Ok(Some(Uniform { axis: 1, numbers: (0..channels).map(number).collect() }))
    }
}
