//! Masks, couplings and refusals on graphs that are written out here.

use std::collections::BTreeMap;

use prune_core::Mask;
use prune_graph::{ClassScore, Classes, Couplings, Graph, GraphError, Reason, Role, TensorAxis};

use super::case::Values;

/// The axes of a conv (writer), a norm's scale and shift (writers), its variance (divisor), the next conv (reader), and
/// a residual branch.
fn residual() -> (Classes, [TensorAxis; 6]) {
    let mut graph = Graph::new();
    let mut constant = |name: &str, shape: &[usize]| graph.constant(name, shape, true).expect("new");
    let a = constant("a.weight", &[4, 2]).axis(0);
    let b = constant("b.weight", &[4, 3]).axis(0);
    let scale = constant("norm.scale", &[4]).axis(0);
    let shift = constant("norm.shift", &[4]).axis(0);
    let variance = constant("norm.variance", &[4]).axis(0);
    let next = constant("next.weight", &[5, 4]).axis(1);
    let why = graph.reason(Reason::new("Add", "", "joins"));
    for axis in [b, scale, shift, variance, next] {
        graph.join(a, axis, why);
    }
    for axis in [a, b, scale, shift] {
        graph.role(axis, Role::Writer);
    }
    for other in [a.tensor.axis(1), b.tensor.axis(1), next.tensor.axis(0)] {
        graph.pin(other, why);
    }
    graph.role(variance, Role::Divisor);
    graph.role(next, Role::Reader);
    (graph.close(), [a, b, scale, shift, variance, next])
}

fn mask(shape: &[usize], closed: &[usize]) -> Mask {
    let inner: usize = shape[1..].iter().product();
    let kept: Vec<bool> = (0..shape[0] * inner).map(|i| !closed.contains(&(i / inner))).collect();
    Mask::from_bools(shape, &kept).expect("fits")
}

#[test]
fn masks_close_what_every_masked_writer_closes() {
    let (classes, [a, b, ..]) = residual();
    let (x, y) = (mask(&[4, 2], &[0, 2]), mask(&[4, 3], &[2, 3]));
    let both = classes.closed_by(&[("a.weight", &x), ("b.weight", &y)]).expect("a channel");
    assert_eq!(both.removal.kept(&classes, a), Some(vec![0, 1, 3]));
    assert_eq!(both.kept_elsewhere, [(a, 0), (b, 3)]);
    let one = classes.closed_by(&[("a.weight", &x)]).expect("a channel");
    assert_eq!(one.removal.kept(&classes, b), Some(vec![1, 3]));
}

#[test]
fn masked_readers_decide_only_where_no_writer_is_masked() {
    let (classes, [a, ..]) = residual();
    let kept: Vec<bool> = (0..20).map(|i| i % 4 != 1).collect();
    let reader = Mask::from_bools(&[5, 4], &kept).expect("fits");
    let removal = classes.closed_by(&[("next.weight", &reader)]).expect("a channel").removal;
    assert_eq!(removal.kept(&classes, a), Some(vec![0, 2, 3]));
    let writer = mask(&[4, 2], &[3]);
    let removal = classes.closed_by(&[("next.weight", &reader), ("a.weight", &writer)]).expect("a channel").removal;
    assert_eq!(removal.kept(&classes, a), Some(vec![0, 1, 2]));
}

#[test]
fn masks_that_do_not_fit_are_refused() {
    let (classes, _) = residual();
    let message = |masks: &[(&str, &Mask)]| classes.closed_by(masks).expect_err("refused").to_string();
    let open = mask(&[4, 2], &[]);
    assert_eq!(
        message(&[("a.weight", &open)]),
        "no mask closes a whole channel that can be removed; prune channels in training, or give a density"
    );
    assert_eq!(
        message(&[("a.weight", &mask(&[4, 2], &[0, 1, 2, 3]))]),
        "every index of axis 0 of `a.weight` would go; keep at least one"
    );
    assert_eq!(
        message(&[("a.weight", &mask(&[2, 4], &[0]))]),
        "the mask of `a.weight` has shape [2, 4], the constant [4, 2]"
    );
    assert_eq!(
        message(&[("a.weigth", &open)]),
        "a mask is for `a.weigth`, which is no constant of the graph; the nearest name is `a.weight`"
    );
}

