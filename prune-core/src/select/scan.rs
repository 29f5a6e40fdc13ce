//! Scans tensors in memory; the masks are a by-product of the last pass.

use core::sync::atomic::{AtomicUsize, Ordering};

use crate::bits::read_bits;
use crate::error::{Error, ErrorKind};
use crate::kernel::compare::{Bracket, compare};
use crate::kernel::instructions::level;
use crate::key::Keyed as _;
use crate::key::RankBy;
use crate::select::candidates::{Candidates, Shorts, cut_of};
use crate::select::cut::{Cut, KeyScan, PassCounts};
use crate::select::sample::{RUN, position};
use crate::tensor::Values;
use crate::tensor::for_any_type;
use crate::threads::Threads;

/// One tensor of a ranking, in memory order throughout.
#[derive(Debug)]
pub(crate) struct ScanPart<'a> {
    pub(crate) values: Values<'a>,
    /// The elements that may be chosen; all of them if there is no mask.
    pub(crate) alive: Option<Vec<u64>>,
    /// The bits at or above the last pass's bracket.
    pub(crate) sure: Vec<u64>,
    /// The bits inside the last pass's bracket, if it left no room for keys; else empty.
    pub(crate) inside: Vec<u64>,
}

/// The number of elements that a task works on: their bits fit the innermost cache, and an offset among them fits 16
/// bits.
pub(crate) const CHUNK: usize = 1 << 16;
pub(crate) const CHUNK_WORDS: usize = CHUNK / 64;

/// The number of elements of a pass that take as long as one candidate.
const CANDIDATE: usize = 8;

/// The number of runs that one task samples.
const RUNS_A_TASK: usize = 1 << 8;

/// A ranking over tensors in memory.
#[derive(Debug)]
pub(crate) struct MemoryScan<'a> {
    pub(crate) parts: Vec<ScanPart<'a>>,
    pub(crate) by: RankBy,
    threads: Threads,
    /// The candidates that the last pass gathered, chunk by chunk in the order of parts and positions.
    candidates: Vec<Candidates>,
    shorts: Shorts,
    /// The part and the start of each chunk in which the last pass met a NaN that is ranked.
    nans: Vec<(usize, usize)>,
}

impl<'a> MemoryScan<'a> {
    pub(crate) fn new(parts: Vec<ScanPart<'a>>, by: RankBy, threads: Threads) -> Self {
        let elements = parts.iter().map(|part| part.values.len()).sum();
        let threads = threads.for_elements(elements);
        MemoryScan { parts, by, threads, candidates: Vec::new(), shorts: Shorts::default(), nans: Vec::new() }
    }

    /// The first part in which the last pass met a NaN, and the memory positions of all NaN in it, ascending.
    pub(crate) fn first_nans(&self) -> Option<(usize, impl Iterator<Item = usize>)> {
        let &(first, _) = self.nans.first()?;
        let ScanPart { values, alive, .. } = &self.parts[first];
        let ranked = move |i: &usize| alive.as_ref().is_none_or(|alive| alive[i / 64] >> (i % 64) & 1 == 1);
        let chunks = self.nans.iter().filter(move |(part, _)| *part == first).map(|&(_, start)| start);
        let places = chunks.flat_map(|start| start..values.len().min(start + CHUNK));
        Some((first, places.filter(move |&i| values.is_nan(i)).filter(ranked)))
    }

    /// Sets the bits of candidates above the cut. Returns the positions of those at it, by part.
    pub(crate) fn settle(&mut self, cut: Cut) -> Vec<Vec<usize>> {
        let (by, shorts, candidates) = (self.by, self.shorts, core::mem::take(&mut self.candidates));
        let mut tied: Vec<Vec<usize>> = self.parts.iter().map(|_| Vec::new()).collect();
        if candidates.is_empty() {
            return tied;
        }
        let work: Vec<_> = tasks(&mut self.parts).into_iter().zip(candidates).collect();
        let few: usize = work.iter().map(|(_, candidates)| candidates.len()).sum();
        let settled = self.threads.for_elements(few * CANDIDATE).map(work, |(task, candidates)| {
            (task.part, task.start, candidates.settle(task.values, by, shorts, cut, task.sure))
        });
        for (part, start, offsets) in settled {
            tied[part].extend(offsets.into_iter().map(|offset| start + usize::from(offset)));
        }
        tied
    }
}

