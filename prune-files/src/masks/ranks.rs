//! The values that rank the elements of each layer: its weights, a tensor of scores, or scores that are computed from
//! weights and evidence as they are read.

use prune_core::{ElementType, RankBy, Score, ScoreNorm};
use prune_schedule::{DistributionRule, EventPlan, Key, LayerPlan};

use crate::error::Error;
use crate::layers::inputs::{ModelInputs, SideFile};
use crate::parts::bits::is_set;
use crate::parts::buffer::{numbers, values};
use crate::parts::drive::{PartScratch, in_order};
use crate::parts::runs::{Runs, plain};
use crate::watch::Watch;

/// The values that rank each tensor of a model for an event.
pub(crate) struct Ranks<'a> {
    pub(crate) inputs: &'a ModelInputs<'a>,
    by: RankBy,
    /// By tensor of the model; weights unless another scorer is set.
    of: Vec<Scorer>,
}

/// The values that rank a tensor.
#[derive(Debug, Clone)]
enum Scorer {
    Weights,
    /// The tensor of scores at a place of their file.
    Given(usize),
    Computed(ComputedScore),
}

/// A computed score, divided by the norm of its layer if there is one.
#[derive(Debug, Clone)]
struct ComputedScore {
    score: Score,
    evidence: ScoreEvidence,
    norm: Option<ScoreNorm>,
}

/// The evidence that a score looks at besides the weights.
#[derive(Debug, Clone)]
enum ScoreEvidence {
    None,
    /// The tensor at a place of a file.
    Beside(SideFile, usize),
    /// The norms of inputs, and their relation to elements: the logical order of elements is (before, output, after),
    /// that of inputs is (before, after).
    Norms {
        values: Vec<f64>,
        outputs: usize,
        after: usize,
    },
}

/// The buffer that holds the weights of a part after its scores have been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lies {
    InScores,
    InWeights,
    Nowhere,
}

impl<'a> Ranks<'a> {
    /// Ranks weights by magnitude, without an event.
    pub(crate) fn of_weights(inputs: &'a ModelInputs<'a>) -> Self {
        Ranks { inputs, by: RankBy::Magnitude, of: vec![Scorer::Weights; inputs.model.len()] }
    }

    /// The values that rank the layers of a plan; `key` is the event's key if it is from a strategy. Reads the norms of
    /// inputs. Layers whose scores are divided by a norm are read twice.
    pub(crate) fn of_plan(
        inputs: &'a ModelInputs<'a>,
        plan: &EventPlan,
        key: Option<Key>,
        watch: &Watch,
    ) -> Result<Self, Error> {
        let score = plan.event.score();
        let mut ranks = Ranks { by: score.rank_by(), ..Ranks::of_weights(inputs) };
        let layers: Vec<&LayerPlan> = plan.layers.iter().filter(|layer| layer.follows.is_none()).collect();
        let divided = plan.event.distribution() == DistributionRule::GlobalL2;
        for layer in &layers {
            let evidence = match score.needs() {
                None => ScoreEvidence::None,
                Some(need) => match SideFile::of(need) {
                    SideFile::Norms => norms(inputs, plan, key, layer)?,
                    what => ScoreEvidence::Beside(what, inputs.companion(what, score.name(), layer.place)?),
                },
            };
            ranks.of[layer.place] = match evidence {
                ScoreEvidence::Beside(SideFile::Scores, of) if !divided => Scorer::Given(of),
                ScoreEvidence::None if !divided && score == Score::magnitude() => Scorer::Weights,
                evidence => Scorer::Computed(ComputedScore { score, evidence, norm: None }),
            };
        }
        if divided {
            let norms = in_order(&layers, watch, |layer, scratch| ranks.norm(layer.place, scratch, watch))?;
            for (layer, found) in layers.iter().zip(norms) {
                if let Scorer::Computed(computed) = &mut ranks.of[layer.place] {
                    computed.norm = Some(found);
                }
            }
        }
        Ok(ranks)
    }

    /// The order of the ranking.
    pub(crate) fn by(&self) -> RankBy {
        self.by
    }

    /// The type of the values that rank a tensor.
    pub(crate) fn element(&self, tensor: usize) -> ElementType {
        let element = match &self.of[tensor] {
            Scorer::Weights => self.inputs.model.tensor(tensor).element_type(),
            Scorer::Given(of) => self.inputs.companion_type(SideFile::Scores, *of),
            Scorer::Computed(_) => Some(ElementType::F64),
        };
        // Other types are refused before anything is read.
        element.unwrap_or(ElementType::F32)
    }

    /// The buffer that holds the weights after [`Ranks::read`].
    pub(crate) fn weights_lie(&self, tensor: usize) -> Lies {
        match &self.of[tensor] {
            Scorer::Weights => Lies::InScores,
            Scorer::Computed(computed) if computed.looks_at_weights() => Lies::InWeights,
            Scorer::Given(_) | Scorer::Computed(_) => Lies::Nowhere,
        }
    }

