//! The report of an event: every number that a user asks for, per layer and in total.

use std::collections::BTreeSet;

use prune_core::{Density, Error, Mask, Masks};
use serde::{Deserialize, Serialize};

use super::candidate::{Candidate, LayerMask};
use super::listed::LayerList;
use super::prepare::Happening;
use crate::plan::{EventPlan, UsedDefaults};
use crate::warning::Warning;

/// The report of an event. Displays as an aligned table; serialises with every number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// The epoch that ended with the event; 0 is before training. For an event at a step, the epoch in training.
    pub epoch: u64,
    /// The step after which it happened, for an event that is counted in steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// The key of the event, such as `10`, `10..=20` or `-1`.
    pub event: String,
    /// The method's name.
    pub method: String,
    /// The target as fractions kept and removed: `keeps 10%, removes 90%`. Empty if layers have values of their own.
    pub target: String,
    /// True if the mask floats: it is not held until the next event, but made anew at the end of the next epoch.
    pub floats: bool,
    /// True if every mask is as before and every overwritten value was zero.
    pub unchanged: bool,
    /// True if the masks are for the forward pass only: nothing was written, and nothing counts as pruned.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub forward_only: bool,
    /// True if a caller wrote the masks and nobody has checked the result.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub unchecked: bool,
    /// True if the event closes elements that were held open, and the optimiser's buffers have not been held since: see
    /// [`Report::next_step`].
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub buffers_open: bool,
    /// Before the masks were applied, every parameter was set back to its value at the end of this epoch, if there is
    /// one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewound_to: Option<u64>,
    /// The door's defaults for what the event leaves open.
    #[serde(default, skip_serializing_if = "UsedDefaults::is_empty")]
    pub defaults: UsedDefaults,
    /// The layers that the event selected, in the model's order.
    pub layers: Vec<LayerReport>,
    /// Those layers together.
    pub selected: Totals,
    /// All parameters of the model together, including layers that no event ever selected, but without opaque ones.
    pub all: Totals,
    /// Warnings for the user.
    pub warnings: Vec<Warning>,
}

/// The report of an event for one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LayerReport {
    /// The layer's name.
    pub layer: String,
    /// Its logical shape.
    pub shape: Vec<usize>,
    /// The target of the layer, as fractions kept and removed.
    pub target: String,
    /// Counts of the pieces that were pruned as a whole; `None` for single elements and N:M.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<UnitCounts>,
    /// The axis of N:M groups, of channels, or of ranked outputs; `None` for other events and for `str_global`.
    pub axis: Option<usize>,
    /// The numbers. `asked` is `None` if the event asked of all layers together.
    #[serde(flatten)]
    pub counts: Totals,
}

/// Counts of blocks or channels in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnitCounts {
    /// Units that the event asked to keep; `None` if it asked of all layers together.
    pub asked: Option<usize>,
    /// Units kept.
    pub kept: usize,
    /// All units.
    pub of: usize,
}

impl UnitCounts {
    /// Counts of `kept` out of `of` units; `asked` is `None` if the event asks of all layers together.
    pub fn new(asked: Option<usize>, kept: usize, of: usize) -> Self {
        UnitCounts { asked, kept, of }
    }
}

/// Counts of elements, over a layer or several.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Totals {
    /// All elements.
    pub elements: usize,
    /// Elements that the event asked to keep; `None` if it asked for units of different sizes, or for units with closed
    /// elements.
    pub asked: Option<usize>,
    /// Elements kept by the masks after the event.
    pub kept: usize,
    /// Elements that are not zero after the event.
    pub non_zero: usize,
    /// Elements kept before the event but not after it, including zeros.
    pub closed: usize,
    /// The closed elements that were not zero, of either sign: the number that the event has pruned.
    pub newly_pruned: usize,
    /// Elements that earlier events had closed and this event opened again.
    pub reopened: usize,
    /// For a floating mask, elements that replaced others since the mask was last made.
    pub swaps: usize,
    /// Elements that share the score at the cut, if only some of them could be kept; for N:M, groups in which a tie was
    /// broken.
    pub ties: usize,
    /// The fraction of the squared norm that was kept; `None` if the norm is zero or not finite.
    pub norm_kept: Option<f64>,
    /// N:M groups that keep fewer than the pattern says, because too few of their elements were alive.
    pub short_groups: usize,
}

