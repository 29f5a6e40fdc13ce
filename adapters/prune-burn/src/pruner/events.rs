//! Events: they are prepared from copies on the host, and written to a module by mapping it.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::TensorData;
use prune_core::Masks;
use prune_schedule::{Evidence, Moment, PreparedMasks, Pruner, Report};

use super::{ModulePruner, masks_by_id};
use crate::closed::ClosedMasks;
use crate::error::BurnError;
use crate::moments::{self, HeldOptimizer};
use crate::parameters::Parameters;
use crate::{prune_mask, write};

/// An event that is ready for a module. Nothing has been written yet.
#[must_use = "nothing has been written until it is committed"]
#[derive(Debug)]
pub struct PreparedEvent<'e> {
    prepared: PreparedMasks<'e>,
    /// The parameters when the event was prepared.
    parameters: Parameters,
    evidence: Evidence<'e>,
}

impl PreparedEvent<'_> {
    /// The report of the event, for when it is committed.
    pub fn report(&self) -> &Report {
        self.prepared.report()
    }

    /// The masks that the event makes.
    pub fn masks(&self) -> &Masks {
        self.prepared.masks()
    }
}

impl ModulePruner {
    /// Prepares the event at a moment, if there is one: reads the module and makes masks and a report. Nothing changes
    /// except the facts about the module's classes. If the result is dropped, the event has not happened.
    ///
    /// # Errors
    ///
    /// As [`ModulePruner::end_epoch`].
    ///
    /// # Complexity
    ///
    /// A copy of every parameter, and the event's own.
    pub fn prepare<'e, M: Module>(
        &mut self,
        moment: Moment,
        module: &M,
        evidence: Evidence<'e>,
    ) -> Result<Option<PreparedEvent<'e>>, BurnError> {
        self.compared = false;
        self.in_force(module)?;
        let parameters = Parameters::of(module)?;
        let known = self.facts_of(&parameters)?;
        if self.in_module {
            self.sees_gradients()?;
        }
        if known != self.facts {
            self.pruner = self.pruner.clone().with_facts(known.clone());
            self.facts = known;
        }
        let Some(prepared) = self.pruner.prepare(moment, &parameters, evidence)? else { return Ok(None) };
        parameters.untied(|parameter| prepared.masks().get(&parameter.name).is_some())?;
        Ok(Some(PreparedEvent { prepared, parameters, evidence }))
    }

    /// Writes a prepared event to the module and to the optimiser's buffers. Without an optimiser, writes only the
    /// module.
    ///
    /// # Errors
    ///
    /// [`BurnError::Changed`] if a parameter to be written has changed since the event was prepared;
    /// [`BurnError::Prune`] if the pruner has gone on since; [`BurnError::BufferType`], [`BurnError::Record`],
    /// [`BurnError::Read`]. The pruner and the optimiser are then as they were.
    pub fn commit<'o, M: Module>(
        &mut self,
        event: PreparedEvent<'_>,
        module: M,
        optimizer: impl Into<Option<&'o mut ModuleOptimizer>>,
    ) -> Result<(M, Report), BurnError> {
        let masked = |name: &str| event.prepared.masks().get(name).is_some();
        let now = Parameters::some(&module, &masked)?;
        if let Some((name, _)) = event.masks().iter().find(|(name, _)| !event.parameters.same(&now, name)) {
            return Err(BurnError::Changed { layer: name.to_owned() });
        }
        let (module, report) = self.written(event, module, optimizer.into());
        Ok((module, report?))
    }

    /// Ends an epoch or a step.
    pub(crate) fn end<M: Module>(
        &mut self,
        moment: Moment,
        module: M,
        optimizer: Option<&mut ModuleOptimizer>,
        evidence: Evidence<'_>,
    ) -> (M, Result<Option<Report>, BurnError>) {
        if self.pruner.strategy().at(moment).is_none() {
            return (module, self.pruner.pass(moment).map(|()| None).map_err(BurnError::from));
        }
        match self.prepare(moment, &module, evidence) {
            Ok(Some(event)) => {
                let (module, report) = self.written(event, module, optimizer);
                (module, report.map(Some))
            }
            Ok(None) => (module, Ok(None)),
            Err(error) => (module, Err(error)),
        }
    }

    /// Writes an event and puts its masks in force. After an error, the module is as it was.
    fn written<M: Module>(
        &mut self,
        event: PreparedEvent<'_>,
        module: M,
        optimizer: Option<&mut ModuleOptimizer>,
    ) -> (M, Result<Report, BurnError>) {
        let EventOutcome { module, pruner, closed, held, report } =
            match self.carried_out(event, module.clone(), optimizer.as_deref()) {
                Ok(written) => written,
                Err(error) => return (module, Err(error)),
            };
        // Nothing is refused from here on.
        (self.pruner, self.closed, self.unheld) = (pruner, closed, held.others);
        if let (Some(optimizer), Some(held)) = (optimizer, held.optimizer) {
            *optimizer = held;
        }
        (module, Ok(report))
    }

    /// Carries out an event on copies of everything that it changes.
    fn carried_out<M: Module>(
        &self,
        event: PreparedEvent<'_>,
        module: M,
        optimizer: Option<&ModuleOptimizer>,
    ) -> Result<EventOutcome<M>, BurnError> {
        let PreparedEvent { prepared, parameters, evidence } = event;
        let set_back = rewound(&prepared, &parameters, evidence)?;
        drop(parameters);
        let module = write::rewind(module, &set_back, &mut ClosedMasks::new(prepared.writes().clone()));
        let mut masks = prepared.masks().clone();
        for (name, mask) in prepared.writes().iter() {
            masks.insert(name, mask.clone());
        }
        let written = Parameters::some(&module, &|name| masks.get(name).is_some())?;
        let mut pruner = self.pruner.clone();
        let report = pruner.commit_written(prepared, Some(&written))?;
        let mut closed = self.closed.clone();
        closed.replace(pruner.held());
        let module = if self.in_module { prune_mask::attach(module, &mut closed) } else { module };
        let (held, report) = match optimizer {
            Some(optimizer) => {
                (moments::held(optimizer, &masks_by_id(&module, pruner.held())?)?, report.with_buffers_held())
            }
            None => (HeldOptimizer::default(), report),
        };
        Ok(EventOutcome { module, pruner, closed, held, report })
    }
}

/// The results of an event: everything that has changed.
struct EventOutcome<M> {
    module: M,
    pruner: Pruner,
    closed: ClosedMasks,
    held: HeldOptimizer,
    report: Report,
}

/// The values to which an event sets parameters back.
fn rewound(
    prepared: &PreparedMasks<'_>,
    parameters: &Parameters,
    evidence: Evidence<'_>,
) -> Result<BTreeMap<String, TensorData>, BurnError> {
    let Some(source) = evidence.rewind.filter(|_| prepared.rewinds_to().is_some()) else { return Ok(BTreeMap::new()) };
    let mut values = BTreeMap::new();
    for (name, layer) in source.layers() {
        if layer.opaque_reason().is_none() && parameters.get(&name).is_some() {
            // This is exact: every element type fits into f64, and the value gets back its own type.
            let logical = layer.to_logical_f64()?;
            values.insert(name.into_owned(), TensorData::new(logical, layer.shape().to_vec()));
        }
    }
    Ok(values)
}