    /// Reads the values that rank some elements of a tensor into `scratch.scores`, and returns the number of bytes.
    pub(crate) fn read(&self, tensor: usize, runs: Runs, scratch: &mut PartScratch) -> Result<usize, Error> {
        let computed = match &self.of[tensor] {
            Scorer::Weights => return self.inputs.read_weights(tensor, runs, &mut scratch.scores),
            Scorer::Given(of) => {
                return self.inputs.read_companion(SideFile::Scores, *of, runs, &mut scratch.scores);
            }
            Scorer::Computed(computed) => computed,
        };
        let PartScratch { scores, weights, evidence, .. } = scratch;
        let inputs = self.inputs;
        let bytes = runs.elements() * size_of::<f64>();
        let out: &mut [f64] = bytemuck::cast_slice_mut(scores.bytes_mut(bytes));
        out.fill(0.0);
        if computed.looks_at_weights() {
            let read = inputs.read_weights(tensor, runs, weights)?;
            let element = inputs.model.tensor(tensor).element_type().unwrap_or(ElementType::F32);
            numbers(values(element, weights.bytes(read)), |i, weight| out[i] = weight);
        }
        let name = &inputs.model.tensor(tensor).name;
        let score = |i: usize, index: usize, out: &mut [f64], evidence: f64| {
            out[i] = computed.score.element(name, index as u64, out[i], evidence);
        };
        match &computed.evidence {
            ScoreEvidence::None => each_index(runs, |i, index| score(i, index, out, 0.0)),
            ScoreEvidence::Norms { values, outputs, after } => each_index(runs, |i, index| {
                score(i, index, out, values[index / after / outputs * after + index % after]);
            }),
            ScoreEvidence::Beside(what, of) => {
                let read = inputs.read_companion(*what, *of, runs, evidence)?;
                let element = inputs.companion_type(*what, *of).unwrap_or(ElementType::F32);
                numbers(values(element, evidence.bytes(read)), |i, evidence| score(i, i, out, evidence));
            }
        }
        if let Some(norm) = computed.norm {
            let by_magnitude = self.by == RankBy::Magnitude;
            for score in out {
                let divided = norm.of(*score);
                *score = if by_magnitude { divided.abs() } else { divided };
            }
        }
        Ok(bytes)
    }

    /// The norm of a layer's scores over its alive elements.
    fn norm(&self, tensor: usize, scratch: &mut PartScratch, watch: &Watch) -> Result<ScoreNorm, Error> {
        let mut norm = ScoreNorm::default();
        for adds in [false, true] {
            for part in plain(self.inputs.model.tensor(tensor).elements) {
                watch.check()?;
                let bytes = self.read(tensor, part.runs, scratch)?;
                let PartScratch { scores, masks, alive, .. } = &mut *scratch;
                let masked = self.inputs.read_alive(tensor, part.runs, masks, alive)?;
                numbers(values(ElementType::F64, scores.bytes(bytes)), |i, score| match adds {
                    _ if masked && !is_set(alive, i) => {}
                    false => norm.meet(score),
                    true => norm.add(score),
                });
            }
        }
        Ok(norm)
    }
}

impl ComputedScore {
    fn looks_at_weights(&self) -> bool {
        self.score.seed().is_none() && !matches!(self.evidence, ScoreEvidence::Beside(SideFile::Scores, _))
    }
}

/// The place in the part and the logical index of each element.
fn each_index(runs: Runs, mut visit: impl FnMut(usize, usize)) {
    runs.iter().flat_map(|(first, len)| first..first + len).enumerate().for_each(|(i, index)| visit(i, index));
}

/// The norms of a layer's inputs, with the axis of its outputs.
fn norms(
    inputs: &ModelInputs<'_>,
    plan: &EventPlan,
    key: Option<Key>,
    layer: &LayerPlan,
) -> Result<ScoreEvidence, Error> {
    let (shape, values) = inputs.input_norms(plan.event.score().name(), layer.place)?;
    let axis = plan.output_axis(layer, &shape).map_err(|error| Error::refused(key, &error))?;
    let fits = |axis: &usize| [&layer.shape[..*axis], &layer.shape[*axis + 1..]].concat() == shape;
    let Some(axis) = axis.filter(fits) else {
        let (name, of) = (crate::text::clipped::clipped(&layer.name), &layer.shape);
        return Err(Error::request(format!(
            "the input norms of `{name}` have shape {shape:?}; they are shaped as the weights, {of:?}, without the axis of \
             its outputs"
        )));
    };
    let after = layer.shape[axis + 1..].iter().product::<usize>();
    Ok(ScoreEvidence::Norms { values, outputs: layer.shape[axis].max(1), after: after.max(1) })
}
