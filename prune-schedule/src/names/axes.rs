//! The axes of a weight, told by evidence: the kind of model, the bias beside it, sizes in `config.json`, the shapes of
//! its family, its name.
//!
//! For most weights the two axes are known and only their order is open: outputs first, as torch stores a linear layer,
//! or inputs first, as Flax does. The strongest evidence that says anything decides the order.

use super::ModelFacts;
use super::entry::{Axes, FamilyPart, NameEntry};
use super::role::AxisEvidence;
use super::siblings::{NamedShape, Siblings};

/// The order of a weight's two axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AxisOrder {
    OutIn,
    InOut,
}

/// A weight's input axes, its output axes, and the evidence for them.
pub(super) type AxisFinding = (Vec<usize>, Vec<usize>, Option<AxisEvidence>);

/// The names of a model's width in configurations.
const WIDTHS: [&str; 6] = ["hidden_size", "n_embd", "d_model", "dim", "model_dim", "embed_dim"];

/// The votes of layers whose order is clear. They decide for the other layers if all votes agree.
#[derive(Debug, Default)]
pub(super) struct Ballot {
    family: Votes,
    plain: Votes,
}

#[derive(Debug, Default)]
struct Votes {
    out_in: usize,
    in_out: usize,
}

impl Votes {
    fn add(&mut self, order: Option<AxisOrder>) {
        match order {
            Some(AxisOrder::OutIn) => self.out_in += 1,
            Some(AxisOrder::InOut) => self.in_out += 1,
            None => {}
        }
    }

    fn agreed(&self) -> Option<AxisOrder> {
        match (self.out_in, self.in_out) {
            (1.., 0) => Some(AxisOrder::OutIn),
            (0, 1..) => Some(AxisOrder::InOut),
            _ => None,
        }
    }
}

impl Ballot {
    /// Takes the vote of a weight.
    pub(super) fn take(&mut self, axes: Axes, tensor: &NamedShape<'_>, all: &Siblings<'_>, facts: &ModelFacts) {
        match axes {
            Axes::Family(part @ (FamilyPart::Wider | FamilyPart::Back)) => {
                let order = by_bias(axes, tensor, all)
                    .or_else(|| by_width(part, tensor, facts))
                    .or_else(|| by_shape(part, tensor, all));
                self.family.add(order);
            }
            Axes::Plain if tensor.shape.len() == 2 => self.plain.add(by_bias(axes, tensor, all)),
            _ => {}
        }
    }
}

/// The axes of a weight.
pub(super) fn axes(
    entry: &NameEntry,
    axes: Axes,
    tensor: &NamedShape<'_>,
    all: &Siblings<'_>,
    facts: &ModelFacts,
    ballot: &Ballot,
) -> AxisFinding {
    let rank = tensor.shape.len();
    let of_kind = !entry.kinds.is_empty();
    let by_entry = if of_kind { AxisEvidence::ModelType } else { AxisEvidence::Name };
    let pair = |order, evidence| ordered(pair_of(axes, rank), order, evidence);
    if let Axes::Fixed(inputs, outputs) = axes {
        return match inputs.iter().chain(outputs).all(|&axis| axis < rank) {
            true => (inputs.to_vec(), outputs.to_vec(), Some(by_entry)),
            false => (Vec::new(), Vec::new(), None),
        };
    }
    if let (true, Some(order)) = (of_kind, by_name(axes)) {
        return pair(order, AxisEvidence::ModelType);
    }
    if let Some(order) = by_bias(axes, tensor, all) {
        return pair(order, AxisEvidence::Bias);
    }
    if let Axes::Family(part) = axes {
        if let Some(order) = by_width(part, tensor, facts) {
            return pair(order, AxisEvidence::Config);
        }
        let agreed = || ballot.family.agreed().filter(|_| matches!(part, FamilyPart::Wider | FamilyPart::Back));
        if let Some(order) = by_shape(part, tensor, all).or_else(agreed) {
            return pair(order, AxisEvidence::FamilyShape);
        }
        return match part {
            FamilyPart::Wider | FamilyPart::Back => pair(AxisOrder::OutIn, AxisEvidence::Default),
            FamilyPart::GateUp | FamilyPart::Down => (Vec::new(), Vec::new(), None),
        };
    }
    if let (Axes::Plain | Axes::Convolution, Some(order)) = (axes, by_norm(axes, tensor, all)) {
        return pair(order, AxisEvidence::FamilyShape);
    }
    match (axes, by_name(axes)) {
        (_, Some(order)) => pair(order, AxisEvidence::Name),
        (Axes::Plain, None) => match ballot.plain.agreed().filter(|_| rank == 2) {
            Some(AxisOrder::InOut) => pair(AxisOrder::InOut, AxisEvidence::FamilyShape),
            _ => pair(AxisOrder::OutIn, AxisEvidence::Default),
        },
        (_, None) => (Vec::new(), Vec::new(), None),
    }
}

/// The two axes that are inputs and outputs, in an unknown order.
fn pair_of(axes: Axes, rank: usize) -> (usize, usize) {
    match axes {
        Axes::InOut | Axes::Family(_) => (rank - 2, rank - 1),
        _ => (0, 1),
    }
}

fn ordered((first, second): (usize, usize), order: AxisOrder, evidence: AxisEvidence) -> AxisFinding {
    match order {
        AxisOrder::OutIn => (vec![second], vec![first], Some(evidence)),
        AxisOrder::InOut => (vec![first], vec![second], Some(evidence)),
    }
}