/// The number of runs that are sampled if `alive` of `len` may be chosen: enough if these are few, and not too many.
///
/// The cost of a sample of `s` keys grows with `s`; the cost of its bracket grows with the number of elements divided
/// by the root of `s`. Their sum is least if `s` grows as the elements to the power of two thirds. The factor is
/// measured on a Zen 4.
pub(crate) fn sampled_runs(alive: usize, len: usize) -> usize {
    let keys = 1.65 * (alive as f64).cbrt().powi(2);
    let wanted = 1usize << (keys as usize / RUN).clamp(1 << 6, 1 << 13).ilog2();
    wanted.saturating_mul(len / alive.max(1)).clamp(wanted, (len / RUN).clamp(wanted, 1 << 15))
}

impl KeyScan for MemoryScan<'_> {
    fn sample(&mut self) -> Result<Vec<u64>, Error> {
        let mut starts = Vec::with_capacity(self.parts.len());
        let (mut len, mut alive) = (0, 0);
        for part in &self.parts {
            starts.push(len);
            len += part.values.len();
            let count = |bits: &Vec<u64>| bits.iter().map(|word| word.count_ones() as usize).sum();
            alive += part.alive.as_ref().map_or(part.values.len(), count);
        }
        let runs = sampled_runs(alive, len);
        let tasks = (0..runs).step_by(RUNS_A_TASK).collect();
        // A run takes about as long as a page of values read in order.
        let keys = self.threads.for_elements(runs * 128).map(tasks, |first| {
            let mut keys = Vec::with_capacity(RUNS_A_TASK * RUN);
            // Fetch all runs from memory before reading the first, because nearly every run misses the caches.
            let found = |i: usize| {
                let position = position(i, runs, len);
                let index = starts.partition_point(|&start| start <= position) - 1;
                let (part, position) = (&self.parts[index], position - starts[index]);
                let run = part.values.slice(position, part.values.len().min(position + RUN));
                run.fetch();
                (run, part.alive.as_ref().map_or(u64::MAX, |bits| read_bits(bits, position)))
            };
            let found: Vec<_> = (first..runs.min(first + RUNS_A_TASK)).map(found).collect();
            found.into_iter().for_each(|(run, alive)| run.keys_of(alive, self.by, &mut keys));
            keys
        });
        Ok(keys.concat())
    }

    fn pass(&mut self, bracket: Bracket, room: usize) -> Result<PassCounts, Error> {
        self.candidates.clear();
        for part in &mut self.parts {
            part.inside.clear();
            part.inside.resize(if room == 0 { part.sure.len() } else { 0 }, 0);
        }
        let grain = self.parts.iter().map(|part| part.values.key_grain()).min().unwrap_or(0);
        let (by, shorts) = (self.by, Shorts::of(bracket, grain));
        let gathered = AtomicUsize::new(0);
        let results =
            self.threads.map(tasks(&mut self.parts), |task| task.compare(bracket, by, shorts, room, &gathered));
        let mut counts = PassCounts::default();
        for result in &results {
            counts.sure += result.sure;
            counts.inside += result.inside;
        }
        self.nans = results.iter().filter_map(|result| result.nan).collect();
        if !self.nans.is_empty() {
            return Err(ErrorKind::Nan { index: Vec::new() }.into());
        }
        counts.gathered = room > 0 && counts.inside <= room;
        if counts.gathered {
            self.candidates = results.into_iter().map(|result| result.candidates).collect();
            self.shorts = shorts;
        }
        Ok(counts)
    }

    fn cut_gathered(&mut self, wanted: usize) -> Option<Cut> {
        let chunks = tasks(&mut self.parts).into_iter().map(|task| task.values);
        let chunks: Vec<_> = chunks.zip(&self.candidates).filter(|(_, candidates)| candidates.len() > 0).collect();
        let few: usize = chunks.iter().map(|(_, candidates)| candidates.len()).sum();
        cut_of(&chunks, self.by, self.shorts, wanted, self.threads.for_elements(few * CANDIDATE))
    }

    fn histogram(&mut self, low: u64, shift: u32, buckets: usize) -> Result<Vec<usize>, Error> {
        let by = self.by;
        let results = self.threads.map(tasks(&mut self.parts), |task| task.histogram(low, shift, buckets, by));
        let mut total = vec![0usize; buckets];
        for result in results {
            for (total, count) in total.iter_mut().zip(result) {
                *total += count as usize;
            }
        }
        Ok(total)
    }
}

