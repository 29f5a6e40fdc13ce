//! Ranking data that does not fit memory: a source of chunks that can be read again.
//!
//! The cut is found by the same code as in memory; the masks are then made chunk by chunk.

use core::sync::atomic::{AtomicUsize, Ordering};

use crate::bits::{first_bits, tail_bits};
use crate::density::Density;
use crate::error::{Error, ErrorKind};
use crate::kernel::compare::{Bracket, compare};
use crate::kernel::instructions::level;
use crate::key::RankBy;
use crate::select::Selector;
use crate::select::cut::{Counts, Cut, Scan, cut_among, find};
use crate::select::sample::positions;
use crate::select::scan::{CHUNK, CHUNK_WORDS};
use crate::select::values::Values;
use crate::tensor::{distinct, for_any_type};
use crate::threads::Threads;

/// A layer of a [`ChunkSource`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceLayer {
    /// Its name; among equal scores the smaller name comes first.
    pub name: String,
    /// How many elements it has.
    pub len: usize,
}

/// Scores that are read in chunks, again and again, in logical order: files larger than memory.
///
/// # Examples
///
/// ```
/// use prune_core::{ChunkSource, Selector, SourceLayer, Values};
///
/// struct Files(Vec<(String, Vec<f32>)>);
///
/// impl ChunkSource for Files {
///     fn layers(&self) -> Vec<SourceLayer> {
///         self.0.iter().map(|(name, values)| SourceLayer { name: name.clone(), len: values.len() }).collect()
///     }
///     fn read(&self, layer: usize, start: usize, len: usize, visit: &mut dyn FnMut(Values<'_>)) -> Result<(), String> {
///         visit(Values::F32(&self.0[layer].1[start..start + len]));
///         Ok(())
///     }
/// }
///
/// let files = Files(vec![("b".into(), vec![3.0, 0.5]), ("a".into(), vec![-1.0, 2.0, 0.5])]);
/// let cut = Selector::magnitude().cut_source(&files, 4)?;
/// assert_eq!(cut.kept(), [1, 3]); // the tie at 0.5 goes to layer `a`
/// let mut masker = cut.masker(0);
/// assert_eq!(masker.mask(Values::F32(&[3.0, 0.5])), [0b01]);
/// # Ok::<(), prune_core::Error>(())
/// ```
pub trait ChunkSource: Sync {
    /// The layers, in any order; a layer is named by its place in this list.
    fn layers(&self) -> Vec<SourceLayer>;

    /// Calls `visit` once with the `len` elements of a layer from the logical index `start` on. Called from several
    /// threads at once.
    ///
    /// # Errors
    ///
    /// What went wrong, in words for the user.
    fn read(&self, layer: usize, start: usize, len: usize, visit: &mut dyn FnMut(Values<'_>)) -> Result<(), String>;

    /// How many elements of a layer may be chosen, where a mask is in force; `None` where there is none, and all of them
    /// may.
    fn alive_len(&self, _layer: usize) -> Option<usize> {
        None
    }

    /// Sets bit `i % 64` of word `i / 64` of `bits`, which are zeros, where the element `start + i` of a layer may be
    /// chosen, for `i` below `len`. Called where [`ChunkSource::alive_len`] gives a number, from several threads at once.
    ///
    /// # Errors
    ///
    /// What went wrong, in words for the user.
    fn alive(&self, _layer: usize, _start: usize, _len: usize, bits: &mut [u64]) -> Result<(), String> {
        bits.fill(u64::MAX);
        Ok(())
    }
}

/// Where a ranking over a source is cut: [`Selector::cut_source`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCut {
    key: u64,
    by: RankBy,
    kept: Vec<usize>,
    /// How many of the elements that have just this key are kept in each layer.
    ties: Vec<usize>,
    /// How many there are.
    tied: Vec<usize>,
    /// How many of them lie before each reading of each layer.
    tied_before: Vec<Vec<usize>>,
}

impl SourceCut {
    /// Elements of which one reading of a source has the most: masks can be made from any multiple of this on.
    pub const READING: usize = READ;

    /// How many elements each layer keeps, in the order of [`ChunkSource::layers`].
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// How many elements of each layer share the score at the cut, where only a part of them is kept; else 0.
    pub fn ties(&self) -> Vec<usize> {
        let contested = self.ties.iter().sum::<usize>() < self.tied.iter().sum::<usize>();
        if contested { self.tied.clone() } else { vec![0; self.tied.len()] }
    }

    /// Makes the masks of a layer, chunk by chunk from its beginning.
    ///
    /// # Panics
    ///
    /// Where there is no such layer.
    pub fn masker(&self, layer: usize) -> SourceMasker {
        self.masker_from(layer, 0)
    }

