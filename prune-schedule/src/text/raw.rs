//! Makes a checked [`Strategy`] from the tree of a text.
//!
//! Every form and serde come through here, so a rule about texts is enforced once.

use prune_core::{Density, NmPattern, PatternError};

use crate::error::{Problem, StrategyError};
use crate::event::{Event, Scope};
use crate::key::Key;
use crate::method::{Method, ScopeKind, Structure};
use crate::strategy::{Strategy, check_clocks, check_keys};
use crate::tree::{EventFields, Node, NodeValue, SourceText};
use crate::value::{Grow, Piece, Regrow};
use crate::words::clip;

/// The field that names the method.
const METHOD: &str = "method";

/// The fields that state an amount. An event has at most one.
const AMOUNTS: [&str; 4] = ["density", "sparsity", "pattern", "prune_rate_pattern"];

/// The names of all fields.
fn fields() -> Vec<&'static str> {
    let options = crate::option::ALL.iter().flat_map(|option| option.fields.iter().copied());
    [METHOD].into_iter().chain(AMOUNTS).chain(options).collect()
}

impl Structure {
    /// The fields that state an amount for this structure.
    fn amounts(self) -> &'static [&'static str] {
        match self {
            Structure::Unstructured | Structure::Block | Structure::Channel => {
                &["density", "sparsity", "prune_rate_pattern"]
            }
            Structure::Nm => &["pattern", "prune_rate_pattern"],
            Structure::Set | Structure::Rigl => &[],
        }
    }
}

/// The strategy of a tree.
pub(crate) fn strategy(source: SourceText<'_>, tree: &Node) -> Result<Strategy, StrategyError> {
    let NodeValue::Table(entries) = &tree.value else {
        return source.refuse(tree, Problem::NotATable { found: tree.value.describe() });
    };
    let known = fields();
    let mut keys = Vec::with_capacity(entries.len());
    let mut events = Vec::with_capacity(entries.len());
    for (node, value) in entries {
        let key = key_of(&node.value).map_err(|problem| source.at(node)(problem.into()))?;
        keys.push((key, node.at));
        events.push(event(source, node, value, &known).map_err(|error| source.at(node)(error.in_key(key)))?);
    }
    check_keys(&keys.iter().map(|(key, _)| *key).collect::<Vec<_>>()).map_err(|clash| {
        let at = |key: usize| source.position(keys[key].1);
        StrategyError::from(clash.problem(at(clash.earlier))).at(at(clash.later))
    })?;
    for (((key, at), event), (_, written)) in keys.iter().zip(&events).zip(entries) {
        event.check(*key).map_err(|error| {
            let at = contradicting(&error, written).or(*at);
            error.at(source.position(at)).in_key(*key)
        })?;
    }
    check_clocks(keys.iter().map(|(key, _)| *key).zip(&events)).map_err(|error| {
        let steps = keys.iter().find(|(key, _)| key.in_steps()).and_then(|(_, at)| *at);
        error.at(source.position(steps))
    })?;
    Ok(Strategy::from_checked(keys.into_iter().map(|(key, _)| key).zip(events).collect()))
}

/// The offset of the field that contradicts the rest of an event, if that field is written.
fn contradicting(error: &StrategyError, event: &Node) -> Option<usize> {
    let (Problem::Contradiction { field, .. }, NodeValue::Table(fields)) = (error.problem(), &event.value) else {
        return None;
    };
    fields.iter().find(|(name, _)| name.value == NodeValue::text(*field)).and_then(|(_, value)| value.at)
}

fn key_of(key: &NodeValue) -> Result<Key, Problem> {
    match key {
        NodeValue::Int(number) => Ok(Key::from_number(*number)?),
        NodeValue::Text(text) => Ok(text.parse::<Key>()?),
        other => Err(Problem::KeyKind { found: other.describe() }),
    }
}

/// The event of an entry of the table.
fn event(source: SourceText<'_>, key: &Node, node: &Node, known: &[&'static str]) -> Result<Event, StrategyError> {
    let NodeValue::Table(entries) = &node.value else {
        return source.refuse(node, Problem::EventKind { found: node.value.describe() });
    };
    let written = EventFields::read(source, entries, known)?;
    let method = written.put(METHOD, None, |node, _| match &node.value {
        NodeValue::Text(name) => Ok(Some(name.parse::<Method>().map_err(Problem::from)?)),
        other => {
            let (field, wanted, found) = (METHOD, "a string such as 'unstr_global'", other.describe());
            Err(Problem::FieldValue { field, wanted, found }.into())
        }
    })?;
    let Some(method) = method else { return written.refuse(key, Problem::MethodMissing) };
    let event = bare(key, &written, method)?;
    crate::option::ALL.iter().try_fold(event, |event, option| (option.read)(&written, event))
}

