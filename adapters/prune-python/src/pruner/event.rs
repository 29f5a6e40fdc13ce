//! Events on arrays: prepared while the arrays are read, committed while they are written.

use std::collections::BTreeSet;

use prune_core::{Mask, Masks};
use prune_schedule::{Moment, PreparedMasks};
use pyo3::prelude::*;

use super::Pruner;
use crate::array::{Model, must_be_mapping};
use crate::error::refused;
use crate::evidence::{Arguments, EvidenceArrays, GivenViews};
use crate::masks::hold_sets;
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
        let Some(buffers) = buffers else { return self.write_to(prepared, arrays) };
        // Bad buffers are refused before the event: a hold by masks that keep everything writes nothing, and refuses
        // whatever any hold refuses.
        let mut open = Masks::default();
        for (name, mask) in prepared.masks().iter().chain(self.pruner.read()?.held().iter()) {
            open.insert(name, Mask::all(mask.shape()).map_err(refused)?);
        }
        hold_sets(&open, buffers, "buffers")?;
        let Report { report } = self.write_to(prepared, arrays)?;
        hold_sets(self.pruner.read()?.held(), buffers, "buffers")?;
        Ok(Report { report: report.with_buffers_held() })
    }

    fn write_to(&self, prepared: PreparedMasks<'_>, arrays: &Bound<'_, PyAny>) -> PyResult<Report> {
        let masked: BTreeSet<String> = prepared.writes().iter().map(|(name, _)| name.to_owned()).collect();
        let all = prepared.rewinds_to().is_some();
        let mut lent = Model::of(arrays, "arrays")?.write(|name| all || masked.contains(name))?;
        let mut pruner = self.pruner.write()?;
        Ok(Report { report: here(|| pruner.commit(prepared, &mut lent.views()))?.map_err(refused)? })
    }
}

/// The moment that a call ends: an epoch or a step.
pub(super) fn moment_of(epoch: Option<&Bound<'_, PyAny>>, step: Option<&Bound<'_, PyAny>>) -> PyResult<Moment> {
    match (epoch, step) {
        (Some(epoch), None) => Ok(Moment::Epoch(count("epoch", epoch)?)),
        (None, Some(step)) => Ok(Moment::Step(count("step", step)?)),
        _ => Err(refused("pass epoch or step: the epoch that ends, or the step, counted from 1")),
    }
}
