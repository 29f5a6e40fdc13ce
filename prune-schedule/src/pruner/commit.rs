//! Commits a prepared event: writes the weights and updates the pruner.

use std::collections::BTreeMap;

use prune_core::{Error, LayerMut, LayerRef, Layers, LayersMut, Masks};

use super::Pruner;
use super::clock::Token;
use super::evidence::{Evidence, ObservedGradients};
use super::listed::LayerList;
use super::prepare::PreparedMasks;
use super::report::Report;
use crate::moment::Moment;
use crate::prune_error::PruneError;

impl Pruner {
    /// Writes a prepared event to the model and puts its masks in force. Parameters are set back first; then zeros are
    /// written outside the masks. Gradients that were observed for the event are used up.
    ///
    /// # Errors
    ///
    /// [`PruneError::Outdated`] if the pruner has gone on since; [`PruneError::ListsDiffer`] if the model has no layer
    /// of that name and shape; [`PruneError::Event`]; [`PruneError::Rewind`] if the event was
    /// [detached](PreparedMasks::detached) from the parameters that it sets back. Nothing has been written then.
    pub fn commit(
        &mut self,
        prepared: PreparedMasks<'_>,
        model: &mut (impl LayersMut + ?Sized),
    ) -> Result<Report, PruneError> {
        self.is_of_now(&prepared)?;
        let in_event = PruneError::in_event(prepared.moment.key());
        let writable = model.layers_mut();
        fits(&prepared, writable.iter().map(|(name, layer)| (name.as_ref(), layer.shape())))?;
        drop(writable);
        if let (Some(to), None) = (prepared.rewinds_to(), &prepared.rewound) {
            let why = "the event was detached from them; write them, and call `commit_written`".to_owned();
            return Err(PruneError::Rewind { at: prepared.moment.key(), to, why });
        }
        if let Some(rewound) = &prepared.rewound {
            type Set = fn(&mut LayerMut<'_>, &LayerRef<'_>) -> Result<(), Error>;
            // All layers are checked before the first is written.
            for set in [(|layer, source| layer.check_assign(source)) as Set, |layer, source| layer.assign(source)] {
                for (name, mut layer) in model.layers_mut() {
                    if let Some(source) = rewound.get(&name) {
                        set(&mut layer, source).map_err(|source| in_event(source.in_layer(&name)))?;
                    }
                }
            }
        }
        // `hold` refuses before it writes the first layer.
        prepared.writes.hold(model).map_err(in_event)?;
        Ok(self.take_note(prepared))
    }

