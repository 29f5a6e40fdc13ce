//! The walk over the nodes. Each states which indices its operator joins and pins.

mod shared;

use std::collections::HashSet;

use prune_graph::{GraphError, TensorId};

use crate::analysis::{Analysis, AnalysisOptions, Engine};
use crate::error::Error;
use crate::model::Model;
use crate::ops;

/// Finds the classes of a model.
///
/// # Errors
///
/// [`Error::Classes`] for a graph with more indices than can be handled.
///
/// # Complexity
///
/// Linear in the number of nodes and in the lengths of all axes. Values of weights are not read.
pub fn analyse<'m>(model: &'m Model, options: &AnalysisOptions) -> Result<Analysis<'m>, Error> {
    let mut best = walk(model, options, HashSet::new())?;
    for name in shared::candidates(model, &best) {
        let mut apart = best.apart.clone();
        apart.insert(name);
        let other = walk(model, options, apart)?;
        if shared::left_of_half(&other) < shared::left_of_half(&best) {
            best = other;
        }
    }
    Ok(best)
}

/// The analysis in which the uses of some shared constants are separate tensors.
fn walk<'m>(model: &'m Model, options: &AnalysisOptions, apart: HashSet<&'m str>) -> Result<Analysis<'m>, Error> {
    let open = run(model, &AnalysisOptions::default(), &apart, None)?;
    let bound = if options.inputs.is_empty() { None } else { Some(run(model, options, &apart, None)?) };
    Ok(Analysis::of(open, bound.as_ref()))
}

/// Walks over the whole model. Uses of the constants `apart` are tensors of their own, and only the constants `zeros`
/// count as 0. Every walk with the same `apart` has the same tensors.
pub(crate) fn run<'m>(
    model: &'m Model,
    options: &AnalysisOptions,
    apart: &HashSet<&'m str>,
    zeros: Option<HashSet<TensorId>>,
) -> Result<Engine<'m>, GraphError> {
    let mut engine = Engine::new(model, options, apart, zeros)?;
    for (at, node) in model.graph().nodes().iter().enumerate() {
        let site = engine.site(at, node)?;
        match ops::find(model, node) {
            Some(operator) => site.state(operator.state)?,
            None => site.unknown()?,
        }
    }
    engine.outside()?;
    Ok(engine)
}
