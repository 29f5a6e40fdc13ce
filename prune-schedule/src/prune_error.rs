//! The errors of a pruner.

use prune_core::{Error, ErrorKind, printable};

use crate::event::Target;
use crate::key::Key;

/// An event that does not fit the model, or a call that does not fit the strategy. When one of these is returned,
/// nothing has been written and the pruner is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are what the message beside them names")]
pub enum PruneError {
    /// A table names a layer that the model does not have.
    #[error("{}: there is no layer `{}`{}", at.named(), printable(layer), no_layer(layer, nearest))]
    UnknownLayer { at: Key, layer: String, nearest: Option<String> },
    /// A pattern of `include` or `exclude` matches nothing.
    #[error(
        "{}: the pattern `{pattern}` of `{field}` matches no {}layer{}; the prunable layers (rank 2 or more) are: {}",
        at.named(),
        if *field == "include" { "prunable " } else { "" },
        crate::words::did_you_mean(nearest),
        listed(prunable)
    )]
    PatternMatchesNothing {
        at: Key,
        field: &'static str,
        pattern: String,
        nearest: Option<String>,
        prunable: Vec<String>,
    },
    /// The caller has stopped the event.
    #[error("{}: stopped; nothing has changed", at.named())]
    Stopped { at: Key },
    /// A table names a layer of a type that is not pruned.
    #[error("{}: its type is not one that is pruned; f32, f64, f16 and bf16 are", layer_at(at, layer))]
    NotPruned { at: Key, layer: String },
    /// A bound is for a layer that the event leaves alone.
    #[error("{}: `{field}` bounds it, but the event does not select it; take it out of the table", layer_at(at, layer))]
    BoundIdle { at: Key, layer: String, field: &'static str },
    /// An event selects no layer of the model.
    #[error("{}: {why}; the prunable layers (rank 2 or more) are: {}", at.named(), listed(prunable))]
    SelectsNothing { at: Key, why: String, prunable: Vec<String> },
    /// `axis` is `reduction`, and nothing tells the axis of the layer's inputs.
    #[error(
        "{}: nothing tells which of its {rank} axes is that of its inputs; write `axis` as an index",
        layer_at(at, layer)
    )]
    ReductionUnknown { at: Key, layer: String, rank: usize },
    /// An event ranks within outputs, and nothing tells their axis.
    #[error(
        "{}: nothing tells which of its {rank} axes is that of its outputs; write `axis` as an index",
        layer_at(at, layer)
    )]
    OutputUnknown { at: Key, layer: String, rank: usize },
    /// A bias does not go with the channels of its layer.
    #[error("{}: 'bias': True does not fit: {why}", layer_at(at, layer))]
    Bias { at: Key, layer: String, why: String },
    /// Channels of several layers cannot be kept or pruned together.
    #[error("{}: its channels cannot be coupled: {why}", layer_at(at, layer))]
    Coupling { at: Key, layer: String, why: String },
    /// An update of sparse training finds no mask to update.
    #[error(
        "{}: `{method}` moves what masks keep, and no selected layer has a mask by then; make them with an event before it",
        at.named()
    )]
    NoMask { at: Key, method: &'static str },
    /// A score looks at evidence that is missing.
    #[error("{}: `{method}` needs {need}; {how}", layer_at(at, layer))]
    EvidenceMissing { at: Key, layer: String, method: &'static str, need: String, how: &'static str },
    /// An event rewinds, and the weights of that epoch are missing or belong to another model.
    #[error("{}: the parameters of epoch {to} are needed to rewind to; {why}", at.named())]
    Rewind { at: Key, to: u64, why: String },
    /// The strategy has events in steps, but no steps have been counted.
    #[error(
        "the strategy has events in steps, the next at step {next}, but no step has ended; call `end_step` after each"
    )]
    StepsNotCounted { next: u64 },
    /// A step has ended already.
    #[error("step {step} cannot end after step {last} has; steps only go forward, over all epochs")]
    StepBackwards { step: u64, last: u64 },
    /// The step would skip the event of an earlier step.
    #[error(
        "step {step} cannot end yet: the event at step {skipped} has not happened; call `end_step` after every step"
    )]
    StepSkipped { step: u64, skipped: u64 },
    /// Steps were counted before the event of epoch 0 happened.
    #[error("step {step} cannot end yet: the event before training, at epoch 0, has not happened; call `start` first")]
    StepBeforeStart { step: u64 },
    /// A layer has no such axis.
    #[error("{}: axis {axis} does not exist in shape {shape:?}", layer_at(at, layer))]
    AxisOutOfRange { at: Key, layer: String, axis: isize, shape: Vec<usize> },
    /// An event asks for more elements, blocks or channels than are alive (rule 9).
    #[error(
        "{}, {}: {asked} {what} are asked for ({target}), but only {alive} are alive; events only close, unless they carry \
         `reopen`{}",
        at.named(),
        layer_or_all(layer),
        fraction_removed(target)
    )]
    TooFewAlive { at: Key, layer: Option<String>, what: &'static str, asked: usize, alive: usize, target: Target },
    /// An event reopens by gradient, and the gradient is missing.
    #[error(
        "{}: 'reopen': 'gradient' needs the layer's gradient; hand it to `end_epoch_with`, or call `observe` after each \
         backward pass of the epoch",
        layer_at(at, layer)
    )]
    GradientMissing { at: Key, layer: String },
    /// A tensor of evidence differs in shape from its layer.
    #[error("{}: the gradient has shape {got:?}, {expected:?} is expected", layer_at(at, layer))]
    GradientShape { at: Key, layer: String, expected: Vec<usize>, got: Vec<usize> },
    /// An epoch has ended already.
    #[error("epoch {epoch} cannot end after epoch {last} has; epochs only go forward")]
    EpochBackwards { epoch: u64, last: u64 },
    /// The epoch would skip the event of an earlier epoch.
    #[error("epoch {epoch} cannot end yet: the event at epoch {skipped} has not happened; {}", instead(*skipped))]
    EventSkipped { epoch: u64, skipped: u64 },
    /// A prepared event belongs to an earlier state of the pruner.
    #[error("{}: the event was prepared before the pruner went on; prepare it anew", at.named())]
    Outdated { at: Key },
    /// `pass` was called at a moment that has an event.
    #[error("{}: there is an event, which `pass` would leave out; prepare and commit it", at.named())]
    NotPrepared { at: Key },
    /// A caller has not written the zeros that it reported.
    #[error(
        "{}: {count} of its elements are not zero outside the masks; first write `where(mask, weight, 0)` with \
         the masks that the prepared event writes",
        layer_at(at, layer)
    )]
    NotWritten { at: Key, layer: String, count: usize },
    /// The model lists other layers for writing than for reading.
    #[error(
        "layer `{layer}` of shape {shape:?} is listed by `layers`, but not by `layers_mut` with the same shape; both must \
         list the same",
        layer = printable(layer)
    )]
    ListsDiffer { layer: String, shape: Vec<usize> },
    /// An operation of the core was refused.
    #[error("{}: {source}{}", at.named(), unless_reopened(source))]
    Event { at: Key, source: Box<Error> },
    /// Layers were refused outside an event, by `hold`, `revivals` or `observe`.
    #[error(transparent)]
    Layers(#[from] Error),
    /// A saved state has the wrong format.
    #[error("the saved state cannot be read: {source}")]
    StateUnreadable { source: serde_json::Error },
    /// A saved state contradicts itself.
    #[error("the saved state contradicts itself: {why}")]
    StateContradiction { why: String },
}

