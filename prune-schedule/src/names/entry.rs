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
    /// A tensor, or a module that holds tensors, that must stand beside: so many segments dropped from the end of the
    /// name, and this put in their place.
    pub(super) beside: Option<(usize, &'static str)>,
    /// A tensor that must not stand in the same module.
    pub(super) without: Option<&'static str>,
    pub(super) is: Is,
}

/// What an entry says of a tensor.
#[derive(Debug, Clone, Copy)]
pub(super) enum Is {
    /// No weight, for this reason.
    Other(&'static str),
    Weight(Axes),
}

/// What an entry says of a weight's axes.
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
    Entry { kinds: &[], pattern, ranks: (0, usize::MAX), beside: None, without: None, is: Is::Other(reason) }
}

/// An entry for a weight.
pub(super) const fn weight(pattern: &'static str, axes: Axes) -> Entry {
    Entry { kinds: &[], pattern, ranks: (2, usize::MAX), beside: None, without: None, is: Is::Weight(axes) }
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

    /// Only where the module of the tensor holds this too.
    pub(super) const fn beside(self, tensor: &'static str) -> Self {
        Entry { beside: Some((1, tensor)), ..self }
    }

    /// Only where this module stands beside the module of the tensor.
    pub(super) const fn near(self, module: &'static str) -> Self {
        Entry { beside: Some((2, module)), ..self }
    }

    /// Only where the module of the tensor does not hold this.
    pub(super) const fn without(self, tensor: &'static str) -> Self {
        Entry { without: Some(tensor), ..self }
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
