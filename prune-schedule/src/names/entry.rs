//! An entry of the table of names.

/// A line of the table: a pattern of names, and a verdict on them.
#[derive(Debug, Clone, Copy)]
pub(super) struct NameEntry {
    /// The kinds of model that the entry is for; empty for all.
    pub(super) kinds: &'static [&'static str],
    /// The pattern over whole segments; see [`Pattern`](super::pattern::Pattern).
    pub(super) pattern: &'static str,
    /// The least and the greatest rank.
    ranks: (usize, usize),
    /// A condition on the rest of the model.
    pub(super) when: Condition,
    pub(super) verdict: Verdict,
}

/// A condition on the model, beside the name and the rank of the tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Always,
    /// This tensor stands in the same module.
    Beside(&'static str),
    /// This module or tensor stands beside the module of the tensor.
    Near(&'static str),
    /// This tensor does not stand in the same module.
    Without(&'static str),
    /// This tensor of the same module has the same shape.
    Like(&'static str),
    /// `config.json` states the length of axis 0 under this name, and under no other.
    Rows(&'static str),
}

/// An entry's answer for a tensor.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verdict {
    /// Not a weight, for this reason.
    Other(&'static str),
    Weight(Axes),
}

/// An entry's answer for the axes of a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axes {
    /// Only known to be a plain `weight`: (out, in, ..) unless evidence says otherwise.
    Plain,
    /// (out, in, ..), as torch stores linear layers and convolutions, unless evidence says otherwise.
    OutIn,
    /// (.., in, out), as Flax and Keras store kernels, unless evidence says otherwise.
    InOut,
    /// (in, out, ..), as torch stores transposed convolutions, unless evidence says otherwise.
    InOutFirst,
    /// A convolution that may be transposed: only evidence tells.
    Convolution,
    /// Nothing tells the axes: the user must write one.
    Open,
    /// The axes of inputs, then the axes of outputs.
    Fixed(&'static [usize], &'static [usize]),
    /// The last two axes are inputs and outputs, in an order that the family tells.
    Family(FamilyPart),
}

/// The part of a layer in its family. Shapes tell the parts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FamilyPart {
    /// Reads the width of the model and writes a wider output (`c_attn`, `c_fc`).
    Wider,
    /// Reads an input as wide as the model or wider, and writes the width of the model (`c_proj`).
    Back,
    /// Gates and values of all experts in one tensor: reads the width of the model, writes twice the experts' width.
    GateUp,
    /// Reads the experts' width, writes the width of the model.
    Down,
}

/// An entry for tensors that are not weights.
pub(super) const fn other(pattern: &'static str, reason: &'static str) -> NameEntry {
    NameEntry { kinds: &[], pattern, ranks: (0, usize::MAX), when: Condition::Always, verdict: Verdict::Other(reason) }
}

/// An entry for a weight.
pub(super) const fn weight(pattern: &'static str, axes: Axes) -> NameEntry {
    NameEntry { kinds: &[], pattern, ranks: (2, usize::MAX), when: Condition::Always, verdict: Verdict::Weight(axes) }
}

impl NameEntry {
    /// Restricts the entry to models of these kinds.
    pub(super) const fn of(self, kinds: &'static [&'static str]) -> Self {
        NameEntry { kinds, ..self }
    }

    /// Restricts the entry to tensors of this rank.
    pub(super) const fn rank(self, rank: usize) -> Self {
        NameEntry { ranks: (rank, rank), ..self }
    }

    /// Restricts the entry to tensors of these ranks.
    pub(super) const fn ranks(self, least: usize, greatest: usize) -> Self {
        NameEntry { ranks: (least, greatest), ..self }
    }

    /// Restricts the entry by this condition.
    pub(super) const fn when(self, when: Condition) -> Self {
        NameEntry { when, ..self }
    }

    pub(super) fn is_for_rank(&self, rank: usize) -> bool {
        (self.ranks.0..=self.ranks.1).contains(&rank)
    }

    /// The entry as reports show it: its pattern, with the kinds of model that it is for.
    pub(super) fn printed(&self, kind: Option<&str>) -> String {
        match kind {
            Some(kind) => format!("{} of {kind}", self.pattern),
            None => self.pattern.to_owned(),
        }
    }
}
