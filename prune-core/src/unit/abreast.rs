//! Sums blocks of many units at a time, whose elements are neighbours in memory.
//!
//! Plain: the definition in [`sum`](super::sum), unit after unit. Departure: a *chunk* is 1, 2, 4 or 8 elements of a
//! unit that follow each other both in memory and in number; the number of the first is a multiple of the chunk's
//! length. So chunk `k` of a block belongs to the lanes from `k * chunk` on, modulo 8, in every unit. Chunks of equal
//! number in many units side by side form one row, which is added to another as a whole. Rows of the same lanes are
//! added four at a time, one after the other in each lane: the additions and their order stay the same, but the lanes
//! are loaded and stored once.

use fearless_simd::Level;

use crate::kernel::instructions::dispatch;
use crate::tensor::Element;
use crate::unit::sum::{LANES, Meaning, higher, with_meaning};

/// The number of rows of the same lanes that are added at a time.
const ABREAST: usize = 4;

/// The open sums of a block of each of many units.
#[derive(Debug, Default)]
pub(super) struct Abreast {
    /// The number of elements of each unit in a row.
    chunk: usize,
    /// The number of elements of a row.
    width: usize,
    /// Enough rows for the chunks to have all lanes.
    lanes: Vec<f64>,
    /// One row of greatest heights.
    tops: Vec<f64>,
}

impl Abreast {
    /// Begins a block of `units` units, whose rows have `chunk` elements of each.
    pub(super) fn begin(&mut self, units: usize, chunk: usize, meaning: Meaning) {
        (self.chunk, self.width) = (chunk, units * chunk);
        self.lanes.clear();
        self.lanes.resize(units * LANES, 0.0);
        self.tops.clear();
        self.tops.resize(self.width, meaning.lowest());
    }

    /// The best number of rows to add at a time.
    pub(super) fn rows(&self) -> usize {
        ABREAST * self.period()
    }

    /// The number of rows after which the lanes repeat.
    fn period(&self) -> usize {
        LANES / self.chunk
    }

    /// Adds the rows that begin at these positions. The number of rows added before is a multiple of
    /// [`Abreast::rows`].
    pub(super) fn add<E: Element>(&mut self, level: Level, values: &[E], rows: &[usize], meaning: Meaning) {
        let (width, period) = (self.width, self.period());
        let (lanes, tops) = (&mut self.lanes[..], &mut self.tops[..]);
        with_meaning!(level, meaning, constant => add_rows((values, rows), (lanes, tops), (width, period), constant));
    }

    /// Ends the block. The sum of each unit goes to every `step`-th of `sums`, and its greatest height into `tops`,
    /// if it is higher.
    pub(super) fn end(&mut self, level: Level, sums: &mut [f64], step: usize, tops: &mut [f64]) {
        let (width, chunk) = (self.width, self.chunk);
        let (lanes, heights) = (&mut self.lanes[..], &self.tops[..]);
        dispatch!(level, simd => {
            let _ = simd;
            fold_rows(lanes, width);
            match chunk {
                1 => fold_units::<1>(&lanes[..width], heights, sums, step, tops),
                2 => fold_units::<2>(&lanes[..width], heights, sums, step, tops),
                4 => fold_units::<4>(&lanes[..width], heights, sums, step, tops),
                _ => fold_units::<8>(&lanes[..width], heights, sums, step, tops),
            }
        });
    }
}

#[inline(always)]
fn add_rows<E: Element>(
    (values, rows): (&[E], &[usize]),
    (lanes, tops): (&mut [f64], &mut [f64]),
    (width, period): (usize, usize),
    meaning: Meaning,
) {
    let row = |number: usize| &values[rows[number]..][..width];
    for (first, lane) in lanes.chunks_exact_mut(width).enumerate() {
        let mut number = first;
        while number + (ABREAST - 1) * period < rows.len() {
            let four: [&[E]; ABREAST] = core::array::from_fn(|k| row(number + k * period));
            add_row(four, lane, tops, meaning);
            number += ABREAST * period;
        }
        if number + period < rows.len() {
            add_row([row(number), row(number + period)], lane, tops, meaning);
            number += 2 * period;
        }
        if number < rows.len() {
            add_row([row(number)], lane, tops, meaning);
        }
    }
}

#[inline(always)]
fn add_row<E: Element, const N: usize>(rows: [&[E]; N], lane: &mut [f64], tops: &mut [f64], meaning: Meaning) {
    let width = lane.len();
    let (rows, tops) = (rows.map(|row| &row[..width]), &mut tops[..width]);
    for at in 0..width {
        let (mut sum, mut top) = (lane[at], tops[at]);
        for row in rows {
            let value = row[at].to_f64();
            sum += meaning.term(value);
            if meaning.has_top::<E>() {
                top = higher(top, meaning.height(value));
            }
        }
        lane[at] = sum;
        if meaning.has_top::<E>() {
            tops[at] = top;
        }
    }
}

