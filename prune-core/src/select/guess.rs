//! Guesses the cut of a ranking from a sample: a bracket around the cut, and a better one if the first missed.
//!
//! The plain algorithm: sort the sample, and take the keys a margin to either side of the cut's rank in it. Departures:
//!
//! 1. Both keys are selected among the few keys that a coarser sample encloses.
//! 2. The sample consists of runs of neighbours, and neighbours may be alike. So the margin follows from the measured
//!    difference between runs, if that is more than chance would give.
//! 3. A pass that missed the cut has counted exactly how far off it was; the next bracket uses that count.

use crate::kernel::compare::Bracket;
use crate::select::cut::PassCounts;
use crate::select::sample::RUN;

/// A sample of a ranking, and the rank of the cut in it.
#[derive(Debug)]
pub(crate) struct Guess {
    /// The sampled keys, run by run.
    keys: Vec<u64>,
    /// Some of them, descending.
    coarse: Vec<u64>,
    /// Sampled keys for each element.
    rate: f64,
    /// The number of sampled keys above the cut, and the possible error of it.
    rank: f64,
    margin: f64,
    room: f64,
}

/// The next attempt after a pass that did not enclose the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is probably at this key, which many elements share.
    Key(u64),
    /// It is probably in here.
    Bracket(Bracket),
}

/// Standard deviations that the bracket reaches to either side: it misses the cut about once in eighty times,
/// which costs one more pass, and each further deviation would gather a third more keys every time.
const DEVIATIONS: f64 = 2.5;

/// The number of keys in the coarse sample, which narrows the search for the two order statistics of the sample.
const COARSE: usize = 1 << 10;

/// The number of pairs of runs that measure how much runs differ.
const PAIRS: usize = 1 << 10;

impl Guess {
    /// The guess from a sample of `elements` elements. `kept` elements are to be kept, and `room` may be gathered.
    pub(crate) fn of(keys: Vec<u64>, kept: usize, elements: usize, room: usize) -> Self {
        let share = kept as f64 / elements as f64;
        let drawn = keys.len() as f64;
        // An odd step visits every place of a run.
        let mut coarse: Vec<u64> = keys.iter().copied().step_by((keys.len() / COARSE) | 1).collect();
        coarse.sort_unstable_by(|a, b| b.cmp(a));
        let middle = coarse.get((share * coarse.len() as f64) as usize).copied().unwrap_or(0);
        let by_chance = share * (1.0 - share);
        let variance = drawn * by_chance.max(scatter(&keys, middle));
        let rate = drawn / elements as f64;
        // A bracket with more elements than there is room for would be of no use.
        let margin = (DEVIATIONS * variance.sqrt() + 2.0).min((0.4 * rate * room as f64).max(2.0));
        Guess { keys, coarse, rate, rank: share * drawn, margin, room: room as f64 }
    }

    /// A bracket around the cut.
    ///
    /// Its lower end is just above a sampled key and its upper end is a sampled key. A key that many elements share
    /// is repeated in the sample and therefore stays outside, so few elements lie inside, whatever the values.
    pub(crate) fn bracket(&mut self) -> Bracket {
        self.between(self.rank - self.margin, self.rank + self.margin)
    }

    /// The next attempt, if a pass over the [`Guess::bracket`] has found the cut to lie outside it.
    pub(crate) fn after(&mut self, bracket: Bracket, counts: &PassCounts, kept: usize) -> Option<Next> {
        let reach = counts.sure + counts.inside;
        // An end of the bracket was a sampled key; the cut is at it or beyond it, and the next bracket begins there.
        let (key, next) = if kept <= counts.sure {
            let off = 2.0 * self.rate * (counts.sure - kept + 1) as f64;
            let far = self.between(self.rank - 2.0 * self.margin - off, self.rank + self.margin);
            (bracket.sure, Bracket { sure: far.sure.max(bracket.sure), inside: bracket.sure })
        } else if kept > reach {
            let off = 2.0 * self.rate * (kept - reach) as f64;
            let far = self.between(self.rank - self.margin, self.rank + 2.0 * self.margin + off);
            (bracket.inside.checked_sub(1)?, Bracket { sure: bracket.inside, inside: far.inside.min(bracket.inside) })
        } else {
            return None;
        };
        let shared = self.keys.iter().filter(|&&other| other == key).count() as f64;
        let crowded = shared > 0.5 * self.rate * self.room;
        Some(if crowded || next.inside == next.sure { Next::Key(key) } else { Next::Bracket(next) })
    }

    /// The bracket between two ranks in the sample; beyond the ends of the sample there is no bound.
    fn between(&mut self, high: f64, low: f64) -> Bracket {
        let drawn = self.keys.len() as f64;
        let fine = self.coarse.len() as f64 / drawn;
        let slack = 2.0 * (self.coarse.len() as f64).sqrt() + 2.0;
        let coarse = |rank: f64| self.coarse.get(rank as usize).copied();
        let top = Some(high * fine - slack).filter(|&rank| rank >= 0.0).and_then(coarse).unwrap_or(u64::MAX);
        let bottom = coarse(low.max(0.0) * fine + slack).unwrap_or(0);
        // The loop has no branch that a processor could not predict.
        let mut few = vec![0; self.keys.len() + 1];
        let (mut found, mut above) = (0, 0);
        for &key in &self.keys {
            few[found] = key;
            found += usize::from((bottom..=top).contains(&key));
            above += usize::from(key > top);
        }
        few.truncate(found);
        let mut descending = |rank: f64| {
            (rank >= 0.0 && rank < drawn).then(|| match (rank as usize).checked_sub(above) {
                Some(rank) if rank < few.len() => nth(&mut few, rank),
                _ => nth(&mut self.keys, rank as usize),
            })
        };
        let sure = descending(high).unwrap_or(u64::MAX);
        let below = descending(low).map_or(0, |key| key.saturating_add(1));
        Bracket { sure, inside: below.min(sure) }
    }
}

