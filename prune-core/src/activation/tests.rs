#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use crate::{
    ActivationPruner, ActivationRule, ActivationScope, Density, Error, ErrorKind, LayerMut, Layout, Mask, NmPattern,
    PlainTensor,
};

/// The definition: sort each ranking, keep the first elements.
fn oracle(values: &[f32], each: usize, lane: usize, rule: ActivationRule) -> Vec<bool> {
    let mut kept = vec![false; values.len()];
    let mut keep_best = |start: usize, end: usize, count: usize| {
        let mut order: Vec<usize> = (start..end).collect();
        order.sort_by(|&a, &b| values[b].abs().partial_cmp(&values[a].abs()).unwrap());
        order.into_iter().take(count).for_each(|i| kept[i] = true);
    };
    match rule {
        ActivationRule::Unstructured(density) => {
            for start in (0..values.len()).step_by(each.max(1)) {
                keep_best(start, start + each, density.kept_of(each));
            }
        }
        ActivationRule::Nm(pattern) => {
            for start in (0..values.len()).step_by(lane) {
                for group in (start..start + lane).step_by(pattern.m()) {
                    keep_best(group, (start + lane).min(group + pattern.m()), pattern.n());
                }
            }
        }
    }
    kept
}

fn relu_like() -> impl Strategy<Value = f32> {
    prop_oneof![4 => Just(0.0f32), 1 => Just(-0.0f32), 1 => Just(1.0f32), 1 => Just(f32::INFINITY), 4 => -2.0f32..2.0]
}

fn rules() -> impl Strategy<Value = ActivationRule> {
    prop_oneof![
        (0.001f64..=1.0).prop_map(|d| ActivationRule::Unstructured(Density::new(d).unwrap())),
        (1usize..6, 0usize..6).prop_map(|(n, more)| ActivationRule::Nm(NmPattern::new(n, n + more).unwrap())),
    ]
}

proptest! {
    #[test]
    fn equals_the_sort_and_agrees_across_layouts(
        (shape, values) in (1usize..5, 1usize..7, 1usize..40)
            .prop_flat_map(|(a, b, c)| (Just([a, b, c]), prop::collection::vec(relu_like(), a * b * c))),
        rule in rules(),
        whole: bool,
    ) {
        let [a, b, c] = shape;
        let scope = if whole { ActivationScope::WholeTensor } else { ActivationScope::PerSample };
        let kept = oracle(&values, if whole { a * b * c } else { b * c }, c, rule);
        let mut pruner = ActivationPruner::new(rule).with_scope(scope);

        let mut x = PlainTensor::from_logical(&shape, values.clone()).unwrap();
        let report = pruner.prune(LayerMut::of(&mut x)).unwrap();
        prop_assert_eq!(pruner.mask(), &Mask::from_bools(&shape, &kept).unwrap());
        for ((before, after), kept) in values.iter().zip(x.values()).zip(&kept) {
            prop_assert_eq!(after.to_bits(), if *kept { before.to_bits() } else { 0 });
        }
        prop_assert_eq!(report.elements, values.len());
        prop_assert_eq!(report.asked, report.kept);
        prop_assert_eq!(report.kept, kept.iter().filter(|kept| **kept).count());
        prop_assert_eq!(report.non_zero_before, values.iter().filter(|x| **x != 0.0).count());
        prop_assert_eq!(report.non_zero_after, x.values().iter().filter(|x| **x != 0.0).count());

        // The same tensor in column-major memory, pruned with the memory of the same pruner.
        let layout = Layout::new(&shape, &[1, a as isize, (a * b) as isize], 0).unwrap();
        let memory = (0..a * b * c).map(|p| values[layout.logical_index(p)]).collect();
        let mut y = PlainTensor::from_memory(layout, memory).unwrap();
        prop_assert_eq!(pruner.prune(LayerMut::of(&mut y)).unwrap(), report);
        prop_assert_eq!(y.to_logical(), x.values());
        prop_assert_eq!(pruner.mask(), &Mask::from_bools(&shape, &kept).unwrap());
    }
}

