//! Events that are ready to happen, with digests of the parameters they were prepared from.

use std::collections::BTreeMap;

use prune_core::Masks;
use prune_schedule::{Moment, PreparedMasks, Report};

use super::Params;
use crate::error::CandleError;
use crate::tensor::ReadTensor;

/// An event that is ready for parameters. Nothing has been written yet; [`Params::commit`] writes it.
#[must_use = "nothing has been written until it is committed"]
#[derive(Debug)]
pub struct PreparedEvent<'e> {
    pub(super) prepared: PreparedMasks<'e>,
    /// Digests of the parameters that it masks, from when it was prepared.
    pub(super) digests: BTreeMap<String, u64>,
}

impl PreparedEvent<'_> {
    /// The moment of the event.
    pub fn moment(&self) -> Moment {
        self.prepared.moment()
    }

    /// The report of the event, for when it is committed.
    pub fn report(&self) -> &Report {
        self.prepared.report()
    }

    /// The masks that it makes.
    pub fn masks(&self) -> &Masks {
        self.prepared.masks()
    }

    /// Refuses parameters that have changed.
    pub(super) fn is_of(&self, params: &Params) -> Result<(), CandleError> {
        for (name, _) in self.masks().iter() {
            // This takes one lock at a time, and runs none of the caller's code meanwhile.
            let now = params.get(name).map(|var| ReadTensor::new(var).digest());
            if now.is_none() || now.as_ref() != self.digests.get(name) {
                return Err(CandleError::Changed { name: name.to_owned() });
            }
        }
        Ok(())
    }
}
