//! What a pruner can refuse.

use prune_core::printable;

use crate::epoch::Epochs;
use crate::event::Target;

/// An event that does not fit the model, or a call that does not fit the strategy. Nothing has been written, and the
/// pruner is as it was, when one of these is returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// A table names a layer that the model does not have.
    #[error("epoch {epoch}: there is no layer `{layer}`{}", no_layer(layer, nearest), layer = printable(layer))]
    UnknownLayer {
        /// The event.
        epoch: Epochs,
        /// The name in the table.
        layer: String,
        /// The nearest name in the model, if one is near.
        nearest: Option<String>,
    },
    /// A pattern of `include` or `exclude` matches nothing.
    #[error(
        "epoch {epoch}: the pattern `{pattern}` of `{field}` matches no {}layer{}; the prunable layers (rank 2 or more) \
         are: {}",
        if *field == "include" { "prunable " } else { "" },
        crate::error::did_you_mean(nearest),
        listed(prunable)
    )]
    PatternMatchesNothing {
        /// The event.
        epoch: Epochs,
        /// `include` or `exclude`.
        field: &'static str,
        /// The pattern.
        pattern: String,
        /// The nearest name in the model, if one is near.
        nearest: Option<String>,
        /// The names that events can select.
        prunable: Vec<String>,
    },
    /// An event selects no layer of the model.
    #[error("epoch {epoch}: {why}; the prunable layers (rank 2 or more) are: {}", listed(prunable))]
    SelectsNothing {
        /// The event.
        epoch: Epochs,
        /// Why nothing is selected, in words.
        why: String,
        /// The names it could have selected.
        prunable: Vec<String>,
    },
    /// `axis` is `reduction`, and nothing tells which axis that is.
    #[error(
        "epoch {epoch}, layer `{layer}`: 'reduction' is known for names that end in `kernel` or `weight`, of rank 2 or \
         more; this one has rank {rank}: write the axis as an index",
        layer = printable(layer)
    )]
    ReductionUnknown {
        /// The event.
        epoch: Epochs,
        /// The layer.
        layer: String,
        /// How many axes it has.
        rank: usize,
    },
    /// A layer has no such axis.
    #[error("epoch {epoch}, layer `{layer}`: axis {axis} does not exist in shape {shape:?}", layer = printable(layer))]
    AxisOutOfRange {
        /// The event.
        epoch: Epochs,
        /// The layer.
        layer: String,
        /// The axis asked for.
        axis: isize,
        /// The layer's shape.
        shape: Vec<usize>,
    },
    /// An event asks for more elements than are alive (rule 9).
    #[error(
        "epoch {epoch}, {}: {asked} elements are asked for ({target}), but only {alive} are alive; events only close, \
         unless they carry `reopen`{}",
        layer_or_all(layer),
        fraction_removed(target)
    )]
    TooFewAlive {
        /// The event.
        epoch: Epochs,
        /// The layer; `None` for all selected layers together.
        layer: Option<String>,
        /// How many elements are asked for.
        asked: usize,
        /// How many may be chosen; for an event still to come, at most.
        alive: usize,
        /// What is asked for.
        target: Target,
    },
    /// An event reopens by gradient, and there is no gradient.
    #[error(
        "epoch {epoch}, layer `{layer}`: 'reopen': 'gradient' needs the layer's gradient; hand it to `end_epoch_with`, or \
         call `observe` after each backward pass of the epoch",
        layer = printable(layer)
    )]
    GradientMissing {
        /// The event.
        epoch: Epochs,
        /// The layer.
        layer: String,
    },
    /// A tensor of evidence has another shape than its layer.
    #[error("epoch {epoch}, layer `{layer}`: the gradient has shape {got:?}, {expected:?} is expected", layer = printable(layer))]
    GradientShape {
        /// The event that needs it.
        epoch: Epochs,
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
    #[error("epoch {epoch}: {source}")]
    Event {
        /// The event.
        epoch: Epochs,
        /// Why.
        source: prune_core::Error,
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
        nearest => crate::error::did_you_mean(nearest),
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
