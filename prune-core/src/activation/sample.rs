//! One ranking of activations, a sample or a whole tensor, as a slice.

use crate::activation::ActivationReport;
use crate::bits::tail_bits;
use crate::density::Density;
use crate::kernel::group::Group;
use crate::key::RankBy;
use crate::n_m::NmPattern;
use crate::tensor::Element;

/// The rule by which activations are pruned, by magnitude.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ActivationRule {
    /// A density of each ranking.
    Unstructured(Density),
    /// N of every M consecutive activations of each lane of the last axis.
    Nm(NmPattern),
}

/// Memory that [`prune_sample`] reuses.
#[derive(Debug, Clone)]
pub struct Scratch<E: Element> {
    keys: Vec<E::Key>,
    group: Group<E::Key>,
    /// Bits of the elements that are not zero, if the mask itself does not start from them.
    non_zeros: Vec<u64>,
}

impl<E: Element> Default for Scratch<E> {
    fn default() -> Self {
        Scratch { keys: Vec::new(), group: Group::default(), non_zeros: Vec::new() }
    }
}

/// Selects the kept elements of one sample, `values` in logical order with lanes of `lane` elements. Sets bit
/// `i % 64` of `words[i / 64]` for each kept element `i` and clears the others. The values stay as they are. A caller
/// that owns the memory of a training step then calls [`zero_outside`]; other callers want
/// [`ActivationPruner`](crate::ActivationPruner).
///
/// # Errors
///
/// The index of the first NaN.
///
/// # Panics
///
/// If `words` does not have `values.len().div_ceil(64)` words, or `lane` does not divide the length.
///
/// # Complexity
///
/// Linear. If there are no more non-zeros than may be kept, as after a relu, nothing is ranked.
pub fn prune_sample<E: Element>(
    rule: ActivationRule,
    values: &[E],
    lane: usize,
    words: &mut [u64],
    scratch: &mut Scratch<E>,
) -> Result<ActivationReport, usize> {
    assert_eq!(words.len(), values.len().div_ceil(64), "a bit is needed for every value");
    assert!(
        values.is_empty() || values.len().is_multiple_of(lane),
        "lanes of {lane} do not fill {} values",
        values.len()
    );
    let mut report = ActivationReport { elements: values.len(), ..ActivationReport::default() };
    let nan = E::non_zeros(values, words);
    if nan {
        return Err(values.iter().position(|value| value.is_nan()).unwrap_or(0));
    }
    report.non_zero_before = count(words);
    report.asked = match rule {
        ActivationRule::Unstructured(density) => density.kept_of(values.len()),
        ActivationRule::Nm(pattern) => values.len() / lane.max(1) * pattern.kept_of_lane(lane),
    };
    match rule {
        ActivationRule::Unstructured(density) => {
            unstructured(values, density.kept_of(values.len()), report.non_zero_before, words, &mut scratch.keys);
            report.non_zero_after = report.non_zero_before.min(density.kept_of(values.len()));
        }
        ActivationRule::Nm(pattern) => {
            scratch.non_zeros.clear();
            scratch.non_zeros.extend_from_slice(words);
            n_m(values, lane, pattern, words, &mut scratch.group);
            let both = words.iter().zip(&scratch.non_zeros).map(|(kept, non_zero)| kept & non_zero);
            report.non_zero_after = both.map(|word| word.count_ones() as usize).sum();
        }
    }
    report.kept = count(words);
    Ok(report)
}

/// `words` hold the non-zeros on entry and the mask on return.
fn unstructured<E: Element>(values: &[E], kept: usize, non_zero: usize, words: &mut [u64], keys: &mut Vec<E::Key>) {
    if non_zero <= kept {
        // All non-zeros, and the first zeros.
        return fill(words, values.len(), kept - non_zero, |word| !word);
    }
    // Zeros rank last, so the cut is among the non-zeros.
    keys.clear();
    keys.extend(values.iter().filter(|&&value| value != E::ZERO).map(|value| value.key(RankBy::Magnitude)));
    let Some(nth) = kept.checked_sub(1) else { return words.fill(0) };
    let (_, &mut cut, _) = keys.select_nth_unstable_by(nth, |a, b| b.cmp(a));
    let mut above = 0;
    for (block, word) in values.chunks(64).zip(words.iter_mut()) {
        let mut bits = 0;
        for (bit, value) in block.iter().enumerate() {
            bits |= u64::from(value.key(RankBy::Magnitude) > cut) << bit;
        }
        above += bits.count_ones() as usize;
        *word = bits;
    }
    let mut left = kept - above;
    for (i, value) in values.iter().enumerate() {
        if left == 0 {
            break;
        }
        if value.key(RankBy::Magnitude) == cut {
            words[i / 64] |= 1 << (i % 64);
            left -= 1;
        }
    }
}

/// Sets the first `count` of the bits that `among` gives, in a mask of `len` bits.
fn fill(words: &mut [u64], len: usize, mut count: usize, among: impl Fn(u64) -> u64) {
    for (i, word) in words.iter_mut().enumerate() {
        if count == 0 {
            return;
        }
        let mut free = among(*word);
        if (i + 1) * 64 > len {
            free &= tail_bits(len);
        }
        while free.count_ones() as usize > count {
            free &= !(1 << (63 - free.leading_zeros()));
        }
        count -= free.count_ones() as usize;
        *word |= free;
    }
}

/// Fills `words` with the mask.
fn n_m<E: Element>(values: &[E], lane: usize, pattern: NmPattern, words: &mut [u64], group: &mut Group<E::Key>) {
    words.fill(0);
    // If groups end with their lanes, lanes do not matter, and most of the groups are decided side by side.
    let whole = lane.is_multiple_of(pattern.m());
    let done = if whole { E::n_m_blocks(values, pattern.n(), pattern.m(), words) } else { 0 };
    // The rest is groups of one run or, if nothing is done yet, lanes of groups.
    let lane = if whole { pattern.m() } else { lane.max(1) };
    for (row, values) in values[done..].chunks(lane).enumerate() {
        for (index, members) in values.chunks(pattern.m()).enumerate() {
            let start = done + row * lane + index * pattern.m();
            group.clear();
            for (place, value) in members.iter().enumerate() {
                group.push(value.key(RankBy::Magnitude), start + place);
            }
            for &(_, place) in group.keep(pattern.n()).kept {
                words[place / 64] |= 1 << (place % 64);
            }
        }
    }
}

fn count(words: &[u64]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}

/// Writes `+0.0` into `values[i]` if bit `i % 64` of `words[i / 64]` is not set; the others stay as they are, to the
/// bit.
///
/// # Panics
///
/// If `words` does not have `values.len().div_ceil(64)` words.
///
/// # Examples
///
/// ```
/// let mut values = [f32::NAN, -1.0, 2.0];
/// prune_core::zero_outside(&mut values, &[0b110]);
/// assert_eq!(values, [0.0, -1.0, 2.0]);
/// ```
pub fn zero_outside<E: Element>(values: &mut [E], words: &[u64]) {
    assert_eq!(words.len(), values.len().div_ceil(64), "a bit is needed for every value");
    E::zero_outside(values, words);
}
