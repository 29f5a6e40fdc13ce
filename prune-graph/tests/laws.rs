//! Classes, families, counts and searches against naive computations on generated graphs.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use prune_core::{Density, Mask};
use prune_graph::{
    Choice, ClassId, ClassScore, Classes, Couplings, Graph, GraphError, Method, Reason, Role, TensorAxis, TensorId,
    Weights,
};

/// A statement about axes, by number into the list of all axes.
#[derive(Debug, Clone)]
enum Statement {
    Join(usize, usize),
    Segment(usize, usize, usize, usize, usize),
    Groups(usize, usize),
    Blocks(usize, usize, usize),
    Pin(usize),
    PinIndex(usize, usize),
}

#[derive(Debug, Clone)]
struct Case {
    shapes: Vec<Vec<usize>>,
    constant: Vec<bool>,
    statements: Vec<Statement>,
}

fn case() -> impl Strategy<Value = Case> {
    let shapes = prop::collection::vec(prop::collection::vec(1usize..7, 1..4), 1..6);
    let statement = prop_oneof![
        4 => (0usize..20, 0usize..20).prop_map(|(a, b)| Statement::Join(a, b)),
        3 => (0usize..20, 0usize..6, 0usize..20, 0usize..6, 0usize..4)
            .prop_map(|(a, i, b, j, n)| Statement::Segment(a, i, b, j, n)),
        1 => (0usize..20, 1usize..4).prop_map(|(a, n)| Statement::Groups(a, n)),
        1 => (0usize..20, 0usize..20, 1usize..4).prop_map(|(a, b, n)| Statement::Blocks(a, b, n)),
        1 => (0usize..20).prop_map(Statement::Pin),
        1 => (0usize..20, 0usize..7).prop_map(|(a, i)| Statement::PinIndex(a, i)),
    ];
    (shapes, prop::collection::vec(any::<bool>(), 6), prop::collection::vec(statement, 0..8))
        .prop_map(|(shapes, constant, statements)| Case { shapes, constant, statements })
}

/// The names run against the order in which tensors are added.
fn name(tensor: usize) -> String {
    format!("t{}", 9 - tensor)
}

fn axes(case: &Case) -> Vec<(usize, usize, usize)> {
    let shapes = case.shapes.iter().enumerate();
    shapes.flat_map(|(t, shape)| shape.iter().enumerate().map(move |(a, &n)| (t, a, n))).collect()
}

fn build(case: &Case) -> Classes {
    let mut graph = Graph::new();
    let ids: Vec<TensorId> = case
        .shapes
        .iter()
        .enumerate()
        .map(|(t, shape)| {
            if case.constant[t] {
                graph.constant(&name(t), shape, true).expect("new")
            } else {
                let sizes: Vec<_> = shape.iter().copied().map(Some).collect();
                graph.tensor(&name(t), &sizes).expect("new")
            }
        })
        .collect();
    let axes = axes(case);
    let axis = |a: usize| {
        let (t, a, _) = axes[a % axes.len()];
        ids[t].axis(a)
    };
    for (number, statement) in case.statements.iter().enumerate() {
        let why = graph.reason(Reason::new("Op", format!("{number}"), "says so"));
        match *statement {
            Statement::Join(a, b) => graph.join(axis(a), axis(b), why),
            Statement::Segment(a, i, b, j, n) => graph.join_segment((axis(a), i), (axis(b), j), n, why),
            Statement::Groups(a, n) => graph.join_groups(axis(a), n, why),
            Statement::Blocks(a, b, n) => graph.join_blocks(axis(a), axis(b), n, why),
            Statement::Pin(a) => graph.pin(axis(a), why),
            Statement::PinIndex(a, i) => graph.pin_index(axis(a), i, why),
        }
    }
    graph.close()
}

type Node = (String, usize, usize);

