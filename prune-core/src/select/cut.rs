//! Finds the cut of a ranking, the lowest key that is kept, without sorting.
//!
//! The plain algorithm: sort all keys, take the one at position `kept`. Instead:
//!
//! 1. A sample gives a bracket of two keys that very probably encloses the cut (`guess.rs`).
//! 2. One pass counts the keys at or above the bracket (surely kept), and gathers the few keys inside it; a selection
//!    among those finds the cut exactly.
//! 3. If many elements share one key, the cut falls on an end of the bracket, because samples repeat such a key: one
//!    more pass proves it by counting.
//! 4. If the cut lies outside the bracket otherwise, the counts tell how far, and one more pass uses a bracket there.
//! 5. If the sample misled altogether, histograms over ever finer key ranges enclose the cut, in at most six passes,
//!    whatever the values.
//!
//! Samples decide only the time it takes. The cut itself follows from exact counts.

use crate::error::{Error, ErrorKind};
use crate::kernel::compare::Bracket;
use crate::select::guess::{Guess, Next};

/// The cut of a ranking: every element with a greater key is kept, and the first `ties` of those with exactly this
/// key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) key: u64,
    /// The number of elements of this key that are kept; at least 1.
    pub(crate) ties: usize,
    /// The number of elements that have this key.
    pub(crate) tied: usize,
}

/// The counts of one pass over all keys.
#[derive(Debug, Default)]
pub(crate) struct PassCounts {
    /// Elements at or above [`Bracket::sure`].
    pub(crate) sure: usize,
    /// Elements inside the bracket.
    pub(crate) inside: usize,
    /// True if the keys inside the bracket were gathered.
    pub(crate) gathered: bool,
}

/// Keys that can be scanned again and again. Only alive elements take part.
pub(crate) trait KeyScan {
    /// Keys of some elements in runs of [`RUN`](crate::select::sample::RUN) neighbours, at positions that have nothing to do
    /// with their values.
    fn sample(&mut self) -> Result<Vec<u64>, Error>;

    /// Counts keys above and inside a bracket. Gathers those inside unless there are more than `room`.
    fn pass(&mut self, bracket: Bracket, room: usize) -> Result<PassCounts, Error>;

    /// The cut that keeps the best `wanted` of the keys that the last pass gathered, at least 1 and at most all.
    fn cut_gathered(&mut self, wanted: usize) -> Option<Cut>;

    /// The number of keys in each of `buckets` ranges of `1 << shift` keys, the first of which starts at `low`.
    fn histogram(&mut self, low: u64, shift: u32, buckets: usize) -> Result<Vec<usize>, Error>;
}

/// Finds the cut that keeps `kept` of `elements` alive ones, `1 <= kept <= elements`. The bracket of the last pass
/// encloses it.
///
/// `room` is the number of keys that may be gathered.
pub(crate) fn find(scan: &mut impl KeyScan, kept: usize, elements: usize, room: usize) -> Result<Cut, Error> {
    if elements <= room.min(ALL) {
        // Few enough to gather all of them.
        let counts = scan.pass(Bracket { sure: u64::MAX, inside: 0 }, room)?;
        if let Some(cut) = cut_inside(scan, counts, kept) {
            return Ok(cut);
        }
    } else {
        let mut guess = Guess::of(scan.sample()?, kept, elements, room);
        let bracket = guess.bracket();
        let mut next = Some(Next::Key(bracket.sure));
        if bracket.inside < bracket.sure {
            let counts = scan.pass(bracket, room)?;
            next = guess.after(bracket, &counts, kept);
            if let Some(cut) = cut_inside(scan, counts, kept) {
                return Ok(cut);
            }
        }
        let found = match next {
            Some(Next::Key(key)) => prove(scan, key, kept)?,
            Some(Next::Bracket(bracket)) => {
                let counts = scan.pass(bracket, room)?;
                cut_inside(scan, counts, kept)
            }
            None => None,
        };
        if let Some(cut) = found {
            return Ok(cut);
        }
    }
    narrow(scan, kept, room)
}

/// The cut, if it lies among the keys that a pass gathered.
fn cut_inside(scan: &mut impl KeyScan, counts: PassCounts, kept: usize) -> Option<Cut> {
    let there = counts.gathered && counts.sure < kept && kept <= counts.sure + counts.inside;
    there.then(|| scan.cut_gathered(kept - counts.sure)).flatten()
}

/// The cut that keeps the best `wanted` of some keys, at least 1 and at most all.
pub(crate) fn cut_among(keys: &mut [u64], wanted: usize) -> Cut {
    let (key, above, tied) = key_at_rank(keys, wanted - 1);
    Cut { key, ties: wanted - above, tied }
}

/// The key at a rank, the greatest first; the number of greater keys, and of keys equal to it.
pub(crate) fn key_at_rank<K: Ord + Copy>(keys: &mut [K], rank: usize) -> (K, usize, usize) {
    let (greater, &mut key, smaller) = keys.select_nth_unstable_by(rank, |a, b| b.cmp(a));
    let above = greater.iter().filter(|&&other| other > key).count();
    let tied = rank + 1 - above + smaller.iter().filter(|&&other| other == key).count();
    (key, above, tied)
}

/// The cut at `key`, if a count shows that it lies there.
fn prove(scan: &mut impl KeyScan, key: u64, kept: usize) -> Result<Option<Cut>, Error> {
    let counts = scan.pass(Bracket::exactly(key), 0)?;
    let there = counts.sure < kept && kept <= counts.sure + counts.inside;
    Ok(there.then(|| Cut { key, ties: kept - counts.sure, tied: counts.inside }))
}

/// Up to this number of elements, all are gathered without a sample: sampling would take as long.
const ALL: usize = 1 << 11;

/// The base-2 logarithm of the number of ranges in a histogram; their counts fit the cache of any machine.
const BUCKETS_LOG2: u32 = 12;

/// Encloses the cut by histograms, without any guess.
fn narrow(scan: &mut impl KeyScan, kept: usize, room: usize) -> Result<Cut, Error> {
    // The cut is among the `1 << width_log2` keys from `low` on, and `above` elements have greater keys.
    let (mut low, mut width_log2, mut above) = (0u64, 64u32, 0usize);
    while width_log2 > 0 {
        let shift = width_log2.saturating_sub(BUCKETS_LOG2);
        let mut inside = 0;
        let mut bucket = 1usize << (width_log2 - shift);
        let counts = scan.histogram(low, shift, bucket)?;
        while bucket > 0 {
            bucket -= 1;
            inside = counts[bucket];
            if kept <= above + inside {
                break;
            }
            above += inside;
        }
        low += (bucket as u64) << shift;
        width_log2 = shift;
        if inside <= room {
            let sure = low.saturating_add(1 << width_log2);
            let counts = scan.pass(Bracket { sure, inside: low }, room)?;
            if let Some(cut) = cut_inside(scan, counts, kept) {
                return Ok(cut);
            }
        }
    }
    prove(scan, low, kept)?.ok_or_else(|| {
        let why = "the values changed between two readings; a selection needs them to stay".to_owned();
        ErrorKind::Source { why }.into()
    })
}

#[cfg(test)]
mod tests;
