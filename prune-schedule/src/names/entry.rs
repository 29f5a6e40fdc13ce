//! An entry of the table of names.

/// A line of the table: which names it is for, and what they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
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
    /// No weight, for this reason.
    Other(&'static str),
    Weight(Axes),
}

/// An entry's answer for the axes of a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axes {
    /// Nothing is known but that it is a plain `weight`: (out, in, ..) unless evidence says otherwise.
    Plain,
    /// (out, in, ..), as torch stores linear layers and convolutions, unless evidence says otherwise.
    OutIn,
    /// (.., in, out), as Flax and Keras store kernels, unless evidence says otherwise.
    InOut,
    /// (in, out, ..), as torch stores transposed convolutions, unless evidence says otherwise.
    InOutFirst,
    /// A convolution that may be a transposed one: only evidence tells.
    Convolution,
    /// Nothing tells the axes: one must be written.
    Open,
    /// These inputs, and these outputs.
    Fixed(&'static [usize], &'static [usize]),
    /// The last two axes are inputs and outputs or the other way round: the family tells.
    Family(Part),
}

/// The part that a layer plays in its family, which shapes tell about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Reads the width of the model and writes something wider (`c_attn`, `c_fc`).
    Wider,
    /// Writes the width of the model, from something as wide or wider (`c_proj`).
    Back,
    /// Gates and values of all experts in one tensor: reads the width of the model, writes two of the experts' widths.
    GateUp,
    /// Reads the experts' width, writes the width of the model.
    Down,
}

/// An entry for what is no weight.
pub(super) const fn other(pattern: &'static str, reason: &'static str) -> Entry {
    Entry { kinds: &[], pattern, ranks: (0, usize::MAX), when: Condition::Always, verdict: Verdict::Other(reason) }
}

/// An entry for a weight.
pub(super) const fn weight(pattern: &'static str, axes: Axes) -> Entry {
    Entry { kinds: &[], pattern, ranks: (2, usize::MAX), when: Condition::Always, verdict: Verdict::Weight(axes) }
}

impl Entry {
    /// For models of these kinds only.
    pub(super) const fn of(self, kinds: &'static [&'static str]) -> Self {
        Entry { kinds, ..self }
    }

    /// For tensors of this rank only.
    pub(super) const fn rank(self, rank: usize) -> Self {
        Entry { ranks: (rank, rank), ..self }
    }

    /// For tensors of these ranks only.
    pub(super) const fn ranks(self, least: usize, greatest: usize) -> Self {
        Entry { ranks: (least, greatest), ..self }
    }

    /// Only under this condition.
    pub(super) const fn when(self, when: Condition) -> Self {
        Entry { when, ..self }
    }

    pub(super) fn is_for_rank(&self, rank: usize) -> bool {
        (self.ranks.0..=self.ranks.1).contains(&rank)
    }

    /// The entry as reports show it: its pattern, with the kinds of model it is for.
    pub(super) fn printed(&self, kind: Option<&str>) -> String {
        match kind {
            Some(kind) => format!("{} of {kind}", self.pattern),
            None => self.pattern.to_owned(),
        }
    }
}
