//! Shares a total in whole units (the divisor method of Webster and Sainte-Lague).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// One layer's claim to a total, with the least and the most it gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Claim {
    /// Units are given in proportion to this; 0 or more, finite.
    pub(super) claim: f64,
    pub(super) min: usize,
    pub(super) max: usize,
}

impl Claim {
    /// The worth of the next unit to a layer that has `count`.
    fn worth(self, count: usize) -> f64 {
        self.claim / (count as f64 + 0.5)
    }

    /// The number of units that are worth more than `price`, within the bounds. Worth falls as the count grows,
    /// rounding included, so they are the first ones.
    fn above(self, price: f64) -> usize {
        let (mut low, mut high) = (self.min, self.max);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.worth(middle) > price { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// The next unit of a layer. The greatest is given first: the highest worth; among equals, the first layer.
#[derive(PartialEq)]
struct Next {
    worth: f64,
    layer: usize,
}

impl Eq for Next {}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        self.worth.total_cmp(&other.worth).then_with(|| other.layer.cmp(&self.layer))
    }
}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The final counts after giving unit after unit, from the minima on. `total` lies between the minima and the maxima.
///
/// Units are not given one by one. A search finds a price at which the rest to give is at most the number of layers,
/// or at most the number of units worth exactly that price. It searches among the bits of floats, whose order is that
/// of the numbers.
pub(super) fn share_out(total: usize, claims: &[Claim]) -> Vec<usize> {
    let given = |price: f64| claims.iter().map(|claim| claim.above(price)).sum::<usize>();
    // The lowest price at which no more than the total is given: no unit is worth more than infinity.
    let (mut low, mut high) = (0u64, f64::INFINITY.to_bits());
    while low < high {
        let middle = low + (high - low) / 2;
        if given(f64::from_bits(middle)) <= total { high = middle } else { low = middle + 1 }
    }
    let mut counts: Vec<usize> = claims.iter().map(|claim| claim.above(f64::from_bits(low))).collect();
    let mut left = total - counts.iter().sum::<usize>().min(total);
    let next = |layer: usize, count: usize| {
        let claim = claims[layer];
        (count < claim.max).then(|| Next { worth: claim.worth(count), layer })
    };
    let mut heap: BinaryHeap<Next> =
        counts.iter().enumerate().filter_map(|(layer, &count)| next(layer, count)).collect();
    while left > 0 {
        let Some(Next { layer, .. }) = heap.pop() else { break };
        counts[layer] += 1;
        left -= 1;
        heap.extend(next(layer, counts[layer]));
    }
    counts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives unit after unit and looks at every layer each time.
    fn one_by_one(total: usize, claims: &[Claim]) -> Vec<usize> {
        let mut counts: Vec<usize> = claims.iter().map(|claim| claim.min).collect();
        while counts.iter().sum::<usize>() < total {
            let mut best: Option<usize> = None;
            for (layer, _) in claims.iter().enumerate().filter(|(layer, claim)| counts[*layer] < claim.max) {
                let worth = |layer: usize| claims[layer].claim / (counts[layer] as f64 + 0.5);
                if best.is_none_or(|best| worth(layer) > worth(best)) {
                    best = Some(layer);
                }
            }
            match best {
                Some(layer) => counts[layer] += 1,
                None => break,
            }
        }
        counts
    }

    fn claims() -> impl Strategy<Value = Vec<Claim>> {
        // Few different claims, so that many are equal; zero is among them.
        let claim = prop_oneof![Just(0.0), (1u32..5).prop_map(f64::from), 0.001f64..1000.0];
        prop::collection::vec((claim, 0usize..6, 0usize..40), 1..7).prop_map(|claims| {
            claims.into_iter().map(|(claim, min, more)| Claim { claim, min, max: min + more }).collect()
        })
    }

    proptest! {
        #[test]
        fn the_counts_are_those_of_giving_one_by_one(claims in claims(), share in 0.0f64..=1.0) {
            let (least, most) = claims.iter().fold((0, 0), |(l, m), claim| (l + claim.min, m + claim.max));
            let total = least + ((most - least) as f64 * share).round() as usize;
            prop_assert_eq!(share_out(total, &claims), one_by_one(total, &claims));
        }
    }

    #[test]
    fn a_thousand_million_units_take_no_time() {
        let claims = [3.0, 2.0, 1.0].map(|claim| Claim { claim, min: 0, max: 1 << 40 });
        let counts = share_out(6_000_000_001, &claims);
        assert_eq!(counts.iter().sum::<usize>(), 6_000_000_001);
        assert!(counts.iter().zip([3, 2, 1]).all(|(&count, parts)| count.abs_diff(parts * 1_000_000_000) <= 1));
    }
}
