//! What a pruner can refuse.

use prune_core::{ErrorKind, printable};

use crate::event::Target;
use crate::key::Key;

/// An event that does not fit the model, or a call that does not fit the strategy. Nothing has been written, and the
/// pruner is as it was, when one of these is returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// A table names a layer that the model does not have.
    #[error("{when}: there is no layer `{layer}`{}", no_layer(layer, nearest), layer = printable(layer), when = at.named())]
    UnknownLayer {
        /// The event.
        at: Key,
        /// The name in the table.
        layer: String,
        /// The nearest name in the model, if one is near.
        nearest: Option<String>,
    },
    /// A pattern of `include` or `exclude` matches nothing.
    #[error(
        "{when}: the pattern `{pattern}` of `{field}` matches no {}layer{}; the prunable layers (rank 2 or more) \
         are: {}",
        if *field == "include" { "prunable " } else { "" },
        crate::words::did_you_mean(nearest),
        listed(prunable), when = at.named())]
    PatternMatchesNothing {
        /// The event.
        at: Key,
        /// `include` or `exclude`.
        field: &'static str,
        /// The pattern.
        pattern: String,
        /// The nearest name in the model, if one is near.
        nearest: Option<String>,
        /// The names that events can select.
        prunable: Vec<String>,
    },
    /// A table names a layer of a type that is not pruned.
    #[error("{}, layer `{layer}`: its type is not one that is pruned; f32, f64, f16 and bf16 are", at.named(), layer = printable(layer))]
    NotPruned {
        /// The event.
        at: Key,
        /// The layer.
        layer: String,
    },
    /// A bound is for a layer that the event leaves alone.
    #[error("{}, layer `{layer}`: `{field}` bounds it, but the event does not select it; take it out of the table", at.named(), layer = printable(layer))]
    BoundIdle {
        /// The event.
        at: Key,
        /// The layer.
        layer: String,
        /// `min_density` or `max_density`.
        field: &'static str,
    },
    /// An event selects no layer of the model.
    #[error("{when}: {why}; the prunable layers (rank 2 or more) are: {}", listed(prunable), when = at.named())]
    SelectsNothing {
        /// The event.
        at: Key,
        /// Why nothing is selected, in words.
        why: String,
        /// The names it could have selected.
        prunable: Vec<String>,
    },
    /// `axis` is `reduction`, and nothing tells which axis that is.
    #[error(
        "{when}, layer `{layer}`: nothing tells which of its {rank} axes is that of its inputs; write `axis` as an index",
        layer = printable(layer), when = at.named())]
    ReductionUnknown {
        /// The event.
        at: Key,
        /// The layer.
        layer: String,
        /// How many axes it has.
        rank: usize,
    },
    /// An event ranks within outputs, and nothing tells along which axis they lie.
    #[error(
        "{}, layer `{layer}`: nothing tells which of its {rank} axes is that of its outputs; write `axis` as an index",
        at.named(),
        layer = printable(layer)
    )]
    OutputUnknown {
        /// The event.
        at: Key,
        /// The layer.
        layer: String,
        /// How many axes it has.
        rank: usize,
    },
    /// A bias does not go with the channels of its layer.
    #[error("{}, layer `{layer}`: 'bias': True does not fit: {why}", at.named(), layer = printable(layer))]
    Bias {
        /// The event.
        at: Key,
        /// The layer.
        layer: String,
        /// What does not fit.
        why: String,
    },
    /// Channels of several layers cannot be kept or pruned together.
    #[error("{}, layer `{layer}`: its channels cannot be coupled: {why}", at.named(), layer = printable(layer))]
    Coupling {
        /// The event.
        at: Key,
        /// The layer.
        layer: String,
        /// What does not fit.
        why: String,
    },
    /// An update of sparse training finds no mask to update.
    #[error("{}: `{method}` moves what masks keep, and no selected layer has a mask by then; make them with an event before it", at.named())]
    NoMask {
        /// The event.
        at: Key,
        /// The method.
        method: &'static str,
    },
    /// A score looks at something that is not there.
    #[error("{}, layer `{layer}`: `{method}` needs {need}; {how}", at.named(), layer = printable(layer))]
    EvidenceMissing {
        /// The event.
        at: Key,
        /// The layer.
        layer: String,
        /// The score, or the method.
        method: &'static str,
        /// What it needs, in words.
        need: String,
        /// How to hand it over.
        how: &'static str,
    },
    /// An event rewinds, and the weights to rewind to are not there, or not those of this model.
    #[error("{}: the parameters of epoch {to} are needed to rewind to; {why}", at.named())]
    Rewind {
        /// The event.
        at: Key,
        /// To which epoch's end.
        to: u64,
        /// What is missing.
        why: String,
    },
    /// Steps have not been counted, though events are.
    #[error(
        "the strategy has events in steps, the next at step {next}, but no step has ended; call `end_step` after each"
    )]
    StepsNotCounted {
        /// The step of the next event.
        next: u64,
    },
    /// A step has ended already.
    #[error("step {step} cannot end after step {last} has; steps only go forward, over all epochs")]
    StepBackwards {
        /// The step of the call.
        step: u64,
        /// The last step that ended.
        last: u64,
    },
    /// A step's event would never happen.
    #[error(
        "step {step} cannot end yet: the event at step {skipped} has not happened; call `end_step` after every step"
    )]
    StepSkipped {
        /// The step of the call.
        step: u64,
        /// The step of the event.
        skipped: u64,
    },
    /// Steps are counted before what happens before training has happened.
    #[error("step {step} cannot end yet: the event before training, at epoch 0, has not happened; call `start` first")]
    StepBeforeStart {
        /// The step of the call.
        step: u64,
    },
    /// A layer has no such axis.
    #[error("{when}, layer `{layer}`: axis {axis} does not exist in shape {shape:?}", layer = printable(layer), when = at.named())]
    AxisOutOfRange {
        /// The event.
        at: Key,
        /// The layer.
        layer: String,
        /// The axis asked for.
        axis: isize,
        /// The layer's shape.
        shape: Vec<usize>,
    },
    /// An event asks for more elements, blocks or channels than are alive (rule 9).
    #[error(
        "{when}, {}: {asked} {what} are asked for ({target}), but only {alive} are alive; events only close, \
         unless they carry `reopen`{}",
        layer_or_all(layer),
        fraction_removed(target), when = at.named())]
    TooFewAlive {
        /// The event.
        at: Key,
        /// The layer; `None` for all selected layers together.
        layer: Option<String>,
        /// What is counted: `elements`, `blocks` or `channels`.
        what: &'static str,
        /// How many of them are asked for.
        asked: usize,
        /// How many may be chosen; for an event still to come, at most.
        alive: usize,
        /// What is asked for.
        target: Target,
    },
    /// An event reopens by gradient, and there is no gradient.
    #[error(
        "{when}, layer `{layer}`: 'reopen': 'gradient' needs the layer's gradient; hand it to `end_epoch_with`, or \
         call `observe` after each backward pass of the epoch",
        layer = printable(layer), when = at.named())]
    GradientMissing {
        /// The event.
        at: Key,
        /// The layer.
        layer: String,
    },
    /// A tensor of evidence has another shape than its layer.
    #[error("{when}, layer `{layer}`: the gradient has shape {got:?}, {expected:?} is expected", layer = printable(layer), when = at.named())]
    GradientShape {
        /// The event that needs it.
        at: Key,
        /// The layer.
        layer: String,
        /// The shape of the weights, or of the gradients observed before.
        expected: Vec<usize>,
        /// The gradient's shape.
        got: Vec<usize>,
    },
    /// An epoch has ended already.
    #[error("epoch {epoch} cannot end after epoch {last} has; epochs only go forward")]
    EpochBackwards {
        /// The epoch of the call.
        epoch: u64,
        /// The last epoch that ended.
        last: u64,
    },
    /// An event would never happen.
    #[error("epoch {epoch} cannot end yet: the event at epoch {skipped} has not happened; {}", instead(*skipped))]
    EventSkipped {
        /// The epoch of the call.
        epoch: u64,
        /// The epoch of the event.
        skipped: u64,
    },
    /// A prepared event is of another state than the pruner's.
    #[error("{}: the event was prepared before the pruner went on; prepare it anew", at.named())]
    Outdated {
        /// The event.
        at: Key,
    },
    /// A moment is passed over though it has an event.
    #[error("{}: there is an event, which `pass` would leave out; prepare and commit it", at.named())]
    NotPrepared {
        /// The event.
        at: Key,
    },
    /// A caller has not written what it says it has.
    #[error(
        "{}, layer `{layer}`: {count} of its elements are not zero outside the masks; write `where(mask, weight, 0)` with \
         the masks of `Prepared::writes` first",
        at.named(),
        layer = printable(layer)
    )]
    NotWritten {
        /// The event.
        at: Key,
        /// The layer.
        layer: String,
        /// How many elements.
        count: usize,
    },
    /// The model lists other layers for writing than for reading.
    #[error(
        "layer `{layer}` of shape {shape:?} is listed by `layers`, but not by `layers_mut` with the same shape; both must \
         list the same",
        layer = printable(layer)
    )]
    ListsDiffer {
        /// The layer.
        layer: String,
        /// Its shape as `layers` has it.
        shape: Vec<usize>,
    },
    /// An operation of the core was refused.
    #[error("{when}: {source}{}", unless_reopened(source), when = at.named())]
    Event {
        /// The event.
        at: Key,
        /// Why.
        source: Box<prune_core::Error>,
    },
    /// Layers were refused outside an event, by `hold`, `revivals` or `observe`.
    #[error(transparent)]
    Layers(#[from] prune_core::Error),
    /// A saved state is not one.
    #[error("the saved state cannot be read: {source}")]
    StateUnreadable {
        /// Why.
        source: serde_json::Error,
    },
    /// A saved state contradicts itself.
    #[error("the saved state contradicts itself: {why}")]
    StateContradiction {
        /// What does not fit.
        why: String,
    },
}

