//! How the elements of a unit are added up, so that no cut of the work changes a bit of the sum.
//!
//! The elements of a unit are numbered in logical order. [`BLOCK`] of them are a block; in a block the elements of equal
//! number modulo [`LANES`] are added one after the other, in `f64`. The sums of the lanes are added in halves, the upper
//! to the lower, and the sums of the blocks in pairs of neighbours, then pairs of pairs.
//!
//! Plain: `plain`. Departures: blocks are added up by whoever comes to them; one unit after the other, where its
//! elements lie side by side ([`along`]), or many units abreast where theirs do ([`Abreast`]), or all units of a layer
//! that is read in parts ([`OpenSums`](super::open::OpenSums)). The order in which the
//! elements of a lane are added is the same in all of them.

use fearless_simd::Level;

use crate::kernel::instructions::dispatch;

/// Elements of a block.
pub(super) const BLOCK: usize = 512;

/// Sums in a block: as many as the widest vectors have.
pub(super) const LANES: usize = 8;

/// What is added of an element, and by what it is compared to find the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Values, and the highest of them.
    Value,
    /// Values, and the greatest magnitude.
    Signed,
    /// Magnitudes, and the greatest.
    Magnitude,
    /// Squares, and the greatest magnitude.
    Square,
}

impl Meaning {
    /// What is added of a value.
    #[inline(always)]
    pub(super) fn term(self, value: f64) -> f64 {
        match self {
            Meaning::Value | Meaning::Signed => value,
            Meaning::Magnitude => value.abs(),
            Meaning::Square => value * value,
        }
    }

    /// By what a value is compared.
    #[inline(always)]
    pub(super) fn height(self, value: f64) -> f64 {
        if self == Meaning::Value { value } else { value.abs() }
    }

    /// Below or at the height of any value.
    pub(super) fn lowest(self) -> f64 {
        if self == Meaning::Value { f64::NEG_INFINITY } else { 0.0 }
    }
}

/// Sums of terms and the greatest height, which a NaN never is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sum {
    pub(super) sum: f64,
    pub(super) top: f64,
}

