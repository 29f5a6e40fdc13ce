//! The errors of a strategy, and their places.

use core::fmt;

use prune_core::{DensityError, PatternError, Score};

use crate::key::{Key, KeyError};
use crate::method::MethodError;
use crate::value::FractionError;
use crate::words::{clip, did_you_mean, quoted};

/// A place in a text. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// The place of a byte offset. The time is proportional to the offset, so the place is computed only for an error.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.bytes().filter(|&b| b == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A strategy that was refused: the problem ([`Problem`]) and, as far as known, its place.
///
/// Reads as `line 3, column 24: epoch 10, layer `Dense_0-kernel`: density 1.5 is outside 0 < d <= 1 (..)`.
#[derive(Debug, Clone, PartialEq)]
pub struct StrategyError(Box<LocatedProblem>);

#[derive(Debug, Clone, PartialEq)]
struct LocatedProblem {
    position: Option<Position>,
    key: Option<Key>,
    layer: Option<String>,
    problem: Problem,
}

impl StrategyError {
    /// The problem.
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// The place in the text; `None` if the strategy did not come from a text.
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// The key of the strategy at which the problem is.
    pub fn key(&self) -> Option<Key> {
        self.0.key
    }

    /// The entry of a layer table at which the problem is.
    pub fn layer(&self) -> Option<&str> {
        self.0.layer.as_deref()
    }

    pub(crate) fn at(mut self, position: Option<Position>) -> Self {
        self.0.position = self.0.position.or(position);
        self
    }

    pub(crate) fn in_key(mut self, key: Key) -> Self {
        self.0.key.get_or_insert(key);
        self
    }

    pub(crate) fn in_layer(mut self, layer: &str) -> Self {
        self.0.layer.get_or_insert_with(|| clip(layer));
        self
    }
}

impl From<Problem> for StrategyError {
    fn from(problem: Problem) -> Self {
        StrategyError(Box::new(LocatedProblem { position: None, key: None, layer: None, problem }))
    }
}

impl fmt::Display for StrategyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LocatedProblem { position, key, layer, problem } = &*self.0;
        if let Some(position) = position {
            write!(f, "{position}: ")?;
        }
        match (key, layer) {
            (Some(key), Some(layer)) => write!(f, "{}, layer `{layer}`: ", key.named())?,
            (Some(key), None) => write!(f, "{}: ", key.named())?,
            (None, Some(layer)) => write!(f, "layer `{layer}`: ")?,
            (None, None) => {}
        }
        write!(f, "{problem}")
    }
}

impl core::error::Error for StrategyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.0.problem.source()
    }
}

