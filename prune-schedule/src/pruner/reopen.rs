//! Choosing which closed elements open again.
//!
//! One trick serves every method: what is kept anyway scores plus infinity, what is closed scores by the draw or the
//! gradient, and the method selects once more. So the count is as exact as everywhere else, also in each N:M group.

use prune_core::{Error, Mask, PlainTensor};

use super::error::PruneError;
use super::evidence::Gradients;
use super::selection::Candidate;
use crate::epoch::Epochs;
use crate::reopen::Reopen;

/// Scores under which the elements of `kept` come first, then those outside `alive`.
pub(super) fn scores(
    epoch: Epochs,
    candidate: &Candidate<'_>,
    kept: &Mask,
    alive: &Mask,
    how: Reopen,
    gradients: Option<&Gradients<'_>>,
) -> Result<PlainTensor<f64>, PruneError> {
    let Candidate { name, layer, .. } = candidate;
    let mut scores = match how {
        Reopen::Random { seed } => (0..layer.len() as u64).map(|index| draw(seed, name, index)).collect(),
        Reopen::Gradient => {
            let gradient = gradients.map(|gradients| gradients.of(epoch, name, layer.shape())).transpose()?.flatten();
            let missing = || PruneError::GradientMissing { epoch, layer: (*name).to_owned() };
            let mut gradient = gradient.ok_or_else(missing)?;
            // An infinite gradient comes after what is kept anyway. NaN stays, to be refused where it is ranked.
            gradient.iter_mut().for_each(|value| *value = if value.is_infinite() { f64::MAX } else { value.abs() });
            gradient
        }
    };
    let ranked = kept.iter().zip(alive.iter());
    for (score, (kept, alive)) in scores.iter_mut().zip(ranked) {
        if kept {
            *score = f64::INFINITY;
        } else if alive {
            // Given up by the event, which happens only in groups that are full without it: never chosen again.
            *score = 0.0;
        }
    }
    PlainTensor::from_logical(layer.shape(), scores).map_err(|source: Error| PruneError::Event { epoch, source })
}

/// A number in [0, 1) from a seed, a layer's name and a logical index: the same on every platform and thread.
fn draw(seed: u64, name: &str, index: u64) -> f64 {
    let name = name.bytes().fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
    let mixed = mix(mix(mix(seed) ^ name) ^ index);
    // The upper 53 bits: as many as an f64 holds.
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

/// The offset and prime of the 64-bit FNV-1a hash.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// One step of SplitMix64: a bijection under which neighbours have nothing in common.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

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
