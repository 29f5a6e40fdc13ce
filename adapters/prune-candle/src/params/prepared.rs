//! Events that are ready to happen, and what the parameters were when they were prepared.

use std::collections::BTreeMap;

use prune_core::Masks;
use prune_schedule::{Moment, Prepared, Report};

use super::Params;
use crate::error::CandleError;
use crate::tensor::ReadTensor;

/// An event that is ready to happen to parameters: nothing has been written yet. [`Params::commit`] writes it.
#[must_use = "nothing has been written until it is committed"]
#[derive(Debug)]
pub struct PreparedEvent<'e> {
    pub(super) prepared: Prepared<'e>,
    /// Digests of the parameters that it masks, as they were.
    pub(super) digests: BTreeMap<String, u64>,
}

impl PreparedEvent<'_> {
    /// When it happens.
    pub fn moment(&self) -> Moment {
        self.prepared.moment()
    }

    /// The report of the event, once it is committed.
    pub fn report(&self) -> &Report {
        self.prepared.report()
    }

    /// The masks that it makes.
    pub fn masks(&self) -> &Masks {
        self.prepared.masks()
    }

    /// Refuses parameters that are not what they were.
    pub(super) fn is_of(&self, params: &Params) -> Result<(), CandleError> {
        for (name, _) in self.masks().iter() {
            // One lock at a time, and no code of the caller's meanwhile.
            let now = params.get(name).map(|var| ReadTensor::new(var).digest());
            if now.is_none() || now.as_ref() != self.digests.get(name) {
                return Err(CandleError::Changed { name: name.to_owned() });
            }
        }
        Ok(())
    }
}
