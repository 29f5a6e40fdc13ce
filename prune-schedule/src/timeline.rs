//! A strategy as a list: the time, layers and density of each event, without a model.

use core::fmt;

use prune_core::Density;
use serde::Serialize;

use crate::event::{Event, Target};
use crate::key::Key;
use crate::method::ScopeKind;
use crate::strategy::Strategy;
use crate::table::{Column, aligned};

/// The events of a strategy in the order in which they happen: one row per event, or one per layer if layers have
/// values of their own.
///
/// Displays as an aligned table with both the fraction kept and the fraction removed; serialises as its rows.
///
/// # Examples
///
/// ```
/// use prune_schedule::Strategy;
///
/// let strategy: Strategy = "{0: {'method': 'unstr_global', 'sparsity': 0.5},
///                           '3..=5': {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 0}}".parse()?;
/// assert_eq!(strategy.timeline().to_string(), "\
/// epoch                method             layers                        reaches                      how
/// 0 (before training)  unstr_global       all prunable layers together  keeps 50%, removes 50%
/// 3..=5                str_unified_local  each prunable layer           2:4: keeps 50%, removes 50%  axis 0; floats");
/// # Ok::<(), prune_schedule::StrategyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Timeline {
    rows: Vec<TimelineRow>,
}

/// One line of a [`Timeline`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TimelineRow {
    /// The key of the event.
    #[serde(rename = "epochs", serialize_with = "as_text")]
    pub key: Key,
    /// The method's name.
    pub method: &'static str,
    /// The layers concerned: a name, or words for a selection.
    pub layers: String,
    /// The target; for a moving density, the one at the end. `None` if the layers keep as many elements as they have.
    #[serde(serialize_with = "as_text_or_none")]
    pub target: Option<Target>,
    /// The density of the target; its [`Density::sparsity`] is the fraction removed.
    pub density: Option<Density>,
    /// Other properties: the axis, a floating mask, the way of reopening. Empty if there are none.
    pub how: String,
}

impl Strategy {
    /// The time and density of each event, without a model.
    pub fn timeline(&self) -> Timeline {
        Timeline { rows: self.events().flat_map(|(key, event)| rows(key, event)).collect() }
    }
}

impl Timeline {
    /// The rows.
    pub fn rows(&self) -> &[TimelineRow] {
        &self.rows
    }
}

fn rows(key: Key, event: &Event) -> Vec<TimelineRow> {
    let row = |layer: Option<&str>, target: Option<Target>| TimelineRow {
        key,
        method: event.method().name(),
        layers: layer.map_or_else(|| selection(event), str::to_owned),
        target,
        density: target.map(Target::density),
        how: how(key, event),
    };
    match event.targets() {
        none if none.is_empty() => vec![row(None, None)],
        targets => targets.into_iter().map(|(layer, target)| row(layer, Some(target))).collect(),
    }
}

/// The selection of an event without a table, in words.
pub(crate) fn selection(event: &Event) -> String {
    let list = |globs: &[crate::glob::Glob]| globs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let mut words = match event.method().scope {
        ScopeKind::Global => "all prunable layers together".to_owned(),
        _ if matches!(event.rule(), crate::event::Rule::Regrow(_)) => "each masked layer".to_owned(),
        ScopeKind::UnifiedLocal | ScopeKind::Local => "each prunable layer".to_owned(),
    };
    if !event.include().is_empty() {
        words = format!("{words} named {}", list(event.include()));
    }
    if !event.exclude().is_empty() {
        words = format!("{words} but {}", list(event.exclude()));
    }
    words
}

fn how(key: Key, event: &Event) -> String {
    let told = crate::option::ALL.iter().filter_map(|option| (option.tell)(key, event));
    told.collect::<Vec<_>>().join("; ")
}

/// A key in words.
fn when(key: Key) -> String {
    match key {
        Key::Epoch(0) => "0 (before training)".to_owned(),
        Key::OtherEpochs => "-1 (every other epoch)".to_owned(),
        named => named.to_string(),
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            return f.write_str("no events");
        }
        let header = ["epoch", "method", "layers", "reaches", "how"].map(|name| (name, Column::Left));
        let rows = self.rows.iter().map(|row| {
            let target = row.target.map_or_else(|| "as many as before".to_owned(), |target| target.to_string());
            [when(row.key), row.method.to_owned(), row.layers.clone(), target, row.how.clone()]
        });
        f.write_str(&aligned(&header, rows))
    }
}

fn as_text<T: fmt::Display, S: serde::Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn as_text_or_none<S: serde::Serializer>(target: &Option<Target>, serializer: S) -> Result<S::Ok, S::Error> {
    match target {
        Some(target) => serializer.collect_str(target),
        None => serializer.serialize_none(),
    }
}
