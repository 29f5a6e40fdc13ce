//! The class of the module that holds a parameter, and the facts that follow from it.

use prune_schedule::LayerFacts;
use prune_schedule::names::{AxisEvidence, Class, Role};

/// The facts about a parameter, from the type of its module and its field. Burn's own modules are known by their names.
/// Nothing is guessed about any other module: its parameters are weights if they have two axes or more, and an event
/// that needs an axis is refused unless one is given.
pub(crate) fn facts(module: &str, field: &str, name: &str) -> LayerFacts {
    let (inputs, outputs) = match (module, field) {
        // burn multiplies by the weight from the right: (in, out).
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

/// The facts about a parameter that is no prunable weight.
pub(crate) fn other(module: &str, reason: &'static str) -> LayerFacts {
    let role = Role { class: Class::Other(reason), entry: entry(module), ..Role::unknown() };
    LayerFacts { weight: Some(false), role: Some(role), bias: None }
}

fn entry(module: &str) -> String {
    format!("module {module}")
}