/// A chunk of a part.
struct Task<'a> {
    part: usize,
    start: usize,
    values: Values<'a>,
    alive: Option<&'a [u64]>,
    sure: &'a mut [u64],
    inside: Option<&'a mut [u64]>,
}

#[derive(Debug, Default)]
struct TaskResult {
    sure: usize,
    inside: usize,
    /// The part and the start of the chunk, if it holds a NaN that is ranked.
    nan: Option<(usize, usize)>,
    candidates: Candidates,
}

fn tasks<'t>(parts: &'t mut [ScanPart<'_>]) -> Vec<Task<'t>> {
    let mut tasks = Vec::new();
    for (index, part) in parts.iter_mut().enumerate() {
        let values = part.values;
        let alive = part.alive.as_deref();
        let mut insides = part.inside.chunks_mut(CHUNK_WORDS);
        for (chunk, sure) in part.sure.chunks_mut(CHUNK_WORDS).enumerate() {
            let inside = insides.next();
            let start = chunk * CHUNK;
            let end = values.len().min(start + CHUNK);
            let alive = alive.map(|bits| &bits[chunk * CHUNK_WORDS..][..sure.len()]);
            tasks.push(Task { part: index, start, values: values.slice(start, end), alive, sure, inside });
        }
    }
    tasks
}

impl Task<'_> {
    fn compare(
        mut self,
        bracket: Bracket,
        by: RankBy,
        shorts: Shorts,
        room: usize,
        gathered: &AtomicUsize,
    ) -> TaskResult {
        let mut scratch = [0u64; CHUNK_WORDS];
        let inside = match self.inside.take() {
            Some(inside) => inside,
            None => &mut scratch[..self.sure.len()],
        };
        let seen = for_any_type!(Values, self.values, values => {
            compare(level(), values, self.alive, by, bracket, self.sure, inside)
        });
        // A NaN counts only if it is ranked.
        let ranked = |i: usize| self.alive.is_none_or(|alive| alive[i / 64] >> (i % 64) & 1 == 1);
        let nan = seen.nan && (0..self.values.len()).any(|i| ranked(i) && self.values.is_nan(i));
        let before = gathered.fetch_add(seen.inside, Ordering::Relaxed);
        let candidates = if seen.inside > 0 && before + seen.inside <= room {
            Candidates::gather(self.values, inside, seen.inside, by, shorts)
        } else {
            Candidates::default()
        };
        TaskResult { sure: seen.sure, inside: seen.inside, nan: nan.then_some((self.part, self.start)), candidates }
    }

    fn histogram(self, low: u64, shift: u32, buckets: usize, by: RankBy) -> Vec<u32> {
        let mut counts = vec![0u32; buckets];
        for_any_type!(Values, self.values, values => {
            for (i, value) in values.iter().enumerate() {
                if self.alive.is_none_or(|alive| alive[i / 64] >> (i % 64) & 1 == 1)
                    && let Some(above) = value.wide_key(by).checked_sub(low)
                    && let Some(count) = counts.get_mut((above >> shift) as usize)
                {
                    *count += 1;
                }
            }
        });
        counts
    }
}