/// Adds rows of lanes in halves until one is left: the first steps of [`halves`](super::sum::halves), for all units.
#[inline(always)]
fn fold_rows(lanes: &mut [f64], width: usize) {
    let mut half = lanes.len() / width / 2;
    while half > 0 {
        let (lower, upper) = lanes.split_at_mut(half * width);
        for (sum, &more) in lower.iter_mut().zip(&upper[..half * width]) {
            *sum += more;
        }
        half /= 2;
    }
}

/// The last steps, within the chunk of each unit.
#[inline(always)]
fn fold_units<const CHUNK: usize>(lanes: &[f64], heights: &[f64], sums: &mut [f64], step: usize, tops: &mut [f64]) {
    let lanes = lanes.as_chunks::<CHUNK>().0;
    if step == 1 {
        // A constant step lets the compiler use vectors.
        sums.iter_mut().zip(lanes).for_each(|(sum, lanes)| *sum = folded(*lanes));
    } else {
        sums.iter_mut().step_by(step).zip(lanes).for_each(|(sum, lanes)| *sum = folded(*lanes));
    }
    for (top, heights) in tops.iter_mut().zip(heights.as_chunks::<CHUNK>().0) {
        for &height in heights {
            *top = higher(*top, height);
        }
    }
}

#[inline(always)]
fn folded<const CHUNK: usize>(mut lanes: [f64; CHUNK]) -> f64 {
    let mut half = CHUNK / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;
    use crate::unit::sum::plain;
    use proptest::prelude::*;
    use proptest::test_runner::TestCaseResult;

    /// Units of `elements` values each, side by side in rows of `chunk`.
    fn agree<E: Element>(level: Level, values: &[E], (elements, chunk): (usize, usize), step: usize) -> TestCaseResult {
        let units = values.len() / elements;
        for meaning in [Meaning::Value, Meaning::Signed, Meaning::Magnitude, Meaning::Greatest, Meaning::Square] {
            let mut abreast = Abreast::default();
            abreast.begin(units, chunk, meaning);
            let rows: Vec<usize> = (0..elements / chunk).map(|row| row * units * chunk).collect();
            let at_once = abreast.rows();
            rows.chunks(at_once).for_each(|rows| abreast.add(level, values, rows, meaning));
            let (mut sums, mut tops) = (vec![f64::NAN; units * step], vec![meaning.lowest(); units]);
            abreast.end(level, &mut sums, step, &mut tops);
            for (unit, (sum, found)) in sums.into_iter().step_by(step).zip(tops).enumerate() {
                let place = |i: usize| i / chunk * units * chunk + unit * chunk + i % chunk;
                let of_unit: Vec<f64> = (0..elements).map(|i| values[place(i)].to_f64()).collect();
                let wanted = plain(&of_unit, meaning);
                let top = if meaning.has_top::<E>() { wanted.top } else { meaning.lowest() };
                prop_assert_eq!(
                    (sum.to_bits(), found.to_bits()),
                    (wanted.sum.to_bits(), top.to_bits()),
                    "{:?}",
                    meaning
                );
            }
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn adding_abreast_gives_the_same_bits(
            units in 1usize..21,
            (chunk, elements) in prop::sample::select(vec![1usize, 2, 4, 8])
                .prop_flat_map(|chunk| (Just(chunk), (1..=64usize).prop_map(move |chunks| chunk * chunks))),
            step in 1usize..3,
            seed: u64,
        ) {
            // Sums of these numbers differ if they are rounded in another order.
            let value = |i: usize| match crate::hash::hash(seed ^ i as u64) {
                hash if hash % 7 == 0 => -0.0,
                hash => (hash as i64 as f64) / 1e18 * [1e-3, 1.0, 1e6][(hash >> 60) as usize % 3],
            };
            let values: Vec<f64> = (0..units * elements).map(value).collect();
            for level in InstructionSet::available().into_iter().filter_map(InstructionSet::level) {
                agree(level, &values, (elements, chunk), step)?;
                agree(level, &values.iter().map(|&value| value as f32).collect::<Vec<_>>(), (elements, chunk), step)?;
                agree(level, &values.iter().map(|&value| half::f16::from_f64(value)).collect::<Vec<_>>(), (elements, chunk), step)?;
            }
        }
    }
}
