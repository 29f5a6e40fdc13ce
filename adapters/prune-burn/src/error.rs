//! Errors.

use burn::store::RecordError;
use burn::tensor::DType;
use prune_core::printable;
use prune_schedule::PruneError;

/// The reason why a module was not pruned. The pruner, the optimiser and every clone of the module are then as they
/// were before, except for running statistics that an event has set back (`ModulePruner::end_epoch_with`).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are what the message beside them names")]
pub enum BurnError {
    /// An event or a call was refused.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// Masks do not fit the parameters.
    #[error(transparent)]
    Core(#[from] prune_core::Error),
    /// Two paths lead to one parameter.
    #[error(
        "parameters `{}` and `{}` are one: they share an id, and burn's optimisers move the first alone; give one of them \
         an id of its own, or use one field in both places",
        printable(first),
        printable(second)
    )]
    Tied { first: String, second: String },
    /// A parameter that is masked, or is to be masked, has a reparameterisation of another kind.
    #[error(
        "parameter `{}` has the reparameterisation `{name}`, and a parameter of burn has one alone; call `materialize` \
         first, or exclude the layer",
        printable(layer)
    )]
    Reparameterized { layer: String, name: String },
    /// A parameter has changed since an event was prepared.
    #[error("parameter `{}` has changed since the event was prepared; prepare it anew", printable(layer))]
    Changed { layer: String },
    /// An event needs gradients that masks within the module have set to zero.
    #[error(
        "{at}: `{method}` looks at gradients of pruned weights, and masks within the module make them zero; use a pruner \
         without `with_masks_in_module`"
    )]
    GradientHidden { at: String, method: String },
    /// A parameter has a mask within the module, but the pruner does not keep its masks there.
    #[error(
        "parameter `{}` has a mask within the module, and the pruner keeps none there; build the pruner with \
         `with_masks_in_module`, or call `materialize` on the module",
        printable(layer)
    )]
    MaskInModule { layer: String },
    /// A pruner that keeps its masks within the module finds a pruned parameter without a mask.
    #[error(
        "parameter `{}` is pruned, and the module has no mask for it; call `attach`, before a record is loaded and after \
         `materialize`",
        printable(layer)
    )]
    NoMaskInModule { layer: String },
    /// The mask within the module is not the pruner's.
    #[error(
        "the mask of parameter `{}` within the module is not the pruner's; load the module and the pruner that were saved \
         together, or call `materialize` and `attach`",
        printable(layer)
    )]
    OtherMask { layer: String },
    /// burn would read the optimiser's buffers back as another type.
    #[error(
        "buffer `{}` of the optimiser is {found:?}, and burn reads buffers back as {default:?}, its default: the next step \
         would meet gradients of another type; make {found:?} the default by `Device::configure` before the first tensor is \
         made, or give the event no optimiser and go on with a new one",
        printable(buffer)
    )]
    BufferType { buffer: String, found: DType, default: DType },
    /// A parameter could not be copied from its device.
    #[error("parameter `{}` could not be read: {source}", printable(layer))]
    Read { layer: String, source: burn::tensor::ExecutionError },
    /// The optimiser's record could not be read or written.
    #[error("the optimiser's record: {source}")]
    Record {
        #[from]
        source: RecordError,
    },
    /// The strategy has events at the end of epochs, but the `Learner` does not say when an epoch ends.
    #[error(
        "{at}: burn's `Learner` tells its module of no epoch; say how many steps one has by `with_epochs_of`, or key the \
         event by steps"
    )]
    EpochsUntold { at: String },
    /// Training is over, but some events have not happened.
    #[error(
        "training has ended after {trained}, before {events}; train on, or give these events keys that training reaches"
    )]
    NotReached { events: String, trained: String },
    /// A text is not the saved state of a pruner.
    #[error("the state cannot be read: {source}")]
    State { source: PruneError },
}
