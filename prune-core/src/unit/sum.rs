//! Adds up the elements of a unit in one fixed order, so that no cut of the work changes a bit of the sum.
//!
//! The elements of a unit are numbered in logical order. [`BLOCK`] of them are a block; in a block the elements of equal
//! number modulo [`LANES`] are added one after the other, in `f64`. The sums of the lanes are added in halves, the upper
//! to the lower, and the sums of the blocks in pairs of neighbours, then pairs of pairs.
//!
//! Plain: `plain`. Departures: several loops add up blocks. One takes unit after unit, if its elements lie side by
//! side ([`along`]). One takes many units abreast, if those lie side by side ([`Abreast`](super::abreast::Abreast)).
//! One takes all units of a layer that is read in parts ([`OpenSums`](super::open::OpenSums)). The order in which the
//! elements of a lane are added is the same in all of them.

use fearless_simd::Level;

use crate::ElementType;
use crate::kernel::instructions::dispatch;
use crate::tensor::Element;

/// The number of elements of a block.
pub(super) const BLOCK: usize = 512;

/// The number of sums in a block: as many as the widest vectors have lanes.
pub(super) const LANES: usize = 8;

/// The term that an element adds to the sum, and the height by which the greatest is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Values, and the highest of them.
    Value,
    /// Values, and the greatest magnitude.
    Signed,
    /// Magnitudes, and the greatest if it may be too large for a sum.
    Magnitude,
    /// Magnitudes, and the greatest.
    Greatest,
    /// Squares, and the greatest magnitude.
    Square,
}

impl Meaning {
    /// The term of a value in the sum.
    #[inline(always)]
    pub(super) fn term(self, value: f64) -> f64 {
        match self {
            Meaning::Value | Meaning::Signed => value,
            Meaning::Magnitude | Meaning::Greatest => value.abs(),
            Meaning::Square => value * value,
        }
    }

    /// The height of a value, by which it is compared.
    #[inline(always)]
    pub(super) fn height(self, value: f64) -> f64 {
        if self == Meaning::Value { value } else { value.abs() }
    }

    /// True if the greatest height is needed: if it is the score, or if sums may leave the range of `f64`. Sums of
    /// shorter types never do.
    #[inline(always)]
    pub(super) fn has_top<E: Element>(self) -> bool {
        matches!(self, Meaning::Value | Meaning::Greatest) || matches!(E::TYPE, ElementType::F64)
    }

    /// Below or at the height of any value.
    pub(super) fn lowest(self) -> f64 {
        if self == Meaning::Value { f64::NEG_INFINITY } else { 0.0 }
    }
}

/// The sum of terms and the greatest height. A NaN is never the greatest; if [`Meaning::has_top`] is false, this is
/// the lowest height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct UnitSum {
    pub(super) sum: f64,
    pub(super) top: f64,
}

/// The sum of all elements of a unit, by the definition.
#[cfg(test)]
pub(super) fn plain(values: &[f64], meaning: Meaning) -> UnitSum {
    let of_block = |block: &[f64]| {
        let mut lanes = [0.0; LANES];
        block.iter().enumerate().for_each(|(number, &value)| lanes[number % LANES] += meaning.term(value));
        halves(lanes)
    };
    let top = values.iter().fold(meaning.lowest(), |top, &value| higher(top, meaning.height(value)));
    UnitSum { sum: pairs(&mut values.chunks(BLOCK).map(of_block).collect::<Vec<f64>>()), top }
}

/// The sum of the lanes of a block.
#[inline(always)]
pub(super) fn halves(mut lanes: [f64; LANES]) -> f64 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// The sum of the sums of blocks. It overwrites them.
pub(super) fn pairs(sums: &mut [f64]) -> f64 {
    let mut left = sums.len();
    while left > 1 {
        for pair in 0..left / 2 {
            sums[pair] = sums[2 * pair] + sums[2 * pair + 1];
        }
        if left % 2 == 1 {
            sums[left / 2] = sums[left - 1];
        }
        left = left.div_ceil(2);
    }
    sums.first().copied().unwrap_or(0.0)
}

#[inline(always)]
pub(super) fn higher(top: f64, height: f64) -> f64 {
    if height > top { height } else { top }
}