    /// Makes the masks of a layer from the element `start` on, so that parts of a layer can be masked side by side.
    ///
    /// # Panics
    ///
    /// Where there is no such layer, or `start` is not a multiple of [`SourceCut::READING`].
    pub fn masker_from(&self, layer: usize, start: usize) -> SourceMasker {
        assert!(start.is_multiple_of(READ), "masks begin at a multiple of {READ}, not at {start}");
        // Past the end there is nothing to mask, and nothing was counted.
        let before = self.tied_before[layer].get(start / READ).copied().unwrap_or(usize::MAX);
        SourceMasker { key: self.key, by: self.by, ties: self.ties[layer].saturating_sub(before), words: Vec::new() }
    }
}

/// Makes the masks of one layer of a source.
#[derive(Debug, Clone)]
pub struct SourceMasker {
    key: u64,
    by: RankBy,
    ties: usize,
    words: Vec<u64>,
}

impl SourceMasker {
    /// The mask of the next chunk in logical order: bit `i % 64` of word `i / 64` is its element `i`.
    pub fn mask(&mut self, chunk: Values<'_>) -> &[u64] {
        self.mask_alive(chunk, None)
    }

    /// As [`SourceMasker::mask`], of which only what `alive` has set is kept: the bits of the chunk as
    /// [`ChunkSource::alive`] gives them.
    ///
    /// # Panics
    ///
    /// Where there are fewer bits than elements.
    pub fn mask_alive(&mut self, chunk: Values<'_>, alive: Option<&[u64]>) -> &[u64] {
        self.words.clear();
        self.words.resize(chunk.len().div_ceil(64), 0);
        let mut equal = vec![0; self.words.len()];
        for_any_type!(Values, chunk, values => {
            compare(level(), values, alive, self.by, Bracket::exactly(self.key), &mut self.words, &mut equal)
        });
        for (word, mut equal) in self.words.iter_mut().zip(equal) {
            if self.ties < equal.count_ones() as usize {
                equal = first_bits(equal, self.ties);
            }
            self.ties -= equal.count_ones() as usize;
            *word |= equal;
        }
        &self.words
    }
}

impl Selector {
    /// Finds the cut that keeps the best `density` of all the layers of a source together (rule 1 gives the count, from
    /// all elements, dead ones among them).
    ///
    /// # Errors
    ///
    /// As [`Selector::cut_source`].
    ///
    /// # Complexity
    ///
    /// As [`Selector::cut_source`].
    pub fn global_source(&self, source: &(impl ChunkSource + ?Sized), density: Density) -> Result<SourceCut, Error> {
        // A sum that overflows is refused below.
        let elements = source.layers().iter().fold(0usize, |sum, layer| sum.saturating_add(layer.len));
        self.cut_source(source, density.kept_of(elements))
    }

    /// Finds the cut that keeps the best `kept` elements of all the layers of a source together, of those that are alive
    /// where the source has masks in force; [`Selector::global_source`] takes a density.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Source`] where reading fails or the lengths of the layers overflow, [`ErrorKind::Nan`], [`ErrorKind::TooFewAlive`], [`ErrorKind::DuplicateLayer`].
    ///
    /// # Complexity
    ///
    /// Linear; the source is sampled and then read once, twice where many elements share the score at the cut, about four
    /// times where there are billions of elements, and at most nine times whatever the values are. Memory is sixteen
    /// bytes for every 64th element, but not more than 64 MiB, and what is read at once.
    pub fn cut_source(&self, source: &(impl ChunkSource + ?Sized), kept: usize) -> Result<SourceCut, Error> {
        let layers = source.layers();
        distinct(layers.iter().map(|layer| layer.name.as_str()))?;
        let counted = layers.iter().try_fold(0usize, |sum, layer| sum.checked_add(layer.len));
        if counted.is_none() {
            let why = "its layers together have more elements than can be counted".to_owned();
            return Err(ErrorKind::Source { why }.into());
        }
        let masked: Vec<Option<usize>> = (0..layers.len()).map(|layer| source.alive_len(layer)).collect();
        let mut alive = 0;
        for (layer, masked) in layers.iter().zip(&masked) {
            let choice = masked.unwrap_or(layer.len);
            if choice > layer.len {
                let why = format!("{choice} of its {} elements are said to be alive", layer.len);
                return Err(ErrorKind::Source { why }.in_layer(&layer.name));
            }
            alive += choice;
        }
        if kept > alive {
            return Err(ErrorKind::TooFewAlive { asked: kept, alive }.into());
        }
        let (by, threads) = (self.rank_by, self.threads);
        let mut scan = SourceScan { source, layers: &layers, masked, by, threads, found: Vec::new() };
        let none = vec![0; layers.len()];
        if kept == 0 {
            // Nothing is kept, but everything is ranked: a NaN is an error here too.
            scan.pass(Bracket { sure: u64::MAX, inside: u64::MAX }, 1)?;
            let (kept, tied_before) = (none.clone(), vec![Vec::new(); layers.len()]);
            return Ok(SourceCut { key: u64::MAX, by, kept, ties: none.clone(), tied: none, tied_before });
        }
        let cut = find(&mut scan, kept, alive, (alive / ROOM).clamp(1 << 16, MOST_ROOM))?;
        Ok(scan.share_out(cut))
    }
}

/// One key may be gathered for so many elements. A bracket of the sample below, at density 0.5, holds fewer.
const ROOM: usize = 64;

/// However many elements there are, no more keys than this are gathered: 32 MiB, and as much again to select among them.
const MOST_ROOM: usize = 1 << 22;

struct SourceScan<'s, S: ?Sized> {
    source: &'s S,
    layers: &'s [SourceLayer],
    /// How many elements of each layer are alive, where it has a mask in force.
    masked: Vec<Option<usize>>,
    by: RankBy,
    threads: Threads,
    /// What the last pass found in each chunk.
    found: Vec<Found>,
}

