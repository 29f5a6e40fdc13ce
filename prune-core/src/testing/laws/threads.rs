//! Laws of threads: they never change an answer. Sizes lie around the size at which threads start.

use proptest::prelude::*;

use super::{Number, failed, logical_bits, nameless, same, scores, small};
use crate::key::RankBy;
use crate::mask::Mask;
use crate::select::{Ranked, Selector};
use crate::testing::conformance::{Suite, for_all};
use crate::testing::generators::{Random, ValueKind, densities, patterns};
use crate::testing::oracle;
use crate::threads::Threads;
use crate::{Density, NmPattern};

/// A place where work can run.
pub(super) enum WorkPlace {
    /// The calling thread alone.
    Alone,
    /// A pool with this number of threads.
    #[cfg(feature = "rayon")]
    Pool(usize, &'static rayon::ThreadPool),
    /// Without rayon there is one thread, whatever the caller asks for.
    #[cfg(not(feature = "rayon"))]
    NoPool,
}

impl WorkPlace {
    #[cfg(feature = "rayon")]
    pub(super) fn all() -> Vec<WorkPlace> {
        use rayon::{ThreadPool, ThreadPoolBuilder};
        use std::sync::OnceLock;
        static POOLS: OnceLock<Vec<(usize, ThreadPool)>> = OnceLock::new();
        let pools = POOLS.get_or_init(|| {
            let pool = |threads| match ThreadPoolBuilder::new().num_threads(threads).build() {
                Ok(pool) => (threads, pool),
                Err(error) => panic!("a pool of {threads} threads: {error}"),
            };
            [1, 2, 7].map(pool).into()
        });
        core::iter::once(WorkPlace::Alone)
            .chain(pools.iter().map(|(threads, pool)| WorkPlace::Pool(*threads, pool)))
            .collect()
    }

    #[cfg(not(feature = "rayon"))]
    pub(super) fn all() -> Vec<WorkPlace> {
        vec![WorkPlace::Alone, WorkPlace::NoPool]
    }

    pub(super) fn run<R: Send>(&self, work: impl FnOnce(Threads) -> R + Send) -> R {
        match self {
            WorkPlace::Alone => work(Threads::One),
            #[cfg(feature = "rayon")]
            WorkPlace::Pool(_, pool) => pool.install(|| work(Threads::Pool)),
            #[cfg(not(feature = "rayon"))]
            WorkPlace::NoPool => work(Threads::Pool),
        }
    }

    /// The failure, with the place where it happened.
    pub(super) fn on(&self, error: TestCaseError) -> TestCaseError {
        let place = match self {
            WorkPlace::Alone => "the calling thread".to_owned(),
            #[cfg(feature = "rayon")]
            WorkPlace::Pool(threads, _) => format!("a pool of {threads}"),
            #[cfg(not(feature = "rayon"))]
            WorkPlace::NoPool => "no pool".to_owned(),
        };
        match error {
            TestCaseError::Fail(reason) => TestCaseError::fail(format!("on {place}: {reason}")),
            rejected => rejected,
        }
    }
}

/// Rule 5: the calling thread alone and pools of 1, 2 and 7 threads give the oracle's masks.
pub fn threads_1_2_7_agree(suite: &Suite) {
    for_all("threads_1_2_7_agree", (small(suite), densities(), patterns()), |((shape, data), density, pattern)| {
        agree(suite, &shape, data, density, pattern, 0..shape.len() as isize)
    });
    for (i, shape) in suite.shapes().around_the_parallel_cut_off().iter().enumerate() {
        let kind = ValueKind::ALL[i % ValueKind::ALL.len()];
        let (kept, (n, m)) = [(0.1, (2, 4)), (0.5, (1, 4)), (0.9, (5, 7)), (1e-4, (1, 1000))][i % 4];
        let data = Number::many(suite.element_type(), kind, shape.iter().product(), i as u64);
        let (Ok(density), Ok(pattern)) = (Density::new(kept), NmPattern::new(n, m)) else { continue };
        // The oracle is slow over so many groups: one axis for each shape.
        let axis = (i % shape.len()) as isize;
        if let Err(error) = agree(suite, shape, data, density, pattern, axis..axis + 1) {
            panic!("{kind:?} values of shape {shape:?}, seed {i}, density {density}, pattern {pattern}: {error}");
        }
    }
}

fn agree(
    suite: &Suite,
    shape: &[usize],
    data: Vec<Number>,
    density: Density,
    pattern: NmPattern,
    axes: core::ops::Range<isize>,
) -> Result<(), TestCaseError> {
    let scores = scores(&data);
    let layer = nameless(shape, &scores, None);
    let by = RankBy::Magnitude;
    let tensor = suite.tensor(shape, &data);
    let lent = tensor.layer();
    let ranked = Ranked::new("", &lent);
    let wanted = oracle::unstructured(layer, density.get(), by);
    for place in WorkPlace::all() {
        let got = place.run(|threads| Selector::default().with_threads(threads).unstructured(ranked, density));
        same(got.as_ref(), wanted.as_ref()).map_err(|error| place.on(error))?;
    }
    for axis in axes {
        let wanted = oracle::n_m(layer, pattern.n(), pattern.m(), axis, by);
        for place in WorkPlace::all() {
            let got = place.run(|threads| Selector::default().with_threads(threads).n_m(ranked, pattern, axis));
            same(got.as_ref(), wanted.as_ref()).map_err(|error| place.on(error))?;
        }
    }
    Ok(())
}

/// Applying writes the same bits on every thread count.
pub fn applying_agrees_on_every_thread_count(suite: &Suite) {
    let mut shapes = suite.shapes().around_the_parallel_cut_off();
    if let crate::testing::generators::Shapes::Only(small) = suite.shapes() {
        shapes.clone_from(small);
    }
    for (i, shape) in shapes.iter().enumerate() {
        let len: usize = shape.iter().product();
        let data = Number::many(suite.element_type(), ValueKind::Exponents, len, i as u64);
        let mut random = Random::new(i as u64);
        let kept: Vec<bool> = (0..len).map(|_| random.next_u64() >> 40 & 3 == 0).collect();
        if let Err(error) = applied_everywhere(suite, shape, &data, &kept) {
            panic!("shape {shape:?}, seed {i}: {error}");
        }
    }
}

fn applied_everywhere(suite: &Suite, shape: &[usize], data: &[Number], kept: &[bool]) -> Result<(), TestCaseError> {
    let mask = Mask::from_bools(shape, kept).map_err(failed)?;
    let bits: Vec<u64> = data.iter().zip(kept).map(|(value, &kept)| if kept { value.low_bits() } else { 0 }).collect();
    let offenders = oracle::revivals(&scores(data), kept);
    for place in WorkPlace::all() {
        let mut tensor = suite.tensor(shape, data);
        let lent = tensor.layer();
        let before = place.run(|_| lent.revivals(&mask)).map_err(failed)?;
        drop(lent);
        let mut lent = tensor.layer_mut();
        place.run(|threads| lent.apply_mask_on(&mask, threads)).map_err(failed)?;
        drop(lent);
        let lent = tensor.layer();
        let after = place.run(|_| lent.revivals(&mask)).map_err(failed)?;
        let same = logical_bits(&lent)? == bits;
        let right = || {
            prop_assert!(same, "other bits than the definition's");
            prop_assert_eq!((before, after), (offenders, 0), "revivals before and after");
            Ok(())
        };
        right().map_err(|error| place.on(error))?;
    }
    Ok(())
}
