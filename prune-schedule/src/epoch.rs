//! Which epochs an event is for.

use core::fmt;
use core::str::FromStr;

use crate::error::{Problem, StrategyError};

/// The largest epoch that a strategy may name: 4,294,967,295.
pub const LAST_EPOCH: u64 = u32::MAX as u64;

/// The epochs that an event is for: a key of the strategy's table.
///
/// An event happens at the *end* of its epoch, when that epoch has trained; epoch 0 is before training. At a single
/// epoch the mask is made once and then held. Over a range, and under `-1`, the mask *floats*: it is made anew and
/// applied at the end of each of the epochs, not held in between, and held after the last of them.
///
/// Written `10`, `10..=20`, `-1`, `100 steps` and `100..=900 steps`, and read from the same.
///
/// # Examples
///
/// ```
/// use prune_schedule::Epochs;
///
/// let range: Epochs = "10..=20".parse()?;
/// assert_eq!(range, Epochs::Range { first: 10, last: 20 });
/// assert!(range.floats());
/// assert_eq!(Epochs::Others.to_string(), "-1");
/// # Ok::<(), prune_schedule::StrategyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Epochs {
    /// One epoch; 0 is before training.
    At(u64),
    /// Every epoch from `first` to `last`, both included.
    Range {
        /// The first epoch.
        first: u64,
        /// The last epoch.
        last: u64,
    },
    /// Every epoch from 1 on that no other key names; written `-1`.
    Others,
    /// Steps of the optimiser, counted from 1 over the whole training, instead of epochs: one where both are the same,
    /// written `100 steps`, or a range, `100..=900 steps`.
    Steps {
        /// The first step.
        first: u64,
        /// The last step.
        last: u64,
    },
}

impl Epochs {
    /// Whether a plain event's mask floats: true for a range of epochs and for `-1`.
    pub fn floats(self) -> bool {
        matches!(self, Epochs::Range { .. } | Epochs::Others)
    }

    /// The first epoch or step named; `None` for `-1`.
    pub fn first(self) -> Option<u64> {
        match self {
            Epochs::At(epoch) | Epochs::Range { first: epoch, .. } | Epochs::Steps { first: epoch, .. } => Some(epoch),
            Epochs::Others => None,
        }
    }

    /// The last epoch or step named; `None` for `-1`.
    pub fn last(self) -> Option<u64> {
        match self {
            Epochs::At(epoch) | Epochs::Range { last: epoch, .. } | Epochs::Steps { last: epoch, .. } => Some(epoch),
            Epochs::Others => None,
        }
    }

    /// Whether it counts steps and not epochs.
    pub fn in_steps(self) -> bool {
        matches!(self, Epochs::Steps { .. })
    }

    /// It with its word, as errors begin: `epoch 10`, `step 100`, `epoch 10..=20`.
    pub(crate) fn named(self) -> String {
        match self {
            Epochs::Steps { first, last } if first == last => format!("step {first}"),
            Epochs::Steps { first, last } => format!("step {first}..={last}"),
            epochs => format!("epoch {epochs}"),
        }
    }

    /// The key that a number stands for: an epoch, or -1 for all others.
    pub(crate) fn from_number(number: i64) -> Result<Self, Problem> {
        match u64::try_from(number) {
            Ok(epoch) if epoch <= LAST_EPOCH => Ok(Epochs::At(epoch)),
            Ok(_) => Err(Problem::EpochTooLarge { found: number.to_string() }),
            Err(_) if number == -1 => Ok(Epochs::Others),
            Err(_) => Err(Problem::EpochNegative { found: number.to_string() }),
        }
    }

    /// The key that a text stands for.
    pub(crate) fn from_text(text: &str) -> Result<Self, Problem> {
        let trimmed = text.trim_end();
        if let Some(times) = trimmed.strip_suffix("steps").or_else(|| trimmed.strip_suffix("step")) {
            if times.trim().is_empty() {
                return Err(Problem::EpochUnreadable { text: crate::error::clip(text) });
            }
            let times = Self::from_text(times.trim_end()).map_err(|problem| match problem {
                Problem::RangeReversed { first, last, .. } => Problem::RangeReversed { first, last, unit: " steps" },
                problem => problem,
            });
            return match times? {
                Epochs::At(0) | Epochs::Range { first: 0, .. } => {
                    Err(Problem::StepZero { found: crate::error::clip(text) })
                }
                Epochs::At(step) => Ok(Epochs::Steps { first: step, last: step }),
                Epochs::Range { first, last } => Ok(Epochs::Steps { first, last }),
                Epochs::Others | Epochs::Steps { .. } => {
                    Err(Problem::EpochUnreadable { text: crate::error::clip(text) })
                }
            };
        }
        let Some((first, last)) = text.split_once("..") else { return Self::from_number(number(text, text)?) };
        let last = last.strip_prefix('=').ok_or_else(|| Problem::RangeOpen { text: crate::error::clip(text) })?;
        match (Self::from_number(number(first, text)?)?, Self::from_number(number(last, text)?)?) {
            (Epochs::At(first), Epochs::At(last)) if first > last => {
                Err(Problem::RangeReversed { first, last, unit: "" })
            }
            (Epochs::At(first), Epochs::At(last)) => Ok(Epochs::Range { first, last }),
            _ => Err(Problem::EpochNegative { found: crate::error::clip(text) }),
        }
    }
}

/// A whole number in decimal digits, of the key `whole`.
fn number(part: &str, whole: &str) -> Result<i64, Problem> {
    let part = part.trim();
    let digits = part.strip_prefix('-').unwrap_or(part);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Problem::EpochUnreadable { text: crate::error::clip(whole) });
    }
    part.parse().map_err(|_| Problem::EpochTooLarge { found: crate::error::clip(part) })
}

impl fmt::Display for Epochs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Epochs::At(epoch) => f.pad(&epoch.to_string()),
            Epochs::Range { first, last } => f.pad(&format!("{first}..={last}")),
            Epochs::Others => f.pad("-1"),
            Epochs::Steps { first, last } if first == last => f.pad(&format!("{first} steps")),
            Epochs::Steps { first, last } => f.pad(&format!("{first}..={last} steps")),
        }
    }
}

impl FromStr for Epochs {
    type Err = StrategyError;

    fn from_str(text: &str) -> Result<Self, StrategyError> {
        Ok(Self::from_text(text)?)
    }
}

impl From<u64> for Epochs {
    /// The one epoch.
    fn from(epoch: u64) -> Self {
        Epochs::At(epoch)
    }
}
