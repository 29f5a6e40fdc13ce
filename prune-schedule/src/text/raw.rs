//! From the tree of what was written to a checked [`Strategy`].
//!
//! Every form and the serde door come through here, so a rule about what may be written is enforced once.

use std::collections::{BTreeMap, HashMap};

use prune_core::{Density, NmPattern, PatternError};

use super::node::{Node, Value};
use crate::axis::GroupAxis;
use crate::epoch::Epochs;
use crate::error::nearest;
use crate::error::{Position, Problem, StrategyError, clip, quoted};
use crate::event::{Event, Scope};
use crate::glob::Glob;
use crate::method::{Method, ScopeKind, Structure};
use crate::reopen::Reopen;
use crate::strategy::Strategy;

/// The fields of an event. A new one is a line here and a file that reads and writes it.
const FIELDS: [&str; 10] =
    ["method", "density", "sparsity", "pattern", "prune_rate_pattern", "axis", "include", "exclude", "reopen", "seed"];

/// The fields that say how much is kept, of which an event has exactly one.
const AMOUNTS: [&str; 4] = ["density", "sparsity", "pattern", "prune_rate_pattern"];

impl Structure {
    /// Those of the fields above that fit.
    fn amounts(self) -> &'static [&'static str] {
        match self {
            Structure::Unstructured => &["density", "sparsity", "prune_rate_pattern"],
            Structure::NOfM => &["pattern", "prune_rate_pattern"],
        }
    }
}

/// The names of all fields, for an error.
pub(crate) fn field_names() -> String {
    quoted(&FIELDS)
}

/// The text that offsets point into, if there is one.
#[derive(Clone, Copy)]
pub(crate) struct Source<'t>(Option<&'t str>);

impl<'t> Source<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Source(Some(text))
    }

    pub(crate) fn none() -> Self {
        Source(None)
    }

    fn position(self, at: Option<usize>) -> Option<Position> {
        Some(Position::of(self.0?, at?))
    }

    /// Says where a problem is.
    fn at(self, node: &Node) -> impl Fn(StrategyError) -> StrategyError {
        let at = node.at;
        move |error| if error.position().is_some() { error } else { error.at(self.position(at)) }
    }

    fn refuse<T>(self, node: &Node, problem: Problem) -> Result<T, StrategyError> {
        Err(self.at(node)(problem.into()))
    }
}

/// The strategy that a tree stands for.
pub(crate) fn strategy(source: Source<'_>, tree: &Node) -> Result<Strategy, StrategyError> {
    let Value::Table(entries) = &tree.value else {
        return source.refuse(tree, Problem::NotATable { found: tree.value.describe() });
    };
    let mut keys = Vec::with_capacity(entries.len());
    let mut events = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let epochs = epochs(&key.value).map_err(|problem| source.at(key)(problem.into()))?;
        keys.push((epochs, key.at));
        events.push(event(source, key, value).map_err(|error| source.at(key)(error.in_epochs(epochs)))?);
    }
    check_keys(source, &keys)?;
    Ok(Strategy::from_checked(keys.into_iter().map(|(epochs, _)| epochs).zip(events).collect()))
}

fn epochs(key: &Value) -> Result<Epochs, Problem> {
    match key {
        Value::Int(number) => Epochs::from_number(*number),
        Value::Text(text) => Epochs::from_text(text),
        other => Err(Problem::EpochKind { found: other.describe() }),
    }
}

/// Refuses two keys that have an epoch in common; speaks of the later one in the text.
pub(crate) fn check_keys(source: Source<'_>, keys: &[(Epochs, Option<usize>)]) -> Result<(), StrategyError> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    let span = |index: usize| match keys[index].0 {
        Epochs::At(epoch) => (epoch, epoch),
        Epochs::Range { first, last } => (first, last),
        Epochs::Others => (u64::MAX, u64::MAX),
    };
    order.sort_by_key(|&index| (span(index), index));
    // Sorted by their first epochs, some two overlap only if two neighbours do.
    let Some(pair) = order.windows(2).find(|pair| span(pair[1]).0 <= span(pair[0]).1) else { return Ok(()) };
    let (earlier, later) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
    let (this, this_at) = keys[later];
    let (that, that_at) = keys[earlier];
    let other = source.position(that_at);
    let problem = match (this, that) {
        _ if this == that => Problem::EpochTwice { epochs: this, other },
        (Epochs::Range { .. }, Epochs::Range { .. }) => Problem::RangesOverlap { range: this, with: that, other },
        (Epochs::Range { .. }, _) => Problem::EpochInRange { epoch: that, range: this, other },
        _ => Problem::EpochInRange { epoch: this, range: that, other },
    };
    Err(StrategyError::from(problem).at(source.position(this_at)))
}

