//! Random numbers for training: one seed, many independent streams.
//!
//! The generator is ChaCha with 8 rounds from `rand_chacha`, whose output is documented as reproducible across
//! platforms and releases. `StdRng` is not: its algorithm may change with any release, and a seed printed today would
//! then give another run. The bounded integers and the order of samples are drawn by a few lines of our own for the
//! same reason: the shuffles of the `rand` crate may change their values in a minor release.
//!
//! Purpose and index choose a stream, never the count of numbers drawn before it. So the order of samples in epoch 7
//! is the same whether epochs 1 to 6 ran in this process or before a resume, and one more layer does not change the
//! initial values of the others.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The purpose of a stream of random numbers. Streams of different purposes never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Initial values of the parameter with this index in the model.
    Initialisation(u32),
    /// The order of samples in this epoch.
    Order(u32),
    /// A random mask for the layer with this index, as a control.
    Control(u32),
}

impl Purpose {
    fn stream(self) -> u64 {
        let (kind, index) = match self {
            Self::Initialisation(index) => (1_u64, index),
            Self::Order(epoch) => (2, epoch),
            Self::Control(index) => (3, index),
        };
        kind << 32 | u64::from(index)
    }
}

/// The generator for `purpose` under `seed`: the same two values give the same numbers on every machine.
///
/// # Examples
/// ```
/// use prune_mnist::rng::{Purpose, stream};
/// use rand_chacha::rand_core::Rng;
///
/// let mut first = stream(42, Purpose::Order(1));
/// let mut again = stream(42, Purpose::Order(1));
/// assert_eq!(first.next_u64(), again.next_u64());
/// assert_ne!(stream(42, Purpose::Order(2)).next_u64(), stream(42, Purpose::Order(1)).next_u64());
/// ```
#[must_use]
pub fn stream(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(purpose.stream());
    generator
}

/// The order in which the samples `0..count` are visited in `epoch`, written into `order` (its old content is dropped).
///
/// A uniform permutation that depends only on `seed`, `epoch` and `count`.
///
/// # Examples
/// ```
/// use prune_mnist::rng::epoch_order;
///
/// let mut order = Vec::new();
/// epoch_order(42, 1, 5, &mut order);
/// let mut sorted = order.clone();
/// sorted.sort_unstable();
/// assert_eq!(sorted, [0, 1, 2, 3, 4]);
/// ```
pub fn epoch_order(seed: u64, epoch: u32, count: u32, order: &mut Vec<u32>) {
    order.clear();
    order.extend(0..count);
    let mut generator = stream(seed, Purpose::Order(epoch));
    // Fisher and Yates' shuffle, from the last place down.
    for last in (1..order.len()).rev() {
        // `last` is below `count`, a u32, so neither the sum nor the cast can overflow.
        let chosen = below(&mut generator, last as u32 + 1);
        order.swap(last, chosen as usize);
    }
}

/// A uniform integer in `0..bound`, for `bound` of 1 or more.
///
/// The high half of a product maps 32 random bits onto the range. The few low products that would make some values
/// more likely than others are drawn again (Lemire's method).
fn below(generator: &mut ChaCha8Rng, bound: u32) -> u32 {
    let unfair = bound.wrapping_neg() % bound;
    loop {
        let product = u64::from(generator.next_u32()) * u64::from(bound);
        if product as u32 >= unfair {
            return (product >> 32) as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_permutations_and_differ_between_epochs_and_seeds() {
        let mut seen = Vec::new();
        for (seed, epoch) in [(0, 1), (0, 2), (1, 1)] {
            let mut order = vec![7];
            epoch_order(seed, epoch, 1000, &mut order);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
            assert!(!seen.contains(&order));
            seen.push(order);
        }
    }

    #[test]
    fn the_order_is_fixed_for_all_time() {
        // Recorded values: a release that changes them breaks every recorded run.
        let mut order = Vec::new();
        epoch_order(42, 1, 8, &mut order);
        assert_eq!(order, [1, 5, 4, 6, 7, 2, 3, 0]);
    }

    #[test]
    fn small_counts_have_an_order() {
        let mut order = Vec::new();
        epoch_order(1, 1, 0, &mut order);
        assert!(order.is_empty());
        epoch_order(1, 1, 1, &mut order);
        assert_eq!(order, [0]);
    }

    #[test]
    fn every_place_is_equally_likely() {
        // 6,000 shuffles of three: each of the six orders about 1,000 times (five standard deviations are about 145).
        let mut counts = std::collections::BTreeMap::new();
        let mut order = Vec::new();
        for epoch in 0..6000 {
            epoch_order(3, epoch, 3, &mut order);
            *counts.entry(order.clone()).or_insert(0_i32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (count - 1000).abs() < 150), "{counts:?}");
    }
}
