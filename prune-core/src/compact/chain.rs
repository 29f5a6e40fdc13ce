//! Dense layers as the caller gives them, and as matrices in `f64`.

use crate::compact::CompactedLayer;
use crate::error::{Error, ErrorKind};
use crate::layout::resolve_axis;
use crate::mask::Mask;
use crate::tensor::{LayerRef, PlainTensor};

/// A dense layer of a chain, to be [`compact`](crate::compact())ed.
#[derive(Debug, Clone, Copy)]
pub struct DenseLayer<'a> {
    /// The layer's name, for errors and reports.
    pub name: &'a str,
    /// The weights, of rank 2.
    pub weights: &'a LayerRef<'a>,
    /// The biases, of shape (outputs); zeros if there are none.
    pub bias: Option<&'a LayerRef<'a>>,
    /// The mask of the weights; all of them are kept if there is none.
    pub mask: Option<&'a Mask>,
    /// The axis of the weights along which inputs lie: 0 for (in, out), 1 for (out, in).
    pub input_axis: isize,
}

impl<'a> DenseLayer<'a> {
    /// A layer with weights of shape (in, out), without biases, all of it kept.
    pub fn new(name: &'a str, weights: &'a LayerRef<'a>) -> Self {
        DenseLayer { name, weights, bias: None, mask: None, input_axis: 0 }
    }

    /// The same layer with these biases.
    #[must_use]
    pub fn with_bias(self, bias: Option<&'a LayerRef<'a>>) -> Self {
        DenseLayer { bias, ..self }
    }

    /// The same layer with this mask of its weights.
    #[must_use]
    pub fn with_mask(self, mask: Option<&'a Mask>) -> Self {
        DenseLayer { mask, ..self }
    }

    /// The same layer with inputs along another axis: 1 (or -1) for weights of shape (out, in).
    #[must_use]
    pub fn with_input_axis(self, input_axis: isize) -> Self {
        DenseLayer { input_axis, ..self }
    }
}

/// The weights of a layer in logical order, zero outside the mask.
pub(super) struct Matrix {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// 0 or 1.
    pub(super) input_axis: usize,
    weights: Vec<f64>,
    kept: Vec<bool>,
}

/// A layer as it was read.
pub(super) struct ChainLayer {
    pub(super) matrix: Matrix,
    pub(super) bias: Vec<f64>,
}

/// Reads all layers, and refuses layers that make no chain.
pub(super) fn read(layers: &[DenseLayer<'_>]) -> Result<Vec<ChainLayer>, Error> {
    let chain: Vec<ChainLayer> = layers
        .iter()
        .map(|layer| read_layer(layer).map_err(|error| error.in_layer(layer.name)))
        .collect::<Result<_, Error>>()?;
    for (i, pair) in chain.windows(2).enumerate() {
        let (outputs, inputs) = (pair[0].matrix.outputs, pair[1].matrix.inputs);
        if outputs != inputs {
            let before = layers[i].name.to_owned();
            return Err(ErrorKind::ChainBroken { inputs, before, outputs }.in_layer(layers[i + 1].name));
        }
    }
    Ok(chain)
}

fn read_layer(layer: &DenseLayer<'_>) -> Result<ChainLayer, Error> {
    let &[rows, columns] = layer.weights.shape() else {
        return Err(ErrorKind::NotAMatrix { shape: layer.weights.shape().to_vec() }.into());
    };
    let input_axis = resolve_axis(layer.input_axis, 2)?;
    let (inputs, outputs) = if input_axis == 0 { (rows, columns) } else { (columns, rows) };
    let mut weights = layer.weights.to_logical_f64()?;
    let mut kept = vec![true; weights.len()];
    if let Some(mask) = layer.mask {
        mask.fits("mask", layer.weights.shape())?;
        for ((weight, kept), keep) in weights.iter_mut().zip(&mut kept).zip(mask) {
            (*weight, *kept) = (if keep { *weight } else { 0.0 }, keep);
        }
    }
    let bias = match layer.bias {
        Some(bias) if bias.shape() != [outputs] => {
            let (expected, got) = (vec![outputs], bias.shape().to_vec());
            return Err(ErrorKind::ShapeMismatch { what: "bias", expected, got }.into());
        }
        Some(bias) => bias.to_logical_f64()?,
        // A matrix without elements may claim outputs beyond any memory.
        None => {
            let mut none = Vec::new();
            let too_many = |_| ErrorKind::ShapeOverflow { shape: layer.weights.shape().to_vec() };
            none.try_reserve_exact(outputs).map_err(too_many)?;
            none.resize(outputs, 0.0);
            none
        }
    };
    Ok(ChainLayer { matrix: Matrix { inputs, outputs, input_axis, weights, kept }, bias })
}

impl Matrix {
    /// The weights left of a compacted layer, as a matrix that can be restricted further.
    pub(super) fn of_compacted(layer: &CompactedLayer) -> Self {
        Matrix {
            inputs: layer.inputs.kept_len(),
            outputs: layer.outputs.kept_len(),
            input_axis: layer.input_axis,
            weights: layer.weights.values().to_vec(),
            kept: layer.mask.iter().collect(),
        }
    }

    fn place(&self, input: usize, output: usize) -> usize {
        if self.input_axis == 0 { input * self.outputs + output } else { output * self.inputs + input }
    }

    /// Visits the connections as (input, output, weight), those of one output by ascending input.
    pub(super) fn for_each_connection(&self, mut visit: impl FnMut(usize, usize, f64)) {
        let lane = if self.input_axis == 0 { self.outputs } else { self.inputs };
        for (row, weights) in self.weights.chunks(lane.max(1)).enumerate() {
            for (column, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                let (input, output) = if self.input_axis == 0 { (row, column) } else { (column, row) };
                visit(input, output, weight);
            }
        }
    }

    /// The weights and the mask at these inputs and outputs alone.
    pub(super) fn restricted(&self, inputs: &[usize], outputs: &[usize]) -> (PlainTensor<f64>, Mask) {
        let by_input = self.input_axis == 0;
        let (rows, columns) = if by_input { (inputs, outputs) } else { (outputs, inputs) };
        let places = || {
            rows.iter().flat_map(|&row| {
                columns
                    .iter()
                    .map(move |&column| if by_input { self.place(row, column) } else { self.place(column, row) })
            })
        };
        let shape = [rows.len(), columns.len()];
        let weights = PlainTensor::from_logical(&shape, places().map(|place| self.weights[place]).collect());
        let kept: Vec<bool> = places().map(|place| self.kept[place]).collect();
        match (weights, Mask::from_bools(&shape, &kept)) {
            (Ok(weights), Ok(mask)) => (weights, mask),
            _ => unreachable!("a part of a matrix has as many elements as its shape says"),
        }
    }
}
