//! Laws of the table that hold for any name.

use proptest::prelude::*;
use prune_schedule::names::{Class, ModelFacts, roles};

fn class_of(name: &str, shape: &[usize]) -> Class {
    roles(&ModelFacts::unknown(), &[(name, shape)])[0].class
}

/// Words that the entries know, so that generated names come near them.
const WORDS: [&str; 24] = [
    "model",
    "layers",
    "0",
    "weight",
    "kernel",
    "bias",
    "gate",
    "experts",
    "mlp",
    "attn",
    "c_attn",
    "c_proj",
    "query",
    "out",
    "original0",
    "original1",
    "parametrizations",
    "modules_to_save",
    "base_layer",
    "weight_orig",
    "gate_up_proj",
    "down_proj",
    "é",
    "",
];

fn name() -> impl Strategy<Value = String> {
    let segment = prop_oneof![prop::sample::select(&WORDS[..]).prop_map(str::to_owned), ".{0,6}"];
    prop::collection::vec((segment, prop::sample::select(vec![".", "/", "-", ":"])), 0..7)
        .prop_map(|parts| parts.into_iter().map(|(segment, mark)| segment + mark).collect())
}

fn shape() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![0..5usize, Just(64), Just(usize::MAX)], 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any names and shapes have one role each. Its axes exist and differ, and it has evidence exactly if it has axes.
    #[test]
    fn any_names_have_sound_roles(
        tensors in prop::collection::vec((name(), shape()), 0..8),
        kind in prop::sample::select(vec!["gpt2", "gpt_oss", "llama", "whisper", "x"]),
    ) {
        let borrowed: Vec<(&str, &[usize])> = tensors.iter().map(|(n, s)| (n.as_str(), &s[..])).collect();
        let roles = roles(&ModelFacts::of_type(kind), &borrowed);
        prop_assert_eq!(roles.len(), tensors.len());
        for (role, (_, shape)) in roles.iter().zip(&tensors) {
            let axes: Vec<usize> = role.inputs.iter().chain(&role.outputs).copied().collect();
            prop_assert!(axes.iter().all(|&axis| axis < shape.len()));
            prop_assert!(axes.iter().all(|axis| axes.iter().filter(|other| *other == axis).count() == 1));
            prop_assert_eq!(role.inputs.is_empty(), role.outputs.is_empty());
            prop_assert_eq!(role.inputs.is_empty(), role.evidence.is_none());
            prop_assert_eq!(role.class == Class::Unknown, role.entry.is_empty());
            prop_assert!(role.class == Class::Weight || axes.is_empty());
            prop_assert!(role.class != Class::Weight || shape.len() >= 2);
        }
    }

    /// Parts of words do not decide.
    #[test]
    fn words_inside_a_segment_change_no_class(
        head in prop::sample::select(vec!["q", "k", "v", "o", "up", "down", "x", "linear"]),
        word in prop::sample::select(vec!["gate", "norm", "mask", "pos", "up", "embed", "scale", "bias", "head", "router"]),
        at in any::<prop::sample::Index>(),
        layer in 0..40usize,
    ) {
        let plain = format!("{head}_proj");
        let mut with = plain.clone();
        // Not after the last letter, so that `_proj` stays the end.
        with.insert_str(at.index(head.len() + 1), word);
        for segment in [plain, with] {
            let name = format!("model.layers.{layer}.self_attn.{segment}.weight");
            prop_assert_eq!(class_of(&name, &[64, 48]), Class::Weight, "{}", name);
        }
    }

    /// All separating marks count the same, and wrappers of a model make no difference.
    #[test]
    fn marks_and_wrappers_change_no_role(
        outer in prop::sample::select(vec!["", "model.", "module.", "base_model.model.", "module._orig_mod."]),
        mark in prop::sample::select(vec![".", "/", "-"]),
    ) {
        for name in ["layers.0.mlp.gate.weight", "layers.0.fc1.weight", "embed_tokens.weight", "output.weight", "Dense_0.kernel"] {
            let wrapped = outer.to_owned() + &name.replace('.', mark);
            prop_assert_eq!(class_of(&wrapped, &[64, 48]), class_of(name, &[64, 48]), "{}", wrapped);
        }
    }
}

#[test]
fn rank_decides_before_names() {
    assert_eq!(class_of("fc.weight", &[64]), Class::Other("fewer than two axes"));
    assert_eq!(class_of("fc.weight", &[]), Class::Other("fewer than two axes"));
    assert_eq!(class_of("fc.weight", &[64, 64]), Class::Weight);
}

/// A hundred thousand tensors take only a moment, even without optimisation.
#[test]
fn many_tensors_have_roles_at_once() {
    let names: Vec<String> =
        (0..100_000).map(|at| format!("model.layers.{}.mlp.experts.{at}.gate_proj.weight", at % 100)).collect();
    let tensors: Vec<(&str, &[usize])> = names.iter().map(|name| (name.as_str(), &[64usize, 48][..])).collect();
    let roles = roles(&ModelFacts::of_type("qwen3_moe"), &tensors);
    assert!(roles.iter().all(|role| role.class == Class::Weight && role.inputs == [1]));
}
