//! Channels of several layers as one unit, against sums over all members.

use proptest::prelude::*;
use prune_schedule::{Evidence, Pruner};

use crate::model::Model;
use crate::oracle::{best, count, place, weights};
use crate::{Kept, kept, values};

/// One layer writes the channels, two layers read them, and a bias is added. Channels lie along these axes.
const MEMBERS: [(&str, usize); 4] = [("a.weight", 0), ("a.bias", 0), ("b.weight", 1), ("c.weight", 1)];

fn models() -> impl Strategy<Value = Model> {
    let shape = (1usize..6, 1usize..4, 1usize..4);
    shape.prop_flat_map(|(channels, rows, columns)| {
        let layer = |name: &'static str, shape: Vec<usize>| {
            proptest::collection::vec(values(), shape.iter().product::<usize>())
                .prop_map(move |values| (name, shape.clone(), values))
        };
        let layers = vec![
            layer("a.weight", vec![channels, columns]),
            layer("a.bias", vec![channels]),
            layer("b.weight", vec![rows, channels]),
            layer("c.weight", vec![rows, channels, columns]),
            layer("other.weight", vec![rows, columns]),
        ];
        layers.prop_map(|layers| {
            Model::of(&layers.iter().map(|(name, shape, values)| (*name, &shape[..], &values[..])).collect::<Vec<_>>())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn members_keep_the_same_channels(
        mut model in models(),
        density in crate::densities(),
        by_max in any::<bool>(),
        global in any::<bool>(),
    ) {
        let (method, norm) = (if global { "channel_global" } else { "channel_unified_local" }, if by_max { "'inf'" } else { "1" });
        let before = model.clone();
        let strategy = format!("{{1: {{'method': '{method}', 'density': {density}, 'norm': {norm}, 'include': 'a.*'}}}}");
        let mut pruner = Pruner::new(strategy.parse().unwrap()).with_couplings([MEMBERS]);
        pruner.check(&model).unwrap();
        let report = pruner.end_epoch_with(1, &mut model, Evidence::default()).unwrap().unwrap();

        let channels = before.shape("a.weight")[0];
        let mut scores = vec![0.0f64; channels];
        for (name, axis) in MEMBERS.iter().filter(|(name, _)| !name.ends_with("bias")) {
            for (index, value) in weights(&before, name).iter().enumerate() {
                let score = &mut scores[place(index, &before.shape(name))[*axis]];
                *score = if by_max { score.max(value.abs()) } else { *score + value.abs() };
            }
        }
        let things = scores.into_iter().enumerate().map(|(i, score)| (score, String::new(), i)).collect();
        let chosen: Vec<usize> = best(things, count(density, channels)).into_iter().map(|(_, channel)| channel).collect();
        let expected: Kept = MEMBERS
            .iter()
            .map(|(name, axis)| {
                let shape = before.shape(name);
                let len: usize = shape.iter().product();
                ((*name).to_owned(), (0..len).map(|i| chosen.contains(&place(i, &shape)[*axis])).collect())
            })
            .collect();
        prop_assert_eq!(&kept(&pruner), &expected);
        prop_assert_eq!(model.bits(), crate::applied(&before, &expected).bits());
        prop_assert_eq!(report.layers.len(), MEMBERS.len());
        if !global {
            prop_assert_eq!(report.selected.asked, Some(report.selected.kept));
        }
    }
}

#[test]
fn couplings_that_do_not_fit_are_refused() {
    let model = Model::seeded(&[("a.weight", &[4, 3]), ("b.weight", &[2, 5])], 1);
    let refused = |members: [(&str, usize); 2]| {
        let strategy = "{1: {'method': 'channel_unified_local', 'density': 0.5, 'include': 'a*'}}";
        let pruner = Pruner::new(strategy.parse().unwrap()).with_couplings([members]);
        let prepared = pruner.prepare(prune_schedule::Moment::Epoch(1), &model, Evidence::default());
        prepared.map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        refused([("a.weight", 0), ("b.weight", 1)]),
        "epoch 1, layer `b.weight`: its channels cannot be coupled: it has 5 channels along axis 1, and `a.weight` has 4"
    );
    assert_eq!(
        refused([("a.weight", 0), ("b.weigth", 1)]),
        "epoch 1: there is no layer `b.weigth` (did you mean `b.weight`?)"
    );
    assert_eq!(
        refused([("a.weight", 0), ("b.weight", 2)]),
        "epoch 1, layer `b.weight`: axis 2 does not exist in shape [2, 5]"
    );
    assert_eq!(
        refused([("a.weight", 0), ("a.weight", 1)]),
        "epoch 1, layer `a.weight`: its channels cannot be coupled: it is a member of two couplings"
    );
}
