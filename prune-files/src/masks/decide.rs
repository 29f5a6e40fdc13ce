//! Carries work out: each piece is read, decided, and handed to a sink.

use prune_core::{Error as CoreError, ErrorKind, LayerRef, Mask, PlainTensor, Ranked, Selector, SourceCut, Threads};

use crate::error::Error;
use crate::masks::outside::{Outside, outside};
use crate::masks::ranks::{Lies, Ranks};
use crate::masks::source::nan;
use crate::masks::work::{LayerWork, MaskRule, Work, WorkPiece};
use crate::parts::bits::is_set;
use crate::parts::buffer::{Buffer, layer as layer_of, values};
use crate::parts::drive::{PartScratch, in_order};
use crate::parts::runs::{Part, Runs, plain};
use crate::text::clipped::clipped;
use crate::watch::Watch;

/// A receiver of masks, which come part by part and in any order.
pub(crate) trait Sink: Sync {
    /// Takes the mask of some elements of a tensor, with the bytes of their weights, which it may overwrite. `spare` is
    /// unused memory.
    fn put(&self, tensor: usize, runs: Runs, mask: &Mask, weights: &mut [u8], spare: &mut Buffer) -> Result<(), Error>;
}

/// Counts made while the masks of a layer were made.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) kept: usize,
    pub(crate) ties: usize,
    pub(crate) short_groups: usize,
    /// Elements kept that are not zero.
    pub(crate) non_zero: usize,
    /// Elements outside the mask that were non-zero and kept by the mask before.
    pub(crate) newly_pruned: usize,
    /// Elements outside the mask.
    pub(crate) outside: Outside,
    /// The squared norm of the elements that the mask before keeps, and of those that the new mask keeps.
    pub(crate) squares: (f64, f64),
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.kept += other.kept;
        self.ties += other.ties;
        self.short_groups += other.short_groups;
        self.non_zero += other.non_zero;
        self.newly_pruned += other.newly_pruned;
        self.outside += other.outside;
        self.squares.0 += other.squares.0;
        self.squares.1 += other.squares.1;
    }
}

/// Makes all masks and returns the counts of each layer.
pub(crate) fn carry_out(ranks: &Ranks<'_>, work: &Work, sink: &impl Sink, watch: &Watch) -> Result<Vec<Counts>, Error> {
    let maker = MaskMaker {
        ranks,
        work,
        sink,
        selector: Selector::default().with_rank_by(ranks.by()).with_threads(Threads::One),
        watch,
    };
    let met = in_order(&work.pieces, watch, |piece, scratch| maker.piece(piece, scratch));
    let met = met.map_err(|error| maker.first_nan(error))?;
    let mut counts = vec![Counts::default(); work.layers.len()];
    met.iter().flatten().for_each(|(layer, met)| counts[*layer].add(met));
    let ties: Vec<Vec<usize>> = work.cuts.iter().map(SourceCut::ties).collect();
    for (counts, layer) in counts.iter_mut().zip(&work.layers) {
        match &layer.how {
            MaskRule::Cut { cut, place } => {
                counts.ties = ties[*cut][*place];
                if counts.kept != work.cuts[*cut].kept()[*place] {
                    let why =
                        "the values changed between two readings; leave the file alone while it is pruned".to_owned();
                    let name = clipped(&ranks.inputs.model.tensor(layer.tensor).name);
                    return Err(ErrorKind::Source { why }.in_layer(&name).into());
                }
            }
            MaskRule::Units { ties, .. } => counts.ties = *ties,
            _ => {}
        }
    }
    Ok(counts)
}

struct MaskMaker<'a, S> {
    ranks: &'a Ranks<'a>,
    work: &'a Work,
    sink: &'a S,
    selector: Selector,
    watch: &'a Watch,
}