#[derive(Debug, Default)]
struct Found {
    layer: usize,
    start: usize,
    alive: usize,
    sure: usize,
    inside: usize,
    nan: Option<usize>,
    keys: Vec<u64>,
}

impl<S: ChunkSource + ?Sized> SourceScan<'_, S> {
    /// Reads everything, gives `work` every chunk of at most [`CHUNK`] elements, and `take` the results in the order of
    /// layers.
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

    /// The bits of what may be chosen, where a layer has a mask in force.
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

    /// Refuses a source whose masks keep another number of elements than it says.
    fn check_alive(&self, found: &[Found]) -> Result<(), Error> {
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

    /// How many elements each layer keeps, and which share of the ties, from the last pass.
    fn share_out(&self, cut: Cut) -> SourceCut {
        let mut kept = vec![0; self.layers.len()];
        let mut tied = vec![0; self.layers.len()];
        let mut tied_before = vec![Vec::new(); self.layers.len()];
        for found in &self.found {
            if found.start.is_multiple_of(READ) {
                tied_before[found.layer].push(tied[found.layer]);
            }
            kept[found.layer] += found.sure + found.keys.iter().filter(|&&key| key > cut.key).count();
            // Without keys, the last pass was made for just this key.
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

/// Elements that are read at once.
const READ: usize = 1 << 17;

/// Readings whose results wait for each other: enough for any number of threads, and few beside the data.
const BATCH: usize = 256;

impl<S: ChunkSource + ?Sized> Scan for SourceScan<'_, S> {
    fn sample(&mut self) -> Result<Vec<u64>, Error> {
        // Runs of a few neighbours, since each reading has its price.
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

    fn pass(&mut self, bracket: Bracket, room: usize) -> Result<Counts, Error> {
        let by = self.by;
        let gathered = AtomicUsize::new(0);
        let look = |layer, start, values: Values<'_>, alive: Option<&[u64]>| {
            let (mut sure, mut inside) = ([0u64; CHUNK_WORDS], [0u64; CHUNK_WORDS]);
            let words = values.len().div_ceil(64);
            let (sure, inside) = (&mut sure[..words], &mut inside[..words]);
            let seen =
                for_any_type!(Values, values, values => compare(level(), values, alive, by, bracket, sure, inside));
            let alive_len = alive.map_or(0, |bits| bits.iter().map(|word| word.count_ones() as usize).sum());
            let mut found =
                Found { layer, start, alive: alive_len, sure: seen.sure, inside: seen.inside, ..Found::default() };
            if seen.nan {
                // A NaN counts only where it is ranked.
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
        let (mut found, mut counts) = (Vec::new(), Counts::default());
        self.for_each_chunk(look, |chunk: Found| {
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

    fn cut_gathered(&mut self, wanted: usize) -> Cut {
        let mut keys = Vec::with_capacity(self.found.iter().map(|found| found.keys.len()).sum());
        self.found.iter().for_each(|found| keys.extend_from_slice(&found.keys));
        cut_among(&mut keys, wanted)
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

/// Whether an element may be chosen.
fn is_set(alive: Option<&[u64]>, i: usize) -> bool {
    alive.is_none_or(|bits| bits[i / 64] >> (i % 64) & 1 == 1)
}

/// How many runs are sampled of a source of `len` elements of which `alive` may be chosen: about every 64th of those, but
/// enough of few and not too many. More of billions, so that what lies in the bracket finds room: at density 0.5 that is
/// `2.5 * alive / sqrt(16 * runs)` elements.
fn sampled_runs(len: usize, alive: usize) -> usize {
    let roomy = (2.5 * alive as f64 / (4.0 * (MOST_ROOM / 2) as f64)).powi(2) as usize;
    let runs = (alive / (64 * RUN)).clamp(256, 1 << 14).max(roomy.min(1 << 17));
    runs.saturating_mul(len / alive.max(1)).clamp(runs, 1 << 18)
}

/// Neighbours sampled together.
const RUN: usize = 16;

#[cfg(test)]
mod tests;
