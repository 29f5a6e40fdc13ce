//! Tests of a strategy on parameters, before any training.

use core::fmt;

use prune_schedule::{GroupAxis, Pruner, Warning};

use super::Params;
use super::events::ReadParams;
use super::roles::RoleWarning;
use crate::error::CandleError;

/// Something to look at before training.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamsWarning {
    /// A parameter may have another role than events assume.
    Role(RoleWarning),
    /// A warning of [`Pruner::check`].
    Event(Warning),
}

impl fmt::Display for ParamsWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParamsWarning::Role(warning) => warning.fmt(f),
            ParamsWarning::Event(warning) => warning.fmt(f),
        }
    }
}

impl Params {
    /// As [`Pruner::check`], without a copy of the model. It adds the warnings of [`Params::warnings`]. If an event
    /// needs axes, it also warns of parameters with three axes or more whose axes are not known.
    ///
    /// # Errors
    ///
    /// [`CandleError::Prune`], as [`Pruner::check`]; [`CandleError::FactsUntold`].
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_candle::candle_core::{DType, Device, Var};
    /// use prune_candle::Params;
    ///
    /// let var = |shape: (usize, usize, usize, usize)| Var::ones(shape, DType::F32, &Device::Cpu);
    /// let params = Params::named([("decoder.0.weight", var((3, 5, 2, 2))?)])?;
    /// let channels = || "{1: {'method': 'channel_unified_local', 'density': 0.5}}".parse();
    /// let warnings = params.check(&params.pruner(channels()?))?;
    /// assert!(warnings[0].to_string().starts_with("`decoder.0.weight`: nothing tells its axes, so axis 0 is taken for its outputs"));
    /// let params = params.with_axes("decoder.0.weight", 0, 1)?;
    /// assert!(params.check(&params.pruner(channels()?))?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self, pruner: &Pruner) -> Result<Vec<ParamsWarning>, CandleError> {
        self.are_known_to(pruner)?;
        let events = pruner.check(&ReadParams::new(self))?;
        let by_role = |axis| matches!(axis, Some(GroupAxis::Output | GroupAxis::Reduction));
        let needs_axes = pruner.strategy().events().any(|(_, event)| by_role(event.axis_or(GroupAxis::Index(-1))));
        let untold = if needs_axes { self.untold_axes() } else { Vec::new() };
        let roles = self.warnings().into_iter().chain(untold).map(ParamsWarning::Role);
        Ok(roles.chain(events.into_iter().map(ParamsWarning::Event)).collect())
    }
}
