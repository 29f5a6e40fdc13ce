//! Laws of units, slices and bounds: layouts and threads never change a mask.

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::threads::WorkPlace;
use super::{Number, failed, mask_of, masked, ranking, small, with_nan};
use crate::Density;
use crate::error::Error;
use crate::layout::Layout;
use crate::mask::Mask;
use crate::select::{Bound, Ranked, Selected, Selector};
use crate::tensor::{LayerRef, PlainTensor};
use crate::testing::conformance::{Suite, for_all};
use crate::testing::generators::{ValueKind, densities};
use crate::threads::Threads;
use crate::unit::{Blocks, Channels, Norm, Pool, Unit};

/// Units, slices along each axis, and a ranking within bounds equal those of a row-major tensor with the same logical
/// content, whatever is alive. They are the same on the calling thread and in pools of 1, 2 and 7.
pub fn units_slices_and_bounds_agree_everywhere(suite: &Suite) {
    let name = "units_slices_and_bounds_agree_everywhere";
    let tensors = prop_oneof![2 => small(suite), 1 => with_nan(suite)].boxed();
    let cases = (masked(tensors), densities(), 1usize..5, ranking());
    for_all(name, cases, |((shape, data, alive), density, side, by)| {
        let rows = Number::plain(suite.element_type(), Layout::row_major(&shape).map_err(failed)?, &data);
        let alive = mask_of(&shape, &alive)?;
        let tensor = suite.tensor(&shape, &data);
        for alive in [None, Some(&alive)] {
            let [got, wanted] = [&tensor, &rows].map(|tensor| {
                everything(&tensor.layer(), alive, density, (side, &ALL), Selector::default().with_rank_by(by))
            });
            prop_assert_eq!(got, wanted);
        }
        Ok(())
    });
    for (i, shape) in suite.shapes().around_the_parallel_cut_off().iter().enumerate() {
        let kind = ValueKind::ALL[i % ValueKind::ALL.len()];
        let data = Number::many(suite.element_type(), kind, shape.iter().product(), i as u64);
        if let Err(error) = agree(suite, shape, &data, i) {
            panic!("{name} does not hold for {kind:?} values of shape {shape:?}, seed {i}: {error}");
        }
    }
}

/// The pools and norms with which units are tried.
type Tried<'t> = (&'t [Pool], &'t [Norm]);

const ALL: Tried<'static> = (&[Pool::Mean, Pool::Max], &[Norm::L1, Norm::L2, Norm::Max]);

/// Compares every place; one pool or norm for each shape, since scores are made on one thread and only their ranking
/// is shared.
fn agree(suite: &Suite, shape: &[usize], data: &[Number], i: usize) -> TestCaseResult {
    let tried: Tried<'_> = (&ALL.0[i % 2..=i % 2], &ALL.1[i % 3..=i % 3]);
    let tensor = suite.tensor(shape, data);
    let lent = tensor.layer();
    let density = Density::new(0.3).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let alone = everything(&lent, None, density, (3, &tried), Selector::default().with_threads(Threads::One));
    for place in WorkPlace::all() {
        let found = place
            .run(|threads| everything(&lent, None, density, (3, &tried), Selector::default().with_threads(threads)));
        let same = || {
            prop_assert!(found == alone, "another mask than on the calling thread");
            Ok(())
        };
        same().map_err(|error| place.on(error))?;
    }
    Ok(())
}

/// All selections of these kinds that a layer allows.
fn everything(
    layer: &LayerRef<'_>,
    alive: Option<&Mask>,
    density: Density,
    (side, (pools, norms)): (usize, &Tried<'_>),
    selector: Selector,
) -> Vec<Result<Vec<Selected>, Error>> {
    let ranked = Ranked::new("layer", layer).with_alive(alive);
    let one = |selected: Result<Selected, Error>| selected.map(|selected| vec![selected]);
    let mut found = Vec::new();
    for &pool in *pools {
        for sizes in [&[side][..], &[2, side]] {
            let blocks = Blocks::new(sizes, &[], pool);
            found.push(one(blocks.and_then(|blocks| selector.units(ranked, &Unit::from(blocks), density))));
        }
    }
    for axis in 0..layer.rank() as isize {
        for &norm in *norms {
            found.push(one(selector.units(ranked, &Channels::new(axis, norm).into(), density)));
        }
        found.push(one(selector.each_along(ranked, density, axis)));
    }
    // Ranked beside another layer: at least half of that layer must stay, and at most the density of this one.
    let other: Result<PlainTensor<f64>, Error> = PlainTensor::from_logical(&[6], vec![0.0, 1e-3, 0.5, -0.5, -1.0, 1e9]);
    found.push(other.and_then(|other| {
        let other = LayerRef::of(&other);
        let some = alive.map_or(layer.len(), Mask::kept_len);
        let bounds = [Bound { min: 0, max: density.kept_of(some) }, Bound { min: 3, max: 6 }];
        selector.top_within(&[ranked, Ranked::new("other", &other)], 4.min(3 + some), &bounds)
    }));
    found
}