proptest! {
    /// Samples large enough for groups that are decided side by side, with some left over.
    #[test]
    fn groups_side_by_side_equal_the_sort(
        (lane, values) in (1usize..20, 1usize..12, prop::sample::select(vec![1usize, 2, 4, 8, 12]))
            .prop_flat_map(|(rows, lanes, unit)| {
                (Just(lanes * unit), prop::collection::vec(relu_like(), rows * 8 * lanes * unit))
            }),
        (n, m) in prop::sample::select(vec![2usize, 4, 8]).prop_flat_map(|m| (1..=m, Just(m))),
    ) {
        let rule = ActivationRule::Nm(NmPattern::new(n, m).unwrap());
        let kept = oracle(&values, values.len(), lane, rule);
        let mut words = vec![u64::MAX; values.len().div_ceil(64)];
        let report = crate::prune_sample(rule, &values, lane, &mut words, &mut crate::Scratch::default()).unwrap();
        let expected = Mask::from_bools(&[values.len()], &kept).unwrap();
        prop_assert_eq!(&words[..], expected.words());
        let non_zero_after = values.iter().zip(&kept).filter(|&(x, kept)| *kept && *x != 0.0).count();
        prop_assert_eq!((report.kept, report.non_zero_after), (kept.iter().filter(|kept| **kept).count(), non_zero_after));
        let mut pruned = values.clone();
        crate::zero_outside(&mut pruned, &words);
        for ((before, after), kept) in values.iter().zip(&pruned).zip(&kept) {
            prop_assert_eq!(after.to_bits(), if *kept { before.to_bits() } else { 0 });
        }
    }
}

#[test]
fn a_prediction_does_not_depend_on_its_batch() {
    let mut pruner = ActivationPruner::unstructured(Density::new(0.5).unwrap());
    let alone = [1.0f32, 4.0, 2.0, 3.0];
    let mut batch: Vec<f32> = alone.to_vec();
    batch.extend([90.0, 80.0, 70.0, 60.0]);
    let mut one = PlainTensor::from_logical(&[1, 4], alone.to_vec()).unwrap();
    let mut two = PlainTensor::from_logical(&[2, 4], batch).unwrap();
    pruner.prune(LayerMut::of(&mut one)).unwrap();
    pruner.prune(LayerMut::of(&mut two)).unwrap();
    assert_eq!(one.values(), &two.values()[..4]);
}

