//! Events that hold the optimiser's buffers too, so that what they prune is zero there at once.

use prune_core::{Error, LayersMut, Mask, Masks};

use super::Pruner;
use super::evidence::Evidence;
use super::prepare::PreparedMasks;
use super::report::Report;
use crate::moment::Moment;
use crate::prune_error::PruneError;

impl Pruner {
    /// Does what [`Pruner::end_epoch_with`] does. After an event it also writes `+0.0` outside the masks in force to
    /// each set of the optimiser's buffers. So the buffers are zero there before the next step, and before anything is
    /// saved.
    ///
    /// A set of buffers has a layer for each mask, under the layer's name. Pass no set if the optimiser keeps no
    /// buffers.
    ///
    /// # Errors
    ///
    /// As [`Pruner::end_epoch_with`]; [`PruneError::Layers`] if a set of buffers lacks the layer of a mask, or has it
    /// in another shape. Nothing has been written then, unless memory that a backend lends fails in the middle.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerMut, PlainTensor};
    /// use prune_schedule::{Evidence, Pruner};
    ///
    /// let mut weights = PlainTensor::from_logical(&[1, 4], vec![0.9f32, -0.1, 0.3, 0.2])?;
    /// let mut momentum = PlainTensor::from_logical(&[1, 4], vec![1.0f32; 4])?;
    /// let mut pruner = Pruner::new("{1: {'method': 'unstr_global', 'density': 0.5}}".parse()?);
    /// let mut model = [("fc", LayerMut::of(&mut weights))];
    /// let mut buffer = [("fc", LayerMut::of(&mut momentum))];
    /// let report = pruner.end_epoch_and_hold(1, &mut model, &mut [&mut buffer], Evidence::default())?;
    /// assert_eq!(report.ok_or("there is an event")?.next_step(), None);
    /// assert_eq!(pruner.revivals(&buffer)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn end_epoch_and_hold(
        &mut self,
        epoch: u64,
        model: &mut (impl LayersMut + ?Sized),
        buffers: &mut [&mut (dyn LayersMut + '_)],
        evidence: Evidence<'_>,
    ) -> Result<Option<Report>, PruneError> {
        let moment = Moment::Epoch(epoch);
        match self.prepare(moment, &*model, evidence)? {
            Some(prepared) => self.commit_and_hold(prepared, model, buffers).map(Some),
            None => self.pass(moment).map(|()| None),
        }
    }

    /// Does what [`Pruner::commit`] does. It also writes `+0.0` outside the masks that are then in force to each set of
    /// the optimiser's buffers.
    ///
    /// # Errors
    ///
    /// As [`Pruner::commit`]; [`PruneError::Layers`] if a set of buffers lacks the layer of a mask, or has it in
    /// another shape. Nothing has been written then, unless memory that a backend lends fails in the middle.
    pub fn commit_and_hold(
        &mut self,
        prepared: PreparedMasks<'_>,
        model: &mut (impl LayersMut + ?Sized),
        buffers: &mut [&mut (dyn LayersMut + '_)],
    ) -> Result<Report, PruneError> {
        can_be_held(buffers, prepared.masks(), self.held())?;
        let report = self.commit(prepared, model)?;
        self.hold_each(buffers)?;
        Ok(report.with_buffers_held())
    }
}

/// Refuses sets of buffers that cannot be held by the masks of an event and those in force. It holds the sets by masks
/// that keep everything. Such a hold writes nothing, and refuses whatever any hold refuses.
fn can_be_held(sets: &mut [&mut (dyn LayersMut + '_)], made: &Masks, in_force: &Masks) -> Result<(), Error> {
    if sets.is_empty() {
        return Ok(());
    }
    let mut open = Masks::default();
    for (name, mask) in made.iter().chain(in_force.iter()) {
        open.insert(name, Mask::all(mask.shape())?);
    }
    open.hold_each(sets)
}

/// True if masks close elements that are held open now.
pub(super) fn close_more(made: &Masks, held: &Masks) -> Result<bool, Error> {
    for (name, mask) in made.iter() {
        let closed = match held.get(name) {
            None => mask.len() - mask.kept_len(),
            Some(held) => held.difference_len(mask)?,
        };
        if closed > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
