//! Sparse training: SET and RigL.

use proptest::prelude::*;
use prune_core::draw;
use prune_schedule::{Evidence, PruneError, Pruner, Report, StepAction};

use crate::model::Model;
use crate::oracle::{Thing, best, things, weights};
use crate::{Kept, kept, pruner};

const SHAPES: [(&str, &[usize]); 3] = [("fc.weight", &[5, 7]), ("Dense_0-kernel", &[4, 6]), ("Dense_0-bias", &[6])];

/// The number of `kept` weights that move: round(a_t * kept), where a_t is a constant or half a cosine.
fn moved(fraction: f64, cosine: bool, kept: usize, time: u64, last: u64) -> usize {
    let at = match (cosine, time >= last) {
        (false, _) => fraction,
        (true, true) => 0.0,
        (true, false) => fraction / 2.0 * (1.0 + (std::f64::consts::PI * (time as f64 / last as f64)).cos()),
    };
    (at * kept as f64).round() as usize
}

/// The masks after an update: the smallest magnitudes are dropped, and the highest `grow` scores among all closed
/// elements are opened.
fn update(model: &Model, alive: &Kept, grow: impl Fn(&str, usize) -> f64, moved: impl Fn(usize) -> usize) -> Kept {
    let mut after = alive.clone();
    for (name, mask) in &mut after {
        let kept = mask.iter().filter(|kept| **kept).count();
        let (weights, moved) = (weights(model, name), moved(kept));
        let magnitudes: Vec<f64> = weights.iter().map(|weight| weight.abs()).collect();
        let stay = best(things(name, &magnitudes, alive), kept - moved);
        mask.fill(false);
        stay.iter().for_each(|(_, index)| mask[*index] = true);
        let closed: Vec<Thing> = (0..mask.len())
            .filter(|&index| !mask[index])
            .map(|index| (grow(name, index), name.clone(), index))
            .collect();
        best(closed, moved).into_iter().for_each(|(_, index)| mask[index] = true);
    }
    after
}

/// A run with an optimiser that has momentum: the pruner, the weights, the buffers.
struct Run {
    pruner: Pruner,
    model: Model,
    momentum: Model,
}

impl Run {
    fn new(strategy: &str, seed: u64) -> Self {
        let model = Model::seeded(&SHAPES, seed);
        let momentum = model.zeros();
        let mut run = Run { pruner: pruner(strategy), model, momentum };
        run.pruner.check(&run.model).unwrap();
        run.pruner.start(&mut run.model).unwrap();
        run
    }

    /// One step as in RigL: an update replaces the optimiser's step.
    fn step(&mut self, step: u64) -> Result<Option<Report>, PruneError> {
        if self.pruner.before_step(&gradient(step))? == StepAction::Go {
            self.model.disturb(step);
            self.momentum.disturb(step + 1000);
        }
        let report = self.pruner.after_step(&mut self.model, &mut [&mut self.momentum])?;
        Ok(report)
    }
}

fn gradient(step: u64) -> Model {
    let mut gradient = Model::seeded(&SHAPES, step * 31 + 5);
    // Many equal magnitudes.
    for (_, tensor) in &mut gradient.0 {
        tensor.values_mut().iter_mut().for_each(|value| *value = (*value * 4.0).round() / 4.0);
    }
    gradient
}