#[test]
fn nan_is_named_and_nothing_is_written() {
    let values = vec![1.0f32, 2.0, 3.0, f32::NAN, 5.0, f32::NAN];
    for rule in
        [ActivationRule::Unstructured(Density::new(0.5).unwrap()), ActivationRule::Nm(NmPattern::new(1, 2).unwrap())]
    {
        let mut x = PlainTensor::from_logical(&[3, 2], values.clone()).unwrap();
        let error = ActivationPruner::new(rule).prune(LayerMut::of(&mut x)).unwrap_err();
        assert_eq!(error, ErrorKind::Nan { index: vec![1, 1] }.into());
        assert_eq!(x.values()[0], 1.0);
        assert!(x.values().iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn empty_and_scalar_tensors_are_handled() {
    let mut pruner = ActivationPruner::unstructured(Density::new(0.5).unwrap());
    for shape in [&[0usize, 4][..], &[4, 0], &[0]] {
        let mut x = PlainTensor::<f32>::from_logical(shape, vec![]).unwrap();
        let report = pruner.prune(LayerMut::of(&mut x)).unwrap();
        assert_eq!(report.to_string(), "no activations");
    }
    let mut x = PlainTensor::from_logical(&[], vec![2.0f32]).unwrap();
    assert_eq!(pruner.prune(LayerMut::of(&mut x)).unwrap().to_string(), "no effect: 0% were already zero");
    let mut x = PlainTensor::from_logical(&[4], vec![2.0f32, 0.0, 0.0, 0.0]).unwrap();
    assert_eq!(pruner.prune(LayerMut::of(&mut x)).unwrap().to_string(), "no effect: 75% were already zero");
}

#[test]
fn mask_and_scratch_are_reused() {
    let layout = Layout::new(&[3, 70], &[1, 3], 0).unwrap();
    let batch = |shift: usize| (0..210).map(|i| ((i * 37 + shift) % 101) as f32 - 50.0).collect::<Vec<_>>();
    for rule in [ActivationRule::Unstructured(Density::new(0.3).unwrap()), ActivationRule::Nm("2:4".parse().unwrap())] {
        let mut pruner = ActivationPruner::new(rule);
        let mut held = Vec::new();
        for shift in [0, 5] {
            // Column-major, so that the values are gathered too.
            let mut x = PlainTensor::from_memory(layout.clone(), batch(shift)).unwrap();
            pruner.prune(LayerMut::of(&mut x)).unwrap();
            let super::ReusedMemory { bits, f32, .. } = &pruner.reused;
            assert!(!bits.is_empty() && f32.logical.len() == 210);
            held.push((pruner.mask().words().as_ptr(), bits.as_ptr(), f32.logical.as_ptr()));
        }
        assert_eq!(held[0], held[1], "{rule:?}");
    }
}

#[test]
fn a_layout_that_claims_too_much_is_refused_before_memory_is_taken_for_it() {
    let layout = Layout::row_major(&[1 << 40, 1 << 20]).unwrap();
    let mut values = [1.0f32; 4];
    let x = LayerMut::lent(crate::LentMut::new(layout, crate::MemoryMut::Dense(&mut values)));
    let mut pruner = ActivationPruner::unstructured(Density::new(0.5).unwrap());
    assert!(matches!(pruner.prune(x), Err(Error { kind: ErrorKind::Layout { .. }, .. })));
}

/// Memory that can be read but not written: its runs name elements twice.
struct TwiceWritten(Vec<f32>);

impl crate::Strided<f32> for TwiceWritten {
    fn gather(&self) -> Vec<f32> {
        self.0.clone()
    }

    fn for_each_run<'s>(&'s mut self, visit: &mut dyn FnMut(crate::Run<'s, f32>)) {
        for values in self.0.chunks_mut(2) {
            visit(crate::Run { first: 0, step: 1, values });
        }
    }
}

#[test]
fn a_call_that_is_refused_leaves_no_mask() {
    let mut pruner = ActivationPruner::unstructured(Density::new(0.5).unwrap());
    let empty = pruner.mask().clone();
    let good = || PlainTensor::from_logical(&[1, 4], vec![1.0f32, 2.0, 3.0, 4.0]).unwrap();
    let layout = Layout::row_major(&[1, 4]).unwrap();
    let nan = || PlainTensor::from_logical(&[1, 2], vec![1.0f32, f32::NAN]).unwrap();

    pruner.prune(LayerMut::of(&mut good())).unwrap();
    assert_eq!(pruner.mask().kept_len(), 2);
    assert!(pruner.prune(LayerMut::of(&mut nan())).is_err());
    assert_eq!(pruner.mask(), &empty);

    pruner.prune(LayerMut::of(&mut good())).unwrap();
    let memory = crate::MemoryMut::Strided(Box::new(TwiceWritten(vec![1.0, 2.0, 3.0, 4.0])));
    let refused = pruner.prune(LayerMut::lent(crate::LentMut::new(layout, memory)));
    assert!(matches!(refused, Err(Error { kind: ErrorKind::Layout { .. }, .. })), "{refused:?}");
    assert_eq!(pruner.mask(), &empty);
    // A mask of another batch lets no gradient pass.
    assert!(pruner.mask_gradient(LayerMut::of(&mut good())).is_err());
}