/// The same statements as plain pairs, closed by spreading the smallest member until nothing changes.
fn naive(case: &Case) -> BTreeMap<Node, Option<Node>> {
    let axes = axes(case);
    let axis = |a: usize| axes[a % axes.len()];
    let node = |(t, a, _): (usize, usize, usize), i: usize| (name(t), a, i);
    let mut pairs: Vec<(Node, Node)> = Vec::new();
    let mut pinned: BTreeSet<Node> = BTreeSet::new();
    let pin = |a: (usize, usize, usize), pinned: &mut BTreeSet<Node>| {
        (0..a.2).for_each(|i| {
            pinned.insert(node(a, i));
        })
    };
    for statement in &case.statements {
        match *statement {
            Statement::Join(a, b) => {
                let (a, b) = (axis(a), axis(b));
                if a.2 == b.2 {
                    (0..a.2).for_each(|i| pairs.push((node(a, i), node(b, i))));
                } else {
                    pin(a, &mut pinned);
                    pin(b, &mut pinned);
                }
            }
            Statement::Segment(a, i, b, j, n) => {
                let (a, b) = (axis(a), axis(b));
                if i + n <= a.2 && j + n <= b.2 {
                    (0..n).for_each(|k| pairs.push((node(a, i + k), node(b, j + k))));
                } else {
                    pin(a, &mut pinned);
                    pin(b, &mut pinned);
                }
            }
            Statement::Groups(a, n) => {
                let a = axis(a);
                if a.2 % n == 0 {
                    let local = a.2 / n;
                    (0..n).for_each(|g| (0..local).for_each(|k| pairs.push((node(a, k), node(a, g * local + k)))));
                } else {
                    pin(a, &mut pinned);
                }
            }
            Statement::Blocks(a, b, inner) => {
                let (a, b) = (axis(a), axis(b));
                if a.2 % (inner * b.2) == 0 {
                    (0..a.2).for_each(|i| pairs.push((node(a, i), node(b, (i / inner) % b.2))));
                } else {
                    pin(a, &mut pinned);
                    pin(b, &mut pinned);
                }
            }
            Statement::Pin(a) => pin(axis(a), &mut pinned),
            Statement::PinIndex(a, i) => {
                let a = axis(a);
                if i < a.2 {
                    pinned.insert(node(a, i));
                } else {
                    pin(a, &mut pinned);
                }
            }
        }
    }
    let mut label: BTreeMap<Node, Node> = BTreeMap::new();
    for &a in &axes {
        (0..a.2).for_each(|i| {
            label.insert(node(a, i), node(a, i));
        });
    }
    loop {
        let mut changed = false;
        for (x, y) in &pairs {
            let least = label[x].clone().min(label[y].clone());
            for z in [x, y] {
                if label[z] != least {
                    label.insert(z.clone(), least.clone());
                    changed = true;
                }
            }
        }
        if !changed {
            break;
        }
    }
    let dead: BTreeSet<Node> = pinned.iter().map(|node| label[node].clone()).collect();
    label.into_iter().map(|(node, first)| (node, (!dead.contains(&first)).then_some(first))).collect()
}

struct Values(BTreeMap<TensorId, Vec<f64>>);

impl Weights for Values {
    fn visit(&self, tensor: TensorId, visit: &mut dyn FnMut(&[f64])) -> Result<(), String> {
        self.0[&tensor].chunks(5).for_each(visit);
        Ok(())
    }
}

fn values(case: &Case, classes: &Classes, seed: u64) -> Values {
    let tensors = case.shapes.iter().enumerate().filter(|(t, _)| case.constant[*t]);
    Values(
        tensors
            .map(|(t, shape)| {
                let n: usize = shape.iter().product();
                // Coarse values, so that scores tie.
                let values = (0..n as u64).map(|i| (prune_core::draw(seed, &name(t), i) * 4.0).floor() - 1.0).collect();
                (classes.find(&name(t)).expect("known"), values)
            })
            .collect(),
    )
}

