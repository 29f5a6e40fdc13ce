//! Events in three steps: planned, prepared, committed.

#![allow(clippy::unwrap_used, reason = "tests")]

mod model;

use std::time::{Duration, Instant};

use model::Model;
use proptest::prelude::*;
use prune_core::{Layers, PlainTensor};
use prune_schedule::{Alive, Defaults, Evidence, LayerInfo, Moment, PruneError, Pruner, Strategy as Text};

const SHAPES: [(&str, &[usize]); 5] = [
    ("fc.weight", &[6, 5]),
    ("fc.bias", &[6]),
    ("Conv_0-kernel", &[2, 2, 3, 4]),
    ("Dense_0-kernel", &[4, 6]),
    ("Dense_0-bias", &[6]),
];

/// Events that need no evidence but gradients; true for those that need them.
const EVENTS: [(&str, bool); 12] = [
    ("'method': 'unstr_unified_local', 'density': 0.4", false),
    ("'method': 'unstr_global', 'density': 0.3", false),
    ("'method': 'unstr_global', 'density': 0.3, 'score': 'snip'", true),
    ("'method': 'unstr_global', 'density': 0.3, 'distribution': 'erk'", false),
    ("'method': 'unstr_global', 'density': 0.3, 'min_density': 0.1, 'max_density': 0.6", false),
    ("'method': 'unstr_unified_local', 'density': 0.4, 'ranking': 'output'", false),
    ("'method': 'str_unified_local', 'pattern': '2:4'", false),
    ("'method': 'str_global', 'pattern': '2:4'", false),
    ("'method': 'block_unified_local', 'density': 0.5, 'block': (2, 2)", false),
    ("'method': 'channel_unified_local', 'density': 0.5, 'bias': True", false),
    ("'method': 'channel_global', 'density': 0.5", false),
    ("'method': 'rigl', 'decay': 'constant'", true),
];

fn pruner(text: &str) -> Pruner {
    Pruner::new(text.parse().unwrap_or_else(|error| panic!("{text}\n{error}")))
}

/// A pruner before its event at epoch 1, with an earlier mask in force if `masked` asks for one.
fn before(event: usize, masked: bool, model: &mut Model) -> Pruner {
    let masked = masked || EVENTS[event].0.contains("rigl");
    let earlier = if masked { "0: {'method': 'unstr_unified_local', 'density': 0.9, 'score': 'random'}, " } else { "" };
    let mut pruner = pruner(&format!("{{{earlier}1: {{{}}}}}", EVENTS[event].0));
    pruner.start(model).unwrap();
    if EVENTS[event].1 {
        pruner.observe(&Model::seeded(&SHAPES, 8)).unwrap();
    }
    pruner
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The three steps equal `end_epoch`, and so does `commit_written` after the caller has written the masks.
    #[test]
    fn three_steps_are_one_call(event in 0..EVENTS.len(), masked in any::<bool>(), seed in 0u64..99, shown in any::<bool>()) {
        let mut model = Model::seeded(&SHAPES, seed);
        let start = before(event, masked, &mut model);
        let (mut whole, mut expected) = (start.clone(), model.clone());
        let report = whole.end_epoch(1, &mut expected).unwrap().unwrap();

        let (mut stepwise, mut written) = (start.clone(), model.clone());
        let prepared = stepwise.prepare(Moment::Epoch(1), &model, Evidence::default()).unwrap().unwrap();
        prop_assert_eq!(&stepwise.to_json(), &start.to_json());
        prop_assert_eq!(prepared.report(), &report);
        prop_assert_eq!(&stepwise.commit(prepared, &mut written).unwrap(), &report);
        prop_assert_eq!(written.bits(), expected.bits());
        prop_assert_eq!(stepwise.to_json(), whole.to_json());

        let (mut elsewhere, mut by_hand) = (start, model.clone());
        let prepared = elsewhere.prepare(Moment::Epoch(1), &model, Evidence::default()).unwrap().unwrap();
        for (name, kept) in prepared.writes().iter() {
            let values = by_hand.get_mut(name).values_mut();
            values.iter_mut().zip(kept.iter()).filter(|(_, kept)| !kept).for_each(|(value, _)| *value = 0.0);
        }
        let layers: Option<&dyn Layers> = if shown { Some(&by_hand) } else { None };
        let told = elsewhere.commit_written(prepared, layers).unwrap();
        prop_assert_eq!(told.unchecked, !shown);
        prop_assert_eq!(&told.layers, &report.layers);
        prop_assert_eq!(by_hand.bits(), expected.bits());
        prop_assert_eq!(elsewhere.to_json(), whole.to_json());
    }

    /// A plan, made before any value is read, agrees with the report of its event.
    #[test]
    fn a_plan_says_what_happens(event in 0..EVENTS.len(), masked in any::<bool>(), seed in 0u64..99) {
        let mut model = Model::seeded(&SHAPES, seed);
        let mut pruner = before(event, masked, &mut model);
        let infos: Vec<LayerInfo<'_>> = SHAPES
            .iter()
            .map(|(name, shape)| {
                LayerInfo::new(name, shape).with_alive(pruner.masks().get(name).map_or(Alive::All, Alive::Mask))
            })
            .collect();
        let plan = pruner.strategy().plan(Moment::Epoch(1), &infos, &Defaults::LIBRARY).unwrap().unwrap();
        let asked = plan.asked;
        let planned: Vec<_> = plan.layers.iter().map(|l| (l.name.clone(), l.shape.clone(), l.axis, l.asked)).collect();
        let report = pruner.end_epoch(1, &mut model).unwrap().unwrap();
        prop_assert_eq!(asked, report.selected.asked);
        let done: Vec<_> =
            report.layers.iter().map(|l| (l.layer.clone(), l.shape.clone(), l.axis, l.counts.asked)).collect();
        prop_assert_eq!(planned, done);
        let short = report.selected.short_groups > 0;
        prop_assert!(short || asked.is_none_or(|asked| asked == report.selected.kept), "{}", report);
    }
}

