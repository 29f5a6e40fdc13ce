//! What an event makes of each layer, before any mask is made: cuts are found, parts are laid out.

use prune_core::{NmPattern, Score, SourceCut};
use prune_schedule::{Distribution, Event, Ranking, Rule, Scope, Target};

use crate::clipped::clipped;
use crate::drive::{Scratch, in_order};
use crate::error::Error;
use crate::filter::Candidate;
use crate::inputs::Inputs;
use crate::runs::{PART, Part, Runs, groups, plain};
use crate::source::cut;
use crate::watch::Watch;

/// The most elements of a layer that is ranked beside others.
const SMALL: usize = 4 << 20;

/// Masks to be made: of which layers, by what, in which pieces.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) layers: Vec<PlanLayer>,
    pub(crate) cuts: Vec<SourceCut>,
    pub(crate) pieces: Vec<Piece>,
}

/// A layer that gets a mask.
#[derive(Debug)]
pub(crate) struct PlanLayer {
    /// Its place in the model.
    pub(crate) tensor: usize,
    /// What the event asks of it; none for a layer whose mask only stays in force.
    pub(crate) candidate: Option<Candidate>,
    pub(crate) how: How,
    /// How many elements it is to keep, where the event asks of it alone.
    pub(crate) asked: Option<usize>,
}

/// How a layer's mask is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// What lies above a cut: which, and at which place of it this layer is.
    Cut { cut: usize, place: usize },
    /// Groups along the middle axis of each part.
    Groups { pattern: NmPattern },
    /// The mask in force, as it is.
    InForce,
}

/// Something that is decided at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A part of one layer, by its place among the layers.
    Part { layer: usize, part: Part },
    /// One group that lies in several layers.
    Straddle { pattern: NmPattern, runs: Vec<(usize, Runs)> },
}

/// Whether an event asks of all its layers together.
pub(crate) fn is_global(event: &Event) -> bool {
    matches!(event.rule(), Rule::Unstructured(Scope::Global(_)) | Rule::NOfM { scope: Scope::Global(_), .. })
}

impl Plan {
    /// What `event` makes of the layers it selects. Reads them where they are ranked.
    pub(crate) fn of_event(
        inputs: &Inputs<'_>,
        when: &str,
        event: &Event,
        candidates: Vec<Candidate>,
        watch: &Watch,
    ) -> Result<Self, Error> {
        if let Some(why) = unfit(event, inputs.has_scores()) {
            return Err(Error::request(format!("{when}{why}")));
        }
        candidates.iter().try_for_each(|candidate| inputs.check_scored(candidate.tensor))?;
        let global = is_global(event);
        enough_alive(inputs, when, &candidates, global)?;
        let bytes: u64 = candidates.iter().map(|candidate| inputs.model.tensor(candidate.tensor).bytes).sum();
        let mut plan = Plan::default();
        match candidates.first().map(|first| first.target) {
            Some(Target::Density(density)) if global => {
                watch.progress.begin("ranking", bytes);
                let tensors: Vec<usize> = candidates.iter().map(|candidate| candidate.tensor).collect();
                let elements = tensors.iter().map(|&tensor| inputs.model.tensor(tensor).elements).sum();
                plan.cuts.push(cut(inputs, &tensors, density.kept_of(elements), watch)?);
                for (place, candidate) in candidates.into_iter().enumerate() {
                    plan.push_plain(inputs, candidate.tensor, Some(candidate), How::Cut { cut: 0, place }, None);
                }
                watch.progress.end();
            }
            Some(Target::Pattern(pattern)) if global => plan.push_concatenated(inputs, pattern, candidates),
            _ => {
                let ranked = |candidate: &&Candidate| matches!(candidate.target, Target::Density(_));
                let work: Vec<&Candidate> = candidates.iter().filter(ranked).collect();
                if !work.is_empty() {
                    watch.progress.begin("ranking", bytes);
                    let elements = |candidate: &Candidate| inputs.model.tensor(candidate.tensor).elements;
                    let alone = |candidate: &&Candidate, _: &mut Scratch| {
                        let kept = candidate.target.density().kept_of(elements(candidate));
                        cut(inputs, &[candidate.tensor], kept, watch)
                    };
                    // A ranking takes memory with its layer's size up to a bound, and all threads where the layer is large:
                    // one large layer at a time, and small ones side by side.
                    for together in work.chunk_by(|a, b| elements(a).max(elements(b)) <= SMALL) {
                        plan.cuts.extend(in_order(together, watch, alone)?);
                    }
                    watch.progress.end();
                }
                let mut cuts = 0..;
                for candidate in candidates {
                    plan.push_alone(inputs, when, candidate, &mut cuts)?;
                }
            }
        }
        Ok(plan)
    }

