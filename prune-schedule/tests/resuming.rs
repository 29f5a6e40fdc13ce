//! A run that is saved and resumed goes on bit for bit. Laws for every run.

#![allow(clippy::unwrap_used, reason = "tests")]

mod model;

use model::Model;
use proptest::prelude::*;
use prune_core::Masks;
use prune_schedule::{Evidence, PruneError, Pruner, PrunerState, Report, Strategy};

const SHAPES: [(&str, &[usize]); 4] = [
    ("Conv_0-kernel", &[3, 3, 2, 4]),
    ("Dense_0-kernel", &[7, 9]),
    ("Dense_1-kernel", &[5, 3]),
    ("Dense_1-bias", &[3]),
];

/// An event's text; the density or pattern is drawn.
fn event_text() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::strategy::Strategy as _;
    let reopen = prop_oneof![
        3 => Just(String::new()),
        1 => (0u64..5).prop_map(|seed| format!(", 'reopen': 'random', 'seed': {seed}")),
        1 => Just(", 'reopen': 'gradient'".to_owned()),
    ];
    let event = prop_oneof![
        (1u32..=100).prop_map(|d| format!("'method': 'unstr_unified_local', 'density': {}", f64::from(d) / 100.0)),
        (1u32..=100).prop_map(|d| format!("'method': 'unstr_global', 'density': {}", f64::from(d) / 100.0)),
        (1u32..=100).prop_map(|d| {
            let d = f64::from(d) / 100.0;
            format!("'method': 'unstr_local', 'density': {{'Dense_1-bias': {d}, 'Dense_0-kernel': {d}}}")
        }),
        (1usize..4, 0usize..4, -2..2).prop_map(|(n, more, axis)| format!(
            "'method': 'str_unified_local', 'pattern': ({n}, {}), 'axis': {axis}",
            n + more
        )),
        (1usize..4, 0usize..4).prop_map(|(n, more)| format!("'method': 'str_global', 'pattern': ({n}, {})", n + more)),
    ];
    (event, reopen).prop_map(|(event, reopen)| format!("{{{event}{reopen}}}"))
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    use proptest::strategy::Strategy as _;
    let keyed = proptest::collection::vec((proptest::bool::weighted(0.3), event_text()), 0..5);
    (keyed, proptest::option::of(event_text())).prop_map(|(events, others)| {
        let mut epoch = 0;
        let mut entries = Vec::new();
        for (range, event) in events {
            entries.push(if range {
                format!("'{epoch}..={}': {event}", epoch + 1)
            } else {
                format!("{epoch}: {event}")
            });
            epoch += if range { 2 } else { 1 + epoch % 2 };
        }
        entries.extend(others.map(|event| format!("-1: {event}")));
        format!("{{{}}}", entries.join(", ")).parse().unwrap()
    })
}

/// One epoch of a training that depends only on the weights and the epoch.
fn train(pruner: &mut Pruner, model: &mut Model, epoch: u64) -> Result<Option<Report>, PruneError> {
    for step in 0..2 {
        model.disturb(epoch * 10 + step);
        pruner.observe(&Model::seeded(&SHAPES, epoch + step))?;
        pruner.hold(model)?;
    }
    pruner.end_epoch(epoch, model)
}

