//! Layers that sum products with a constant weight: Conv, Gemm and MatMul.

use std::collections::HashMap;

use crate::analysis::{Analysis, captured};
use crate::data_type::DataType;
use crate::error::Error;
use crate::model::{Model, Node, Tensor};
use crate::ops;

/// A layer. Its weight is the right factor.
pub(crate) struct Linear<'m> {
    /// The axis of input 0 that is summed over.
    pub(crate) axis: usize,
    /// The axis of the layer's outputs in output 0.
    pub(crate) out_axis: usize,
    /// The number of outputs.
    pub(crate) outputs: usize,
    weight: &'m Tensor,
    groups: usize,
    /// Inputs of one group.
    local: usize,
    /// The distance in the weight, in elements, from one output to the next, and from one input to the next.
    strides: [usize; 2],
    /// The factor of all products.
    factor: f64,
    /// True if a window may meet padding. A constant input then gives no constant output.
    pads: bool,
    /// True if the node adds a bias itself.
    has_bias: bool,
    /// The addend that can take numbers for the outputs, or the reason why there is none.
    addend: Result<Addend<'m>, &'static str>,
}

/// The input of a node that is added to a layer's outputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addend<'m> {
    /// The node's position.
    pub(crate) node: usize,
    /// The input's slot.
    pub(crate) slot: usize,
    /// The constant, one element for each output; `None` if the layer has none yet.
    pub(crate) tensor: Option<&'m Tensor>,
    /// The type of the layer's weight. A new constant gets it too.
    pub(crate) data_type: DataType,
}

/// The only reader of each value that one node reads, and nothing else does.
pub(crate) struct SoleReaders<'m>(HashMap<&'m str, Option<usize>>);

impl<'m> SoleReaders<'m> {
    pub(crate) fn new(model: &'m Model) -> Self {
        let mut readers: HashMap<&str, Option<usize>> = HashMap::new();
        for (at, node) in model.graph().nodes().iter().enumerate() {
            for name in node.inputs() {
                let reader = readers.entry(name).or_insert(Some(at));
                *reader = reader.filter(|&known| known == at);
            }
        }
        let outside = model.graph().outputs().iter().map(|output| output.name()).chain(captured(model));
        readers.extend(outside.map(|name| (name, None)));
        SoleReaders(readers)
    }

    fn of(&self, value: &str) -> Option<usize> {
        self.0.get(value).copied().flatten()
    }
}

/// The reason for a layer with a padded window.
const PADS: &str = "reads a constant that is not 0 beside its padding";

impl<'m> Linear<'m> {
    /// The layer that a node computes, if it is one of these.
    pub(crate) fn of(analysis: &Analysis<'m>, sole: &SoleReaders<'m>, at: usize) -> Option<Self> {
        let node = &analysis.model.graph().nodes()[at];
        let weight = analysis.constant(node.input(1)?).filter(|weight| weight.data_type().is_floating())?;
        let rank = analysis.shape_of(node.input(0)?)?.len();
        let dims = weight.dims();
        match node.op_type() {
            "Conv" if rank >= 3 && dims.len() == rank => {
                let groups = usize::try_from(node.int("group").unwrap_or(1)).ok().filter(|&groups| groups > 0)?;
                let inner: usize = dims[2..].iter().product();
                let strides = [dims[1] * inner, inner];
                let addend = own(analysis, at, weight, dims[0], 1.0);
                let pads = !is_unpadded(node);
                let layer = Linear {
                    axis: 1,
                    out_axis: 1,
                    outputs: dims[0],
                    weight,
                    groups,
                    local: dims[1],
                    strides,
                    factor: 1.0,
                    pads,
                    has_bias: true,
                    addend,
                };
                (dims[0].is_multiple_of(groups) && inner > 0).then_some(layer)
            }
            "Gemm" if dims.len() == 2 && node.int("transA").unwrap_or(0) == 0 => {
                let turned = node.int("transB").unwrap_or(0) != 0;
                let (outputs, local) = if turned { (dims[0], dims[1]) } else { (dims[1], dims[0]) };
                let strides = if turned { [local, 1] } else { [1, outputs] };
                let factor = f64::from(node.float("alpha").unwrap_or(1.0));
                let addend = own(analysis, at, weight, outputs, f64::from(node.float("beta").unwrap_or(1.0)));
                Some(Linear {
                    axis: 1,
                    out_axis: 1,
                    outputs,
                    weight,
                    groups: 1,
                    local,
                    strides,
                    factor,
                    pads: false,
                    has_bias: true,
                    addend,
                })
            }
            "MatMul" if dims.len() == 2 && rank >= 2 => {
                let (local, outputs) = (dims[0], dims[1]);
                Some(Linear {
                    axis: rank - 1,
                    out_axis: rank - 1,
                    outputs,
                    weight,
                    groups: 1,
                    local,
                    strides: [1, outputs],
                    factor: 1.0,
                    pads: false,
                    has_bias: false,
                    addend: behind(analysis, sole, at, weight, outputs),
                })
            }
            _ => None,
        }
    }

