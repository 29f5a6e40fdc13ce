//! Carrying a plan out: each piece is read, decided, and handed to a sink.

use prune_core::{Error as CoreError, ErrorKind, LayerRef, Mask, PlainTensor, Ranked, Selector, SourceCut, Threads};

use crate::buffer::{Buffer, layer as layer_of, values};
use crate::clipped::clipped;
use crate::drive::{Scratch, in_order};
use crate::error::Error;
use crate::inputs::Inputs;
use crate::outside::{Outside, outside};
use crate::plan::{How, Piece, Plan};
use crate::runs::{Part, Runs, plain};
use crate::source::{nan, selector};
use crate::watch::Watch;

/// Takes masks, part by part and in any order.
pub(crate) trait Sink: Sync {
    /// Takes the mask of some elements of a tensor with the bytes of their weights, which it may write to. `spare` is memory
    /// that nothing lies in.
    fn put(&self, tensor: usize, runs: Runs, mask: &Mask, weights: &mut [u8], spare: &mut Buffer) -> Result<(), Error>;
}

/// What was met while the masks of a layer were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) kept: usize,
    pub(crate) ties: usize,
    pub(crate) short_groups: usize,
    /// Elements outside the mask of which the mask before kept a value other than zero.
    pub(crate) newly_pruned: usize,
    /// Elements outside the mask.
    pub(crate) outside: Outside,
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.kept += other.kept;
        self.ties += other.ties;
        self.short_groups += other.short_groups;
        self.newly_pruned += other.newly_pruned;
        self.outside += other.outside;
    }
}

/// Makes all masks of a plan; what was met in each of its layers.
pub(crate) fn carry_out(
    inputs: &Inputs<'_>,
    plan: &Plan,
    sink: &impl Sink,
    watch: &Watch,
) -> Result<Vec<Counts>, Error> {
    let maker = Maker { inputs, plan, sink, selector: selector(inputs).with_threads(Threads::One), watch };
    let met = in_order(&plan.pieces, watch, |piece, scratch| maker.piece(piece, scratch));
    let met = met.map_err(|error| maker.first_nan(error))?;
    let mut counts = vec![Counts::default(); plan.layers.len()];
    for (layer, met) in met.into_iter().flatten() {
        counts[layer].add(met);
    }
    let ties: Vec<Vec<usize>> = plan.cuts.iter().map(SourceCut::ties).collect();
    for (counts, layer) in counts.iter_mut().zip(&plan.layers) {
        if let How::Cut { cut, place } = layer.how {
            counts.ties = ties[cut][place];
            if counts.kept != plan.cuts[cut].kept()[place] {
                let why = "the values changed between two readings; leave the file alone while it is pruned".to_owned();
                let name = clipped(&inputs.model.tensor(layer.tensor).name);
                return Err(ErrorKind::Source { why }.in_layer(&name).into());
            }
        }
    }
    Ok(counts)
}

/// What the masks before kept of some elements.
#[derive(Debug, Clone, Copy)]
enum Before {
    All,
    Alive,
}

struct Maker<'a, S> {
    inputs: &'a Inputs<'a>,
    plan: &'a Plan,
    sink: &'a S,
    selector: Selector,
    watch: &'a Watch,
}