impl<S: Sink> MaskMaker<'_, S> {
    fn piece(&self, piece: &WorkPiece, scratch: &mut PartScratch) -> Result<Vec<(usize, Counts)>, Error> {
        let inputs = self.ranks.inputs;
        match piece {
            WorkPiece::Part { layer, part } => Ok(vec![(*layer, self.part(*layer, *part, scratch)?)]),
            WorkPiece::Straddle { pattern, runs } => {
                let mut scores = Vec::new();
                let mut alive = Vec::new();
                for &(layer, runs) in runs {
                    let tensor = self.work.layers[layer].tensor;
                    let bytes = self.ranks.read(tensor, runs, scratch)?;
                    let part = layer_of(self.ranks.element(tensor), scratch.scores.bytes(bytes), &[runs.elements()])?;
                    scores.extend(part.to_logical_f64()?);
                    let masked = inputs.read_alive(tensor, runs, &mut scratch.masks, &mut scratch.alive)?;
                    alive.extend((0..runs.elements()).map(|i| !masked || is_set(&scratch.alive, i)));
                }
                let alive = Mask::from_bools(&[scores.len()], &alive)?;
                let tensor = PlainTensor::from_logical(&[scores.len()], scores)?;
                let group = LayerRef::of(&tensor);
                let selected = self.selector.n_m(Ranked::new("", &group).with_alive(Some(&alive)), *pattern, 0)?;
                let mut counts = Vec::new();
                let mut done = 0;
                for &(layer, runs) in runs {
                    let part = |mask: &Mask| {
                        let kept: Vec<bool> = (done..done + runs.elements()).map(|i| mask.is_kept(i)).collect();
                        Mask::from_bools(&[kept.len()], &kept)
                    };
                    let (mask, alive) = (part(&selected.mask)?, part(&alive)?);
                    done += runs.elements();
                    counts.push((layer, self.hand_over(layer, runs, mask, Some(&alive), Lies::Nowhere, scratch)?));
                }
                // A group counts for the layer of its first element.
                counts[0].1.ties = selected.ties;
                counts[0].1.short_groups = selected.short_groups;
                Ok(counts)
            }
        }
    }

    fn part(&self, place: usize, part: Part, scratch: &mut PartScratch) -> Result<Counts, Error> {
        let Part { runs, shape } = part;
        let LayerWork { tensor, ref how, .. } = self.work.layers[place];
        let (elements, about) = (runs.elements(), self.ranks.inputs.model.tensor(tensor));
        let ranked = matches!(how, MaskRule::Cut { .. } | MaskRule::Groups { .. } | MaskRule::Outputs { .. });
        let bytes = if ranked { self.ranks.read(tensor, runs, scratch)? } else { 0 };
        let lies = if ranked { self.ranks.weights_lie(tensor) } else { Lies::Nowhere };
        let element = self.ranks.element(tensor);
        let PartScratch { scores, masks, alive, .. } = &mut *scratch;
        let masked = self.ranks.inputs.read_alive(tensor, runs, masks, alive)?;
        let alive = masked.then(|| Mask::from_words(&[elements], alive.clone())).transpose()?;
        let (mut ties, mut short_groups) = (0, 0);
        let mask = match how {
            MaskRule::Cut { cut, place } => {
                let mut masker = self.work.cuts[*cut].masker_from(*place, runs.first());
                let words = masker.mask_alive(values(element, scores.bytes(bytes)), alive.as_ref().map(Mask::words));
                Mask::from_words(&[elements], words.to_vec())?
            }
            MaskRule::Groups { .. } | MaskRule::Outputs { .. } => {
                let layer = layer_of(element, scores.bytes(bytes), &shape)?;
                let alive = alive.clone().map(|alive| alive.with_shape(&shape)).transpose()?;
                let ranked = Ranked::new("", &layer).with_alive(alive.as_ref());
                let selected = match how {
                    MaskRule::Groups { pattern } => self.selector.n_m(ranked, *pattern, 1)?,
                    MaskRule::Outputs { density } => {
                        let axis = self.work.layers[place].plan.as_ref().and_then(|plan| plan.axis).unwrap_or(0);
                        let selected = self.selector.each_along(ranked, *density, 1);
                        selected.map_err(|error| in_whole(error, &about.name, &about.shape, axis, runs))?
                    }
                    _ => unreachable!("both are above"),
                };
                (ties, short_groups) = (selected.ties, selected.short_groups);
                selected.mask.with_shape(&[elements])?
            }
            MaskRule::Units { unit, kept, .. } => {
                let words = unit.spread_part(kept, &about.shape, runs.first(), elements)?;
                let mask = Mask::from_words(&[elements], words)?;
                alive.as_ref().map_or_else(|| Ok(mask.clone()), |alive| mask.intersection(alive))?
            }
            MaskRule::InForce => alive.clone().map_or_else(|| Mask::all(&[elements]), Ok)?,
        };
        // For a mask that only stays in force, every non-zero element outside it counts as newly pruned.
        let before = alive.as_ref().filter(|_| !matches!(how, MaskRule::InForce));
        let counts = self.hand_over(place, runs, mask, before, lies, scratch)?;
        self.watch.progress.advance(elements as u64 * about.bytes / about.elements.max(1) as u64);
        Ok(Counts { ties, short_groups, ..counts })
    }

    /// Counts the weights that a mask keeps, and hands the mask to the sink.
    fn hand_over(
        &self,
        layer: usize,
        runs: Runs,
        mask: Mask,
        alive: Option<&Mask>,
        lies: Lies,
        scratch: &mut PartScratch,
    ) -> Result<Counts, Error> {
        let inputs = self.ranks.inputs;
        let tensor = self.work.layers[layer].tensor;
        let about = inputs.model.tensor(tensor);
        let Some(element) = about.element_type() else {
            let (name, dtype) = (clipped(&about.name), about.dtype);
            return Err(Error::request(format!("`{name}` is of type {dtype}, which is not pruned")));
        };
        let PartScratch { scores, weights, masks, .. } = scratch;
        let bytes = match lies {
            Lies::Nowhere => inputs.read_weights(tensor, runs, weights)?,
            _ => runs.elements() * about.dtype.bitsize() / 8,
        };
        let weights = if lies == Lies::InScores { scores.bytes_mut(bytes) } else { weights.bytes_mut(bytes) };
        let outside = outside(element, weights, &mask, None);
        let newly_pruned = match alive {
            None => outside.values,
            Some(alive) => self::outside(element, weights, &mask, Some(alive.words())).values,
        };
        let layer = layer_of(element, weights, &[runs.elements()])?;
        let stats = layer.stats(Some(&mask))?;
        // A training would have set the weights outside the mask before to zero by now.
        let whole = match alive {
            Some(alive) => layer.stats(Some(alive))?.kept_squared_norm,
            None => stats.squared_norm,
        };
        self.sink.put(tensor, runs, &mask, weights, masks)?;
        Ok(Counts {
            kept: mask.kept_len(),
            non_zero: stats.non_zero - outside.values,
            newly_pruned,
            outside,
            squares: (whole, stats.kept_squared_norm),
            ..Counts::default()
        })
    }

    /// The error for the first NaN that groups met, by layer (in the order of the plan) and index. Other errors stay.
    fn first_nan(&self, error: Error) -> Error {
        if !matches!(error, Error::Core(CoreError { kind: ErrorKind::Nan { .. }, .. })) {
            return error;
        }
        // A mask that only stays in force ranks nothing.
        let ranked = self.work.layers.iter().filter(|layer| layer.plan.is_some());
        let mut layers: Vec<usize> = ranked.map(|layer| layer.tensor).collect();
        if self.work.layers.iter().all(|layer| layer.plan.as_ref().is_none_or(|plan| plan.asked.is_none())) {
            layers.sort_unstable_by_key(|&tensor| self.ranks.inputs.model.tensor(tensor).name.as_bytes());
        }
        let mut scratch = PartScratch::default();
        for tensor in layers {
            let about = self.ranks.inputs.model.tensor(tensor);
            for part in plain(about.elements) {
                match self.nan_in(tensor, part.runs, &mut scratch) {
                    Ok(None) => {}
                    Ok(Some(index)) => return nan(about.name.clone(), index, &about.shape),
                    Err(error) => return error,
                }
            }
        }
        error
    }

    /// The index of the first NaN among the values that rank some elements.
    fn nan_in(&self, tensor: usize, runs: Runs, scratch: &mut PartScratch) -> Result<Option<usize>, Error> {
        let bytes = self.ranks.read(tensor, runs, scratch)?;
        let part = layer_of(self.ranks.element(tensor), scratch.scores.bytes(bytes), &[runs.elements()])?;
        let masked = self.ranks.inputs.read_alive(tensor, runs, &mut scratch.masks, &mut scratch.alive)?;
        let (mut i, mut found) = (0, None);
        part.for_each_logical(|score| {
            if score.is_nan() && found.is_none() && (!masked || is_set(&scratch.alive, i)) {
                found = Some(runs.first() + i);
            }
            i += 1;
        })?;
        Ok(found)
    }
}

/// Turns an error about an index within a part into one about the index in the whole layer.
fn in_whole(error: CoreError, name: &str, shape: &[usize], axis: usize, runs: Runs) -> Error {
    let inner: usize = shape[axis + 1..].iter().product();
    match error.kind {
        ErrorKind::TooFewAliveInSlice { slice, asked, alive, .. } => {
            let slice = slice + runs.first() / inner.max(1) % shape[axis].max(1);
            ErrorKind::TooFewAliveInSlice { axis, slice, asked, alive }.in_layer(&clipped(name)).into()
        }
        _ => error.into(),
    }
}
