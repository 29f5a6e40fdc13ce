//! Densities that move over a range of epochs or steps.

use proptest::prelude::*;
use prune_schedule::{Pruner, Report};

use crate::model::Model;
use crate::oracle::count;

/// The times of the events of a range, counted one by one.
fn times(first: u64, last: u64, every: u64) -> Vec<u64> {
    let mut times: Vec<u64> = (first..=last).filter(|time| (time - first).is_multiple_of(every)).collect();
    if times.last() != Some(&last) {
        times.push(last);
    }
    times
}

/// d(t) = end + (start - end) (1 - x)^power, where x runs from 0 at the first time to 1 at the last.
fn density(end: f64, start: f64, power: u32, (first, last): (u64, u64), time: u64) -> f64 {
    if time == last {
        return end;
    }
    let x = (time - first) as f64 / (last - first) as f64;
    let left = (0..power).fold(1.0, |left, _| left * (1.0 - x));
    end + (start - end) * left
}

/// Runs all events, with training in between that moves every weight, and returns the report of each time.
fn run(pruner: &mut Pruner, model: &mut Model, steps: bool, last: u64) -> Vec<(u64, Report)> {
    let mut reports = Vec::new();
    pruner.check(&*model).unwrap();
    pruner.start(model).unwrap();
    for time in 1..=last + 2 {
        model.disturb(time);
        pruner.hold(model).unwrap();
        let report = if steps { pruner.end_step(time, model) } else { pruner.end_epoch(time, model) };
        reports.extend(report.unwrap().map(|report| (time, report)));
        assert_eq!(pruner.revivals(&*model).unwrap(), 0, "masks are held between the events of a ramp");
    }
    reports
}

proptest! {
    #[test]
    fn every_event_reaches_what_the_formula_says(
        first in 1u64..6, length in 1u64..12, every in 1u64..5, steps in any::<bool>(), global in any::<bool>(),
        curve in prop_oneof![Just(("'linear'", 1)), Just(("'cubic'", 3)), Just(("'polynomial', 'power': 2", 2)),
                             Just(("'polynomial', 'power': 7", 7))],
        (end, start) in (1u32..=10, 0u32..=10).prop_map(|(end, more)| (f64::from(end) / 20.0, f64::from(end + more) / 20.0)),
        seed in 0u64..99,
    ) {
        let last = first + length;
        let (curve, power) = curve;
        let method = if global { "unstr_global" } else { "unstr_unified_local" };
        let word = if steps { " steps" } else { "" };
        let mut model = Model::seeded(&[("fc.weight", &[9, 11]), ("Dense_0-kernel", &[5, 8])], seed);
        let mut pruner = crate::pruner(&format!("{{'{first}..={last}{word}': {{'method': '{method}', 'density': {end}, \
            'schedule': {curve}, 'from_density': {start}, 'every': {every}}}}}"));
        let reports = run(&mut pruner, &mut model, steps, last);
        prop_assert_eq!(reports.iter().map(|(time, _)| *time).collect::<Vec<_>>(), times(first, last, every));
        for (time, report) in &reports {
            let density = density(end, start, power, (first, last), *time);
            let lens: &[usize] = if global { &[139] } else { &[99, 40] };
            // Rounding in the formula may move a product across a half by a tiny amount.
            let exact = |d: f64| lens.iter().map(|&len| count(d, len)).sum::<usize>();
            let kept = report.selected.kept;
            prop_assert!((exact(density - 1e-13)..=exact(density + 1e-13)).contains(&kept), "{} {}", kept, density);
            prop_assert_eq!(report.selected.asked, Some(kept));
            prop_assert!(!report.floats);
            prop_assert_eq!(report.step, steps.then_some(*time));
        }
        // The last density is exactly the target.
        let lens: &[usize] = if global { &[139] } else { &[99, 40] };
        prop_assert_eq!(reports.last().unwrap().1.selected.kept, lens.iter().map(|&len| count(end, len)).sum::<usize>());
    }
}

#[test]
fn the_published_cubic() {
    // s_t = s_f + (s_i - s_f)(1 - (t - t0) / (n dt))^3 from 0 to 0.875 over 8 events, worked out by hand.
    let mut model = Model::seeded(&[("fc.weight", &[64, 64])], 1);
    let mut pruner =
        crate::pruner("{'1..=9': {'method': 'unstr_unified_local', 'sparsity': 0.875, 'schedule': 'cubic'}}");
    let kept: Vec<usize> =
        run(&mut pruner, &mut model, false, 9).iter().map(|(_, report)| report.selected.kept).collect();
    // 512 + 3584 (1 - k/8)^3 = 512 + 7 (8 - k)^3.
    assert_eq!(kept, (0..=8).map(|k: usize| 512 + 7 * (8 - k).pow(3)).collect::<Vec<_>>());
}

#[test]
fn blocks_and_tables_ramp_too() {
    let mut model = Model::seeded(&[("fc.weight", &[8, 8]), ("Dense_0-kernel", &[4, 6])], 1);
    let mut pruner = crate::pruner(
        "{'1..=3': {'method': 'block_local', 'block': (2, 2), 'density': {'fc.weight': 0.25, 'Dense_0-kernel': 0.5},
                    'schedule': 'linear'}}",
    );
    let kept: Vec<Vec<usize>> = run(&mut pruner, &mut model, false, 3)
        .iter()
        .map(|(_, report)| report.layers.iter().map(|layer| layer.units.unwrap().kept).collect())
        .collect();
    // Kept blocks out of 16 and 6.
    assert_eq!(kept, [[16, 6], [10, 5], [4, 3]]);
}
