//! Scanning tensors in memory, with the masks as a by-product of the last pass.

use core::sync::atomic::{AtomicUsize, Ordering};

use crate::element::RankBy;
use crate::element::sealed::Sealed as _;
use crate::error::Error;
use crate::kernel::compare::compare;
use crate::kernel::instructions::level;
use crate::layer::for_any_type;
use crate::select::cut::{Bracket, Counts, Scan};
use crate::select::sample::positions;
use crate::select::values::Values;
use crate::threads::Threads;

/// One tensor of a ranking, in memory order throughout.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) values: Values<'a>,
    /// Which elements may be chosen; all of them where there is none.
    pub(crate) alive: Option<Vec<u64>>,
    /// The bits at or above the last pass's bracket.
    pub(crate) sure: Vec<u64>,
    /// The bits inside the last pass's bracket, where it left no room for keys; else empty.
    pub(crate) inside: Vec<u64>,
}

/// Elements a task works on: their bits fit the innermost cache, and an offset among them fits 16 bits.
pub(crate) const CHUNK: usize = 1 << 16;
pub(crate) const CHUNK_WORDS: usize = CHUNK / 64;

/// What lies inside the bracket in one chunk.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    pub(crate) part: usize,
    /// The chunk's first element.
    pub(crate) start: usize,
    /// Where they lie from there.
    pub(crate) offsets: Vec<u16>,
    keys: Vec<u64>,
}

/// A ranking over tensors in memory.
#[derive(Debug)]
pub(crate) struct MemoryScan<'a> {
    pub(crate) parts: Vec<Part<'a>>,
    pub(crate) by: RankBy,
    threads: Threads,
    /// What the last pass gathered, in the order of parts and positions.
    pub(crate) candidates: Vec<Candidates>,
}

impl<'a> MemoryScan<'a> {
    pub(crate) fn new(parts: Vec<Part<'a>>, by: RankBy, threads: Threads) -> Self {
        let elements = parts.iter().map(|part| part.values.len()).sum();
        let threads = threads.for_elements(elements);
        MemoryScan { parts, by, threads, candidates: Vec::new() }
    }

    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.values.len()).sum()
    }
}

/// How many of `len` elements are sampled.
pub(crate) fn sample_len(len: usize) -> usize {
    (len / 64).clamp(1 << 10, 1 << 17)
}

impl Scan for MemoryScan<'_> {
    fn sample(&mut self) -> Result<Vec<u64>, Error> {
        let len = self.len();
        let mut keys = Vec::with_capacity(sample_len(len));
        let mut parts = self.parts.iter();
        let (mut part, mut start) = (parts.next(), 0);
        for position in positions(sample_len(len), len) {
            while let Some(current) = part {
                if position < start + current.values.len() {
                    let position = position - start;
                    let alive =
                        current.alive.as_ref().is_none_or(|bits| bits[position / 64] >> (position % 64) & 1 == 1);
                    if alive {
                        keys.push(current.values.wide_key(position, self.by));
                    }
                    break;
                }
                start += current.values.len();
                part = parts.next();
            }
        }
        Ok(keys)
    }

    fn pass(&mut self, bracket: Bracket, room: usize) -> Result<Counts, Error> {
        self.candidates.clear();
        for part in &mut self.parts {
            part.inside.clear();
            part.inside.resize(if room == 0 { part.sure.len() } else { 0 }, 0);
        }
        let by = self.by;
        let gathered = AtomicUsize::new(0);
        let results = self.threads.map(tasks(&mut self.parts), |task| task.compare(bracket, by, room, &gathered));
        let mut counts = Counts::default();
        let mut nan = false;
        for result in &results {
            counts.sure += result.sure;
            counts.inside += result.inside;
            nan |= result.nan;
        }
        if nan {
            return Err(Error::Nan { layer: String::new(), index: Vec::new() });
        }
        if room > 0 && counts.inside <= room {
            self.candidates =
                results.into_iter().map(|result| result.candidates).filter(|c| !c.offsets.is_empty()).collect();
            let mut keys = Vec::with_capacity(counts.inside);
            for candidates in &mut self.candidates {
                keys.append(&mut candidates.keys);
            }
            counts.keys = Some(keys);
        }
        Ok(counts)
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
    nan: bool,
    candidates: Candidates,
}

fn tasks<'t>(parts: &'t mut [Part<'_>]) -> Vec<Task<'t>> {
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
    fn compare(mut self, bracket: Bracket, by: RankBy, room: usize, gathered: &AtomicUsize) -> TaskResult {
        let mut scratch = [0u64; CHUNK_WORDS];
        let inside = match self.inside.take() {
            Some(inside) => inside,
            None => &mut scratch[..self.sure.len()],
        };
        let mut nan = for_any_type!(Values, self.values, values => {
            compare(level(), values, by, bracket, self.sure, inside)
        });
        if let Some(alive) = self.alive {
            for ((sure, inside), alive) in self.sure.iter_mut().zip(inside.iter_mut()).zip(alive) {
                *sure &= alive;
                *inside &= alive;
            }
            // A NaN counts only where it is ranked.
            nan = nan && (0..self.values.len()).any(|i| alive[i / 64] >> (i % 64) & 1 == 1 && self.values.is_nan(i));
        }
        let count = |bits: &[u64]| bits.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        let mut result = TaskResult { sure: count(self.sure), inside: count(inside), nan, ..TaskResult::default() };
        let before = gathered.fetch_add(result.inside, Ordering::Relaxed);
        if result.inside > 0 && before + result.inside <= room {
            let inside = &*inside;
            result.candidates = self.gather(inside, result.inside, by);
        }
        result
    }

    fn gather(&self, inside: &[u64], count: usize, by: RankBy) -> Candidates {
        let mut offsets = Vec::with_capacity(count);
        let mut keys = Vec::with_capacity(count);
        for_any_type!(Values, self.values, values => {
            for (word, &bits) in inside.iter().enumerate() {
                let mut bits = bits;
                while bits != 0 {
                    let offset = word * 64 + bits.trailing_zeros() as usize;
                    offsets.push(offset as u16);
                    keys.push(values[offset].wide_key(by));
                    bits &= bits - 1;
                }
            }
        });
        Candidates { part: self.part, start: self.start, offsets, keys }
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
