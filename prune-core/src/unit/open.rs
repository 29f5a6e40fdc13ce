//! Sums of units that grow as elements come, in the order that `sum` defines.
//!
//! The lanes of a unit's last block stay open. Sums of full blocks are held as a binary counter holds its digits:
//! place `k` holds the sum of 2^k blocks, if their number has that bit. So few sums are held, and they are added in
//! the same pairs as if all were in memory.

use fearless_simd::Level;

use crate::unit::sum::{BLOCK, LANES, Meaning, along, halves};

/// The sums of all units of a layer.
#[derive(Debug)]
pub(super) struct OpenSums {
    meaning: Meaning,
    level: Level,
    /// The number of elements taken so far, for each unit.
    elements: Vec<usize>,
    /// Lanes, unit after unit; no more of them than a unit has elements.
    lanes: Vec<f64>,
    lanes_each: usize,
    /// Sums of full blocks, unit after unit.
    places: Vec<f64>,
    places_each: usize,
}

impl OpenSums {
    /// Sums for `units` units, none of which has more than `most` elements.
    pub(super) fn new(units: usize, most: usize, meaning: Meaning, level: Level) -> Self {
        let lanes_each = most.min(LANES);
        let places_each = (usize::BITS - (most / BLOCK).leading_zeros()) as usize;
        OpenSums {
            meaning,
            level,
            elements: vec![0; units],
            lanes: vec![0.0; units * lanes_each],
            lanes_each,
            places: vec![0.0; units * places_each],
            places_each,
        }
    }

    /// The number of elements taken so far of a unit.
    pub(super) fn elements(&self, unit: usize) -> usize {
        self.elements[unit]
    }

    /// Takes the next elements of a unit.
    pub(super) fn add(&mut self, unit: usize, mut values: &[f64]) {
        while !values.is_empty() {
            let within = self.elements[unit] % BLOCK;
            let (now, later) = values.split_at(values.len().min(BLOCK - within));
            values = later;
            self.elements[unit] += now.len();
            if now.len() == BLOCK {
                self.close(unit, along(self.level, now, self.meaning).sum);
                continue;
            }
            let lanes = &mut self.lanes[unit * self.lanes_each..][..self.lanes_each];
            for (number, &value) in (within..).zip(now) {
                lanes[number % LANES] += self.meaning.term(value);
            }
            if within + now.len() == BLOCK {
                let sum = self.open_block(unit);
                self.lanes[unit * self.lanes_each..][..self.lanes_each].fill(0.0);
                self.close(unit, sum);
            }
        }
    }

    /// Adds the sum of the last full block to the sums of its unit.
    fn close(&mut self, unit: usize, mut sum: f64) {
        let before = self.elements[unit] / BLOCK - 1;
        let places = &mut self.places[unit * self.places_each..];
        let place = before.trailing_ones() as usize;
        for &earlier in &places[..place] {
            sum += earlier;
        }
        places[place] = sum;
    }

    fn open_block(&self, unit: usize) -> f64 {
        let mut lanes = [0.0; LANES];
        lanes[..self.lanes_each].copy_from_slice(&self.lanes[unit * self.lanes_each..][..self.lanes_each]);
        halves(lanes)
    }

    /// The sum of a unit's elements so far.
    pub(super) fn sum(&self, unit: usize) -> f64 {
        let (blocks, open) = (self.elements[unit] / BLOCK, self.elements[unit] % BLOCK);
        let mut sum = (open > 0).then(|| self.open_block(unit));
        for place in (0..self.places_each).filter(|place| blocks >> place & 1 == 1) {
            let earlier = self.places[unit * self.places_each + place];
            sum = Some(sum.map_or(earlier, |sum| earlier + sum));
        }
        sum.unwrap_or(0.0)
    }

    /// Forgets the elements of a unit.
    pub(super) fn reset(&mut self, unit: usize) {
        self.elements[unit] = 0;
        self.lanes[unit * self.lanes_each..][..self.lanes_each].fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;
    use crate::unit::sum::plain;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The sums are the same for any cut and order of the elements of two units, on every instruction set.
        #[test]
        fn sums_that_grow_have_the_bits_of_the_definition(
            values in prop::collection::vec(prop_oneof![-1e3f64..1e3, -1e-3f64..1e-3, -1e9f64..1e9, Just(-0.0)], 0..9000),
            cuts in prop::collection::vec(1usize..1200, 1..6),
            more in 0usize..600,
            forget in any::<bool>(),
        ) {
            let other: Vec<f64> = values.iter().rev().map(|value| value * 0.3).collect();
            for level in InstructionSet::available().into_iter().filter_map(InstructionSet::level) {
                for meaning in [Meaning::Signed, Meaning::Magnitude, Meaning::Square] {
                    let mut sums = OpenSums::new(2, values.len() + more, meaning, level);
                    if forget {
                        sums.add(1, &values);
                        sums.reset(1);
                    }
                    let (mut from, mut cut) = (0, cuts.iter().cycle());
                    while from < values.len() {
                        let to = values.len().min(from + cut.next().copied().unwrap_or(1));
                        sums.add(0, &values[from..to]);
                        sums.add(1, &other[from..to]);
                        from = to;
                    }
                    for (unit, values) in [&values, &other].into_iter().enumerate() {
                        prop_assert_eq!(sums.elements(unit), values.len());
                        prop_assert_eq!(sums.sum(unit).to_bits(), plain(values, meaning).sum.to_bits());
                    }
                }
            }
        }
    }
}