/// A problem of a strategy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are what the message beside them names")]
pub enum Problem {
    /// There is no text.
    #[error("the strategy is empty; write `{{}}` for no events")]
    Empty,
    /// The text is not a Python literal or JSON.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// The text is not TOML.
    #[error("{why} (read as TOML, since it starts neither with `{{` nor with `name =`)")]
    Toml { why: String },
    /// The text holds something other than a table of events.
    #[error(
        "a strategy is a table from epochs to events, such as {{10: {{'method': .., 'density': ..}}}}; found {found}"
    )]
    NotATable { found: String },

    /// A key is not an epoch.
    #[error("an epoch is a whole number such as 10, a range such as '10..=20', or -1 for all others; found {found}")]
    KeyKind { found: String },
    /// A key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An epoch has two events.
    #[error("{} is written twice{}; {}", key.named(), other_at(other), one_event(key))]
    KeyTwice { key: Key, other: Option<Position> },
    /// An epoch lies in a range.
    #[error("{} lies inside the range {range}{}; {}", key.named(), other_at(other), one_event(key))]
    KeyInRange { key: Key, range: Key, other: Option<Position> },
    /// Two ranges have an epoch in common.
    #[error("range {range} overlaps the range {with}{}; {}", other_at(other), one_event(range))]
    RangesOverlap { range: Key, with: Key, other: Option<Position> },

    /// Masks float while steps make other masks.
    #[error(
        "the masks of {floating} float, and those of {steps} would be made in between; give the range a `schedule`, or \
         leave one of the two out"
    )]
    FloatsWithSteps { floating: Key, steps: Key },

    /// An event is not a table.
    #[error("an event is a table such as {{'method': 'unstr_global', 'density': 0.1}}; found {found}")]
    EventKind { found: String },
    /// A field's name is not text.
    #[error("a field's name is a string such as 'method'; found {found}")]
    FieldKind { found: String },
    /// A field is written twice.
    #[error("field `{field}` is written twice{}", other_at(other))]
    FieldTwice { field: &'static str, other: Option<Position> },
    /// There is no such field.
    #[error("unknown field `{field}`{}; the fields are {}", did_you_mean(nearest), quoted(known))]
    UnknownField { field: String, nearest: Option<String>, known: Vec<&'static str> },
    /// An event has no method.
    #[error("the event has no `method`; write one of {}", crate::method::names())]
    MethodMissing,
    /// There is no such method.
    #[error(transparent)]
    UnknownMethod(#[from] MethodError),

    /// Nothing says how much is kept.
    #[error("`{method}` needs one of {}", quoted(fields))]
    AmountMissing { method: &'static str, fields: &'static [&'static str] },
    /// Two fields say how much is kept.
    #[error("`{first}` and `{second}` both say how much is kept; write one of them")]
    AmountTwice { first: &'static str, second: &'static str },
    /// The field does not fit the method.
    #[error("`{field}` does not go with `{method}`, which needs one of {}", quoted(fields))]
    AmountMismatch { field: &'static str, method: &'static str, fields: &'static [&'static str] },
    /// A table of layers stands where one value is needed.
    #[error(
        "`{method}` ranks all layers together and takes one value, found a table; for a value per layer write \
         'method': '{instead}'"
    )]
    TableUnderGlobal { method: &'static str, instead: &'static str },
    /// One value stands where a table of layers is needed.
    #[error(
        "`{method}` takes a table from layers to values, such as {{'Dense_0-kernel': {example}}}, found {found}; for \
         the same value in every layer write 'method': '{instead}'"
    )]
    ScalarUnderLocal { method: &'static str, instead: &'static str, example: &'static str, found: String },
    /// A table of layers has no entry.
    #[error("`{method}` is given an empty table, which selects no layer; name at least one")]
    EmptyTable { method: &'static str },
    /// A layer's name is not text.
    #[error("a layer's name is a string such as 'Dense_0-kernel'; found {found}")]
    LayerKind { found: String },
    /// A layer is written twice.
    #[error("the layer is written twice{}", other_at(other))]
    LayerTwice { other: Option<Position> },
    /// A density is not a number.
    #[error("with `{method}`, `{field}` is a number such as {example}; found {found}")]
    DensityKind { field: &'static str, method: &'static str, example: &'static str, found: String },
    /// A number is not a density.
    #[error(transparent)]
    Density(#[from] DensityError),
    /// An N:M pattern is of the wrong kind.
    #[error("with `{method}`, `{field}` is N:M, N kept of every M, such as '2:4' or (2, 4); found {found}")]
    PatternKind { field: &'static str, method: &'static str, found: String },
    /// An N:M pattern is impossible.
    #[error(transparent)]
    Pattern(#[from] PatternError),

    /// A field is of the wrong kind.
    #[error("`{field}` is {wanted}; found {found}")]
    FieldValue { field: &'static str, wanted: &'static str, found: String },
    /// A number is not a fraction.
    #[error(transparent)]
    Fraction(#[from] FractionError),
    /// A field holds an unknown word.
    #[error("`{field}` knows no `{word}`{}; write {wanted}", did_you_mean(nearest))]
    UnknownWord { field: &'static str, word: String, nearest: Option<String>, wanted: &'static str },
    /// A field contradicts the other fields.
    #[error("`{field}` does not fit: {why}")]
    Contradiction { field: &'static str, why: String },
    /// There is no such score.
    #[error("unknown score `{name}`{}; the scores are {}", did_you_mean(nearest), quoted(&Score::names().collect::<Vec<_>>()))]
    UnknownScore { name: String, nearest: Option<String> },
    /// A field states an amount, but the method keeps the present amount.
    #[error("`{method}` keeps as much as there is; leave `{field}` out")]
    AmountUnused { field: &'static str, method: &'static str },

    /// An event without groups has an axis.
    #[error(
        "`axis` says along which axis N:M groups run, or outputs where `ranking` is 'output'; `{method}` has neither here, \
         so leave it out"
    )]
    AxisUnstructured { method: &'static str },
    /// An event with groups over all layers has an axis.
    #[error("`str_global` groups over all selected layers, one after the other, along no axis; leave `axis` out")]
    AxisGlobal,
    /// `include` is an empty list.
    #[error("`include` is an empty list, which selects no layer; leave it out to select every prunable layer")]
    IncludeEmpty,
    /// An event has both a pattern over names and a table of layers.
    #[error("`{field}` does not go with `{method}`, whose table names its layers already")]
    GlobWithTable { field: &'static str, method: &'static str },
    /// There is no such way to reopen.
    #[error("unknown way to reopen, `{name}`{}; write 'random' or 'gradient'", did_you_mean(nearest))]
    UnknownReopen { name: String, nearest: Option<String> },
    /// An event has a seed but draws nothing.
    #[error("`seed` is for what is drawn, and nothing of this event is; leave it out")]
    SeedUnused,

    /// Epochs cannot be scaled from zero or to zero.
    #[error("a strategy for {from} epochs cannot be scaled to {to}; both must be at least 1")]
    ScaleZero { from: u64, to: u64 },
    /// Scaling puts two events at one epoch.
    #[error("scaled from {from} epochs to {to}, both {first} and {second} would fall on epoch {time}")]
    ScaleCollision { from: u64, to: u64, first: Key, second: Key, time: u64 },
}

/// Text that is neither a Python literal nor JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are what the message beside them names")]
pub enum SyntaxError {
    /// Something else was expected here.
    #[error("expected {wanted}, found {found}")]
    Expected { wanted: &'static str, found: String },
    /// The text ends inside something.
    #[error("the text ends inside the `{bracket}` opened at {opened}")]
    Unclosed { bracket: char, opened: Position },
    /// A string does not end on its line.
    #[error("the string is not closed on its line")]
    UnclosedString,
    /// An escape is unknown or names no character.
    #[error("the escape `\\{escape}` in a string stands for no character; write `\\\\` for a backslash")]
    Escape { escape: String },
    /// A bare word is not a value.
    #[error("`{word}` is no value; text goes in quotes")]
    Word { word: String },
    /// A number is malformed.
    #[error("`{text}` is not a number")]
    Number { text: String },
    /// A number is too large.
    #[error("the number {text} is too large")]
    NumberTooLarge { text: String },
    /// Brackets are nested too deep, or the tables of a dotted key are.
    #[error("this is nested more than {limit} deep; a strategy needs four levels at most")]
    TooDeep { limit: usize },
    /// Something follows the strategy.
    #[error("the strategy ends before this, but {found} follows")]
    Trailing { found: String },
}

fn other_at(position: &Option<Position>) -> String {
    position.map(|position| format!(" (the other is at {position})")).unwrap_or_default()
}

fn one_event(key: &Key) -> &'static str {
    if key.in_steps() { "each step has one event" } else { "each epoch has one event" }
}