/// The fields of an event, each known and written once, in the order of [`FIELDS`].
struct Fields<'n>([Option<(&'n Node, &'n Node)>; FIELDS.len()]);

impl<'n> Fields<'n> {
    fn read(source: Source<'_>, entries: &'n [(Node, Node)]) -> Result<Self, StrategyError> {
        let mut fields = Fields([None; FIELDS.len()]);
        for (key, value) in entries {
            let Value::Text(name) = &key.value else {
                return source.refuse(key, Problem::FieldKind { found: key.value.describe() });
            };
            let Some(index) = FIELDS.iter().position(|known| known == name) else {
                let nearest = nearest(name, FIELDS).map(str::to_owned);
                return source.refuse(key, Problem::UnknownField { field: clip(name), nearest });
            };
            if let Some((first, _)) = fields.0[index] {
                let other = source.position(first.at);
                return source.refuse(key, Problem::FieldTwice { field: FIELDS[index], other });
            }
            fields.0[index] = Some((key, value));
        }
        Ok(fields)
    }

    /// The value of a field.
    fn get(&self, name: &str) -> Option<&'n Node> {
        self.entry(name).map(|(_, value)| value)
    }

    fn entry(&self, name: &str) -> Option<(&'n Node, &'n Node)> {
        self.0[FIELDS.iter().position(|known| *known == name)?]
    }
}

/// The event that an entry of the table stands for.
fn event(source: Source<'_>, key: &Node, node: &Node) -> Result<Event, StrategyError> {
    let Value::Table(entries) = &node.value else {
        return source.refuse(node, Problem::EventKind { found: node.value.describe() });
    };
    let fields = Fields::read(source, entries)?;
    let method = match fields.get("method") {
        None => return source.refuse(key, Problem::MethodMissing),
        Some(node) => match &node.value {
            Value::Text(name) => Method::from_name(name).map_err(|problem| source.at(node)(problem.into()))?,
            other => return source.refuse(node, Problem::MethodKind { found: other.describe() }),
        },
    };
    let (field, amount) = amount(source, key, &fields, method)?;
    let made = match method.structure {
        Structure::Unstructured => {
            Event::unstructured(scope(source, method, field, amount, |node| density(method, field, node))?)
        }
        Structure::NOfM => Event::n_of_m(scope(source, method, field, amount, |node| pattern(method, field, node))?),
    };
    let mut event = made.map_err(source.at(amount))?;
    if let Some(node) = fields.get("axis") {
        event = GroupAxis::read(node).and_then(|axis| event.axis(axis)).map_err(source.at(node))?;
    }
    if let Some(node) = fields.get("include") {
        event = globs("include", node).and_then(|globs| event.include(globs)).map_err(source.at(node))?;
    }
    if let Some(node) = fields.get("exclude") {
        event = globs("exclude", node).and_then(|globs| event.exclude(globs)).map_err(source.at(node))?;
    }
    let (how, seed) = (fields.get("reopen"), fields.get("seed"));
    match Reopen::read(how, seed) {
        Ok(Some(how)) => event = event.reopen(how),
        Ok(None) => {}
        Err(problem @ (Problem::SeedKind { .. } | Problem::SeedUnused)) => {
            return source.refuse(seed.unwrap_or(key), problem);
        }
        Err(problem) => return source.refuse(how.unwrap_or(key), problem),
    }
    Ok(event)
}

/// The one field that says how much is kept, with its value.
fn amount<'n>(
    source: Source<'_>,
    key: &Node,
    fields: &Fields<'n>,
    method: Method,
) -> Result<(&'static str, &'n Node), StrategyError> {
    let mut written = AMOUNTS.iter().filter_map(|&name| fields.entry(name).map(|entry| (name, entry)));
    let allowed = method.structure.amounts();
    match (written.next(), written.next()) {
        (None, _) => source.refuse(key, Problem::AmountMissing { method: method.name(), fields: allowed }),
        (Some((first, _)), Some((second, (node, _)))) => source.refuse(node, Problem::AmountTwice { first, second }),
        (Some((field, (node, _))), None) if !allowed.contains(&field) => {
            source.refuse(node, Problem::AmountMismatch { field, method: method.name(), fields: allowed })
        }
        (Some((field, (_, value))), None) => Ok((field, value)),
    }
}

