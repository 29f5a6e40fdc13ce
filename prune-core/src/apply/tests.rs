//! Applying and counting against the definition, in memory with gaps and on long layers.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use crate::hash::hash;
use crate::{LayerMut, LayerRef, Layout, LentMut, Mask, Masks, MemoryMut, PlainTensor, Run, Strided};

/// Runs as a backend states them: first, step, elements.
struct Told(Vec<(usize, isize, Vec<f32>)>);

impl Strided<f32> for &mut Told {
    fn gather(&self) -> Vec<f32> {
        unreachable!("it is only written")
    }

    fn for_each_run<'s>(&'s mut self, visit: &mut dyn FnMut(Run<'s, f32>)) {
        self.0.iter_mut().for_each(|(first, step, values)| visit(Run { first: *first, step: *step, values }));
    }
}

fn random(shape: &[usize], seed: u64) -> Mask {
    let len: usize = shape.iter().product();
    let kept = |i: usize| !hash(seed << 40 | i as u64).is_multiple_of(3);
    Mask::from_bools(shape, &(0..len).map(kept).collect::<Vec<_>>()).unwrap()
}

/// Lanes of `length` at `step`, in groups; every value is its logical index plus one.
fn lanes(groups: usize, length: usize, step: usize, backwards: bool) -> Told {
    let lane = |lane: usize| {
        let first = lane / step * step * length + lane % step;
        let mut values: Vec<f32> = (0..length).map(|i| (first + i * step + 1) as f32).collect();
        if !backwards {
            return (first, step as isize, values);
        }
        values.reverse();
        (first + (length - 1) * step, -(step as isize), values)
    };
    Told((0..groups * step).map(lane).collect())
}

fn holds(mut told: Told, len: usize, seed: u64) {
    let mask = random(&[len], seed);
    let layout = Layout::row_major(&[len]).unwrap();
    LayerMut::lent(LentMut::new(layout, MemoryMut::Strided(Box::new(&mut told)))).apply_mask(&mask).unwrap();
    for (first, step, values) in told.0 {
        for (i, value) in values.into_iter().enumerate() {
            let index = (first as isize + i as isize * step) as usize;
            let expected = if mask.is_kept(index) { (index + 1) as f32 } else { 0.0 };
            assert_eq!(value.to_bits(), expected.to_bits(), "{index}, run from {first} by {step}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Runs in every order, including orders that no layout can express, short runs, and runs that threads share.
    #[test]
    fn runs_are_zeroed_as_their_elements_are(
        groups in 1usize..5,
        length in prop_oneof![1usize..10, 50usize..80, 4000usize..9000],
        step in 1usize..6,
        backwards: bool,
        turned in prop::option::of(0usize..20),
        seed in 0u64..1000,
    ) {
        let mut told = lanes(groups, length, step, backwards);
        let count = told.0.len();
        told.0.rotate_left(turned.unwrap_or(0) % count);
        holds(told, groups * length * step, seed);
    }
}

/// Longer than the share of one thread.
#[test]
fn long_runs_are_cut() {
    holds(lanes(1, 200_000, 2, true), 400_000, 1);
    holds(
        Told(vec![
            (200_000, 1, (200_001..=300_000).map(|i| i as f32).collect()),
            (0, 1, (1..=200_000).map(|i| i as f32).collect()),
        ]),
        300_000,
        2,
    );
}

#[test]
fn revivals_of_many_layers_are_those_of_each() {
    let shape = [300, 501];
    let value = |i: u64| [0.0, -0.0, 1.5, f32::NAN, -f32::INFINITY][(hash(i) % 5) as usize];
    // Pieces with NaN, and pieces without.
    let logical: Vec<f32> = (0..300 * 501).map(|i| if i / 9000 % 2 == 0 { value(i) } else { (i % 3) as f32 }).collect();
    let rows = PlainTensor::from_logical(&shape, logical.clone()).unwrap();
    let layout = Layout::new(&shape, &[1, 300], 0).unwrap();
    let memory = (0..300 * 501).map(|p| logical[p % 300 * 501 + p / 300]).collect();
    let columns = PlainTensor::from_memory(layout, memory).unwrap();
    let masks: Masks = (0..2).map(|i| (format!("{i}"), random(&shape, i))).collect();
    let expected = |seed| {
        let outside = random(&shape, seed).iter().zip(&logical).filter(|(kept, value)| !kept && **value != 0.0).count();
        assert!(outside > 10_000);
        outside
    };
    for (a, b) in [(&rows, &columns), (&columns, &rows)] {
        let layers = [("1", LayerRef::of(a)), ("0", LayerRef::of(b)), ("free", LayerRef::of(a))];
        assert_eq!(masks.revivals(&layers).unwrap(), expected(0) + expected(1));
        assert_eq!(LayerRef::of(a).revivals(&random(&shape, 0)).unwrap(), expected(0));
    }
}