fn no_layer(layer: &str, nearest: &Option<String>) -> String {
    match nearest {
        _ if layer.contains('*') => {
            "; a table names layers one by one, `*` works in `include` and `exclude`".to_owned()
        }
        nearest => crate::words::did_you_mean(nearest),
    }
}

fn layer_or_all(layer: &Option<String>) -> String {
    layer
        .as_ref()
        .map_or_else(|| "all selected layers together".to_owned(), |layer| format!("layer `{}`", printable(layer)))
}

/// Up to ten names.
fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => {
            let shown =
                names.iter().take(10).map(|name| format!("`{}`", printable(name))).collect::<Vec<_>>().join(", ");
            if names.len() > 10 { format!("{shown} and {} more", names.len() - 10) } else { shown }
        }
    }
}

/// How a core that knows no events is told to open elements.
fn unless_reopened(error: &prune_core::Error) -> &'static str {
    match error.kind {
        ErrorKind::TooFewAlive { .. } | ErrorKind::TooFewAliveInSlice { .. } | ErrorKind::TooFewUnits { .. } => {
            " unless an event carries `reopen`"
        }
        _ => "",
    }
}

fn fraction_removed(target: &Target) -> &'static str {
    match target {
        Target::Density(_) => {
            "; a density is the fraction kept (jax_pruning's code, unlike its README, took it as the fraction removed: \
             for that, write `sparsity`)"
        }
        Target::Pattern(_) => "",
    }
}

fn instead(skipped: u64) -> String {
    if skipped == 0 {
        "call `start` before training".to_owned()
    } else {
        format!("call `end_epoch({skipped}, ..)` when that epoch has trained")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The core knows no events; what opens elements is said here.
    #[test]
    fn too_few_alive_says_what_opens_elements() {
        let refused = |kind: ErrorKind| {
            PruneError::Event { at: Key::Epoch(3), source: Box::new(kind.in_layer("fc")) }.to_string()
        };
        assert_eq!(
            refused(ErrorKind::TooFewAliveInSlice { axis: 1, slice: 2, asked: 5, alive: 4 }),
            "epoch 3: layer `fc`: 5 elements are asked for at index 2 of axis 1, but only 4 are alive there under the masks \
             in force; masks only close unless an event carries `reopen`"
        );
        assert_eq!(
            refused(ErrorKind::TailBits { len: 3 }),
            "epoch 3: layer `fc`: bits are set past the last of the 3 elements of a mask"
        );
    }
}