/// One value or a table of them, whichever the method takes.
fn scope<T>(
    source: Source<'_>,
    method: Method,
    field: &'static str,
    node: &Node,
    read: impl Fn(&Node) -> Result<T, Problem>,
) -> Result<Scope<T>, StrategyError> {
    let named = |scope| Method { scope, ..method }.name();
    let one = || read(node).map_err(|problem| source.at(node)(problem.into()));
    match (&node.value, method.scope) {
        (Value::Table(_), ScopeKind::Global) => {
            let instead = named(ScopeKind::Local);
            source.refuse(node, Problem::TableUnderGlobal { method: method.name(), instead })
        }
        // A table under `_unified_local` means `_local`: the original README writes it so.
        (Value::Table(entries), _) => Ok(Scope::Local(layers(source, entries, read)?)),
        (_, ScopeKind::UnifiedLocal) => Ok(Scope::UnifiedLocal(one()?)),
        (_, ScopeKind::Global) => Ok(Scope::Global(one()?)),
        (other, ScopeKind::Local) => {
            let problem = Problem::ScalarUnderLocal {
                method: method.name(),
                instead: named(ScopeKind::UnifiedLocal),
                example: example(method.structure, field),
                found: other.describe(),
            };
            source.refuse(node, problem)
        }
    }
}

fn example(structure: Structure, field: &str) -> &'static str {
    match (structure, field) {
        (Structure::Unstructured, "sparsity") => "0.9",
        (Structure::Unstructured, _) => "0.1",
        (Structure::NOfM, _) => "(2, 4)",
    }
}

fn layers<T>(
    source: Source<'_>,
    entries: &[(Node, Node)],
    read: impl Fn(&Node) -> Result<T, Problem>,
) -> Result<BTreeMap<String, T>, StrategyError> {
    let mut seen: HashMap<&str, Option<usize>> = HashMap::with_capacity(entries.len());
    let mut layers = BTreeMap::new();
    for (key, node) in entries {
        let Value::Text(name) = &key.value else {
            return source.refuse(key, Problem::LayerKind { found: key.value.describe() });
        };
        if let Some(first) = seen.insert(name, key.at) {
            let problem = Problem::LayerTwice { other: source.position(first) };
            return Err(source.at(key)(StrategyError::from(problem).in_layer(name)));
        }
        let value = read(node).map_err(|problem| source.at(node)(StrategyError::from(problem).in_layer(name)))?;
        layers.insert(name.clone(), value);
    }
    Ok(layers)
}

fn density(method: Method, field: &'static str, node: &Node) -> Result<Density, Problem> {
    let number = match node.value {
        Value::Int(number) => number as f64,
        Value::Float(number) => number,
        ref other => {
            let example = example(method.structure, field);
            return Err(Problem::DensityKind { field, method: method.name(), example, found: other.describe() });
        }
    };
    Ok(if field == "sparsity" { Density::from_sparsity(number)? } else { Density::new(number)? })
}

fn pattern(method: Method, field: &'static str, node: &Node) -> Result<NmPattern, Problem> {
    let kind = || Problem::PatternKind { field, method: method.name(), found: node.value.describe() };
    let numbers = match &node.value {
        Value::Text(text) => {
            return text.parse().map_err(|error| match error {
                PatternError::Unreadable { text } => PatternError::Unreadable { text: clip(&text) }.into(),
                other => other.into(),
            });
        }
        Value::List(items) => items.iter().map(|item| match item.value {
            Value::Int(number) => usize::try_from(number).map_err(|_| kind()),
            _ => Err(kind()),
        }),
        _ => return Err(kind()),
    };
    match numbers.collect::<Result<Vec<_>, _>>()?[..] {
        [n, m] => Ok(NmPattern::new(n, m)?),
        _ => Err(kind()),
    }
}

/// One pattern over names, or a list of them.
fn globs(field: &'static str, node: &Node) -> Result<Vec<Glob>, StrategyError> {
    let one = |node: &Node| match &node.value {
        Value::Text(pattern) => Ok(Glob::new(pattern)),
        other => Err(StrategyError::from(Problem::GlobKind { field, found: other.describe() })),
    };
    match &node.value {
        Value::List(items) => items.iter().map(one).collect(),
        _ => Ok(vec![one(node)?]),
    }
}
