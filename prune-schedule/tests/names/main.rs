//! The table of names against real names: every file in `facts/` holds models with the truth about their tensors.
//!
//! `public.tsv` and `single.tsv` come from public sources; the others are built from module classes by
//! `tests/peers/names.py`.

mod evidence;
mod facts;
mod properties;

use facts::{Model, models};
use prune_schedule::names::{Class, ModelFacts, Role, roles};

/// All complaints about a model: other tensors taken for weights, wrong axes, and too few known weights.
fn complaints(model: &Model, facts: &ModelFacts) -> String {
    let tensors: Vec<(&str, &[usize])> = model.tensors.iter().map(|t| (t.name.as_str(), &t.shape[..])).collect();
    let mut all = String::new();
    let (mut weights, mut known) = (0, 0);
    for (tensor, role) in model.tensors.iter().zip(roles(facts, &tensors)) {
        let mut complain = |what: &str| {
            let Role { class, entry, inputs, evidence, .. } = &role;
            let (label, name, shape) = (&model.label, &tensor.name, &tensor.shape);
            all.push_str(&format!(
                "{label}: {name} {shape:?} {what}: {class} by `{entry}`, {inputs:?} by {evidence:?}\n"
            ));
        };
        match (tensor.weight, role.class) {
            (false, Class::Weight) => complain("is no weight"),
            (true, Class::Weight) => {
                known += 1;
                // Without evidence a weight has no axis. Events refuse it later, so this is not a mistake.
                if role.input_axis().is_some_and(|axis| Some(axis) != tensor.input) {
                    complain("has another input axis");
                }
            }
            _ => {}
        }
        weights += usize::from(tensor.weight);
    }
    if known * 100 < weights * 95 {
        all.push_str(&format!("{}: {known} of {weights} weights are known\n", model.label));
    }
    all
}

fn check(text: &str) {
    let all: String = models(text).iter().map(|model| complaints(model, &model.facts())).collect();
    assert!(all.is_empty(), "\n{all}");
}

#[test]
fn public_names_have_their_roles() {
    check(include_str!("facts/public.tsv"));
}

#[test]
fn single_names_have_their_roles() {
    check(include_str!("facts/single.tsv"));
}

#[test]
fn names_of_transformers_have_their_roles() {
    check(include_str!("facts/transformers.tsv"));
}

#[test]
fn names_of_timm_have_their_roles() {
    check(include_str!("facts/timm.tsv"));
}

#[test]
fn names_of_torchvision_have_their_roles() {
    check(include_str!("facts/torchvision.tsv"));
}

#[test]
fn names_of_diffusers_have_their_roles() {
    check(include_str!("facts/diffusers.tsv"));
}

/// Every weight of public files is known, with its axis.
#[test]
fn every_weight_of_public_files_has_an_axis() {
    for model in models(include_str!("facts/public.tsv")) {
        let tensors: Vec<(&str, &[usize])> = model.tensors.iter().map(|t| (t.name.as_str(), &t.shape[..])).collect();
        for (tensor, role) in model.tensors.iter().zip(roles(&model.facts(), &tensors)) {
            let expected = (tensor.weight, tensor.input);
            assert_eq!((role.class == Class::Weight, role.input_axis()), expected, "{}: {role:?}", tensor.name);
            assert_ne!(role.class, Class::Unknown, "{}: {}", model.label, tensor.name);
        }
    }
}