    /// Puts the masks of a prepared event in force after the caller has written them. The caller has set parameters
    /// back if the event [rewinds](PreparedMasks::rewinds_to), and has written zeros outside [`PreparedMasks::writes`].
    /// If `layers` are given, their zeros are checked and their non-zero elements are counted anew; otherwise the
    /// report says that it is unchecked.
    ///
    /// # Errors
    ///
    /// As [`Pruner::commit`]; [`PruneError::NotWritten`] if an element is not zero that should be.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerRef, PlainTensor};
    /// use prune_schedule::{Evidence, Moment, Pruner};
    ///
    /// let weights = PlainTensor::from_logical(&[1, 4], vec![0.9f32, -0.1, 0.3, 0.2])?;
    /// let mut pruner = Pruner::new("{1: {'method': 'unstr_global', 'density': 0.5}}".parse()?);
    /// let prepared = pruner.prepare(Moment::Epoch(1), &[("fc", LayerRef::of(&weights))], Evidence::default())?;
    /// let prepared = prepared.ok_or("there is an event")?;
    ///
    /// // Somewhere else, where(mask, weight, 0):
    /// let kept = prepared.writes().get("fc").ok_or("a mask")?;
    /// let values = weights.values().iter().zip(kept.iter()).map(|(w, kept)| if kept { *w } else { 0.0 });
    /// let written = PlainTensor::from_logical(&[1, 4], values.collect())?;
    /// let report = pruner.commit_written(prepared, Some(&[("fc", LayerRef::of(&written))]))?;
    /// assert_eq!(report.selected.non_zero, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit_written(
        &mut self,
        mut prepared: PreparedMasks<'_>,
        layers: Option<&dyn Layers>,
    ) -> Result<Report, PruneError> {
        self.is_of_now(&prepared)?;
        let Some(layers) = layers else {
            prepared.report.unchecked = !prepared.written.is_empty();
            return Ok(self.take_note(prepared));
        };
        let in_event = PruneError::in_event(prepared.moment.key());
        let layers = LayerList::of(layers).map_err(in_event)?;
        fits(&prepared, layers.iter().map(|(name, layer)| (name, layer.shape())))?;
        for (name, mask) in prepared.writes.iter() {
            let Some(layer) = layers.get(name) else { continue };
            let count = layer.revivals(mask).map_err(|source| in_event(source.in_layer(name)))?;
            if count > 0 {
                return Err(PruneError::NotWritten { at: prepared.moment.key(), layer: name.to_owned(), count });
            }
        }
        let non_zero = |name: &str| layers.get(name).map_or(Ok(None), |layer| layer.non_zero_len().map(Some));
        prepared.report.recount(non_zero).map_err(in_event)?;
        Ok(self.take_note(prepared))
    }

    /// Ends an epoch or a step that has no event.
    ///
    /// # Errors
    ///
    /// As [`Pruner::prepare`]; [`PruneError::NotPrepared`] if there is an event.
    pub fn pass(&mut self, moment: Moment) -> Result<(), PruneError> {
        if moment.is_step() && !self.strategy.has_steps() {
            return Ok(());
        }
        self.goes_forward(moment)?;
        if self.strategy.at(moment).is_some() {
            return Err(PruneError::NotPrepared { at: moment.key() });
        }
        self.ended(moment);
        Ok(())
    }

    /// Ends an epoch or a step: prepares its event, if there is one, and commits it.
    pub(super) fn end(
        &mut self,
        moment: Moment,
        model: &mut (impl LayersMut + ?Sized),
        evidence: Evidence<'_>,
    ) -> Result<Option<Report>, PruneError> {
        match self.prepare(moment, &*model, evidence)? {
            Some(prepared) => self.commit(prepared, model).map(Some),
            None => self.pass(moment).map(|()| None),
        }
    }

    fn is_of_now(&self, prepared: &PreparedMasks<'_>) -> Result<(), PruneError> {
        if prepared.token.is(&self.token) { Ok(()) } else { Err(PruneError::Outdated { at: prepared.moment.key() }) }
    }

    /// Puts new masks in force and returns the report.
    fn take_note(&mut self, prepared: PreparedMasks<'_>) -> Report {
        let PreparedMasks { moment, floats_on, masks, opened, report, .. } = prepared;
        if floats_on {
            let held = self.floats_over.get_or_insert_with(|| self.masks.clone());
            put(held, opened);
        } else {
            self.floats_over = None;
        }
        put(&mut self.masks, masks);
        self.ended(moment);
        report
    }

    fn ended(&mut self, moment: Moment) {
        let clock = if moment.is_step() { &mut self.steps } else { &mut self.epochs };
        clock.last = Some(moment.time());
        clock.observed = ObservedGradients::default();
        self.token = Token::default();
    }
}

fn put(into: &mut Masks, masks: Masks) {
    for (name, mask) in masks {
        into.insert(name, mask);
    }
}

/// Refuses a model that lacks one of the layers to be written.
fn fits<'n>(
    prepared: &PreparedMasks<'_>,
    layers: impl Iterator<Item = (&'n str, &'n [usize])>,
) -> Result<(), PruneError> {
    let shapes: BTreeMap<&str, &[usize]> = layers.collect();
    match prepared.written.iter().find(|(name, shape)| shapes.get(name.as_str()) != Some(&shape.as_slice())) {
        Some((name, shape)) => Err(PruneError::ListsDiffer { layer: name.clone(), shape: shape.clone() }),
        None => Ok(()),
    }
}
