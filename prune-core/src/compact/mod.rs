//! Smaller dense layers that compute the same function after masks have cut neurons off.

mod chain;
mod fold;

pub use chain::DenseLayer;

use core::fmt;

use crate::compact::chain::Matrix;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::mask::Mask;
use crate::printable::printable;
use crate::tensor::PlainTensor;

/// Removes the hidden neurons that have no effect in a chain of dense layers: `y = act(x W + b)` layer by layer, the
/// last without an activation. A *neuron* is one output of a layer.
///
/// A weight is a connection if the mask keeps it and it is not zero. A neuron without a connection to anything that
/// depends on the chain's inputs is a constant, `act(b)` if it has no connection at all. The constant is folded into
/// the biases of the next layer, and so on to the last. A neuron without a connection towards an output is of no use.
/// Both kinds are removed, with everything that only they connected, until each hidden neuron left has connections on
/// both sides. The outputs of the chain all stay. An output that depends on no input is its bias alone, and a layer
/// may be left without neurons.
///
/// `activation` acts on each number alone, as `|x| x.max(0.0)` does.
///
/// The chain computes the same function for all finite inputs, up to the rounding of sums in another order. Weights
/// are the given ones to the bit, widened to `f64`, as are the biases. A caller with narrower biases rounds them once
/// more.
///
/// # Errors
///
/// [`ErrorKind::NotAMatrix`], [`ErrorKind::ChainBroken`] if a layer does not take as many inputs as the one before
/// has outputs, [`ErrorKind::ShapeMismatch`] of a bias or a mask, [`ErrorKind::AxisOutOfRange`],
/// [`ErrorKind::Layout`].
///
/// # Complexity
///
/// Linear in the number of weights. It holds a copy of them in `f64`.
///
/// # Examples
///
/// ```
/// use prune_core::{DenseLayer, LayerRef, Mask, PlainTensor, compact};
///
/// // Two inputs, three neurons, one output. The second neuron has no input left, the third no output.
/// let w1 = PlainTensor::from_logical(&[2, 3], vec![1.0f32, 0.0, 2.0, -1.0, 0.0, 0.5])?;
/// let b1 = PlainTensor::from_logical(&[3], vec![0.0f32, 0.5, 1.0])?;
/// let w2 = PlainTensor::from_logical(&[3, 1], vec![3.0f32, 4.0, 5.0])?;
/// let kept = Mask::from_bools(&[3, 1], &[true, true, false])?;
/// let (w1, b1, w2) = (LayerRef::of(&w1), LayerRef::of(&b1), LayerRef::of(&w2));
///
/// let layers = [DenseLayer::new("fc1", &w1).with_bias(Some(&b1)), DenseLayer::new("fc2", &w2).with_mask(Some(&kept))];
/// let small = compact(&layers, |x| x.max(0.0))?;
/// assert_eq!(small.layers[0].weights.values(), [1.0, -1.0]);
/// assert_eq!(small.layers[1].weights.values(), [3.0]);
/// // relu(0.5) * 4 is what the second neuron always gave.
/// assert_eq!(small.layers[1].bias.as_ref().map(|bias| bias.values().to_vec()), Some(vec![2.0]));
/// assert_eq!((small.parameters_before(), small.parameters()), (12, 5));
/// assert_eq!(small.used_inputs.kept_len(), 2);
/// # Ok::<(), prune_core::Error>(())
/// ```
pub fn compact(layers: &[DenseLayer<'_>], activation: impl Fn(f64) -> f64) -> Result<CompactChain, Error> {
    let chain = chain::read(layers)?;
    fold::fold(layers, chain, &activation)
}

/// A chain of dense layers without idle neurons: [`compact`]. Its `Display` is a table of the layers that became
/// smaller.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CompactChain {
    /// The layers, as many as before.
    pub layers: Vec<CompactedLayer>,
    /// The inputs of the chain that its outputs still depend on. The first layer still takes all inputs, unless
    /// [`CompactChain::without_unused_inputs`] drops the others.
    pub used_inputs: Mask,
}

/// One layer of a [`CompactChain`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CompactedLayer {
    /// The layer's name.
    pub name: String,
    /// The weights left, with their axes in the order given; +0.0 outside the mask.
    pub weights: PlainTensor<f64>,
    /// The biases with the constants folded in, of shape (outputs). None if none was given and none is needed.
    pub bias: Option<PlainTensor<f64>>,
    /// The mask of the weights left; everything is kept if no mask was given.
    pub mask: Mask,
    /// The inputs of the layer that are left.
    pub inputs: Mask,
    /// The outputs of the layer, its neurons, that are left.
    pub outputs: Mask,
    /// The axis of the weights along which inputs lie: 0 or 1.
    pub input_axis: usize,
    parameters_before: usize,
}

impl CompactedLayer {
    /// Weights and biases of the layer as it was.
    pub fn parameters_before(&self) -> usize {
        self.parameters_before
    }

    /// Weights and biases of the layer as it is.
    pub fn parameters(&self) -> usize {
        self.weights.values().len() + self.bias.as_ref().map_or(0, |bias| bias.values().len())
    }
}

impl CompactChain {
    /// Weights and biases of all the layers as they were.
    pub fn parameters_before(&self) -> usize {
        self.layers.iter().map(CompactedLayer::parameters_before).sum()
    }

    /// Weights and biases of all the layers as they are.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(CompactedLayer::parameters).sum()
    }

    /// The same chain, but its first layer takes only the used inputs, in their order. The caller leaves out the
    /// others.
    #[must_use]
    pub fn without_unused_inputs(mut self) -> Self {
        if let Some(first) = self.layers.first_mut() {
            let matrix = Matrix::of_compacted(first);
            // Indices among the inputs that are left. These are all inputs, unless this was called before.
            let used: Vec<usize> = first
                .inputs
                .kept_indices()
                .enumerate()
                .filter(|&(_, i)| self.used_inputs.is_kept(i))
                .map(|(at, _)| at)
                .collect();
            let all: Vec<usize> = (0..matrix.outputs).collect();
            (first.weights, first.mask) = matrix.restricted(&used, &all);
            first.inputs = self.used_inputs.clone();
        }
        self
    }
}

impl fmt::Display for CompactChain {
    /// One line for each layer, and one for the whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for layer in &self.layers {
            let (outputs, left) = (layer.outputs.len(), layer.outputs.kept_len());
            let (before, after) = (layer.parameters_before(), layer.parameters());
            writeln!(f, "{}: {outputs} -> {left} neurons, {before} -> {after} parameters", printable(&layer.name))?;
        }
        let (used, inputs) = (self.used_inputs.kept_len(), self.used_inputs.len());
        let (before, after) = (self.parameters_before(), self.parameters());
        write!(f, "in all {before} -> {after} parameters; {used} of {inputs} inputs are used")
    }
}

#[cfg(test)]
mod tests;
