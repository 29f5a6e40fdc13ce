//! What an event did: every number that a user asks for, per layer and in total.

use core::fmt;

use prune_core::{Density, Error, Mask, Masks, NmPattern, printable};
use serde::{Deserialize, Serialize};

use super::event::Made;
use super::plan::Asked;
use super::selection::{Candidate, Listed};
use crate::epoch::Epochs;
use crate::event::Event;

/// What an event did. Displays as an aligned table; serialises with every number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// The epoch at whose end it happened, 0 being before training; of an event at a step, the epoch in training.
    pub epoch: u64,
    /// The step after which it happened, of an event that is counted in steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// The key that the event stands under, such as `10`, `10..=20` or `-1`.
    pub event: String,
    /// The method's name.
    pub method: String,
    /// What was to be reached, both ways: `keeps 10%, removes 90%`. Empty where layers have values of their own.
    pub target: String,
    /// Whether the mask floats: it is not held until the next event, but made anew at the end of the next epoch.
    pub floats: bool,
    /// Whether every mask is as it was and no value other than zero was written over.
    pub unchanged: bool,
    /// The epoch to whose end every parameter was set back before the masks were applied, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewound_to: Option<u64>,
    /// The layers that the event selected, in the model's order.
    pub layers: Vec<LayerReport>,
    /// Those layers together.
    pub selected: Totals,
    /// All parameters of the model together, layers that no event ever selected among them.
    pub all: Totals,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// What an event did to a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LayerReport {
    /// The layer's name.
    pub layer: String,
    /// Its logical shape.
    pub shape: Vec<usize>,
    /// What was to be reached in it, both ways.
    pub target: String,
    /// What was pruned in one piece, counted: none for single elements and N:M.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<UnitCounts>,
    /// The axis along which N:M groups ran, or channels or ranked outputs lay; none for other events and `str_global`.
    pub axis: Option<usize>,
    /// The numbers. `asked` is none where the event asked of all layers together.
    #[serde(flatten)]
    pub counts: Totals,
}

/// Counts of blocks or channels in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnitCounts {
    /// Units that the event asked to keep; none where it asked of all layers together.
    pub asked: Option<usize>,
    /// Units kept.
    pub kept: usize,
    /// Units there are.
    pub of: usize,
}

/// Counts of elements, over a layer or several.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Totals {
    /// Elements there are.
    pub elements: usize,
    /// Elements that the event asked to keep; none where it asked for units of different sizes, or
    /// units of which something was closed before.
    pub asked: Option<usize>,
    /// Elements kept by the masks after the event.
    pub kept: usize,
    /// Elements that are not zero after the event.
    pub non_zero: usize,
    /// Elements kept before the event and no longer, zeros among them.
    pub closed: usize,
    /// Of the closed elements those that were not zero, of either sign: what the event has pruned.
    pub newly_pruned: usize,
    /// Elements that earlier events had closed, and this one opened again.
    pub reopened: usize,
    /// Of a floating mask: elements that came in for others since it was last made.
    pub swaps: usize,
    /// Elements that share the score at which the selection stopped, where it could keep only some of them; for N:M,
    /// groups in which a tie was broken.
    pub ties: usize,
    /// The share of the squared norm that was kept; none where there was no norm, or no finite one.
    pub norm_kept: Option<f64>,
    /// N:M groups that keep fewer than the pattern says, because too few of their elements were alive.
    pub short_groups: usize,
}

impl Totals {
    /// The density reached: elements kept of those there are. None where nothing is kept of some; everything where there
    /// are none.
    pub fn density(&self) -> Option<Density> {
        if self.elements == 0 { Some(Density::ONE) } else { Density::new(self.kept as f64 / self.elements as f64).ok() }
    }
}

