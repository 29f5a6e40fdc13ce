//! The class of the module that holds a parameter, and what it tells.

use prune_schedule::LayerFacts;
use prune_schedule::names::{AxisEvidence, Class, Role};

/// The facts of the parameter of a field, by the type of its module: burn's own modules are known by their names. Of any
/// other module's parameters nothing is guessed: they are weights where they have two axes or more, and what needs an axis
/// is refused until one is written.
pub(crate) fn facts(module: &str, field: &str, name: &str) -> LayerFacts {
    let (inputs, outputs) = match (module, field) {
        // burn multiplies from the left: (in, out).
        ("Linear", "weight") => (0, 1),
        ("Conv1d" | "Conv2d" | "Conv3d" | "DeformConv2d", "weight") => (1, 0),
        ("ConvTranspose1d" | "ConvTranspose2d" | "ConvTranspose3d", "weight") => (0, 1),
        ("Embedding", "weight") => return other(module, "embedding"),
        ("BatchNorm" | "GroupNorm" | "InstanceNorm" | "LayerNorm" | "RmsNorm", _) => return other(module, "norm"),
        (_, "bias") => return LayerFacts::default(),
        _ => {
            let role = Role { class: Class::Weight, entry: entry(module), ..Role::unknown() };
            return LayerFacts { role: Some(role), ..LayerFacts::default() };
        }
    };
    let (inputs, outputs, evidence) = (vec![inputs], vec![outputs], Some(AxisEvidence::Class));
    let role = Role { class: Class::Weight, entry: entry(module), inputs, outputs, evidence };
    let bias = name.strip_suffix("weight").map(|stem| format!("{stem}bias"));
    LayerFacts { weight: None, role: Some(role), bias }
}

/// The facts of what is no weight.
pub(crate) fn other(module: &str, reason: &'static str) -> LayerFacts {
    let role = Role { class: Class::Other(reason), entry: entry(module), ..Role::unknown() };
    LayerFacts { weight: Some(false), role: Some(role), bias: None }
}

fn entry(module: &str) -> String {
    format!("module {module}")
}
