//! What is refused.

use burn::store::RecordError;
use prune_core::printable;
use prune_schedule::PruneError;

/// Why a module was not pruned. The pruner is as it was then, and so is every clone of the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are what the message beside them names")]
pub enum BurnError {
    /// An event or a call was refused.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// Masks and parameters do not fit each other.
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
    /// A parameter that is to be masked, or is, has a reparameterisation of another kind.
    #[error(
        "parameter `{}` has the reparameterisation `{name}`, and a parameter of burn has one alone; call `materialize` \
         first, or exclude the layer",
        printable(layer)
    )]
    Reparameterized { layer: String, name: String },
    /// A parameter is not what it was when an event was prepared.
    #[error("parameter `{}` has changed since the event was prepared; prepare it anew", printable(layer))]
    Changed { layer: String },
    /// An event looks at gradients that masks within the module have set to zero.
    #[error(
        "{at}: `{method}` looks at gradients of pruned weights, and masks within the module make them zero; use a pruner \
         without `with_masks_in_module`"
    )]
    GradientHidden { at: String, method: String },
    /// A parameter could not be copied from its device.
    #[error("parameter `{}` could not be read: {source}", printable(layer))]
    Read { layer: String, source: burn::tensor::ExecutionError },
    /// The optimiser's record could not be read or written.
    #[error("the optimiser's record: {source}")]
    Record {
        #[from]
        source: RecordError,
    },
    /// A saved state is not one of a pruner of modules.
    #[error("the state cannot be read: {source}")]
    State { source: PruneError },
}
