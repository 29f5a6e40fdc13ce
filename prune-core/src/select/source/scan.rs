//! Scans a source: its sample, its passes and its histograms.

use core::sync::atomic::{AtomicUsize, Ordering};

use super::{ChunkSource, READ, SourceCut, SourceLayer};
use crate::bits::tail_bits;
use crate::error::{Error, ErrorKind};
use crate::kernel::compare::{Bracket, compare};
use crate::kernel::instructions::level;
use crate::key::RankBy;
use crate::select::cut::{Cut, KeyScan, PassCounts, cut_among};
use crate::select::sample::{RUN, positions};
use crate::select::scan::{CHUNK, CHUNK_WORDS};
use crate::tensor::Values;
use crate::tensor::for_any_type;
use crate::threads::Threads;

/// The most keys that are gathered, however many elements there are: 32 MiB, and as much again to select among them.
pub(super) const MOST_ROOM: usize = 1 << 22;

pub(super) struct SourceScan<'s, S: ?Sized> {
    pub(super) source: &'s S,
    pub(super) layers: &'s [SourceLayer],
    /// The number of alive elements of each layer with a mask in force.
    pub(super) masked: Vec<Option<usize>>,
    pub(super) by: RankBy,
    pub(super) threads: Threads,
    /// The results of the last pass in each chunk.
    pub(super) found: Vec<ChunkFindings>,
}

#[derive(Debug, Default)]
pub(super) struct ChunkFindings {
    layer: usize,
    start: usize,
    alive: usize,
    sure: usize,
    inside: usize,
    nan: Option<usize>,
    keys: Vec<u64>,
}