impl PruneError {
    /// The message without the epoch or step of its event, `at`, for a reader who knows it already. The message of an
    /// error of another event stays whole.
    pub fn without_moment(&self, at: Key) -> String {
        let text = self.to_string();
        let rest = text.strip_prefix(&at.named()).and_then(|rest| rest.strip_prefix([':', ','])?.strip_prefix(' '));
        rest.map(str::to_owned).unwrap_or(text)
    }

    /// Adds the event at which the core refused something.
    pub(crate) fn in_event(at: Key) -> impl Fn(Error) -> PruneError + Copy {
        move |source| PruneError::Event { at, source: Box::new(source) }
    }

    /// Adds the event and the layer at which the core refused something.
    pub(crate) fn in_layer(at: Key, layer: &str) -> impl Fn(Error) -> PruneError + Copy {
        move |source| PruneError::in_event(at)(source.in_layer(layer))
    }
}

fn layer_at(at: &Key, layer: &str) -> String {
    format!("{}, layer `{}`", at.named(), printable(layer))
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
    match layer {
        Some(layer) => format!("layer `{}`", printable(layer)),
        None => "all selected layers together".to_owned(),
    }
}

/// The first ten names.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(10).map(|name| format!("`{}`", printable(name))).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "none".to_owned(),
        count if count > 10 => format!("{shown} and {} more", count - 10),
        _ => shown,
    }
}

/// The hint on how to open elements. The core knows no events, so it cannot give it.
fn unless_reopened(error: &Error) -> &'static str {
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

    #[test]
    fn a_moment_is_left_out_where_there_is_one() {
        let at = Key::Steps { first: 3, last: 5 };
        let axis = PruneError::AxisOutOfRange { at, layer: "fc".to_owned(), axis: 2, shape: vec![1, 2] };
        let other = Key::Steps { first: 3, last: 3 };
        assert_eq!(axis.without_moment(other), axis.to_string());
        for (error, begins) in [(PruneError::Outdated { at }, "step 3..=5: "), (axis, "step 3..=5, ")] {
            let (text, rest) = (error.to_string(), error.without_moment(at));
            assert_eq!(text, format!("{begins}{rest}"));
        }
        let of_none = PruneError::StepBackwards { step: 3, last: 5 };
        assert_eq!(of_none.without_moment(at), of_none.to_string());
    }

    /// The core knows no events, so this crate says what opens elements.
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
