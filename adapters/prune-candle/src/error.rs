//! Errors of this crate and of what it calls.

use std::path::PathBuf;

use candle_core::DType;
use prune_core::printable;
use prune_schedule::PruneError;

/// A call that was refused or that failed. A refused call has written nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CandleError {
    /// One variable has two names.
    #[error(
        "`{}` and `{}` are one variable, which cannot have two masks; keep one name, or join them with `Params::joined`",
        printable(first),
        printable(second)
    )]
    Tied {
        /// The name that comes first in order.
        first: String,
        /// The other.
        second: String,
    },
    /// A name occurs twice.
    #[error("there are two variables `{}`; give each a name of its own", printable(name))]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// No parameter has this name.
    #[error("there is no parameter `{}`{}", printable(name), hint(nearest))]
    UnknownParam {
        /// The name given.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
    },
    /// The variables of the map are locked elsewhere.
    #[error("the variables of the map are locked; drop the guard that `VarMap::data` gave before listing them")]
    MapLocked,
    /// A parameter has changed since an event was prepared.
    #[error("the parameter `{}` has changed since the event was prepared; prepare it anew", printable(name))]
    Changed {
        /// Its name.
        name: String,
    },
    /// A name in a map has another variable than before.
    #[error(
        "the variable `{}` has been {change} since the parameters were listed; list them again with `Params::of`",
        printable(name)
    )]
    MapChanged {
        /// Its name.
        name: String,
        /// In plain words, such as `replaced`.
        change: &'static str,
    },
    /// The pruner lacks facts that a parameter was given.
    #[error(
        "the pruner does not know what has been told of `{}`; make it with `Params::pruner`, and one that was saved with \
         `.with_facts(params.facts())`",
        printable(name)
    )]
    FactsUntold {
        /// The parameter.
        name: String,
    },
    /// A mask is on another device than its parameter.
    #[error(
        "the parameter `{}` lies on another device than the masks; make `DeviceMasks` on its device, and hold only \
         parameters that lie there",
        printable(name)
    )]
    OtherDevice {
        /// The parameter.
        name: String,
    },
    /// A setting of an optimiser is out of range.
    #[error("{optimiser}: {setting} is {got}; it must be {allowed}")]
    Setting {
        /// The optimiser.
        optimiser: &'static str,
        /// The setting.
        setting: &'static str,
        /// The value given.
        got: f64,
        /// The values that are allowed.
        allowed: &'static str,
    },
    /// A saved state belongs to another model or another optimiser.
    #[error("{}: {why}", printable(&path.display().to_string()))]
    State {
        /// The file.
        path: PathBuf,
        /// The difference, in words.
        why: StateMismatch,
    },
    /// A file of a saved state cannot be written or read.
    #[error("{}: {source}", printable(&path.display().to_string()))]
    File {
        /// The file.
        path: PathBuf,
        /// The cause, in words.
        source: std::io::Error,
    },
    /// Refused by the masks.
    #[error(transparent)]
    Mask(#[from] prune_core::Error),
    /// Refused by the pruner.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// Failed in candle.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

/// The reason why a saved state does not fit the optimiser that reads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateMismatch {
    /// A tensor is missing.
    #[error("it has no tensor `{}`; it is the state of another model or another optimiser", printable(name))]
    Missing {
        /// The tensor's name.
        name: String,
    },
    /// A tensor has no place in this optimiser.
    #[error(
        "its tensor `{}` belongs to nothing here; it is the state of another model or another optimiser",
        printable(name)
    )]
    Unknown {
        /// The tensor's name.
        name: String,
    },
    /// A tensor has another shape or type.
    #[error(
        "its tensor `{}` is {got:?} of shape {got_shape:?} where {expected:?} of shape {expected_shape:?} is needed",
        printable(name)
    )]
    Differs {
        /// The tensor's name.
        name: String,
        /// The type needed.
        expected: DType,
        /// The shape needed.
        expected_shape: Vec<usize>,
        /// The type found.
        got: DType,
        /// The shape found.
        got_shape: Vec<usize>,
    },
    /// The number of steps is not a possible count.
    #[error("its count of steps is {got}")]
    Steps {
        /// The count found.
        got: i64,
    },
}

/// Ends the message about an unknown name.
fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |nearest| format!("; did you mean `{}`?", printable(nearest)))
}

/// candle's traits need candle's error type.
impl From<CandleError> for candle_core::Error {
    fn from(error: CandleError) -> Self {
        match error {
            CandleError::Candle(error) => error,
            other => candle_core::Error::wrap(other),
        }
    }
}
