//! The time of an event: a key of a strategy's table.

use core::fmt;
use core::str::FromStr;

use crate::words::clip;

/// The largest epoch that a strategy may name: 4,294,967,295.
pub const LAST_EPOCH: u64 = u32::MAX as u64;

/// The time of an event: a key of the strategy's table, which names epochs or steps.
///
/// An event happens at the *end* of its epoch, after that epoch has trained; epoch 0 is before training. At a single
/// epoch the mask is made once and then held. Over a range, and under `-1`, the mask *floats*: it is made anew and
/// applied at the end of each epoch, not held in between, and held after the last epoch.
///
/// A key is written `10`, `10..=20`, `-1`, `100 steps` or `100..=900 steps`, and is read from the same forms.
///
/// # Examples
///
/// ```
/// use prune_schedule::Key;
///
/// let range: Key = "10..=20".parse()?;
/// assert_eq!(range, Key::Epochs { first: 10, last: 20 });
/// assert!(range.floats());
/// assert_eq!(Key::OtherEpochs.to_string(), "-1");
/// # Ok::<(), prune_schedule::KeyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// One epoch; 0 is before training.
    Epoch(u64),
    /// Every epoch from `first` to `last`, both included.
    Epochs {
        /// The first epoch.
        first: u64,
        /// The last epoch.
        last: u64,
    },
    /// Every epoch from 1 on that no other key names; written `-1`.
    OtherEpochs,
    /// Steps of the optimiser instead of epochs, counted from 1 over the whole training. If both are the same it is one
    /// step, written `100 steps`; otherwise it is a range, `100..=900 steps`.
    Steps {
        /// The first step.
        first: u64,
        /// The last step.
        last: u64,
    },
}

/// A key that names no epochs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are what the message beside them names")]
pub enum KeyError {
    /// A text is not an epoch.
    #[error(
        "`{text}` is not an epoch; write a whole number such as 10, a range such as '10..=20', -1 for all others, or steps \
         such as '100 steps'"
    )]
    Unreadable { text: String },
    /// An epoch is negative and not -1.
    #[error("epoch {found} is negative; only -1, which stands for every epoch not named, may be")]
    Negative { found: String },
    /// An epoch is past the last one possible.
    #[error("epoch {found} is too large; the last possible one is {LAST_EPOCH}")]
    TooLarge { found: String },
    /// A range is written without its `=`.
    #[error("range `{text}` leaves open whether its end belongs to it; write it with `..=`, such as '10..=20'")]
    RangeOpen { text: String },
    /// A range runs backwards.
    #[error("range {first}..={last}{unit} runs backwards; did you mean '{last}..={first}{unit}'?")]
    RangeReversed { first: u64, last: u64, unit: &'static str },
    /// A step is 0.
    #[error("steps count from 1, and `{found}` begins at 0; what happens before training is at epoch 0")]
    StepZero { found: String },
}

impl Key {
    /// True if the mask of a plain event floats: for a range of epochs and for `-1`.
    pub fn floats(self) -> bool {
        matches!(self, Key::Epochs { .. } | Key::OtherEpochs)
    }

    /// The first epoch or step named; `None` for `-1`.
    pub fn first(self) -> Option<u64> {
        self.span().map(|(first, _)| first)
    }

    /// The last epoch or step named; `None` for `-1`.
    pub fn last(self) -> Option<u64> {
        self.span().map(|(_, last)| last)
    }

    /// The first and the last epoch or step named.
    pub(crate) fn span(self) -> Option<(u64, u64)> {
        match self {
            Key::Epoch(epoch) => Some((epoch, epoch)),
            Key::Epochs { first, last } | Key::Steps { first, last } => Some((first, last)),
            Key::OtherEpochs => None,
        }
    }

    /// True if the key is written as a range.
    pub(crate) fn is_range(self) -> bool {
        matches!(self, Key::Epochs { .. }) || self.first() != self.last()
    }

    /// True if the key counts steps, not epochs.
    pub fn in_steps(self) -> bool {
        matches!(self, Key::Steps { .. })
    }