    /// The masks in force as they are, for every tensor that has one and is not among the layers yet.
    pub(crate) fn add_in_force(&mut self, inputs: &Inputs<'_>) {
        let made = self.layer_of(inputs.model.len());
        for (tensor, made) in made.into_iter().enumerate() {
            if made.is_none() && inputs.has_new_mask(tensor) {
                self.push_plain(inputs, tensor, None, How::InForce, None);
            }
        }
    }

    /// The place among the layers of each of a model's tensors.
    pub(crate) fn layer_of(&self, tensors: usize) -> Vec<Option<usize>> {
        let mut places = vec![None; tensors];
        for (place, layer) in self.layers.iter().enumerate() {
            places[layer.tensor] = Some(place);
        }
        places
    }

    fn push_plain(
        &mut self,
        inputs: &Inputs<'_>,
        tensor: usize,
        candidate: Option<Candidate>,
        how: How,
        asked: Option<usize>,
    ) {
        let layer = self.layers.len();
        self.pieces.extend(plain(inputs.model.tensor(tensor).elements).map(|part| Piece::Part { layer, part }));
        self.layers.push(PlanLayer { tensor, candidate, how, asked });
    }

    /// A layer with a ranking or groups of its own; `cuts` are the places of the cuts that are not taken yet.
    fn push_alone(
        &mut self,
        inputs: &Inputs<'_>,
        when: &str,
        candidate: Candidate,
        cuts: &mut impl Iterator<Item = usize>,
    ) -> Result<(), Error> {
        let tensor = inputs.model.tensor(candidate.tensor);
        match (candidate.target, candidate.axis) {
            (Target::Density(density), _) => {
                let how = How::Cut { cut: cuts.next().unwrap_or_default(), place: 0 };
                let kept = density.kept_of(tensor.elements);
                self.push_plain(inputs, candidate.tensor, Some(candidate), how, Some(kept));
            }
            (Target::Pattern(pattern), Some(axis)) => {
                let layer = self.layers.len();
                let parts = groups(&tensor.shape, axis, pattern.m(), PART);
                self.pieces.extend(parts.into_iter().map(|part| Piece::Part { layer, part }));
                let lanes = if tensor.elements == 0 { 0 } else { tensor.elements / tensor.shape[axis] };
                let asked = lanes * pattern.kept_of_lane(tensor.shape[axis]);
                let how = How::Groups { pattern };
                self.layers.push(PlanLayer {
                    tensor: candidate.tensor,
                    candidate: Some(candidate),
                    how,
                    asked: Some(asked),
                });
            }
            _ => return Err(Error::request(format!("{when}this event is not carried out on files"))),
        }
        Ok(())
    }

