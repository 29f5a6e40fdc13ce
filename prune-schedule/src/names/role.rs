//! The role of a tensor: its class, the entry that decided, and its axes.

use core::fmt;

/// A tensor's class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// A weight that may be pruned.
    Weight,
    /// Known to be something other than a weight, named in plain words such as `norm` or `scale of a quantised layer`.
    Other(&'static str),
    /// No entry knows the name: the tensor is left dense and listed.
    Unknown,
}

impl Class {
    /// The class in one word: `weight`, `other` or `unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Class::Weight => "weight",
            Class::Other(_) => "other",
            Class::Unknown => "unknown",
        }
    }

    /// The reason why a known tensor is not a weight, in plain words.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Class::Other(reason) => Some(reason),
            Class::Weight | Class::Unknown => None,
        }
    }
}

/// Shows the class, with its reason: `weight`, `norm`, `unknown`.
impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.reason().unwrap_or(self.word()))
    }
}

/// The evidence for the axes of a weight, strongest first. An axis that the user writes is stronger than all evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AxisEvidence {
    /// The class of the module that holds the weight, if the door sees classes.
    Class,
    /// The kind of model that `config.json` names.
    ModelType,
    /// The length of the bias beside the weight.
    Bias,
    /// Sizes in `config.json`.
    Config,
    /// The shapes of layers of the same family, or of the norm after a convolution.
    FamilyShape,
    /// The name, if every known model with that name agrees.
    Name,
    /// No evidence: a plain `weight` is assumed to have its outputs on axis 0.
    Default,
}

/// Shows the evidence as reports do: `class`, `model type`, `bias`, `config`, `family shape`, `name`, `default`.
impl fmt::Display for AxisEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            AxisEvidence::Class => "class",
            AxisEvidence::ModelType => "model type",
            AxisEvidence::Bias => "bias",
            AxisEvidence::Config => "config",
            AxisEvidence::FamilyShape => "family shape",
            AxisEvidence::Name => "name",
            AxisEvidence::Default => "default",
        })
    }
}

/// The part of a tensor in its model, told by its name, its shape and the tensors beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The tensor's class.
    pub class: Class,
    /// The entry of the table that decided, in its printed form; empty for [`Class::Unknown`].
    pub entry: String,
    /// The axes over which a weight sums its inputs. There are several if one axis of the layer is stored as two, as in
    /// attention's (heads, width, out). Empty for a tensor that is not a weight, and for a weight whose axes are
    /// unknown: an event that needs an axis refuses such a weight until the user writes one.
    pub inputs: Vec<usize>,
    /// The axes of a weight's outputs; empty if `inputs` is.
    pub outputs: Vec<usize>,
    /// The evidence for the axes; `None` if they are empty.
    pub evidence: Option<AxisEvidence>,
}

impl Role {
    /// The role of a tensor that no entry knows.
    pub fn unknown() -> Self {
        Role { class: Class::Unknown, entry: String::new(), inputs: Vec::new(), outputs: Vec::new(), evidence: None }
    }

    /// The axis along which groups of N:M run: the first of the input axes.
    pub fn input_axis(&self) -> Option<usize> {
        self.inputs.first().copied()
    }

    /// The axis of outputs, along which channels lie: the first of the output axes.
    pub fn output_axis(&self) -> Option<usize> {
        self.outputs.first().copied()
    }
}