impl Totals {
    /// The density reached: kept elements by all elements. `None` if there are elements and none is kept; 1 if there
    /// are no elements.
    pub fn density(&self) -> Option<Density> {
        if self.elements == 0 { Some(Density::ONE) } else { Density::new(self.kept as f64 / self.elements as f64).ok() }
    }
}

/// The state before and after an event, from which its report is made.
pub(super) struct Outcome<'a> {
    pub(super) happening: &'a Happening,
    pub(super) plan: &'a EventPlan,
    /// The parameters to which the model is set back, for an event that rewinds.
    pub(super) rewound: Option<&'a LayerList<'a>>,
    pub(super) candidates: &'a [Candidate<'a>],
    pub(super) made: &'a [LayerMask],
    /// The elements that could be chosen.
    pub(super) alive: &'a Masks,
    /// The masks as they were last made. They differ from `alive` only while a mask floats.
    pub(super) before: &'a Masks,
    /// True if the masks are applied, false if they are only for the forward pass.
    pub(super) written: bool,
}

impl Report {
    /// The next step for the caller, if there is one. An event that closes weights leaves the optimiser's buffers as
    /// they were, unless the call that carried it out was given them. There is no next step before training, when there
    /// are no buffers, nor for floating masks, which are not held.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerMut, PlainTensor};
    /// use prune_schedule::Pruner;
    ///
    /// let mut weights = PlainTensor::from_logical(&[1, 4], vec![0.9f32, -0.1, 0.3, 0.2])?;
    /// let mut pruner = Pruner::new("{1: {'method': 'unstr_global', 'density': 0.5}}".parse()?);
    /// let report = pruner.end_epoch(1, &mut [("fc", LayerMut::of(&mut weights))])?.ok_or("there is an event")?;
    /// assert!(report.to_string().ends_with(report.next_step().ok_or("the buffers are to be held")?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next_step(&self) -> Option<&'static str> {
        self.buffers_open
            .then_some("hold the optimiser's buffers to the new masks too: outside them they are as they were")
    }

    /// The same report once the optimiser's buffers have been held, or if there are none.
    #[must_use]
    pub fn with_buffers_held(self) -> Self {
        Report { buffers_open: false, ..self }
    }

    /// Takes what is not zero from what a caller has written: none of a layer that is not shown.
    pub(super) fn recount(&mut self, non_zero: impl Fn(&str) -> Result<Option<usize>, Error>) -> Result<(), Error> {
        for layer in &mut self.layers {
            if let Some(found) = non_zero(&layer.layer)? {
                for totals in [&mut self.selected, &mut self.all] {
                    totals.non_zero = totals.non_zero - layer.counts.non_zero + found;
                }
                layer.counts.non_zero = found;
            }
        }
        Ok(())
    }
}

