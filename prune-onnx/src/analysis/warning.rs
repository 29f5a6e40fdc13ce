//! Warnings about a model that was made smaller.

use core::fmt;
use std::collections::BTreeSet;

use prune_core::printable;

use super::Analysis;
use crate::edits::{Edits, TensorPlace};
use crate::model::NEWEST_OPSET;

/// A reason why the smaller model may differ from the original. Displays as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Operators newer than the newest version that is known.
    Opset {
        /// The version that the model imports.
        version: i64,
        /// The newest that is known.
        newest: i64,
    },
    /// Constants that are defaults of inputs and have changed, or that some node no longer reads. A caller may give
    /// such inputs other values.
    Defaults {
        /// Their names, in order.
        names: Vec<String>,
    },
}

/// Names in one message.
const SHOWN: usize = 10;

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Opset { version, newest } => write!(
                f,
                "the model imports version {version} of ONNX's operators; versions up to {newest} are known, and an \
                 operator that means something else since then is followed as before: compare the outputs of both models"
            ),
            Warning::Defaults { names } => {
                let shown: Vec<String> =
                    names.iter().take(SHOWN).map(|name| format!("`{}`", printable(name))).collect();
                let more = names.len() - shown.len();
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                write!(
                    f,
                    "inputs whose default values were cut: {}{more}; values that a caller gives them instead have to be \
                     cut in the same way",
                    shown.join(", ")
                )
            }
        }
    }
}

impl Analysis<'_> {
    /// The warnings about the model after these edits; none if they change nothing.
    pub fn warnings(&self, edits: &Edits) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if edits.is_empty() {
            return warnings;
        }
        let version = self.model().opset();
        if version > NEWEST_OPSET {
            warnings.push(Warning::Opset { version, newest: NEWEST_OPSET });
        }
        let names = self.changed_defaults(edits);
        if !names.is_empty() {
            warnings.push(Warning::Defaults { names });
        }
        warnings
    }

    /// The names of changed defaults: from version 4 of the format, an initializer that is also an input is its default
    /// value.
    fn changed_defaults(&self, edits: &Edits) -> Vec<String> {
        let graph = self.model().graph();
        if self.model().ir_version() < 4 {
            return Vec::new();
        }
        let cut = edits.cuts.keys().chain(edits.values.keys()).filter_map(|place| match place {
            TensorPlace::Initializer(at) => graph.initializers().get(*at).map(|tensor| tensor.name()),
            _ => None,
        });
        let left = edits.inputs.keys().filter_map(|&(node, slot)| graph.nodes().get(node)?.input(slot));
        let inputs: BTreeSet<&str> = graph.inputs().iter().map(|info| info.name()).collect();
        let constant = |name: &&str| self.constant(name).is_some();
        let names: BTreeSet<&str> = cut.chain(left).filter(|name| inputs.contains(name)).filter(constant).collect();
        names.into_iter().map(str::to_owned).collect()
    }
}