impl<S: ChunkSource + ?Sized> SourceScan<'_, S> {
    /// Reads the whole source, gives `work` every chunk of at most [`CHUNK`] elements, and gives `take` the results
    /// in the order of layers.
    fn for_each_chunk<R: Send>(
        &self,
        work: impl Fn(usize, usize, Values<'_>, Option<&[u64]>) -> R + Sync + Send,
        mut take: impl FnMut(R),
    ) -> Result<(), Error> {
        let mut readings = self.layers.iter().enumerate().flat_map(|(layer, &SourceLayer { len, .. })| {
            (0..len).step_by(READ).map(move |start| (layer, start, READ.min(len - start)))
        });
        loop {
            let batch: Vec<_> = readings.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let results: Vec<Result<Vec<R>, Error>> = self.threads.map(batch, |(layer, start, len)| {
                let mut results = Vec::with_capacity(len.div_ceil(CHUNK));
                let alive = self.alive(layer, start, len)?;
                self.read(layer, start, len, |values| {
                    for offset in (0..len).step_by(CHUNK) {
                        let end = len.min(offset + CHUNK);
                        let alive = alive.as_ref().map(|bits| &bits[offset / 64..end.div_ceil(64)]);
                        results.push(work(layer, start + offset, values.slice(offset, end), alive));
                    }
                })?;
                Ok(results)
            });
            for results in results {
                results?.into_iter().for_each(&mut take);
            }
        }
    }

    fn read(&self, layer: usize, start: usize, len: usize, mut visit: impl FnMut(Values<'_>)) -> Result<(), Error> {
        let failed = |why: String| ErrorKind::Source { why }.in_layer(&self.layers[layer].name);
        let mut got = None;
        let read = self.source.read(layer, start, len, &mut |values| {
            if got.is_none() && values.len() == len {
                visit(values);
            }
            got = Some(values.len());
        });
        read.map_err(failed)?;
        if got == Some(len) {
            Ok(())
        } else {
            Err(failed(format!("{len} elements from {start} on were asked for, {got:?} given")))
        }
    }

    /// The bits of elements that may be chosen, if a layer has a mask in force.
    fn alive(&self, layer: usize, start: usize, len: usize) -> Result<Option<Vec<u64>>, Error> {
        if self.masked[layer].is_none() {
            return Ok(None);
        }
        let mut bits = vec![0; len.div_ceil(64)];
        let failed = |why: String| ErrorKind::Source { why }.in_layer(&self.layers[layer].name);
        self.source.alive(layer, start, len, &mut bits).map_err(failed)?;
        if let Some(last) = bits.last_mut() {
            *last &= tail_bits(len);
        }
        Ok(Some(bits))
    }

    /// Refuses a source whose masks keep another number of elements than it states.
    fn check_alive(&self, found: &[ChunkFindings]) -> Result<(), Error> {
        let mut alive = vec![0; self.layers.len()];
        for found in found {
            alive[found.layer] += found.alive;
        }
        for ((layer, &masked), alive) in self.layers.iter().zip(&self.masked).zip(alive) {
            if masked.is_some_and(|masked| masked != alive) {
                let why = format!("its mask keeps {alive} elements, though it was said to keep {masked:?}");
                return Err(ErrorKind::Source { why }.in_layer(&layer.name));
            }
        }
        Ok(())
    }

    /// The kept count of each layer, and its share of the ties, from the last pass.
    pub(super) fn share_out(&self, cut: Cut) -> SourceCut {
        let mut kept = vec![0; self.layers.len()];
        let mut tied = vec![0; self.layers.len()];
        let mut tied_before = vec![Vec::new(); self.layers.len()];
        for found in &self.found {
            if found.start.is_multiple_of(READ) {
                tied_before[found.layer].push(tied[found.layer]);
            }
            kept[found.layer] += found.sure + found.keys.iter().filter(|&&key| key > cut.key).count();
            // If no keys were gathered, the last pass was made for exactly this key.
            let equal = found.keys.iter().filter(|&&key| key == cut.key).count();
            tied[found.layer] += if found.keys.is_empty() { found.inside } else { equal };
        }
        let mut order: Vec<usize> = (0..self.layers.len()).collect();
        order.sort_unstable_by_key(|&layer| self.layers[layer].name.as_bytes());
        let mut left = cut.ties;
        let mut ties = vec![0; self.layers.len()];
        for layer in order {
            ties[layer] = tied[layer].min(left);
            left -= ties[layer];
            kept[layer] += ties[layer];
        }
        SourceCut { key: cut.key, by: self.by, kept, ties, tied, tied_before }
    }
}

/// The number of readings whose results wait for each other: enough for any number of threads, and few beside the
/// data.
const BATCH: usize = 256;

impl<S: ChunkSource + ?Sized> KeyScan for SourceScan<'_, S> {
    fn sample(&mut self) -> Result<Vec<u64>, Error> {
        // Runs of a few neighbours, since each reading has its cost.
        let len: usize = self.layers.iter().map(|layer| layer.len).sum();
        let alive: usize =
            self.layers.iter().zip(&self.masked).map(|(layer, masked)| masked.unwrap_or(layer.len)).sum();
        let runs = sampled_runs(len, alive);
        let mut keys = Vec::with_capacity(runs * RUN);
        let (mut layer, mut start) = (0, 0);
        for position in positions(runs, len) {
            while position >= start + self.layers[layer].len {
                start += self.layers[layer].len;
                layer += 1;
            }
            let first = position - start;
            let count = RUN.min(self.layers[layer].len - first);
            let by = self.by;
            // At most 16 elements, so their bits are one word.
            let bits = self.alive(layer, first, count)?.map_or(u64::MAX, |bits| bits[0]);
            let chosen = |values: Values<'_>| {
                keys.extend((0..count).filter(|i| bits >> i & 1 == 1).map(|i| values.wide_key(i, by)));
            };
            self.read(layer, first, count, chosen)?;
        }
        Ok(keys)
    }

    fn pass(&mut self, bracket: Bracket, room: usize) -> Result<PassCounts, Error> {
        let by = self.by;
        let gathered = AtomicUsize::new(0);
        let look = |layer, start, values: Values<'_>, alive: Option<&[u64]>| {
            let (mut sure, mut inside) = ([0u64; CHUNK_WORDS], [0u64; CHUNK_WORDS]);
            let words = values.len().div_ceil(64);
            let (sure, inside) = (&mut sure[..words], &mut inside[..words]);
            let seen =
                for_any_type!(Values, values, values => compare(level(), values, alive, by, bracket, sure, inside));
            let alive_len = alive.map_or(0, |bits| bits.iter().map(|word| word.count_ones() as usize).sum());
            let mut found = ChunkFindings {
                layer,
                start,
                alive: alive_len,
                sure: seen.sure,
                inside: seen.inside,
                ..ChunkFindings::default()
            };
            if seen.nan {
                // A NaN counts only if it is ranked.
                let ranked = |i: &usize| is_set(alive, *i) && values.is_nan(*i);
                found.nan = (0..values.len()).find(ranked).map(|i| start + i);
            }
            if found.inside > 0 && gathered.fetch_add(found.inside, Ordering::Relaxed) + found.inside <= room {
                let set = |(word, &bits): (usize, &u64)| {
                    (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
                };
                found.keys.reserve_exact(found.inside);
                found.keys.extend(inside.iter().enumerate().flat_map(set).map(|i| values.wide_key(i, by)));
            }
            found
        };
        let (mut found, mut counts) = (Vec::new(), PassCounts::default());
        self.for_each_chunk(look, |chunk: ChunkFindings| {
            counts.sure += chunk.sure;
            counts.inside += chunk.inside;
            found.push(chunk);
        })?;
        if found.iter().any(|found| found.nan.is_some()) {
            let first = found
                .iter()
                .filter(|found| found.nan.is_some())
                .min_by_key(|found| (self.layers[found.layer].name.as_bytes(), found.nan));
            let (layer, index) =
                first.map(|found| (self.layers[found.layer].name.as_str(), found.nan)).unwrap_or_default();
            return Err(ErrorKind::Nan { index: index.into_iter().collect() }.in_layer(layer));
        }
        self.check_alive(&found)?;
        counts.gathered = room > 0 && counts.inside <= room;
        self.found = found;
        Ok(counts)
    }

    fn cut_gathered(&mut self, wanted: usize) -> Option<Cut> {
        let mut keys = Vec::with_capacity(self.found.iter().map(|found| found.keys.len()).sum());
        self.found.iter().for_each(|found| keys.extend_from_slice(&found.keys));
        Some(cut_among(&mut keys, wanted))
    }

    fn histogram(&mut self, low: u64, shift: u32, buckets: usize) -> Result<Vec<usize>, Error> {
        let by = self.by;
        let count = |_, _, values: Values<'_>, alive: Option<&[u64]>| {
            let mut counts = vec![0u32; buckets];
            for i in 0..values.len() {
                if is_set(alive, i)
                    && let Some(above) = values.wide_key(i, by).checked_sub(low)
                    && let Some(count) = counts.get_mut((above >> shift) as usize)
                {
                    *count += 1;
                }
            }
            counts
        };
        let mut total = vec![0usize; buckets];
        self.for_each_chunk(count, |counts| {
            total.iter_mut().zip(counts).for_each(|(total, count)| *total += count as usize);
        })?;
        Ok(total)
    }
}

/// True if an element may be chosen.
fn is_set(alive: Option<&[u64]>, i: usize) -> bool {
    alive.is_none_or(|bits| bits[i / 64] >> (i % 64) & 1 == 1)
}

/// The number of runs that are sampled of a source of `len` elements, of which `alive` may be chosen: about every
/// 64th element, but enough if these are few, and not too many. Billions of elements need more runs, so that the
/// bracket does not exceed the room: at density 0.5 it holds `2.5 * alive / sqrt(16 * runs)` elements.
pub(super) fn sampled_runs(len: usize, alive: usize) -> usize {
    let roomy = (2.5 * alive as f64 / (4.0 * (MOST_ROOM / 2) as f64)).powi(2) as usize;
    let runs = (alive / (64 * RUN)).clamp(256, 1 << 14).max(roomy.min(1 << 17));
    runs.saturating_mul(len / alive.max(1)).clamp(runs, 1 << 18)
}