fn start(pruner: &mut Pruner, model: &mut Model) -> Result<Option<Report>, PruneError> {
    let gradients = Model::seeded(&SHAPES, 99);
    pruner.end_epoch_with(0, model, Evidence { gradients: Some(&gradients), ..Evidence::default() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_resumed_run_is_the_same_run(strategy in strategies(), stop in 0u64..8, seed in 0u64..1000) {
        let mut model = Model::seeded(&SHAPES, seed);
        let mut pruner = Pruner::new(strategy);
        let mut outcomes = vec![start(&mut pruner, &mut model).map_err(|error| error.to_string())];
        let mut resumed: Option<(Pruner, Model)> = None;
        for epoch in 1..10 {
            if epoch == stop {
                resumed = Some((Pruner::from_json(&pruner.to_json()).unwrap(), model.clone()));
            }
            if outcomes.last().unwrap().is_err() {
                break;
            }
            let outcome = train(&mut pruner, &mut model, epoch).map_err(|error| error.to_string());
            if let Some((pruner, model)) = &mut resumed {
                prop_assert_eq!(&train(pruner, model, epoch).map_err(|error| error.to_string()), &outcome);
            }
            outcomes.push(outcome);
        }
        if let Some((other, weights)) = resumed
            && outcomes.last().unwrap().is_ok()
        {
            prop_assert_eq!(&other, &pruner);
            prop_assert_eq!(weights.bits(), model.bits());
            prop_assert_eq!(other.to_json(), pruner.to_json());
        }
    }

    #[test]
    fn every_report_is_true(strategy in strategies(), seed in 0u64..1000) {
        let mut model = Model::seeded(&SHAPES, seed);
        let mut pruner = Pruner::new(strategy);
        let sure = pruner.check(&model);
        let mut failed = None;
        for epoch in 0..8 {
            let (held, made) = (pruner.held().clone(), pruner.masks().clone());
            if epoch > 0 {
                model.disturb(epoch);
                pruner.observe(&Model::seeded(&SHAPES, epoch)).unwrap();
                pruner.hold(&mut model).unwrap();
            }
            let (weights, state) = (model.clone(), pruner.clone());
            let result = if epoch == 0 { start(&mut pruner, &mut model) } else { pruner.end_epoch(epoch, &mut model) };
            let report = match result {
                Ok(Some(report)) => report,
                Ok(None) => {
                    prop_assert_eq!(model.bits(), weights.bits());
                    continue;
                }
                Err(error) => {
                    // Nothing was written, and the pruner is unchanged.
                    prop_assert_eq!((model.bits(), &pruner), (weights.bits(), &state));
                    prop_assert!(matches!(error, PruneError::TooFewAlive { .. }), "{}", error);
                    failed = Some(epoch);
                    break;
                }
            };
            prop_assert!(!report.to_string().is_empty());
            prop_assert_eq!(
                &serde_json::from_str::<Report>(&serde_json::to_string(&report).unwrap()).unwrap(), &report
            );
            let reopens = pruner.strategy().event_at(epoch).unwrap().1.reopen().is_some();
            let mut kept = 0;
            let mut same = true;
            for layer in &report.layers {
                let name = layer.layer.as_str();
                let counts = layer.counts;
                let mask = pruner.masks().get(name).unwrap();
                let (before, after) = (weights.get(name).values(), model.get(name).values());
                let was_alive = |i| held.get(name).is_none_or(|held| held.is_kept(i));
                let was_kept = |i| made.get(name).is_none_or(|made| made.is_kept(i));
                prop_assert_eq!(counts.kept, mask.kept_len());
                prop_assert_eq!(counts.elements, mask.len());
                prop_assert_eq!(counts.non_zero, after.iter().filter(|value| **value != 0.0).count());
                let count = |what: &dyn Fn(usize) -> bool| (0..mask.len()).filter(|&i| what(i)).count();
                prop_assert_eq!(counts.reopened, count(&|i| mask.is_kept(i) && !was_alive(i)));
                prop_assert_eq!(counts.closed, count(&|i| !mask.is_kept(i) && was_kept(i)));
                prop_assert_eq!(counts.newly_pruned, count(&|i| !mask.is_kept(i) && was_kept(i) && before[i] != 0.0));
                same &= made.get(name).map_or(counts.closed == 0, |made| made == mask);
                same &= before.iter().zip(after).all(|(before, after)| before == after);
                prop_assert_eq!(counts.swaps, count(&|i| mask.is_kept(i) && was_alive(i) && !was_kept(i)));
                prop_assert!(reopens || counts.reopened == 0);
                prop_assert!(report.floats || counts.swaps == 0);
                for i in 0..mask.len() {
                    let expected = if mask.is_kept(i) && was_alive(i) { before[i].to_bits() } else { 0 };
                    prop_assert_eq!(after[i].to_bits(), expected);
                }
                if let (Some(asked), true) = (counts.asked, report.method.starts_with("unstr")) {
                    prop_assert_eq!(counts.kept, asked);
                }
                if counts.asked.is_some() {
                    prop_assert!(counts.kept <= counts.asked.unwrap());
                    prop_assert!(counts.short_groups > 0 || counts.kept == counts.asked.unwrap());
                }
                kept += counts.kept;
            }
            prop_assert_eq!(report.selected.kept, kept);
            prop_assert_eq!(report.unchanged, same);
            if report.method.starts_with("unstr") || reopens {
                prop_assert_eq!(Some(kept), report.selected.asked);
            }
            prop_assert_eq!(report.all.elements, SHAPES.iter().map(|(_, s)| s.iter().product::<usize>()).sum::<usize>());
            prop_assert!(report.all.norm_kept.is_some_and(|share| (0.0..=1.0).contains(&share)));
            // The masks of other layers are unchanged.
            for (name, mask) in made.iter().filter(|(name, _)| report.layers.iter().all(|layer| layer.layer != **name)) {
                prop_assert_eq!(pruner.masks().get(name), Some(mask));
            }
            prop_assert_eq!(pruner.revivals(&model).unwrap(), 0);
        }
        // A strategy that the check refuses cannot succeed.
        if let (Err(PruneError::TooFewAlive { .. }), None) = (&sure, failed) {
            let last = pruner.strategy().last_event_epoch();
            prop_assert!(last.is_some_and(|last| last >= 7), "{:?}", sure);
        }
    }

    #[test]
    fn no_state_panics(strategy in strategies(), at in any::<prop::sample::Index>(), letter in "[0-9a-zA-Z{}\\[\\],:\"=+/]") {
        let mut model = Model::seeded(&SHAPES, 1);
        let mut pruner = Pruner::new(strategy);
        let _ = start(&mut pruner, &mut model);
        let json = pruner.to_json();
        let at = at.index(json.len());
        if json.is_char_boundary(at) && json.is_char_boundary(at + 1) {
            let damaged = format!("{}{letter}{}", &json[..at], &json[at + 1..]);
            if let Ok(mut pruner) = Pruner::from_json(&damaged) {
                let _ = pruner.check(&model);
                let _ = pruner.hold(&mut model);
                let _ = train(&mut pruner, &mut model, 1);
            }
            prop_assert!(Pruner::from_json(&json[..at]).is_err());
        }
    }
}

fn saved() -> serde_json::Value {
    let mut model = Model::seeded(&SHAPES, 1);
    let mut pruner = Pruner::new("{'1..=3': {'method': 'unstr_unified_local', 'density': 0.5}}".parse().unwrap());
    pruner.end_epoch(1, &mut model).unwrap();
    serde_json::from_str(&pruner.to_json()).unwrap()
}

fn refused(state: serde_json::Value) -> String {
    Pruner::from_json(&state.to_string()).unwrap_err().to_string()
}

#[test]
fn a_state_of_another_version() {
    let mut state = saved();
    state["version"] = 2.into();
    state["weights"] = true.into();
    let told = "the saved state cannot be read: it has version 2, this version of prune reads version 1";
    assert!(refused(state).starts_with(told));
}

#[test]
fn a_state_with_an_unknown_field() {
    let mut state = saved();
    state["extra"] = 2.into();
    assert!(refused(state).starts_with("the saved state cannot be read: unknown field `extra`, expected one of"));
}

#[test]
fn a_state_whose_strategy_is_wrong() {
    let mut state = saved();
    state["strategy"]["1..=3"]["density"] = 1.5.into();
    assert!(refused(state).starts_with(
        "the saved state cannot be read: epoch 1..=3: density 1.5 is outside 0 < d <= 1 (density is the fraction kept)"
    ));
}

#[test]
fn a_state_that_floats_where_nothing_floats() {
    let mut state = saved();
    state["epoch"] = 9.into();
    assert_eq!(
        refused(state),
        "the saved state contradicts itself: a mask floats, but the strategy has no floating mask after its epoch"
    );
    // At the last epoch of the range nothing floats on either.
    let mut state = saved();
    state["epoch"] = 3.into();
    assert!(refused(state).ends_with("a mask floats, but the strategy has no floating mask after its epoch"));
}

#[test]
fn a_state_that_has_lost_what_it_holds() {
    let mut state = saved();
    state.as_object_mut().unwrap().remove("held").unwrap();
    assert_eq!(
        refused(state),
        "the saved state contradicts itself: the strategy has a floating mask after its epoch, but none floats"
    );
}

#[test]
fn a_state_that_holds_a_layer_without_a_mask() {
    let mut state = saved();
    state["held"] = serde_json::json!({"Dense_1-bias": {"shape": [3], "bits": "Bw=="}});
    assert_eq!(
        refused(state),
        "the saved state contradicts itself: the masks of layer `Dense_1-bias` do not lie within what is held"
    );
}

#[test]
fn states_go_through_other_formats() {
    let mut model = Model::seeded(&SHAPES, 1);
    let mut pruner = Pruner::new("{1: {'method': 'unstr_unified_local', 'density': 0.5}}".parse().unwrap());
    pruner.end_epoch(1, &mut model).unwrap();
    let text = toml::to_string(&pruner.state()).unwrap();
    let state: PrunerState = toml::from_str(&text).unwrap();
    assert_eq!(Pruner::from_state(state).unwrap(), pruner);
    let masks: Masks = serde_json::from_str(&serde_json::to_string(pruner.masks()).unwrap()).unwrap();
    assert_eq!(&masks, pruner.masks());
}
