//! Events that read the model's memory itself, under locks that are gone when the call returns.

use std::borrow::Cow;

use prune_core::{LayerRef, Layers, Masks};
use prune_schedule::{Evidence, Inputs, Moment, Prepared, PruneError, Pruner, Report};

use super::Params;
use crate::error::CandleError;
use crate::tensor::ReadTensor;

impl Params {
    /// As [`Pruner::prepare`], without the copy of the model that [`Layers`] of these parameters are. Commit it with
    /// [`Pruner::commit`].
    ///
    /// Where the evidence measures inputs, code of the caller's runs meanwhile, and a copy is made all the same.
    ///
    /// # Errors
    ///
    /// As [`Pruner::prepare`].
    pub fn prepare<'e>(
        &self,
        pruner: &Pruner,
        moment: Moment,
        evidence: Evidence<'e>,
    ) -> Result<Option<Prepared<'e>>, PruneError> {
        match evidence.inputs {
            Some(Inputs::Measure(_)) => pruner.prepare(moment, self, evidence),
            _ => pruner.prepare(moment, &ReadParams::new(self), evidence),
        }
    }

    /// As [`Pruner::end_epoch_with`], without a copy of the model.
    ///
    /// # Errors
    ///
    /// As [`Pruner::end_epoch_with`].
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_candle::candle_core::{Device, Var};
    /// use prune_candle::{Evidence, Params, Pruner};
    ///
    /// let weight = Var::new(&[[0.9f32, -0.1, 0.3, 0.2]], &Device::Cpu)?;
    /// let mut params = Params::named([("fc.weight", weight.clone())])?;
    /// let mut pruner = Pruner::new("{2: {'method': 'unstr_global', 'density': 0.5}}".parse()?);
    /// assert!(params.end_epoch(&mut pruner, 1, Evidence::default())?.is_none());
    /// let report = params.end_epoch(&mut pruner, 2, Evidence::default())?.ok_or("there is an event")?;
    /// assert_eq!((report.selected.kept, params.revivals(pruner.masks())?), (2, 0));
    /// assert_eq!(weight.to_vec2::<f32>()?, [[0.9, 0.0, 0.3, 0.0]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn end_epoch(
        &mut self,
        pruner: &mut Pruner,
        epoch: u64,
        evidence: Evidence<'_>,
    ) -> Result<Option<Report>, PruneError> {
        let moment = Moment::Epoch(epoch);
        match self.prepare(pruner, moment, evidence)? {
            Some(prepared) => pruner.commit(prepared, self).map(Some),
            None => pruner.pass(moment).map(|()| None),
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
}

/// Parameters under read locks.
struct ReadParams<'p> {
    tensors: Vec<(&'p str, ReadTensor<'p>)>,
}

impl<'p> ReadParams<'p> {
    fn new(params: &'p Params) -> Self {
        ReadParams { tensors: params.seen().map(|(name, var)| (name, ReadTensor::new(var))).collect() }
    }
}

impl Layers for ReadParams<'_> {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        self.tensors.iter().map(|(name, tensor)| (Cow::Borrowed(*name), tensor.layer())).collect()
    }
}
