//! Events that read the model's memory itself, under locks that are released before the call returns.

use std::borrow::Cow;
use std::collections::BTreeMap;

use prune_core::{LayerRef, Layers, LayersMut, Masks};
use prune_schedule::{Evidence, Moment, PreparedMasks, Pruner, Report};

use super::Params;
use super::prepared::PreparedEvent;
use crate::error::CandleError;
use crate::tensor::ReadTensor;

impl Params {
    /// As [`Pruner::prepare`], for [`Params::commit`], which refuses parameters whose values have changed meanwhile.
    ///
    /// Without evidence, the model is not copied. Evidence is code of the caller, which may use variables. So no lock
    /// is held while it runs, and every layer is read through a copy.
    ///
    /// # Errors
    ///
    /// [`CandleError::Prune`], as [`Pruner::prepare`]; [`CandleError::FactsUntold`].
    ///
    /// # Complexity
    ///
    /// That of the event, and a digest of the parameters that it masks; with evidence, of all parameters.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_candle::candle_core::{Device, Var};
    /// use prune_candle::prune_schedule::Moment;
    /// use prune_candle::{CandleError, Evidence, Params, Pruner};
    ///
    /// let weight = Var::new(&[[0.9f32, -0.1, 0.3, 0.2]], &Device::Cpu)?;
    /// let mut params = Params::named([("fc.weight", weight.clone())])?;
    /// let mut pruner = Pruner::new("{1: {'method': 'unstr_global', 'density': 0.5}}".parse()?);
    /// let prepare = |pruner: &Pruner| params.prepare(pruner, Moment::Epoch(1), Evidence::default());
    ///
    /// let stale = prepare(&pruner)?.ok_or("there is an event")?;
    /// weight.set(&(weight.as_tensor() * 2.0)?)?;
    /// let fresh = prepare(&pruner)?.ok_or("there is an event")?;
    /// assert!(matches!(params.commit(&mut pruner, stale, &mut []), Err(CandleError::Changed { .. })));
    /// assert_eq!(params.commit(&mut pruner, fresh, &mut [])?.selected.kept, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prepare<'e>(
        &self,
        pruner: &Pruner,
        moment: Moment,
        evidence: Evidence<'e>,
    ) -> Result<Option<PreparedEvent<'e>>, CandleError> {
        self.are_known_to(pruner)?;
        if runs_no_code(&evidence) {
            let read = ReadParams::new(self);
            let Some(prepared) = pruner.prepare(moment, &read, evidence)? else { return Ok(None) };
            let digests = read.digests(|name| prepared.masks().get(name).is_some());
            return Ok(Some(PreparedEvent { prepared, digests }));
        }
        // The digests come before the copies of layers, so that any later change is detected.
        let is_due = pruner.strategy().at(moment).is_some();
        let digests = if is_due { ReadParams::new(self).digests(|_| true) } else { BTreeMap::new() };
        let prepared = pruner.prepare(moment, self, evidence)?;
        Ok(prepared.map(|prepared| PreparedEvent { prepared, digests }))
    }

    /// Writes a prepared event to the parameters. In each set of an optimiser's buffers, writes `+0.0` outside the
    /// masks that are in force afterwards.
    ///
    /// # Errors
    ///
    /// [`CandleError::Changed`] if a parameter that the event masks has changed since the event was prepared;
    /// [`CandleError::Prune`], as [`Pruner::commit_and_hold`]. Nothing has been written then.
    pub fn commit(
        &mut self,
        pruner: &mut Pruner,
        event: PreparedEvent<'_>,
        buffers: &mut [&mut (dyn LayersMut + '_)],
    ) -> Result<Report, CandleError> {
        event.is_of(self)?;
        Ok(pruner.commit_and_hold(event.prepared, self, buffers)?)
    }

    /// Does what [`Pruner::end_epoch_and_hold`] does. After an event it writes `+0.0` outside the masks in force to
    /// each set of an optimiser's buffers too. So the buffers are zero there before anything is saved.
    ///
    /// A set of buffers must have a layer for each mask, as in [`Pruner::after_step`]. Without evidence, the model is
    /// not copied.
    ///
    /// # Errors
    ///
    /// [`CandleError::Prune`], as [`Pruner::end_epoch_and_hold`]; [`CandleError::FactsUntold`]. Nothing has been
    /// written then.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_candle::candle_core::{Device, Var};
    /// use prune_candle::candle_nn::{Optimizer, ParamsAdamW};
    /// use prune_candle::{AdamW, Evidence, Params, Pruner};
    ///
    /// let weight = Var::new(&[[0.9f32, -0.1, 0.3, 0.2]], &Device::Cpu)?;
    /// let mut params = Params::named([("fc.weight", weight.clone())])?;
    /// let mut optimiser = AdamW::for_params(&params, ParamsAdamW::default())?;
    /// optimiser.backward_step(&weight.sqr()?.sum_all()?)?;
    /// let mut pruner = Pruner::new("{2: {'method': 'unstr_global', 'density': 0.5}}".parse()?);
    /// assert!(params.end_epoch(&mut pruner, 1, &mut [], Evidence::default())?.is_none());
    /// let [first, second] = optimiser.moments_mut();
    /// let report = params.end_epoch(&mut pruner, 2, &mut [first, second], Evidence::default())?;
    /// assert_eq!(report.ok_or("there is an event")?.selected.kept, 2);
    /// for set in [&params, optimiser.moments()[0], optimiser.moments()[1]] {
    ///     assert_eq!(set.revivals(pruner.masks())?, 0);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn end_epoch(
        &mut self,
        pruner: &mut Pruner,
        epoch: u64,
        buffers: &mut [&mut (dyn LayersMut + '_)],
        evidence: Evidence<'_>,
    ) -> Result<Option<Report>, CandleError> {
        match self.prepared(pruner, Moment::Epoch(epoch), evidence)? {
            Some(prepared) => Ok(Some(pruner.commit_and_hold(prepared, self, buffers)?)),
            None => Ok(pruner.pass(Moment::Epoch(epoch)).map(|()| None)?),
        }
    }

    /// As [`Masks::revivals`], without a copy of the model.
    ///
    /// # Errors
    ///
    /// As [`Masks::revivals`].
    pub fn revivals(&self, masks: &Masks) -> Result<usize, CandleError> {
        Ok(masks.revivals(&ReadParams::new(self))?)
    }

    /// Prepares the event of an epoch or a step, if there is one.
    pub(crate) fn prepared<'e>(
        &self,
        pruner: &Pruner,
        moment: Moment,
        evidence: Evidence<'e>,
    ) -> Result<Option<PreparedMasks<'e>>, CandleError> {
        self.are_known_to(pruner)?;
        Ok(if runs_no_code(&evidence) {
            pruner.prepare(moment, &ReadParams::new(self), evidence)?
        } else {
            pruner.prepare(moment, self, evidence)?
        })
    }
}

/// True if an event with this evidence runs only this library's code, so that locks can be held meanwhile.
fn runs_no_code(evidence: &Evidence<'_>) -> bool {
    let Evidence { gradients, inputs, scores, rewind, stop } = evidence;
    gradients.is_none() && inputs.is_none() && scores.is_none() && rewind.is_none() && stop.is_none()
}

/// Parameters under read locks.
pub(super) struct ReadParams<'p> {
    tensors: Vec<(&'p str, ReadTensor<'p>)>,
}

impl<'p> ReadParams<'p> {
    pub(super) fn new(params: &'p Params) -> Self {
        ReadParams { tensors: params.seen().map(|(name, var)| (name, ReadTensor::new(var))).collect() }
    }

    /// Digests of the wanted parameters.
    fn digests(&self, is_wanted: impl Fn(&str) -> bool) -> BTreeMap<String, u64> {
        let wanted = self.tensors.iter().filter(|(name, _)| is_wanted(name));
        wanted.map(|(name, tensor)| ((*name).to_owned(), tensor.digest())).collect()
    }
}

impl Layers for ReadParams<'_> {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        self.tensors.iter().map(|(name, tensor)| (Cow::Borrowed(*name), tensor.layer())).collect()
    }
}
