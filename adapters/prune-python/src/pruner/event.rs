//! Events on arrays: prepared while the arrays are read, committed while they are written.

use std::collections::BTreeSet;

use prune_core::Masks;
use prune_schedule::{Moment, PreparedMasks};
use pyo3::prelude::*;

use super::Pruner;
use crate::array::{Model, lie_apart, must_be_mapping};
use crate::error::refused;
use crate::evidence::{Arguments, EvidenceArrays, GivenViews};
use crate::masks::{models_of, writing};
use crate::number::count;
use crate::report::Report;
use crate::work::{here, run};

impl Pruner {
    /// Prepares the event at a moment. If nothing can write the memory that is read, other Python threads run
    /// meanwhile.
    pub(super) fn ready<'e>(
        &self,
        moment: Moment,
        arrays: &Bound<'_, PyAny>,
        given: &'e EvidenceArrays<'_>,
        evidence: &'e GivenViews<'_>,
    ) -> PyResult<Option<PreparedMasks<'e>>> {
        let model = Model::of(arrays, "arrays")?;
        let lent = model.read()?;
        let (views, pruner) = (lent.views(), &*self.pruner.read()?);
        let prepared = if model.is_frozen() && given.is_frozen() {
            run(arrays.py(), true, || pruner.prepare(moment, &views, evidence.evidence()))?
        } else {
            here(|| pruner.prepare(moment, &views, given.evidence(evidence)))?
        };
        given.raised(evidence).map_or(Ok(()), Err)?;
        prepared.map_err(refused)
    }

    /// Ends an epoch or a step: prepares its event, if there is one, and commits it.
    pub(super) fn end(
        &self,
        moment: Moment,
        arrays: &Bound<'_, PyAny>,
        buffers: Option<&[Bound<'_, PyAny>]>,
        evidence: &Arguments<'_, '_>,
    ) -> PyResult<Option<Report>> {
        if moment.is_step() && !self.pruner.read()?.strategy().has_steps() {
            return Ok(None);
        }
        let is_due = self.pruner.read()?.strategy().at(moment).is_some();
        if !is_due {
            self.pruner.write()?.pass(moment).map_err(refused)?;
            return Ok(None);
        }
        let given = EvidenceArrays::of(evidence)?;
        let views = given.views();
        let Some(prepared) = self.ready(moment, arrays, &given, &views)? else { return Ok(None) };
        // Ctrl-C stops here, before anything is written.
        arrays.py().check_signals()?;
        self.commit_to(prepared, arrays, buffers).map(Some)
    }

    /// Takes note of gradients. They are borrowed only if the pruner looks at them.
    pub(super) fn take_note(&self, gradients: &Bound<'_, PyAny>) -> PyResult<()> {
        if !self.pruner.read()?.observes() {
            must_be_mapping(gradients, "gradients")?;
            return Ok(());
        }
        let model = Model::of(gradients, "gradients")?;
        let (lent, mut pruner) = (model.read()?, self.pruner.write()?);
        here(|| pruner.observe(&lent.views()))?.map_err(refused)
    }

    /// Commits an event to arrays: writes all arrays if the event rewinds, else those that it masks. Then holds the
    /// buffers by the masks in force.
    pub(super) fn commit_to(
        &self,
        prepared: PreparedMasks<'_>,
        arrays: &Bound<'_, PyAny>,
        buffers: Option<&[Bound<'_, PyAny>]>,
    ) -> PyResult<Report> {
        let (writes, all) = (names(prepared.writes()), prepared.rewinds_to().is_some());
        let mut held = names(prepared.masks());
        held.extend(names(self.pruner.read()?.held()));
        let model = Model::of(arrays, "arrays")?;
        let sets =
            models_of(buffers.iter().copied().flatten().map(|set| ("buffers", set)), |name| held.contains(name))?;
        let written = |name: &str| all || writes.contains(name);
        if !sets.is_empty() {
            // Arrays that are not written may share memory, and are left out.
            lie_apart(sets.iter().chain([&Model::of_those(arrays, "arrays", written)?]), |_| true)?;
        }
        let mut lent = model.write(written)?;
        let report = writing(&sets, |sets| {
            let mut pruner = self.pruner.write()?;
            match buffers {
                Some(_) => pruner.commit_and_hold(prepared, &mut lent.views(), sets),
                None => pruner.commit(prepared, &mut lent.views()),
            }
            .map_err(refused)
        })?;
        Ok(Report { report: report? })
    }
}

/// The names of the layers of masks.
fn names(masks: &Masks) -> BTreeSet<String> {
    masks.iter().map(|(name, _)| name.to_owned()).collect()
}

/// The moment that a call ends: an epoch or a step.
pub(super) fn moment_of(epoch: Option<&Bound<'_, PyAny>>, step: Option<&Bound<'_, PyAny>>) -> PyResult<Moment> {
    match (epoch, step) {
        (Some(epoch), None) => Ok(Moment::Epoch(count("epoch", epoch)?)),
        (None, Some(step)) => Ok(Moment::Step(count("step", step)?)),
        _ => Err(refused("pass epoch or step: the epoch that ends, or the step, counted from 1")),
    }
}