proptest! {
    #[test]
    fn updates_keep_the_density_and_open_zeros(
        rigl in any::<bool>(), cosine in any::<bool>(), fraction in prop_oneof![Just(0.3), Just(1.0), 0.01f64..1.0],
        density in (1u32..=19).prop_map(|d| f64::from(d) / 20.0), every in 1u64..4, first in 1u64..3, length in 1u64..9, seed in 0u64..99,
    ) {
        let last = first + length;
        let method = if rigl { "rigl".to_owned() } else { format!("set', 'seed': {seed}, 'fraction': {fraction}, 'decay': '") };
        let method = if rigl { format!("{method}', 'fraction': {fraction}, 'decay': '") } else { method };
        let decay = if cosine { "cosine" } else { "constant" };
        let strategy = format!("{{0: {{'method': 'unstr_unified_local', 'density': {density}, 'score': 'random'}},
            '{first}..={last} steps': {{'method': '{method}{decay}', 'every': {every}}}}}");
        let mut run = Run::new(&strategy, seed);
        let counts = |kept: &Kept| kept.values().map(|mask| mask.iter().filter(|kept| **kept).count()).collect::<Vec<_>>();
        let asked = counts(&kept(&run.pruner));
        for step in 1..=last + 2 {
            let before = (kept(&run.pruner), run.model.clone(), run.momentum.clone());
            let replaced = run.pruner.replaces_step(step);
            let report = run.step(step).unwrap();
            let due = step >= first && step <= last && ((step - first).is_multiple_of(every) || step == last);
            prop_assert_eq!(report.is_some(), due);
            prop_assert_eq!(replaced, due && (!cosine || step < last));
            let now = kept(&run.pruner);
            prop_assert_eq!(counts(&now), asked.clone());
            for layers in [&run.model, &run.momentum] {
                prop_assert_eq!(run.pruner.revivals(layers).unwrap(), 0);
            }
            let Some(report) = report else {
                prop_assert_eq!(now, before.0);
                continue;
            };
            let moved = |kept: usize| moved(fraction, cosine, kept, step, last);
            let at_update = if replaced { &before.1 } else { &run.model };
            let expected = if rigl {
                let gradient = gradient(step);
                update(at_update, &before.0, |name, index| weights(&gradient, name)[index].abs(), moved)
            } else {
                update(at_update, &before.0, |name, index| draw(seed, &format!("{name}@{step}"), index as u64), moved)
            };
            prop_assert_eq!(&now, &expected);
            prop_assert_eq!(report.selected.closed, report.selected.reopened);
            if replaced {
                for (name, mask) in &now {
                    let values = |model: &Model| model.get(name).values().to_vec();
                    for (index, kept) in mask.iter().enumerate() {
                        let opened = *kept && !before.0[name][index];
                        // Elements that were dropped and opened again, and elements that stayed, keep their values and
                        // their buffers.
                        let was = if opened || !kept { (0.0, 0.0) } else { (values(&before.1)[index], values(&before.2)[index]) };
                        prop_assert_eq!(values(&run.model)[index].to_bits(), was.0.to_bits());
                        prop_assert_eq!(values(&run.momentum)[index].to_bits(), was.1.to_bits());
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_dropped_may_come_back_with_its_value() {
    // Everything moves: the highest gradients belong to two weights that were kept.
    let mut model = Model::of(&[("fc.weight", &[1, 4], &[3.0, 2.0, 1.0, 0.5])]);
    let mut pruner = pruner(
        "{0: {'method': 'unstr_unified_local', 'density': 0.5},
          '1 steps': {'method': 'rigl', 'fraction': 1.0, 'decay': 'constant'}}",
    );
    pruner.start(&mut model).unwrap();
    let gradient = Model::of(&[("fc.weight", &[1, 4], &[0.0, 9.0, -8.0, 1.0])]);
    let evidence = Evidence { gradients: Some(&gradient), ..Evidence::default() };
    let report = pruner.end_step_with(1, &mut model, evidence).unwrap().unwrap();
    assert_eq!(model.get("fc.weight").values(), [0.0, 2.0, 0.0, 0.0]);
    assert_eq!(kept(&pruner)["fc.weight"], [false, true, true, false]);
    assert_eq!((report.selected.closed, report.selected.reopened, report.selected.non_zero), (1, 1, 1));
    assert_eq!(report.selected.asked, Some(2));
}

#[test]
fn ties_are_those_of_what_is_dropped_and_of_what_is_opened() {
    let mut model = Model::of(&[("fc.weight", &[1, 6], &[1.0, 1.0, 1.0, 1.0, 0.0, 0.0])]);
    let mut pruner = pruner(
        "{0: {'method': 'unstr_unified_local', 'density': 0.66},
          '1 steps': {'method': 'rigl', 'fraction': 0.25, 'decay': 'constant'}}",
    );
    pruner.start(&mut model).unwrap();
    let gradient = Model::of(&[("fc.weight", &[1, 6], &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0])]);
    let evidence = Evidence { gradients: Some(&gradient), ..Evidence::default() };
    let report = pruner.end_step_with(1, &mut model, evidence).unwrap().unwrap();
    // One of four equal weights is dropped, and one of three equal gradients is opened: the same element.
    assert_eq!(report.selected.ties, 4 + 3);
    assert!(report.unchanged);
}

#[test]
fn the_last_of_a_cosine_needs_no_gradient() {
    let mut model = Model::seeded(&SHAPES, 1);
    let mut pruner =
        pruner("{0: {'method': 'unstr_unified_local', 'density': 0.5}, '1..=2 steps': {'method': 'rigl'}}");
    pruner.start(&mut model).unwrap();
    assert_eq!(
        pruner.end_step(1, &mut model).unwrap_err().to_string(),
        "step 1, layer `fc.weight`: `rigl` needs the layer's gradient; call `observe` after each backward pass that leads \
         up to the event, before gradients are masked, or hand it over in its `Evidence`"
    );
    pruner.end_step_with(1, &mut model, Evidence { gradients: Some(&gradient(1)), ..Evidence::default() }).unwrap();
    assert!(!pruner.replaces_step(2));
    assert!(pruner.end_step(2, &mut model).unwrap().unwrap().unchanged);
}

#[test]
fn epochs_will_do_as_well() {
    let mut model = Model::seeded(&SHAPES, 3);
    let mut pruner = pruner(
        "{0: {'method': 'unstr_unified_local', 'density': 0.25}, '1..=4': {'method': 'set', 'every': 2, 'decay': 'constant'}}",
    );
    pruner.start(&mut model).unwrap();
    let mut happened = Vec::new();
    for epoch in 1..=5 {
        model.disturb(epoch);
        pruner.hold(&mut model).unwrap();
        let report = pruner.end_epoch(epoch, &mut model).unwrap();
        happened.extend(report.map(|report| (epoch, report.floats, report.selected.kept)));
        assert_eq!(pruner.revivals(&model).unwrap(), 0);
    }
    // 9 of 35 and 6 of 24 elements are kept.
    assert_eq!(happened, [(1, false, 15), (3, false, 15), (4, false, 15)]);
}