fn density() -> impl Strategy<Value = Density> {
    (1u32..=100).prop_map(|d| Density::new(f64::from(d) / 100.0).expect("in range"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn classes_are_what_naive_spreading_finds(case in case()) {
        let classes = build(&case);
        let naive = naive(&case);
        let mut firsts: Vec<&Node> = naive.values().flatten().collect();
        firsts.sort();
        firsts.dedup();
        for ((tensor, axis, index), first) in &naive {
            let at = classes.find(tensor).expect("known").axis(*axis);
            let class = classes.class_of(at, *index);
            let expected = first.as_ref().map(|first| firsts.binary_search(&first).expect("listed"));
            prop_assert_eq!(class.map(ClassId::index), expected, "{} {} {}", tensor, axis, index);
            prop_assert_eq!(classes.pin_of(at, *index).is_some(), first.is_none());
        }
        prop_assert_eq!(classes.bound(), firsts.len());
    }

    #[test]
    fn a_family_is_the_classes_on_the_same_axes(case in case()) {
        let classes = build(&case);
        let naive = naive(&case);
        let mut lies: BTreeMap<&Node, BTreeSet<(String, usize)>> = BTreeMap::new();
        for ((tensor, axis, _), first) in &naive {
            if let Some(first) = first {
                lies.entry(first).or_default().insert((tensor.clone(), *axis));
            }
        }
        let weight = |tensor: &str| {
            let t = (0..case.shapes.len()).find(|&t| name(t) == tensor).expect("known");
            case.constant[t] && case.shapes[t].len() >= 2
        };
        let mut expected: BTreeMap<BTreeSet<(String, usize)>, usize> = BTreeMap::new();
        for axes in lies.values().filter(|axes| axes.iter().any(|(tensor, _)| weight(tensor))) {
            *expected.entry(axes.clone()).or_default() += 1;
        }
        let found: BTreeMap<BTreeSet<(String, usize)>, usize> = classes
            .families()
            .iter()
            .map(|family| {
                let axes = family.axes().iter().map(|axis| (classes.name(axis.tensor).to_owned(), axis.axis)).collect();
                (axes, family.classes().len())
            })
            .collect();
        prop_assert_eq!(found.len(), classes.families().len());
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn scores_are_norms_over_all_slices(case in case(), seed in 0u64..99) {
        let classes = build(&case);
        let values = values(&case, &classes, seed);
        let mut l1 = vec![0.0; classes.bound()];
        let mut l2 = vec![0.0; classes.bound()];
        for (t, shape) in case.shapes.iter().enumerate().filter(|(t, shape)| case.constant[*t] && shape.len() >= 2) {
            let tensor = classes.find(&name(t)).expect("known");
            for (at, value) in values.0[&tensor].iter().enumerate() {
                let mut rest = at;
                for (axis, n) in shape.iter().enumerate().rev() {
                    if let Some(class) = classes.class_of(tensor.axis(axis), rest % n) {
                        l1[class.index()] += value.abs();
                        l2[class.index()] += value * value;
                    }
                    rest /= n;
                }
            }
        }
        // Small integers: sums are exact in any order.
        prop_assert_eq!(classes.scores(ClassScore::L1, &values).expect("readable"), l1);
        let roots: Vec<f64> = l2.into_iter().map(f64::sqrt).collect();
        prop_assert_eq!(classes.scores(ClassScore::L2, &values).expect("readable"), roots);
    }

    #[test]
    fn counts_and_order_are_those_of_a_full_sort(
        case in case(), seed in 0u64..99, density in density(), least in prop::option::of(density()), multiple in 1usize..5,
        global in any::<bool>(),
    ) {
        let classes = build(&case);
        let scores = classes.scores(ClassScore::L1, &values(&case, &classes, seed)).expect("readable");
        let method = if global { Method::ChannelGlobal } else { Method::ChannelUnifiedLocal };
        let choice = Choice { method, density, min_density: least, multiple };
        let removal = choice.choose(&classes, &scores);
        // Every class with its rank key, highest first.
        let sorted = |classes: &[ClassId]| {
            let mut all = classes.to_vec();
            all.sort_by(|a, b| scores[b.index()].total_cmp(&scores[a.index()]).then(a.cmp(b)));
            all
        };
        let mut kept: Vec<usize> = classes
            .families()
            .iter()
            .map(|family| least.map_or(0, |least| least.kept_of(family.classes().len())))
            .collect();
        if global {
            let all: Vec<ClassId> = classes.families().iter().flat_map(|f| f.classes().to_vec()).collect();
            let mut left = density.kept_of(all.len()).saturating_sub(kept.iter().sum());
            for class in sorted(&all) {
                let at = classes.family_of(class).expect("ranked");
                let place = sorted(classes.families()[at].classes()).iter().position(|&c| c == class).expect("member");
                if place >= kept[at] && left > 0 {
                    kept[at] += 1;
                    left -= 1;
                }
            }
        } else {
            for (family, kept) in classes.families().iter().zip(&mut kept) {
                *kept = density.kept_of(family.classes().len()).max(*kept);
            }
        }
        for (family, count) in classes.families().iter().zip(kept) {
            let n = family.classes().len();
            // The nearest multiple by trying all of them, the greater of two equally near.
            let nearest = (0..=2 * n / multiple + 2).map(|k| k * multiple).min_by_key(|&m| (m.abs_diff(count), usize::MAX - m));
            let count = nearest.expect("some").max(n.min(multiple)).min(n);
            let expected: Vec<ClassId> = sorted(family.classes()).into_iter().skip(count).collect();
            let gone: Vec<ClassId> = sorted(family.classes()).into_iter().filter(|&c| removal.is_gone(c)).collect();
            prop_assert_eq!(gone, expected);
        }
        prop_assert!(removal.check(&classes).is_ok());
    }

    #[test]
    fn a_search_fits_and_no_family_could_keep_a_step_more(
        case in case(), seed in 0u64..99, fraction in density(), multiple in 1usize..4, global in any::<bool>(),
    ) {
        let classes = build(&case);
        let scores = classes.scores(ClassScore::L2, &values(&case, &classes, seed)).expect("readable");
        let choice = if global { Choice::global(Density::ONE) } else { Choice::local(Density::ONE) };
        let choice = choice.with_multiple(multiple);
        let cost = |removal: &prune_graph::Removal| -> u128 {
            classes
                .tensors()
                .iter()
                .filter(|&&tensor| classes.is_constant(tensor))
                .map(|&tensor| removal.kept_elements(&classes, tensor) as u128)
                .sum()
        };
        let all = cost(&prune_graph::Removal::none(&classes)) as f64;
        match choice.keep_at_most(&classes, &scores, |_| true, ("parameters", fraction), cost) {
            Ok(removal) => {
                prop_assert!(cost(&removal) as f64 <= all * fraction.get());
                prop_assert!(removal.check(&classes).is_ok());
                if !global {
                    for family in classes.families() {
                        let n = family.classes().len();
                        let kept = family.classes().iter().filter(|&&c| !removal.is_gone(c)).count();
                        let Some(next) = (kept + 1..=n).find(|&k| choice.rounded(k, n) == k) else { continue };
                        let mut more = removal.clone();
                        let mut back: Vec<ClassId> =
                            family.classes().iter().copied().filter(|&c| removal.is_gone(c)).collect();
                        back.sort_by(|a, b| scores[b.index()].total_cmp(&scores[a.index()]).then(a.cmp(b)));
                        back.into_iter().take(next - kept).for_each(|c| more.reopen(c));
                        // One step of one family, or of all that share its density, is too much.
                        let mut step = removal.clone();
                        for other in classes.families() {
                            let n = other.classes().len();
                            let k = other.classes().iter().filter(|&&c| !removal.is_gone(c)).count();
                            let next = (k + 1..=n).find(|&m| choice.rounded(m, n) == m).unwrap_or(n);
                            let mut back: Vec<ClassId> =
                                other.classes().iter().copied().filter(|&c| removal.is_gone(c)).collect();
                            back.sort_by(|a, b| scores[b.index()].total_cmp(&scores[a.index()]).then(a.cmp(b)));
                            back.into_iter().take(next - k).for_each(|c| step.reopen(c));
                        }
                        prop_assert!(cost(&step) as f64 > all * fraction.get());
                        prop_assert!(cost(&more) >= cost(&removal));
                    }
                }
            }
            Err(GraphError::OutOfReach { least, .. }) => prop_assert!(least > fraction.get()),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

/// conv (writer), norm scale and shift (writers), norm variance (divisor), the next conv (reader), and a residual branch.
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