/// The key at a rank, the greatest first.
fn nth(keys: &mut [u64], rank: usize) -> u64 {
    *keys.select_nth_unstable_by(rank, |a, b| b.cmp(a)).1
}

/// The variance, for each sampled element, of the number of elements at or above `key`, estimated from neighbouring
/// runs. A trend through all the data does no harm, since the runs are spread evenly.
fn scatter(keys: &[u64], key: u64) -> f64 {
    let step = (keys.len() / (2 * RUN * PAIRS)).max(1);
    let at_or_above = |run: &[u64]| run.iter().filter(|&&other| other >= key).count() as f64;
    let pairs = keys.chunks_exact(2 * RUN).step_by(step);
    let counted = pairs.len() as f64;
    let squares: f64 = pairs.map(|pair| (at_or_above(&pair[..RUN]) - at_or_above(&pair[RUN..])).powi(2)).sum();
    if counted > 0.0 { squares / (2.0 * RUN as f64 * counted) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::hash;

    /// Independent keys in runs: in each run, `alike` of sixteen keys share their upper bits.
    fn runs(count: usize, alike: u64) -> Vec<u64> {
        let key = |run: u64, i: u64| if i < alike { hash(run) } else { hash((run << 32) | (i + 1)) };
        (0..count as u64).flat_map(|run| (0..RUN as u64).map(move |i| key(run, i))).collect()
    }

    proptest! {
        /// Both ends equal those of a full sort, though only a part of the sample is examined.
        #[test]
        fn ends_are_those_of_the_sorted_sample(
            keys in prop_oneof![
                prop::collection::vec(any::<u64>(), 1..9000),
                prop::collection::vec(0..20u64, 1..9000),
            ],
            kept in 1usize..1_000_000,
            room in 1usize..100_000,
        ) {
            let mut sorted = keys.clone();
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            let mut guess = Guess::of(keys, kept, 1_000_000, room);
            let at = |rank: f64| (rank >= 0.0).then(|| sorted.get(rank as usize).copied()).flatten();
            let sure = at(guess.rank - guess.margin).unwrap_or(u64::MAX);
            let below = at(guess.rank + guess.margin).map_or(0, |key| key.saturating_add(1));
            prop_assert_eq!(guess.bracket(), Bracket { sure, inside: below.min(sure) });
        }
    }

    #[test]
    fn the_margin_grows_as_neighbours_are_alike() {
        let margin = |alike| Guess::of(runs(4096, alike), 500_000, 1_000_000, 1_000_000).margin;
        let chance = DEVIATIONS * (4096.0 * RUN as f64 * 0.25).sqrt() + 2.0;
        assert!(margin(1) < 1.1 * chance, "{} by chance {chance}", margin(1));
        // Runs of one key each: sixteen times the variance.
        assert!((3.6..4.4).contains(&(margin(16) / chance)), "{} by chance {chance}", margin(16));
        // A trend does not count: a sorted sample is more exact than a random one, not less.
        let sorted = (0..4096 * RUN as u64).collect();
        assert!(Guess::of(sorted, 500_000, 1_000_000, 1_000_000).margin < 1.1 * chance);
    }

    /// The second bracket holds the cut, or the key at the cut is named, wherever the cut is.
    #[test]
    fn a_second_bracket_follows_what_was_counted() {
        let elements = 1_000_000usize;
        let keys: Vec<u64> = (0..elements as u64).map(|i| i * 8).collect();
        for off in [-4000i64, -600, -30, 30, 600, 4000] {
            for kept in [100_000usize, 500_000, 900_000] {
                // The sample overstates or understates the number of elements at the top of the ranking.
                let shifted = keys.iter().step_by(61).map(|&key| key.saturating_add_signed(off * 8)).collect();
                let mut guess = Guess::of(shifted, kept, elements, 1 << 16);
                let first = guess.bracket();
                let cut = (elements - kept) as u64 * 8;
                let counts = |bracket: Bracket| {
                    let sure = keys.iter().filter(|&&key| key >= bracket.sure).count();
                    let reach = keys.iter().filter(|&&key| key >= bracket.inside).count();
                    PassCounts { sure, inside: reach - sure, gathered: false }
                };
                let holds = |bracket: Bracket| bracket.inside <= cut && cut < bracket.sure;
                if let Some(Next::Bracket(second)) = guess.after(first, &counts(first), kept) {
                    assert!(!holds(first) && holds(second), "{off} {kept}: {first:?}, {second:?}, the cut {cut}");
                    assert!(counts(second).inside < 1 << 16);
                } else {
                    assert!(holds(first), "{off} {kept}: nothing follows {first:?}");
                }
            }
        }
    }
}