/// The sum of all elements of a unit, by its definition.
#[cfg(test)]
pub(super) fn plain(values: &[f64], meaning: Meaning) -> Sum {
    let of_block = |block: &[f64]| {
        let mut lanes = [0.0; LANES];
        block.iter().enumerate().for_each(|(number, &value)| lanes[number % LANES] += meaning.term(value));
        halves(lanes)
    };
    let top = values.iter().fold(meaning.lowest(), |top, &value| higher(top, meaning.height(value)));
    Sum { sum: pairs(&mut values.chunks(BLOCK).map(of_block).collect::<Vec<f64>>()), top }
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

/// The sum of the sums of blocks, which are used up.
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

/// Runs `$work` with the meaning as a constant, on the vectors that there are.
macro_rules! with_meaning {
    ($level:expr, $meaning:expr, $constant:ident => $work:expr) => {
        match $meaning {
            Meaning::Value => with_meaning!(@ $level, Value, $constant => $work),
            Meaning::Signed => with_meaning!(@ $level, Signed, $constant => $work),
            Meaning::Magnitude => with_meaning!(@ $level, Magnitude, $constant => $work),
            Meaning::Square => with_meaning!(@ $level, Square, $constant => $work),
        }
    };
    (@ $level:expr, $variant:ident, $constant:ident => $work:expr) => {{
        let $constant = Meaning::$variant;
        dispatch!($level, simd => {
            let _ = simd;
            $work
        })
    }};
}

/// The sum of a block, whose elements lie side by side.
pub(super) fn along(level: Level, block: &[f64], meaning: Meaning) -> Sum {
    debug_assert!(block.len() <= BLOCK);
    with_meaning!(level, meaning, constant => along_lanes(block, constant))
}

#[inline(always)]
fn along_lanes(block: &[f64], meaning: Meaning) -> Sum {
    let (mut lanes, mut tops) = ([0.0; LANES], [meaning.lowest(); LANES]);
    let whole = block.chunks_exact(LANES);
    let rest = whole.remainder();
    for values in whole {
        for lane in 0..LANES {
            lanes[lane] += meaning.term(values[lane]);
            tops[lane] = higher(tops[lane], meaning.height(values[lane]));
        }
    }
    for (lane, &value) in rest.iter().enumerate() {
        lanes[lane] += meaning.term(value);
        tops[lane] = higher(tops[lane], meaning.height(value));
    }
    let mut top = meaning.lowest();
    for height in tops {
        top = higher(top, height);
    }
    Sum { sum: halves(lanes), top }
}

/// Blocks of many units at a time, element by element of all of them.
#[derive(Debug, Default)]
pub(super) struct Abreast {
    /// Lane after lane, of each all units.
    lanes: Vec<f64>,
    tops: Vec<f64>,
}

impl Abreast {
    /// Begins a block of so many units.
    pub(super) fn begin(&mut self, units: usize, meaning: Meaning) {
        self.lanes.clear();
        self.lanes.resize(units * LANES, 0.0);
        self.tops.clear();
        self.tops.resize(units, meaning.lowest());
    }

    /// Adds the element of this number in the block, of each unit.
    pub(super) fn add(&mut self, level: Level, number: usize, values: &[f64], meaning: Meaning) {
        let lane = &mut self.lanes[number % LANES * self.tops.len()..][..self.tops.len()];
        let tops = &mut self.tops[..];
        with_meaning!(level, meaning, constant => add_abreast(values, lane, tops, constant));
    }

    /// Ends the block: the sum of each unit.
    pub(super) fn end(&self) -> impl Iterator<Item = Sum> {
        let (units, lanes) = (self.tops.len(), &self.lanes[..]);
        let sum = move |unit| halves(core::array::from_fn(|lane| lanes[lane * units + unit]));
        self.tops.iter().enumerate().map(move |(unit, &top)| Sum { sum: sum(unit), top })
    }
}

#[inline(always)]
fn add_abreast(values: &[f64], lane: &mut [f64], tops: &mut [f64], meaning: Meaning) {
    for ((&value, sum), top) in values.iter().zip(lane).zip(tops) {
        *sum += meaning.term(value);
        *top = higher(*top, meaning.height(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;
    use proptest::prelude::*;
    use proptest::test_runner::TestCaseResult;

    const MEANINGS: [Meaning; 4] = [Meaning::Value, Meaning::Signed, Meaning::Magnitude, Meaning::Square];

    /// Rounded differently, these sums differ: numbers of any size, none so large that sums overflow.
    fn numbers() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(prop_oneof![-1e3f64..1e3, -1e-3f64..1e-3, -1e9f64..1e9, Just(-0.0)], 0..1700)
    }

    fn bits(sum: Sum) -> [u64; 2] {
        [sum.sum, sum.top].map(f64::to_bits)
    }

    /// From an independent computation: another order would change masks where units nearly tie. Six blocks, so that pairs of
    /// them differ from one after the other.
    #[test]
    fn the_order_of_adding_never_changes() {
        let values: Vec<f64> = (1..=3000).map(|i| 1.0 / f64::from(i)).collect();
        assert_eq!(plain(&values, Meaning::Value).sum.to_bits(), 0x4021_2ae1_43fc_d62c);
        assert_eq!(plain(&values, Meaning::Square).sum.to_bits(), 0x3ffa_5048_eac0_1c18);
    }

    fn agree(level: Level, values: &[f64], units: usize) -> TestCaseResult {
        for meaning in MEANINGS {
            let wanted = plain(values, meaning);
            let blocks: Vec<Sum> = values.chunks(BLOCK).map(|block| along(level, block, meaning)).collect();
            let top = blocks.iter().fold(meaning.lowest(), |top, block| higher(top, block.top));
            let sum = pairs(&mut blocks.iter().map(|block| block.sum).collect::<Vec<_>>());
            prop_assert_eq!(bits(Sum { sum, top }), bits(wanted));

            // The same unit several times abreast, beside others.
            let mut abreast = Abreast::default();
            for (block, wanted) in values.chunks(BLOCK).zip(&blocks) {
                abreast.begin(units, meaning);
                for (number, &value) in block.iter().enumerate() {
                    let row: Vec<f64> = (0..units).map(|unit| if unit % 2 == 0 { value } else { -3.5 }).collect();
                    abreast.add(level, number, &row, meaning);
                }
                for (unit, sum) in abreast.end().enumerate().filter(|(unit, _)| unit % 2 == 0) {
                    prop_assert_eq!(bits(sum), bits(*wanted), "unit {}", unit);
                }
            }
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_way_of_adding_gives_the_same_bits(values in numbers(), units in 1usize..20) {
            for level in InstructionSet::available().into_iter().filter_map(InstructionSet::level) {
                agree(level, &values, units)?;
            }
        }
    }
}