/// The event with only its method and amount.
fn bare(key: &Node, written: &EventFields<'_, '_>, method: Method) -> Result<Event, StrategyError> {
    let Some((field, amount)) = amount(key, written, method)? else {
        let grow = match method.structure {
            Structure::Rigl => Grow::Gradient,
            _ => Grow::Random { seed: crate::option::seed::read(written)?.unwrap_or(0) },
        };
        return Ok(Event::regrow(Regrow::new(grow)));
    };
    let made = match method.structure {
        Structure::Nm => Event::n_m(scope(written, method, (field, amount), pattern)?),
        structure => {
            let scope = scope(written, method, (field, amount), density)?;
            match structure {
                Structure::Block => Event::pieces(scope, crate::option::unit::blocks(written, key, method.name())?),
                Structure::Channel => Event::pieces(scope, Piece::channels()),
                _ => Event::unstructured(scope),
            }
        }
    };
    made.map_err(written.at(amount))
}

/// The one field that states the amount, with its value; `None` if the method keeps the present amount.
fn amount<'n>(
    key: &Node,
    written: &EventFields<'_, 'n>,
    method: Method,
) -> Result<Option<(&'static str, &'n Node)>, StrategyError> {
    let mut amounts = AMOUNTS.iter().filter_map(|&name| written.entry(name).map(|entry| (name, entry)));
    let (fields, method) = (method.structure.amounts(), method.name());
    match (amounts.next(), amounts.next()) {
        (None, _) if fields.is_empty() => Ok(None),
        (Some((field, (node, _))), _) if fields.is_empty() => {
            written.refuse(node, Problem::AmountUnused { field, method })
        }
        (None, _) => written.refuse(key, Problem::AmountMissing { method, fields }),
        (Some((first, _)), Some((second, (node, _)))) => written.refuse(node, Problem::AmountTwice { first, second }),
        (Some((field, (node, _))), None) if !fields.contains(&field) => {
            written.refuse(node, Problem::AmountMismatch { field, method, fields })
        }
        (Some((field, (_, value))), None) => Ok(Some((field, value))),
    }
}

/// The amount of a method: one value or a table of values.
fn scope<T>(
    written: &EventFields<'_, '_>,
    method: Method,
    (field, node): (&'static str, &Node),
    read: fn(Method, &'static str, &Node) -> Result<T, Problem>,
) -> Result<Scope<T>, StrategyError> {
    let named = |scope| Method { scope, ..method }.name();
    let one = || read(method, field, node).map_err(|problem| written.at(node)(problem.into()));
    match (&node.value, method.scope) {
        (NodeValue::Table(_), ScopeKind::Global) => {
            let instead = named(ScopeKind::Local);
            written.refuse(node, Problem::TableUnderGlobal { method: method.name(), instead })
        }
        // A table under `_unified_local` means `_local`: the README of jax_pruning writes it so.
        (NodeValue::Table(entries), _) => {
            Ok(Scope::Local(written.layers(entries, |node| Ok::<_, StrategyError>(read(method, field, node)?))?))
        }
        (_, ScopeKind::UnifiedLocal) => Ok(Scope::UnifiedLocal(one()?)),
        (_, ScopeKind::Global) => Ok(Scope::Global(one()?)),
        (other, ScopeKind::Local) => {
            let (instead, example) = (named(ScopeKind::UnifiedLocal), example(method.structure, field));
            let found = other.describe();
            written.refuse(node, Problem::ScalarUnderLocal { method: method.name(), instead, example, found })
        }
    }
}

fn example(structure: Structure, field: &str) -> &'static str {
    match (structure, field) {
        (Structure::Nm, _) => "(2, 4)",
        (_, "sparsity") => "0.9",
        _ => "0.1",
    }
}

fn density(method: Method, field: &'static str, node: &Node) -> Result<Density, Problem> {
    let number = match node.value {
        NodeValue::Int(number) => number as f64,
        NodeValue::Float(number) => number,
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
        NodeValue::Text(text) => {
            return text.parse().map_err(|error| match error {
                PatternError::Unreadable { text } => PatternError::Unreadable { text: clip(&text) }.into(),
                other => other.into(),
            });
        }
        NodeValue::List(items) => items.iter().map(|item| match item.value {
            NodeValue::Int(number) => usize::try_from(number).map_err(|_| kind()),
            _ => Err(kind()),
        }),
        _ => return Err(kind()),
    };
    match numbers.collect::<Result<Vec<_>, _>>()?[..] {
        [n, m] => Ok(NmPattern::new(n, m)?),
        _ => Err(kind()),
    }
}
