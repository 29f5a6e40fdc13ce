//! Finds neurons that are constant or of no use, and builds the layers without them.
//!
//! A pass forward finds the constants: a neuron is constant if everything it is connected to is. A pass backward
//! finds the neurons of use: a neuron is of use if something of use is connected to it. The pass backward makes no
//! new constants: whatever a neuron of use varies with is itself of use.

use crate::compact::chain::{ChainLayer, DenseLayer, Matrix};
use crate::compact::{CompactChain, CompactedLayer};
use crate::error::Error;
use crate::mask::Mask;
use crate::tensor::PlainTensor;

pub(super) fn fold(
    layers: &[DenseLayer<'_>],
    mut chain: Vec<ChainLayer>,
    activation: &impl Fn(f64) -> f64,
) -> Result<CompactChain, Error> {
    let constants = fold_constants(&mut chain, activation);
    // The outputs left of each layer, from the last layer on; at the end, the inputs of the chain that are used.
    let mut left: Vec<Vec<bool>> = Vec::with_capacity(chain.len());
    let mut wanted = vec![true; chain.last().map_or(0, |last| last.matrix.outputs)];
    for (ChainLayer { matrix, .. }, constants) in chain.iter().zip(&constants).rev() {
        let mut used = vec![false; matrix.inputs];
        matrix.for_each_connection(|input, output, _| used[input] |= wanted[output] && constants[input].is_none());
        left.push(core::mem::replace(&mut wanted, used));
    }
    left.reverse();
    let used_inputs = Mask::from_bools(&[wanted.len()], &wanted)?;

    // The first layer takes all its inputs, used or not.
    let mut inputs = vec![true; wanted.len()];
    let mut compacted = Vec::with_capacity(chain.len());
    for ((layer, read), outputs) in layers.iter().zip(&chain).zip(left) {
        compacted.push(rest(layer, read, &inputs, &outputs)?);
        inputs = outputs;
    }
    Ok(CompactChain { layers: compacted, used_inputs })
}

/// Adds the contributions of constants to the biases. Returns, for the inputs of each layer, the constants among
/// them.
fn fold_constants(chain: &mut [ChainLayer], activation: &impl Fn(f64) -> f64) -> Vec<Vec<Option<f64>>> {
    let mut of_layers = Vec::with_capacity(chain.len());
    let mut constants: Vec<Option<f64>> = vec![None; chain.first().map_or(0, |first| first.matrix.inputs)];
    for ChainLayer { matrix, bias } in chain {
        let mut varies = vec![false; matrix.outputs];
        matrix.for_each_connection(|input, output, weight| match constants[input] {
            Some(constant) => bias[output] += weight * constant,
            None => varies[output] = true,
        });
        let outputs = varies.iter().zip(bias).map(|(&varies, bias)| (!varies).then(|| activation(*bias))).collect();
        of_layers.push(core::mem::replace(&mut constants, outputs));
    }
    of_layers
}

/// The rest of a layer at these inputs and outputs.
fn rest(layer: &DenseLayer<'_>, read: &ChainLayer, inputs: &[bool], outputs: &[bool]) -> Result<CompactedLayer, Error> {
    let indices = |left: &[bool]| (0..left.len()).filter(|&i| left[i]).collect::<Vec<usize>>();
    let ChainLayer { matrix, bias } = read;
    let &Matrix { input_axis, .. } = matrix;
    let of_outputs = indices(outputs);
    let (weights, mask) = matrix.restricted(&indices(inputs), &of_outputs);
    let bias: Vec<f64> = of_outputs.iter().map(|&output| bias[output]).collect();
    let needed = layer.bias.is_some() || bias.iter().any(|&bias| bias != 0.0);
    let bias = if needed { Some(PlainTensor::from_logical(&[bias.len()], bias)?) } else { None };
    Ok(CompactedLayer {
        name: layer.name.to_owned(),
        weights,
        bias,
        mask,
        inputs: Mask::from_bools(&[inputs.len()], inputs)?,
        outputs: Mask::from_bools(&[outputs.len()], outputs)?,
        input_axis,
        parameters_before: layer.weights.len() + layer.bias.map_or(0, |bias| bias.len()),
    })
}