    /// The number of inputs.
    pub(crate) fn inputs(&self) -> usize {
        self.groups * self.local
    }

    /// The numbers that the layer itself adds to each output; `None` if these are no list of constants.
    pub(crate) fn bias(&self) -> Result<Option<Vec<f64>>, Error> {
        match &self.addend {
            // The addition behind a MatMul is a node of its own.
            _ if !self.has_bias => Ok(Some(vec![0.0; self.outputs])),
            Ok(Addend { tensor: Some(tensor), .. }) => tensor.floats().map(Some),
            Ok(_) => Ok(Some(vec![0.0; self.outputs])),
            Err(_) => Ok(None),
        }
    }

    /// The outputs that are constants, given the inputs that are.
    pub(crate) fn numbers(&self, read: &[Option<f64>], bias: &[f64]) -> Result<Vec<Option<f64>>, Error> {
        let mut sums: Vec<Option<f64>> = bias.iter().copied().map(Some).collect();
        self.visit(|output, input, value| {
            let term = match read[input] {
                _ if value == 0.0 => return,
                Some(0.0) => return,
                Some(number) if !self.pads => Some(number * value * self.factor),
                _ => None,
            };
            sums[output] = sums[output].zip(term).map(|(sum, term)| sum + term);
        })?;
        Ok(sums)
    }

    /// The numbers that constant inputs add to each output.
    pub(crate) fn adds(&self, read: &[f64]) -> Result<Vec<f64>, Error> {
        let mut sums = vec![0.0; self.outputs];
        self.visit(|output, input, value| sums[output] += read[input] * value * self.factor)?;
        Ok(sums)
    }

    /// The addend that takes over what a constant input adds, or the reason why that is impossible.
    pub(crate) fn takes(&self) -> Result<Addend<'m>, &'static str> {
        if self.pads { Err(PADS) } else { self.addend }
    }

    /// Visits every element of the weight, with its output and its input.
    fn visit(&self, mut visit: impl FnMut(usize, usize, f64)) -> Result<(), Error> {
        let of_group = self.outputs / self.groups;
        self.weight.visit(|index, value| {
            let (output, local) = (index / self.strides[0] % self.outputs, index / self.strides[1] % self.local);
            visit(output, output / of_group.max(1) * self.local + local, value);
        })
    }
}

/// True if the windows of a convolution or pool never reach beyond the input.
pub(super) fn is_unpadded(node: &Node) -> bool {
    matches!(node.text("auto_pad").unwrap_or("NOTSET"), "NOTSET" | "VALID")
        && node.ints("pads").is_none_or(|pads| pads.iter().all(|&pad| pad == 0))
}

/// The addend that is an input of the node itself.
fn own<'m>(
    analysis: &Analysis<'m>,
    node: usize,
    weight: &Tensor,
    outputs: usize,
    factor: f64,
) -> Result<Addend<'m>, &'static str> {
    let (slot, data_type) = (2, weight.data_type());
    let Some(name) = analysis.model.graph().nodes()[node].input(slot).filter(|name| !name.is_empty()) else {
        return if factor == 1.0 {
            Ok(Addend { node, slot, tensor: None, data_type })
        } else {
            Err("multiplies its bias")
        };
    };
    match analysis.constant(name) {
        Some(tensor) if factor == 1.0 && is_list(tensor, outputs) => {
            Ok(Addend { node, slot, tensor: Some(tensor), data_type })
        }
        Some(_) => Err("has no bias of one element for each output"),
        None => Err("has a bias that is computed"),
    }
}

/// The addend of an Add behind the node, if the Add is the only reader of the node's output.
fn behind<'m>(
    analysis: &Analysis<'m>,
    sole: &SoleReaders<'m>,
    at: usize,
    weight: &Tensor,
    outputs: usize,
) -> Result<Addend<'m>, &'static str> {
    let none = Err("has no bias that a constant could be added to");
    let graph = analysis.model.graph();
    let Some(output) = graph.nodes()[at].output(0) else { return none };
    let Some(node) = sole.of(output) else { return none };
    let add = &graph.nodes()[node];
    if add.op_type() != "Add" || !ops::is_own(analysis.model, add) {
        return none;
    }
    for slot in 0..2 {
        if let Some(tensor) = add.input(slot).filter(|&name| name != output).and_then(|name| analysis.constant(name))
            && is_list(tensor, outputs)
        {
            return Ok(Addend { node, slot, tensor: Some(tensor), data_type: weight.data_type() });
        }
    }
    none
}

/// True for one element for each output, along the last axis.
fn is_list(tensor: &Tensor, outputs: usize) -> bool {
    tensor.data_type().is_floating() && tensor.elements() == outputs && tensor.dims().last() == Some(&outputs)
}
