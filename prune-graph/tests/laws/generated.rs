//! Laws of classes, families, scores, counts and searches on generated graphs.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use prune_core::Density;
use prune_graph::{Choice, ClassId, ClassScore, GraphError, Method};

use super::case::{Node, build, case, naive, name, values};

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
        // Small integers have exact sums in any order.
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
        // The classes in the order of their rank, highest first.
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
            // The nearest multiple, found by trying all. Of two equally near ones, the greater.
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
                        // One more step of every family costs too much.
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