#[test]
fn masks_that_close_all_are_refused_by_the_name_of_a_weight() {
    // The value between the layers comes first by name.
    let mut graph = Graph::new();
    let value = graph.tensor("a", &[Some(2)]).expect("new").axis(0);
    let bias = graph.constant("b.bias", &[2], true).expect("new").axis(0);
    let next = graph.constant("c.weight", &[1, 2], true).expect("new").axis(1);
    let first = graph.constant("d.weight", &[2, 1], true).expect("new").axis(0);
    let why = graph.reason(Reason::new("Gemm", "", "reads"));
    [value, bias, next].into_iter().for_each(|axis| graph.join(first, axis, why));
    graph.role(next, Role::Reader);
    [next.tensor.axis(0), first.tensor.axis(1)].into_iter().for_each(|axis| graph.pin(axis, why));
    let classes = graph.close();
    let closed = |name, shape: &[usize]| {
        let mask = Mask::from_bools(shape, &[false; 2]).expect("fits");
        classes.closed_by(&[(name, &mask)]).expect_err("refused").to_string()
    };
    assert_eq!(closed("d.weight", &[2, 1]), "every index of axis 0 of `d.weight` would go; keep at least one");
    assert_eq!(closed("c.weight", &[1, 2]), "every index of axis 1 of `c.weight` would go; keep at least one");
}

#[test]
fn a_mask_of_a_pinned_slice_says_so() {
    let mut graph = Graph::new();
    let a = graph.constant("a", &[2, 2], true).expect("new");
    let why = graph.reason(Reason::new("Output", "", "is given away"));
    graph.pin(a.axis(0), why);
    let classes = graph.close();
    let refused = classes.closed_by(&[("a", &mask(&[2, 2], &[1]))]).expect_err("pinned").to_string();
    assert!(refused.contains("index 1 of axis 0 of `a` is closed, but an operator pins it"), "{refused}");
}

#[test]
fn couplings_hold_writers_of_both_branches_and_no_reader_or_divisor() {
    let (classes, _) = residual();
    let couplings = Couplings::of(&classes);
    assert_eq!(couplings.groups().len(), 1);
    let (group, channel) = couplings.find("b.weight", 0, 2).expect("coupled");
    let mut closed: Vec<(String, usize, usize)> =
        couplings.groups()[group].slices(channel).map(|s| (s.tensor, s.axis, s.index)).collect();
    closed.sort();
    let expected = ["a.weight", "b.weight", "norm.scale", "norm.shift"].map(|name| (name.to_owned(), 0, 2));
    assert_eq!(closed, expected);
    assert_eq!(couplings.find("next.weight", 1, 2), None);
    assert_eq!(couplings.find("norm.variance", 0, 2), None);
}

#[test]
fn couplings_that_cannot_be_are_refused() {
    let message = |groups: &[Vec<(&str, usize, usize)>]| Couplings::stated(groups).expect_err("refused").to_string();
    assert_eq!(
        message(&[vec![("a", 0, 3), ("b", 0, 4)]]),
        "coupling of `b`: its axis has another length than the first of the group"
    );
    assert_eq!(
        message(&[vec![("a", 0, 3)], vec![("a", 0, 3)]]),
        "coupling of `a`: its axis is coupled twice; state it once"
    );
    assert_eq!(message(&[vec![("a", 0, 3), ("a", 0, 3)]]), "coupling of `a`: its axis is coupled twice; state it once");
    assert_eq!(message(&[vec![]]), "coupling of ``: a group needs at least one axis");
}

#[test]
fn a_nan_is_named_where_it_is_ranked_and_ignored_where_it_is_not() {
    let mut graph = Graph::new();
    let a = graph.constant("a", &[2, 2], true).expect("new");
    let b = graph.constant("b", &[2, 2], true).expect("new");
    let why = graph.reason(Reason::new("Op", "", "pins"));
    graph.pin_tensor(b, why);
    graph.pin(a.axis(1), why);
    let classes = graph.close();
    let with = |x: f64, y: f64| Values(BTreeMap::from([(a, vec![1.0, 2.0, 3.0, x]), (b, vec![y; 4])]));
    assert!(classes.scores(ClassScore::L2, &with(0.0, f64::NAN)).is_ok());
    let refused = classes.scores(ClassScore::L2, &with(f64::NAN, 0.0)).expect_err("a NaN").to_string();
    assert_eq!(refused, "constant `a` has a NaN at index 1 of axis 0; fix the value or exclude the tensor");
    let short = Values(BTreeMap::from([(a, vec![1.0; 3]), (b, vec![])]));
    let refused = classes.scores(ClassScore::L2, &short).expect_err("too few").to_string();
    assert_eq!(refused, "constant `a` has 3 values where its shape asks for 4");
}

#[test]
fn tensors_that_cannot_be_are_refused() {
    let mut graph = Graph::new();
    graph.tensor("x", &[Some(2), None]).expect("new");
    assert!(matches!(graph.tensor("x", &[]), Err(GraphError::DuplicateTensor { .. })));
    assert!(matches!(graph.tensor("y", &[Some(usize::MAX), Some(usize::MAX)]), Err(GraphError::TooManyIndices { .. })));
}