#[test]
fn a_pruner_that_has_gone_on_refuses_what_was_prepared() {
    let mut model = Model::seeded(&SHAPES, 1);
    let mut pruner =
        pruner("{1: {'method': 'unstr_global', 'density': 0.5}, 2: {'method': 'unstr_global', 'density': 0.2}}");
    let prepared = || pruner.prepare(Moment::Epoch(1), &model, Evidence::default()).unwrap().unwrap();
    let (first, second) = (prepared(), prepared());
    let mut copy = pruner.clone();
    copy.commit(first, &mut model.clone()).unwrap();
    // The pruner that prepared it has not gone on; its copy has.
    let third = pruner.prepare(Moment::Epoch(1), &model, Evidence::default()).unwrap().unwrap();
    let before = model.bits();
    let error = copy.commit(third, &mut model).unwrap_err();
    assert_eq!(error.to_string(), "epoch 1: the event was prepared before the pruner went on; prepare it anew");
    assert_eq!(model.bits(), before);
    pruner.commit(second, &mut model).unwrap();
    // Another pruner of the same strategy does not count as the same.
    let mut other = Pruner::with_masks(pruner.strategy().clone(), pruner.masks().clone());
    let prepared = pruner.prepare(Moment::Epoch(2), &model, Evidence::default()).unwrap().unwrap();
    assert!(matches!(other.commit_written(prepared, None), Err(PruneError::Outdated { .. })));
}

#[test]
fn a_model_of_other_shapes_is_refused() {
    let mut pruner = pruner("{1: {'method': 'unstr_global', 'density': 0.5}}");
    let (model, mut other) = (Model::seeded(&SHAPES[..1], 1), Model::seeded(&[("fc.weight", &[5, 6])], 1));
    let prepared = pruner.prepare(Moment::Epoch(1), &model, Evidence::default()).unwrap().unwrap();
    let before = other.bits();
    assert!(matches!(pruner.commit(prepared, &mut other), Err(PruneError::ListsDiffer { .. })));
    assert_eq!((other.bits(), pruner.last_epoch()), (before, None));
}

#[test]
fn masks_that_nobody_wrote_are_found() {
    let mut pruner = pruner("{1: {'method': 'unstr_global', 'density': 0.5}}");
    let model = Model::seeded(&SHAPES[..1], 1);
    let prepared = pruner.prepare(Moment::Epoch(1), &model, Evidence::default()).unwrap().unwrap();
    let error = pruner.commit_written(prepared, Some(&model)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "epoch 1, layer `fc.weight`: 15 of its elements are not zero outside the masks; first write `where(mask, weight, 0)` \
         with the masks that the prepared event writes"
    );
    assert_eq!((pruner.last_epoch(), pruner.masks().len()), (None, 0));
}