/// What a user should know, though it is no error.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// An event left nothing of a layer.
    Emptied {
        /// The key of the event.
        epoch: String,
        /// The layer.
        layer: String,
        /// How many elements it has.
        elements: usize,
    },
    /// A layer's lanes are shorter than a group, so they keep more than the pattern's share.
    ShortLanes {
        /// The key of the event.
        epoch: String,
        /// The layer.
        layer: String,
        /// The axis of its groups.
        axis: usize,
        /// How long its lanes are.
        lane: usize,
        /// The pattern.
        pattern: NmPattern,
    },
    /// More than half of a layer is zero, and no mask keeps it so: training will fill it.
    MostlyZero {
        /// The layer.
        layer: String,
        /// How many of its elements are zero.
        zeros: usize,
        /// How many elements it has.
        elements: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is text here, which any format can hold.
        let named = |key: &str| key.parse::<Epochs>().map_or_else(|_| format!("epoch {key}"), Epochs::named);
        match self {
            Warning::Emptied { epoch, layer, elements } => {
                let epoch = named(epoch);
                write!(f, "{epoch}, layer `{}`: none of its {elements} elements is kept", printable(layer))
            }
            Warning::MostlyZero { layer, zeros, elements } => write!(
                f,
                "layer `{}`: {zeros} of {elements} are zero, but it has no mask and training will fill it; \
                 `Masks::from_zeros` makes one",
                printable(layer)
            ),
            Warning::ShortLanes { epoch, layer, axis, lane, pattern } => {
                let (epoch, kept) = (named(epoch), pattern.kept_of_lane(*lane));
                write!(
                    f,
                    "{epoch}, layer `{}`: its lanes along axis {axis} are {lane} long, shorter than a group of \
                     {pattern}; each keeps {kept} of {lane}",
                    printable(layer)
                )
            }
        }
    }
}

/// What an event leaves behind, and what it found.
pub(super) struct Outcome<'a> {
    pub(super) epoch: u64,
    /// When it happens, as errors have it.
    pub(super) at: Epochs,
    pub(super) key: Epochs,
    pub(super) event: &'a Event,
    pub(super) asked: Asked,
    /// The parameters that are set back to, by an event that rewinds.
    pub(super) rewound: Option<&'a Listed<'a>>,
    pub(super) candidates: &'a [Candidate<'a>],
    pub(super) made: &'a [Made],
    /// What could be chosen.
    pub(super) alive: &'a Masks,
    /// The masks as they were last made; other than `alive` only while a mask floats.
    pub(super) before: &'a Masks,
    /// Whether the masks are applied, and not only made for forward passes.
    pub(super) written: bool,
}