/// Runs `$work` with the meaning as a constant, on the vectors of the level.
macro_rules! with_meaning {
    ($level:expr, $meaning:expr, $constant:ident => $work:expr) => {
        match $meaning {
            Meaning::Value => with_meaning!(@ $level, Value, $constant => $work),
            Meaning::Signed => with_meaning!(@ $level, Signed, $constant => $work),
            Meaning::Magnitude => with_meaning!(@ $level, Magnitude, $constant => $work),
            Meaning::Greatest => with_meaning!(@ $level, Greatest, $constant => $work),
            Meaning::Square => with_meaning!(@ $level, Square, $constant => $work),
        }
    };
    (@ $level:expr, $variant:ident, $constant:ident => $work:expr) => {{
        dispatch!($level, simd => {
            let _ = simd;
            // It is bound in here: the loops would not see a captured value as a constant.
            let $constant = Meaning::$variant;
            $work
        })
    }};
}
pub(super) use with_meaning;

/// The sum of a block, whose elements lie side by side.
pub(super) fn along<E: Element>(level: Level, block: &[E], meaning: Meaning) -> UnitSum {
    debug_assert!(block.len() <= BLOCK);
    with_meaning!(level, meaning, constant => along_lanes(block, constant))
}

#[inline(always)]
fn along_lanes<E: Element>(block: &[E], meaning: Meaning) -> UnitSum {
    let (mut lanes, mut tops) = ([0.0; LANES], [meaning.lowest(); LANES]);
    let (whole, rest) = block.as_chunks::<LANES>();
    for values in whole {
        for lane in 0..LANES {
            let value = values[lane].to_f64();
            lanes[lane] += meaning.term(value);
            if meaning.has_top::<E>() {
                tops[lane] = higher(tops[lane], meaning.height(value));
            }
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        let value = value.to_f64();
        lanes[lane] += meaning.term(value);
        tops[lane] = higher(tops[lane], meaning.height(value));
    }
    let mut top = meaning.lowest();
    if meaning.has_top::<E>() {
        for height in tops {
            top = higher(top, height);
        }
    }
    UnitSum { sum: halves(lanes), top }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;
    use proptest::prelude::*;
    use proptest::test_runner::TestCaseResult;

    const MEANINGS: [Meaning; 5] =
        [Meaning::Value, Meaning::Signed, Meaning::Magnitude, Meaning::Greatest, Meaning::Square];

    /// Numbers whose sums differ if they are rounded in another order: of any size, none so large that sums overflow.
    fn numbers() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(prop_oneof![-1e3f64..1e3, -1e-3f64..1e-3, -1e9f64..1e9, Just(-0.0)], 0..1700)
    }

    fn bits(sum: UnitSum) -> [u64; 2] {
        [sum.sum, sum.top].map(f64::to_bits)
    }

    /// From an independent computation: another order would change masks when units nearly tie. There are six blocks,
    /// so that adding them in pairs differs from adding them one after the other.
    #[test]
    fn the_order_of_adding_never_changes() {
        let values: Vec<f64> = (1..=3000).map(|i| 1.0 / f64::from(i)).collect();
        assert_eq!(plain(&values, Meaning::Value).sum.to_bits(), 0x4021_2ae1_43fc_d62c);
        assert_eq!(plain(&values, Meaning::Square).sum.to_bits(), 0x3ffa_5048_eac0_1c18);
    }

    fn agree<E: Element>(level: Level, values: &[E]) -> TestCaseResult {
        let wide: Vec<f64> = values.iter().map(|value| value.to_f64()).collect();
        for meaning in MEANINGS {
            let wanted = plain(&wide, meaning);
            let blocks: Vec<UnitSum> = values.chunks(BLOCK).map(|block| along(level, block, meaning)).collect();
            let top = blocks.iter().fold(meaning.lowest(), |top, block| higher(top, block.top));
            let sum = pairs(&mut blocks.iter().map(|block| block.sum).collect::<Vec<_>>());
            let top = if meaning.has_top::<E>() { top } else { wanted.top };
            prop_assert_eq!(bits(UnitSum { sum, top }), bits(wanted));
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn adding_along_gives_the_same_bits(values in numbers()) {
            for level in InstructionSet::available().into_iter().filter_map(InstructionSet::level) {
                agree(level, &values)?;
                agree(level, &values.iter().map(|&value| value as f32).collect::<Vec<_>>())?;
                agree(level, &values.iter().map(|&value| half::bf16::from_f64(value)).collect::<Vec<_>>())?;
            }
        }
    }
}