#[test]
fn gradients_are_used_up_by_the_commit_alone() {
    let mut pruner = pruner("{1: {'method': 'unstr_global', 'density': 0.5, 'score': 'snip'}}");
    let mut model = Model::seeded(&SHAPES[..1], 1);
    pruner.start(&mut model).unwrap();
    pruner.observe(&Model::seeded(&SHAPES[..1], 2)).unwrap();
    let kept = pruner.to_json();
    for _ in 0..2 {
        let _ = pruner.prepare(Moment::Epoch(1), &model, Evidence::default()).unwrap().unwrap();
    }
    assert_eq!(pruner.to_json(), kept);
    pruner.end_epoch(1, &mut model).unwrap();
    assert!(kept.contains("observed") && !pruner.to_json().contains("observed"));
}

#[test]
fn an_event_is_not_passed_over() {
    let mut pruner = pruner("{2: {'method': 'unstr_global', 'density': 0.5}}");
    pruner.pass(Moment::Epoch(1)).unwrap();
    let error = pruner.pass(Moment::Epoch(2)).unwrap_err();
    assert_eq!(error.to_string(), "epoch 2: there is an event, which `pass` would leave out; prepare and commit it");
    // Steps are not counted if the strategy has no events in steps.
    pruner.pass(Moment::Step(7)).unwrap();
    assert_eq!((pruner.last_epoch(), pruner.last_step()), (Some(1), None));
}

#[test]
fn what_is_not_written_is_not_reported() {
    let mut model = Model::of(&[("fc.weight", &[1, 4], &[3.0, 2.0, 1.0, 4.0])]);
    let mut pruner = pruner("{'1..=2': {'method': 'unstr_global', 'density': 0.5, 'straight_through': True}}");
    let report = pruner.end_epoch(1, &mut model).unwrap().unwrap();
    let counts = report.selected;
    assert!(report.forward_only && !report.unchanged);
    assert_eq!((counts.kept, counts.non_zero, counts.newly_pruned), (2, 4, 0));
    let report = pruner.end_epoch(2, &mut model).unwrap().unwrap();
    let counts = report.selected;
    assert!(!report.forward_only && !report.unchanged);
    assert_eq!((counts.kept, counts.non_zero, counts.newly_pruned), (2, 2, 2));
    assert_eq!(model.get("fc.weight").values(), [3.0, 0.0, 0.0, 4.0]);
}

/// Layers are looked up by name, not searched for. With quadratic time this test took half a minute.
#[test]
fn many_layers_are_no_trouble() {
    const LAYERS: usize = 100_000;
    let tensor = || PlainTensor::from_logical(&[2, 2], vec![4.0f32, 3.0, 2.0, 1.0]).unwrap();
    let model = || Model((0..LAYERS).map(|i| (format!("layer.{i}.weight"), tensor())).collect());
    for event in [
        "'method': 'unstr_unified_local', 'density': 0.5",
        "'method': 'unstr_global', 'density': 0.5, 'min_density': 0.25, 'exclude': '*.7.weight'",
        "'method': 'str_unified_local', 'pattern': '2:4'",
        "'method': 'channel_unified_local', 'density': 0.5",
        "'method': 'unstr_global', 'density': 0.5, 'distribution': 'erk'",
    ] {
        let (mut pruner, mut model) = (pruner(&format!("{{1: {{{event}}}}}")), model());
        pruner.check(&model).unwrap();
        let begun = Instant::now();
        let report = pruner.end_epoch(1, &mut model).unwrap().unwrap();
        assert!(report.layers.len() >= LAYERS - 1);
        assert!(begun.elapsed() < Duration::from_secs(60), "{event}: {:?}", begun.elapsed());
    }
}

/// `Text` here is the crate's, since proptest has a `Strategy` too.
#[test]
fn files_group_along_inputs_where_no_axis_is_written() {
    let strategy: Text = "{1: {'method': 'str_unified_local', 'pattern': '2:4'}}".parse().unwrap();
    let layers = [LayerInfo::new("fc.weight", &[3, 8]), LayerInfo::new("Dense_0-kernel", &[4, 5])];
    let axes = |defaults| {
        let plan = strategy.plan(Moment::Epoch(1), &layers, &defaults).unwrap().unwrap();
        plan.layers.iter().map(|layer| layer.axis).collect::<Vec<_>>()
    };
    assert_eq!(axes(Defaults::LIBRARY), [Some(1), Some(1)]);
    assert_eq!(axes(Defaults::FILES), [Some(1), Some(0)]);
}
