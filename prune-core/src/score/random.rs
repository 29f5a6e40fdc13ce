//! Random scores: the baseline that any other score must beat.

use super::{ScoreKind, Scores, Subject};
use crate::error::Error;
use crate::hash::hash;
use crate::key::RankBy;

pub(super) const KIND: ScoreKind = ScoreKind {
    name: "random",
    needs: None,
    by: RankBy::Value,
    within_outputs: false,
    drawn: true,
    scores,
    element: |weight, _| weight,
};

fn scores<'a>(subject: &Subject<'a>, seed: u64) -> Result<Scores<'a>, Error> {
    let shape = subject.weights.shape();
    // Allocate only after checking the layout.
    subject.weights.check()?;
    Scores::own(shape, (0..subject.weights.len() as u64).map(|index| draw(seed, subject.name, index)).collect())
}

/// A number in [0, 1) from a seed, a layer's name and a logical index; the same on every platform and thread.
///
/// # Examples
///
/// ```
/// assert_eq!((prune_core::draw(0, "fc", 1) * 1e6) as u64, 821_226);
/// ```
pub fn draw(seed: u64, name: &str, index: u64) -> f64 {
    let name = name.bytes().fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
    let mixed = hash(hash(hash(seed) ^ name) ^ index);
    // The upper 53 bits: as many as an f64 holds.
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

/// The offset and prime of the 64-bit FNV-1a hash.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_never_change() {
        // From an independent computation: a change here would change every seeded run.
        let drawn = [draw(0, "fc", 0), draw(0, "fc", 1), draw(1, "fc", 0), draw(0, "fd", 0)];
        assert_eq!(drawn.map(|x| (x * 1e6) as u64), [194_566, 821_226, 372_481, 705_335]);
    }

    #[test]
    fn draws_are_even() {
        let n = 100_000;
        let mut tenths = [0usize; 10];
        for index in 0..n {
            tenths[(draw(7, "Dense_0-kernel", index) * 10.0) as usize] += 1;
        }
        // Ten times the standard deviation of a tenth of 100,000 draws is 949.
        assert!(tenths.iter().all(|&count| count.abs_diff(10_000) < 949), "{tenths:?}");
    }
}