impl Outcome<'_> {
    /// The report, from the weights as they are before the masks are applied.
    pub(super) fn report(&self, layers: &LayerList<'_>) -> Result<Report, Error> {
        let mut norms = Norms::default();
        let mut reports = Vec::with_capacity(self.candidates.len());
        let mut selected = Totals { asked: self.plan.asked, ..Totals::default() };
        let mut warnings = Vec::new();
        let mut overwrites = self.rewound.is_some();
        // The warnings are in the order of the layers.
        let mut planned = self.plan.warnings.iter().peekable();
        for (candidate, made) in self.candidates.iter().zip(self.made) {
            let (plan, name) = (candidate.plan, candidate.name());
            let counted = self.counts(candidate, made, &mut norms).map_err(|error| error.in_layer(name))?;
            let (counts, overwritten) = counted;
            overwrites |= overwritten > 0;
            selected.add(&counts);
            warnings.extend(core::iter::from_fn(|| planned.next_if(|warning| warning.layer() == name)).cloned());
            if counts.kept == 0 && counts.elements > 0 {
                let key = self.plan.at.to_string();
                warnings.push(Warning::Emptied { key, layer: name.to_owned(), elements: counts.elements });
            }
            let units = made.units.map(|kept| UnitCounts { asked: plan.asked_units, kept, of: plan.units });
            reports.push(LayerReport {
                layer: name.to_owned(),
                shape: plan.shape.clone(),
                target: plan.target.map_or_else(|| "as many as before".to_owned(), |target| target.to_string()),
                axis: plan.axis,
                units,
                counts,
            });
        }
        selected.norm_kept = norms.share();
        let mut all = selected;
        let planned: BTreeSet<usize> = self.plan.layers.iter().map(|layer| layer.place).collect();
        let others = layers.iter().enumerate().filter(|(place, _)| !planned.contains(place));
        for (name, layer) in others.map(|(_, other)| other) {
            if let Some(why) = layer.opaque_reason() {
                warnings.push(Warning::Opaque { layer: name.to_owned(), why: why.to_owned() });
                continue;
            }
            // The mask in force stays. Weights outside it are zero already, or will be.
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
        let Happening { epoch, moment, key, ref event } = *self.happening;
        Ok(Report {
            epoch,
            step: moment.is_step().then(|| moment.time()),
            event: key.to_string(),
            method: event.method().name().to_owned(),
            target: match event.targets()[..] {
                [(None, target)] => target.to_string(),
                [] => "as many as before".to_owned(),
                _ => String::new(),
            },
            floats: event.floats(key),
            rewound_to: event.rewind(),
            unchanged: selected.closed + selected.reopened + selected.swaps == 0 && !overwrites,
            forward_only: !self.written,
            unchecked: false,
            buffers_open: false,
            defaults: self.plan.defaults,
            layers: reports,
            selected,
            all,
            warnings,
        })
    }

    /// The counts of a layer, and the number of its non-zero values that are overwritten.
    fn counts(&self, candidate: &Candidate<'_>, made: &LayerMask, norms: &mut Norms) -> Result<(Totals, usize), Error> {
        let mask = &made.mask;
        let elements = candidate.layer.len();
        let kept = mask.kept_len();
        let (alive, before) = (self.alive.get(candidate.name()), self.before.get(candidate.name()));
        let reopened = alive.map_or(Ok(0), |alive| mask.difference_len(alive))?;
        let came_in = before.map_or(Ok(0), |before| mask.difference_len(before))?;
        // Masks for the forward pass only have closed nothing.
        let first_written = self.written && self.plan.event.straight_through();
        let open = if first_written { alive } else { before };
        let closed = open.map_or(Ok(elements - kept), |open| open.difference_len(mask))?;
        // The weights that keep their value: reopened ones start at zero.
        let remains = match alive {
            Some(alive) if reopened > 0 => mask.intersection(alive)?,
            _ => mask.clone(),
        };
        let stats = candidate.layer.stats(Some(&remains))?;
        norms.add(stats.kept_squared_norm, stats.squared_norm);
        let kept_non_zero = candidate.layer.kept_non_zero_len(&remains)?;
        let overwritten = if self.written { stats.non_zero - kept_non_zero } else { 0 };
        let newly_pruned = match open {
            _ if !self.written => 0,
            Some(open) if closed > 0 => candidate.layer.kept_non_zero_len(&open.difference(mask)?)?,
            Some(_) => 0,
            None => stats.non_zero - kept_non_zero,
        };
        let mut own = Norms::default();
        own.add(stats.kept_squared_norm, stats.squared_norm);
        let counts = Totals {
            elements,
            asked: candidate.plan.asked,
            kept,
            non_zero: match self.rewound.and_then(|layers| layers.get(candidate.name())) {
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
    /// Adds the counts of another layer. `asked` and the norm are totals of their own, and are not added.
    pub fn add(&mut self, other: &Totals) {
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

/// Squared norms of the kept weights and of all weights.
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
