//! Errors of this crate and of what it calls.

use std::path::PathBuf;

use candle_core::DType;
use prune_core::printable;
use prune_schedule::PruneError;

/// A call that was refused or that failed. Nothing has been written when it was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CandleError {
    /// One variable stands under two names.
    #[error(
        "`{}` and `{}` are one variable, which cannot have two masks; keep one name, or join them with `Params::joined`",
        printable(first),
        printable(second)
    )]
    Tied {
        /// The first of the names, in the order of names.
        first: String,
        /// The other.
        second: String,
    },
    /// A name stands twice.
    #[error("there are two variables `{}`; give each a name of its own", printable(name))]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A name stands for no parameter.
    #[error("there is no parameter `{}`{}", printable(name), hint(nearest))]
    UnknownParam {
        /// The name given.
        name: String,
        /// The nearest name that there is.
        nearest: Option<String>,
    },
    /// The variables of a map are locked by somebody else.
    #[error("the variables of the map are locked; drop the guard that `VarMap::data` gave before listing them")]
    MapLocked,
    /// A parameter is not what it was when an event was prepared.
    #[error("the parameter `{}` has changed since the event was prepared; prepare it anew", printable(name))]
    Changed {
        /// Its name.
        name: String,
    },
    /// A map has another variable under a name than it had.
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
    /// A pruner does not know what has been told of a parameter.
    #[error(
        "the pruner does not know what has been told of `{}`; make it with `Params::pruner`, and one that was saved with \
         `.with_facts(params.facts())`",
        printable(name)
    )]
    FactsUntold {
        /// The parameter.
        name: String,
    },
    /// A mask lies on another device than its parameter.
    #[error(
        "the parameter `{}` lies on another device than the masks; make `DeviceMasks` on its device, and hold only \
         parameters that lie there",
        printable(name)
    )]
    OtherDevice {
        /// The parameter.
        name: String,
    },
    /// A setting of an optimiser is outside its range.
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
    /// A saved state is of another model or another optimiser.
    #[error("{}: {why}", printable(&path.display().to_string()))]
    State {
        /// The file.
        path: PathBuf,
        /// The misfit, in words.
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

/// In what a saved state does not fit the optimiser that reads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateMismatch {
    /// A tensor is not there.
    #[error("it has no tensor `{}`; it is the state of another model or another optimiser", printable(name))]
    Missing {
        /// The tensor's name.
        name: String,
    },
    /// A tensor belongs to nothing here.
    #[error(
        "its tensor `{}` belongs to nothing here; it is the state of another model or another optimiser",
        printable(name)
    )]
    Unknown {
        /// The tensor's name.
        name: String,
    },
    /// A tensor is of another shape or type.
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
    /// The count of steps is no count.
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

/// candle's traits want candle's errors.
impl From<CandleError> for candle_core::Error {
    fn from(error: CandleError) -> Self {
        match error {
            CandleError::Candle(error) => error,
            other => candle_core::Error::wrap(other),
        }
    }
}