    /// The key with its unit, as errors begin: `epoch 10`, `step 100`, `epoch 10..=20`.
    pub fn named(self) -> String {
        match self {
            Key::Steps { first, last } if first == last => format!("step {first}"),
            Key::Steps { first, last } => format!("step {first}..={last}"),
            key => format!("epoch {key}"),
        }
    }

    /// Refuses a range that runs backwards, step 0, and anything past the last epoch.
    pub(crate) fn check(self) -> Result<(), KeyError> {
        let unit = if self.in_steps() { " steps" } else { "" };
        match self.span() {
            Some((first, last)) if first > last => Err(KeyError::RangeReversed { first, last, unit }),
            Some((0, _)) if self.in_steps() => Err(KeyError::StepZero { found: self.to_string() }),
            Some((_, last)) if last > LAST_EPOCH => Err(KeyError::TooLarge { found: last.to_string() }),
            _ => Ok(()),
        }
    }

    /// The key that a number stands for: an epoch, or -1 for all others.
    pub(crate) fn from_number(number: i64) -> Result<Self, KeyError> {
        match u64::try_from(number) {
            Ok(epoch) if epoch <= LAST_EPOCH => Ok(Key::Epoch(epoch)),
            Ok(_) => Err(KeyError::TooLarge { found: number.to_string() }),
            Err(_) if number == -1 => Ok(Key::OtherEpochs),
            Err(_) => Err(KeyError::Negative { found: number.to_string() }),
        }
    }

    /// The key that a text stands for.
    pub(crate) fn from_text(text: &str) -> Result<Self, KeyError> {
        let trimmed = text.trim_end();
        if let Some(times) = trimmed.strip_suffix("steps").or_else(|| trimmed.strip_suffix("step")) {
            if times.trim().is_empty() {
                return Err(KeyError::Unreadable { text: clip(text) });
            }
            let times = Self::from_text(times.trim_end()).map_err(|error| match error {
                KeyError::RangeReversed { first, last, .. } => KeyError::RangeReversed { first, last, unit: " steps" },
                other => other,
            });
            return match times? {
                Key::Epoch(0) | Key::Epochs { first: 0, .. } => Err(KeyError::StepZero { found: clip(text) }),
                Key::Epoch(step) => Ok(Key::Steps { first: step, last: step }),
                Key::Epochs { first, last } => Ok(Key::Steps { first, last }),
                Key::OtherEpochs | Key::Steps { .. } => Err(KeyError::Unreadable { text: clip(text) }),
            };
        }
        let Some((first, last)) = text.split_once("..") else { return Self::from_number(number(text, text)?) };
        let last = last.strip_prefix('=').ok_or_else(|| KeyError::RangeOpen { text: clip(text) })?;
        match (Self::from_number(number(first, text)?)?, Self::from_number(number(last, text)?)?) {
            (Key::Epoch(first), Key::Epoch(last)) if first > last => {
                Err(KeyError::RangeReversed { first, last, unit: "" })
            }
            (Key::Epoch(first), Key::Epoch(last)) => Ok(Key::Epochs { first, last }),
            _ => Err(KeyError::Negative { found: clip(text) }),
        }
    }
}

/// A whole number in decimal digits; `whole` is the key that it is part of.
fn number(part: &str, whole: &str) -> Result<i64, KeyError> {
    let part = part.trim();
    let digits = part.strip_prefix('-').unwrap_or(part);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(KeyError::Unreadable { text: clip(whole) });
    }
    part.parse().map_err(|_| KeyError::TooLarge { found: clip(part) })
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Epoch(epoch) => f.pad(&epoch.to_string()),
            Key::Epochs { first, last } => f.pad(&format!("{first}..={last}")),
            Key::OtherEpochs => f.pad("-1"),
            Key::Steps { first, last } if first == last => f.pad(&format!("{first} steps")),
            Key::Steps { first, last } => f.pad(&format!("{first}..={last} steps")),
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_text(text)
    }
}

impl From<u64> for Key {
    /// The key of this single epoch.
    fn from(epoch: u64) -> Self {
        Key::Epoch(epoch)
    }
}