impl Outcome<'_> {
    /// The report, from the weights as they are before the masks are applied.
    pub(super) fn report(&self, layers: &Listed<'_>) -> Result<Report, Error> {
        let mut norms = Norms::default();
        let mut reports = Vec::with_capacity(self.candidates.len());
        let mut selected = Totals { asked: self.asked.total, ..Totals::default() };
        let mut warnings = Vec::new();
        let mut overwrites = self.rewound.is_some();
        for ((candidate, made), asked) in self.candidates.iter().zip(self.made).zip(&self.asked.each) {
            let counted = self.counts(candidate, made, *asked, &mut norms).map_err(|e| e.in_layer(candidate.name))?;
            let (counts, overwritten) = counted;
            overwrites |= overwritten > 0;
            selected.add(&counts);
            warnings.extend(super::check::short_lanes(self.at, candidate));
            if counts.kept == 0 && counts.elements > 0 {
                let (epoch, layer) = (self.at.to_string(), candidate.name.to_owned());
                warnings.push(Warning::Emptied { epoch, layer, elements: counts.elements });
            }
            reports.push(LayerReport {
                layer: candidate.name.to_owned(),
                shape: candidate.layer.shape().to_vec(),
                target: candidate.target.map_or_else(|| "as many as before".to_owned(), |target| target.to_string()),
                axis: candidate.axis,
                units: candidate.units.as_ref().zip(made.units).map(|((_, of), kept)| UnitCounts {
                    asked: self.asked.units.get(reports.len()).copied().flatten(),
                    kept,
                    of: *of,
                }),
                counts,
            });
        }
        selected.norm_kept = norms.share();
        let mut all = selected;
        for (name, layer) in layers.iter().filter(|(name, _)| self.candidates.iter().all(|c| c.name != *name)) {
            // The mask in force stays; weights outside it are zero already, or are about to be.
            let mask = self.before.get(name);
            let stats = layer.stats(mask).map_err(|error| error.in_layer(name))?;
            let kept = mask.map_or(layer.len(), Mask::kept_len);
            let non_zero = match self.rewound.and_then(|layers| layers.get(name)) {
                None => Ok(stats.non_zero),
                Some(layer) => mask.map_or_else(|| layer.non_zero_len(), |mask| layer.kept_non_zero_len(mask)),
            };
            let non_zero = non_zero.map_err(|error| error.in_layer(name))?;
            all.add(&Totals { elements: layer.len(), kept, non_zero, ..Totals::default() });
            all.asked = all.asked.map(|asked| asked + kept);
            norms.add(stats.squared_norm, stats.squared_norm);
        }
        all.norm_kept = norms.share();
        Ok(Report {
            epoch: self.epoch,
            step: self.at.first().filter(|_| self.at.in_steps()),
            event: self.key.to_string(),
            method: self.event.method().name().to_owned(),
            target: match self.event.targets()[..] {
                [(None, target)] => target.to_string(),
                [] => "as many as before".to_owned(),
                _ => String::new(),
            },
            floats: self.event.floats(self.key),
            rewound_to: self.event.rewinds_to(),
            unchanged: selected.closed + selected.reopened + selected.swaps == 0 && !overwrites,
            layers: reports,
            selected,
            all,
            warnings,
        })
    }

    /// The counts of a layer, and how many values other than zero are written over in it.
    fn counts(
        &self,
        candidate: &Candidate<'_>,
        made: &Made,
        asked: Option<usize>,
        norms: &mut Norms,
    ) -> Result<(Totals, usize), Error> {
        let mask = &made.mask;
        let elements = candidate.layer.len();
        let kept = mask.kept_len();
        let (alive, before) = (self.alive.get(candidate.name), self.before.get(candidate.name));
        let reopened = alive.map_or(Ok(0), |alive| mask.difference_len(alive))?;
        let came_in = before.map_or(Ok(0), |before| mask.difference_len(before))?;
        let closed = before.map_or(Ok(elements - kept), |before| before.difference_len(mask))?;
        // What is kept of the weights: reopened ones start at zero.
        let remains = match alive {
            Some(alive) if reopened > 0 => mask.intersection(alive)?,
            _ => mask.clone(),
        };
        let stats = candidate.layer.stats(Some(&remains))?;
        norms.add(stats.kept_squared_norm, stats.squared_norm);
        let kept_non_zero = candidate.layer.kept_non_zero_len(&remains)?;
        let overwritten = if self.written { stats.non_zero - kept_non_zero } else { 0 };
        let newly_pruned = match before {
            Some(before) if closed > 0 => candidate.layer.kept_non_zero_len(&before.difference(mask)?)?,
            Some(_) => 0,
            None => stats.non_zero - kept_non_zero,
        };
        let mut own = Norms::default();
        own.add(stats.kept_squared_norm, stats.squared_norm);
        let counts = Totals {
            elements,
            asked,
            kept,
            non_zero: match self.rewound.and_then(|layers| layers.get(candidate.name)) {
                Some(layer) => layer.kept_non_zero_len(&remains)?,
                None => stats.non_zero - overwritten,
            },
            closed,
            newly_pruned,
            reopened,
            swaps: came_in - reopened,
            ties: made.ties,
            norm_kept: own.share(),
            short_groups: made.short_groups,
        };
        Ok((counts, overwritten))
    }
}

impl Totals {
    /// Adds the counts of another layer; asked and norm are totals of their own.
    fn add(&mut self, other: &Totals) {
        self.elements += other.elements;
        self.kept += other.kept;
        self.non_zero += other.non_zero;
        self.closed += other.closed;
        self.newly_pruned += other.newly_pruned;
        self.reopened += other.reopened;
        self.swaps += other.swaps;
        self.ties += other.ties;
        self.short_groups += other.short_groups;
    }
}

/// Squared norms, kept and whole.
#[derive(Default)]
struct Norms {
    kept: f64,
    whole: f64,
}

impl Norms {
    fn add(&mut self, kept: f64, whole: f64) {
        self.kept += kept;
        self.whole += whole;
    }

    fn share(&self) -> Option<f64> {
        let share = self.kept / self.whole;
        share.is_finite().then_some(share)
    }
}