/// The order that follows from the name, if every known model with that name agrees.
fn by_name(axes: Axes) -> Option<AxisOrder> {
    match axes {
        Axes::OutIn => Some(AxisOrder::OutIn),
        Axes::InOut | Axes::InOutFirst => Some(AxisOrder::InOut),
        Axes::Plain | Axes::Convolution | Axes::Open | Axes::Fixed(..) | Axes::Family(_) => None,
    }
}

/// The order that follows from the length of the bias, which has one value for each output.
///
/// `None` if both lengths fit, or neither. A transposed convolution stores its outputs by groups on axis 1, so its bias
/// is a multiple of that length.
fn by_bias(axes: Axes, tensor: &NamedShape<'_>, all: &Siblings<'_>) -> Option<AxisOrder> {
    let rank = tensor.shape.len();
    let bias = match axes {
        Axes::Open => return None,
        // The parameters of a module for all experts have names of their own, and so do their biases.
        Axes::Family(FamilyPart::GateUp | FamilyPart::Down) => {
            all.beside(tensor, 1, &format!("{}_bias", tensor.segments.last()?))?
        }
        _ => all.beside(tensor, 1, "bias")?,
    };
    // Each expert has its own bias.
    let outputs = *bias.last().filter(|_| bias.len() + 1 == rank || bias.len() == 1)?;
    by_outputs(axes, tensor, outputs)
}

/// The order that follows from the length of the norm after a convolution, if layers are numbered in their order.
fn by_norm(axes: Axes, tensor: &NamedShape<'_>, all: &Siblings<'_>) -> Option<AxisOrder> {
    let [.., number, "weight"] = tensor.segments[..] else { return None };
    let next = number.parse::<u32>().ok().filter(|_| tensor.shape.len() > 2)?.checked_add(1)?;
    match all.beside(tensor, 2, &format!("{next}.weight"))? {
        [outputs] => by_outputs(axes, tensor, *outputs),
        _ => None,
    }
}

/// The order in which the number of outputs is `outputs`; `None` if both orders fit, or neither.
fn by_outputs(axes: Axes, tensor: &NamedShape<'_>, outputs: usize) -> Option<AxisOrder> {
    let rank = tensor.shape.len();
    let (first, second) = pair_of(axes, rank);
    let (first, second) = (tensor.shape[first], tensor.shape[second]);
    let convolution = rank > 2 && matches!(axes, Axes::Plain | Axes::OutIn | Axes::InOutFirst | Axes::Convolution);
    if outputs == first {
        return (outputs != second).then_some(AxisOrder::OutIn);
    }
    let fits = match convolution {
        true => second > 0 && outputs.is_multiple_of(second) && outputs > 0 && first.is_multiple_of(outputs / second),
        false => outputs == second,
    };
    fits.then_some(AxisOrder::InOut)
}

/// The order that follows from the model's width in `config.json`.
fn by_width(part: FamilyPart, tensor: &NamedShape<'_>, facts: &ModelFacts) -> Option<AxisOrder> {
    let (first, second) = last_two(tensor);
    let is_width = |size| WIDTHS.iter().any(|width| facts.states(width, size));
    let reads_width = !matches!(part, FamilyPart::Back | FamilyPart::Down);
    match (is_width(first), is_width(second)) {
        (true, false) => Some(if reads_width { AxisOrder::InOut } else { AxisOrder::OutIn }),
        (false, true) => Some(if reads_width { AxisOrder::OutIn } else { AxisOrder::InOut }),
        _ => None,
    }
}

/// The order that follows from shapes within the family.
fn by_shape(part: FamilyPart, tensor: &NamedShape<'_>, all: &Siblings<'_>) -> Option<AxisOrder> {
    let (first, second) = last_two(tensor);
    // Either (gates and values, width) and (width, experts' width), or both the other way round.
    let experts = |gate_up: (usize, usize), down: (usize, usize)| {
        let out_in = gate_up.1 == down.0 && gate_up.0 == down.1.saturating_mul(2);
        let in_out = gate_up.0 == down.1 && gate_up.1 == down.0.saturating_mul(2);
        match (out_in, in_out) {
            (true, false) => Some(AxisOrder::OutIn),
            (false, true) => Some(AxisOrder::InOut),
            _ => None,
        }
    };
    let partner = |name| {
        let shape = all.beside(tensor, 1, name).filter(|shape| shape.len() == tensor.shape.len())?;
        Some((shape[shape.len() - 2], shape[shape.len() - 1]))
    };
    match part {
        FamilyPart::Wider if first > second => Some(AxisOrder::OutIn),
        FamilyPart::Wider if first < second => Some(AxisOrder::InOut),
        FamilyPart::Back if first > second => Some(AxisOrder::InOut),
        FamilyPart::Back if first < second => Some(AxisOrder::OutIn),
        FamilyPart::GateUp => experts((first, second), partner("down_proj")?),
        FamilyPart::Down => experts(partner("gate_up_proj")?, (first, second)),
        FamilyPart::Wider | FamilyPart::Back => None,
    }
}

fn last_two(tensor: &NamedShape<'_>) -> (usize, usize) {
    let rank = tensor.shape.len();
    (tensor.shape[rank - 2], tensor.shape[rank - 1])
}