impl<S: Sink> Maker<'_, S> {
    fn piece(&self, piece: &Piece, scratch: &mut Scratch) -> Result<Vec<(usize, Counts)>, Error> {
        match piece {
            Piece::Part { layer, part } => Ok(vec![(*layer, self.part(*layer, *part, scratch)?)]),
            Piece::Straddle { pattern, runs } => {
                let mut scores = Vec::new();
                let mut alive = Vec::new();
                for &(layer, runs) in runs {
                    let tensor = self.plan.layers[layer].tensor;
                    let bytes = self.inputs.read_scores(tensor, runs, &mut scratch.scores)?;
                    let element = self.inputs.score_type(tensor);
                    let part = layer_of(element, scratch.scores.bytes(bytes), &[runs.elements()])?;
                    scores.extend(part.to_logical_f64()?);
                    let masked = self.inputs.read_alive(tensor, runs, &mut scratch.masks, &mut scratch.alive)?;
                    alive.extend((0..runs.elements()).map(|i| !masked || scratch.alive[i / 64] >> (i % 64) & 1 == 1));
                }
                let alive = Mask::from_bools(&[scores.len()], &alive)?;
                let tensor = PlainTensor::from_logical(&[scores.len()], scores)?;
                let group = LayerRef::of(&tensor);
                let selected = self.selector.n_of_m(Ranked::new("", &group).with_alive(Some(&alive)), *pattern, 0)?;
                let mut counts = Vec::new();
                let mut done = 0;
                for &(layer, runs) in runs {
                    let kept: Vec<bool> = (done..done + runs.elements()).map(|i| selected.mask.is_kept(i)).collect();
                    done += runs.elements();
                    let mask = Mask::from_bools(&[kept.len()], &kept)?;
                    let tensor = self.plan.layers[layer].tensor;
                    let masked = self.inputs.read_alive(tensor, runs, &mut scratch.masks, &mut scratch.alive)?;
                    let before = if masked { Before::Alive } else { Before::All };
                    let counted = self.hand_over(tensor, runs, &mask, before, 0, scratch)?;
                    counts.push((layer, counted));
                }
                // A group counts for the layer of its first element.
                counts[0].1.ties = selected.ties;
                counts[0].1.short_groups = selected.short_groups;
                Ok(counts)
            }
        }
    }

    fn part(&self, layer: usize, part: Part, scratch: &mut Scratch) -> Result<Counts, Error> {
        let Part { runs, shape } = part;
        let about = &self.plan.layers[layer];
        let tensor = about.tensor;
        let elements = runs.elements();
        let Scratch { scores, masks, alive, .. } = scratch;
        let masked = self.inputs.read_alive(tensor, runs, masks, alive)?;
        if about.how == How::InForce {
            let mask = Mask::from_words(&[elements], alive.clone())?;
            return self.hand_over(tensor, runs, &mask, Before::All, 0, scratch);
        }
        let element = self.inputs.score_type(tensor);
        let bytes = self.inputs.read_scores(tensor, runs, scores)?;
        let mut counts = Counts::default();
        let mask = match about.how {
            How::Cut { cut, place } => {
                let mut masker = self.plan.cuts[cut].masker_from(place, runs.first());
                let alive = masked.then_some(&alive[..]);
                let words = masker.mask_alive(values(element, scores.bytes(bytes)), alive).to_vec();
                Mask::from_words(&[elements], words)?
            }
            How::Groups { pattern } => {
                let layer = layer_of(element, scores.bytes(bytes), &shape)?;
                let alive = masked.then(|| Mask::from_words(&shape, alive.clone())).transpose()?;
                let ranked = Ranked::new("", &layer).with_alive(alive.as_ref());
                let selected = self.selector.n_of_m(ranked, pattern, 1)?;
                (counts.ties, counts.short_groups) = (selected.ties, selected.short_groups);
                selected.mask.with_shape(&[elements])?
            }
            How::InForce => unreachable!("handled above"),
        };
        let scored = if self.inputs.has_scores() { 0 } else { bytes };
        let before = if masked { Before::Alive } else { Before::All };
        counts.add(self.hand_over(tensor, runs, &mask, before, scored, scratch)?);
        self.watch.progress.advance(bytes as u64);
        Ok(counts)
    }

    /// Hands a mask to the sink, and counts what it keeps and what lies outside it. The weights lie in `scratch.scores`, as
    /// many bytes as `scored` says; where that is 0 they are read. The bits of [`Before::Alive`] lie in `scratch.alive`.
    fn hand_over(
        &self,
        tensor: usize,
        runs: Runs,
        mask: &Mask,
        before: Before,
        scored: usize,
        scratch: &mut Scratch,
    ) -> Result<Counts, Error> {
        let about = self.inputs.model.tensor(tensor);
        let Some(element) = about.element_type() else {
            let (name, dtype) = (clipped(&about.name), about.dtype);
            return Err(Error::request(format!("`{name}` is of type {dtype}, which is not pruned")));
        };
        let Scratch { scores, weights, masks, alive } = scratch;
        let weights = if scored > 0 {
            scores.bytes_mut(scored)
        } else {
            let bytes = self.inputs.read_weights(tensor, runs, weights)?;
            weights.bytes_mut(bytes)
        };
        let outside = outside(element, weights, mask, None);
        let newly_pruned = match before {
            Before::All => outside.values,
            Before::Alive => self::outside(element, weights, mask, Some(alive)).values,
        };
        self.sink.put(tensor, runs, mask, weights, masks)?;
        Ok(Counts { kept: mask.kept_len(), newly_pruned, outside, ..Counts::default() })
    }

    /// Where groups met a NaN, the first one by layer (as the plan has them) and index.
    fn first_nan(&self, error: Error) -> Error {
        if !matches!(error, Error::Core(CoreError { kind: ErrorKind::Nan { .. }, .. })) {
            return error;
        }
        // Masks that only stay in force rank nothing.
        let ranked = self.plan.layers.iter().filter(|layer| layer.candidate.is_some());
        let mut layers: Vec<usize> = ranked.map(|layer| layer.tensor).collect();
        if self.plan.layers.iter().all(|layer| layer.asked.is_none()) {
            layers.sort_unstable_by_key(|&tensor| self.inputs.model.tensor(tensor).name.as_bytes());
        }
        let mut scratch = Scratch::default();
        for tensor in layers {
            let about = self.inputs.model.tensor(tensor);
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

    /// The index of the first NaN among what is ranked of some elements.
    fn nan_in(&self, tensor: usize, runs: Runs, scratch: &mut Scratch) -> Result<Option<usize>, Error> {
        let bytes = self.inputs.read_scores(tensor, runs, &mut scratch.scores)?;
        let part = layer_of(self.inputs.score_type(tensor), scratch.scores.bytes(bytes), &[runs.elements()])?;
        let masked = self.inputs.read_alive(tensor, runs, &mut scratch.masks, &mut scratch.alive)?;
        let (mut i, mut found) = (0, None);
        part.for_each_logical(|score| {
            if score.is_nan() && found.is_none() && (!masked || scratch.alive[i / 64] >> (i % 64) & 1 == 1) {
                found = Some(runs.first() + i);
            }
            i += 1;
        })?;
        Ok(found)
    }
}