    /// Groups over the concatenation of all layers, by name; a group that begins in one may end in another.
    fn push_concatenated(&mut self, inputs: &Inputs<'_>, pattern: NmPattern, candidates: Vec<Candidate>) {
        let m = pattern.m();
        for candidate in candidates {
            let tensor = candidate.tensor;
            self.layers.push(PlanLayer {
                tensor,
                candidate: Some(candidate),
                how: How::Groups { pattern },
                asked: None,
            });
        }
        let mut order: Vec<usize> = (0..self.layers.len()).collect();
        order.sort_unstable_by_key(|&layer| inputs.model.tensor(self.layers[layer].tensor).name.as_bytes());
        // The group that is open, and how many elements it lacks.
        let mut open: Vec<(usize, Runs)> = Vec::new();
        let mut lacks = 0;
        for layer in order {
            let elements = inputs.model.tensor(self.layers[layer].tensor).elements;
            let head = lacks.min(elements);
            if head > 0 {
                open.push((layer, Runs::one(0, head)));
                lacks -= head;
            }
            if lacks > 0 {
                continue;
            }
            self.straddle(pattern, &mut open);
            let whole = (elements - head) / m;
            let groups_a_part = (PART / m).max(1);
            for first in (0..whole).step_by(groups_a_part) {
                let groups = groups_a_part.min(whole - first);
                let part = Part { runs: Runs::one(head + first * m, groups * m), shape: [groups, m, 1] };
                self.pieces.push(Piece::Part { layer, part });
            }
            let tail = elements - head - whole * m;
            if tail > 0 {
                open.push((layer, Runs::one(elements - tail, tail)));
                lacks = m - tail;
            }
        }
        self.straddle(pattern, &mut open);
    }

    fn straddle(&mut self, pattern: NmPattern, open: &mut Vec<(usize, Runs)>) {
        if !open.is_empty() {
            self.pieces.push(Piece::Straddle { pattern, runs: core::mem::take(open) });
        }
    }
}

/// Why an event is not carried out on files, if it is not: nothing trains here, and only weights and given scores are ranked.
fn unfit(event: &Event, scores: bool) -> Option<String> {
    let leave_out = |what: &str| Some(format!("{what}; leave it out"));
    if event.reopens().is_some() {
        return leave_out("`reopen` opens weights for training to fill, and nothing trains here");
    }
    if event.rewinds_to().is_some() {
        return leave_out("`rewind` goes back to weights of an earlier epoch, which a checkpoint has not");
    }
    if event.passes_straight_through() {
        return leave_out("`straight_through` is for training, and nothing trains here");
    }
    if !matches!(event.rule(), Rule::Unstructured(_) | Rule::NOfM { .. }) {
        return Some(format!("`{}` is not carried out on files; see `prune apply --help`", event.method()));
    }
    if matches!(event.ranked_within(), Ranking::Output(_)) {
        return leave_out("ranking within outputs is not carried out on files");
    }
    if event.distributed() != Distribution::Global || event.least().is_some() || event.most().is_some() {
        return leave_out("`distribution`, `min_density` and `max_density` are not carried out on files");
    }
    match event.scored_by() {
        score if score == Score::magnitude() => None,
        score if score == Score::given() && scores => None,
        score if score == Score::given() => Some("the score `given` needs --scores".to_owned()),
        score => Some(format!(
            "the score `{}` is computed while there is a model to run; compute it there and hand it over with --scores and \
             'score': 'given'",
            score.name()
        )),
    }
}

/// Refuses an event that asks for more than the masks in force have left alive (rule 9).
fn enough_alive(inputs: &Inputs<'_>, when: &str, candidates: &[Candidate], global: bool) -> Result<(), Error> {
    let counts = |candidate: &Candidate| {
        let elements = inputs.model.tensor(candidate.tensor).elements;
        (elements, inputs.alive_len(candidate.tensor).unwrap_or(elements))
    };
    let refuse = |layer: &str, asked: usize, alive: usize, target: Target| {
        let why = format!("{layer}{asked} elements are asked for ({target}), but only {alive} are alive");
        Err(Error::request(format!("{when}{why}; events only close, under the masks of those before")))
    };
    if global {
        let Some(first) = candidates.first() else { return Ok(()) };
        let (elements, alive) = candidates.iter().map(counts).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        let asked = first.target.density().kept_of(elements);
        return if asked > alive { refuse("", asked, alive, first.target) } else { Ok(()) };
    }
    for candidate in candidates {
        let (elements, alive) = counts(candidate);
        let asked = candidate.target.density().kept_of(elements);
        if asked > alive {
            let name = clipped(&inputs.model.tensor(candidate.tensor).name);
            return refuse(&format!("layer `{name}`: "), asked, alive, candidate.target);
        }
    }
    Ok(())
}
