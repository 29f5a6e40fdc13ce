//! Writes a [`Strategy`] as text, which reads back to an equal strategy.

use core::fmt::Write as _;

use crate::event::{Event, Rule, Scope};
use crate::key::Key;
use crate::strategy::Strategy;
use crate::tree::{Node, NodeValue};

/// The spelling of values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Python,
    Json,
    Toml,
}

pub(crate) fn python(strategy: &Strategy) -> String {
    braces(strategy, Form::Python)
}

pub(crate) fn json(strategy: &Strategy) -> String {
    braces(strategy, Form::Json)
}

/// A table of events in braces: one line for a single event, otherwise one line per event.
fn braces(strategy: &Strategy, form: Form) -> String {
    let mut out = String::from("{");
    let several = strategy.len() > 1;
    for (i, (key, event)) in strategy.events().enumerate() {
        out.push_str(match (i, several) {
            (0, true) => "\n    ",
            (0, false) => "",
            _ => ",\n    ",
        });
        write_value(&mut out, &key_node(key, form), form);
        out.push_str(": ");
        write_value(&mut out, &table(event, form), form);
    }
    out.push_str(if several { "\n}" } else { "}" });
    out
}

/// A table per epoch. A strategy without events is `{}`, since an empty text is refused.
pub(crate) fn toml(strategy: &Strategy) -> String {
    if strategy.is_empty() {
        return "{}\n".to_owned();
    }
    let mut out = String::new();
    for (i, (key, event)) in strategy.events().enumerate() {
        let header = toml_key(&key.to_string());
        let separator = if i == 0 { "" } else { "\n" };
        let _ = writeln!(out, "{separator}[{header}]");
        let fields = fields(event, Form::Toml);
        for (name, value) in &fields {
            if !matches!(value, NodeValue::Table(_)) {
                let _ = write!(out, "{name} = ");
                write_value(&mut out, value, Form::Toml);
                out.push('\n');
            }
        }
        for (name, value) in &fields {
            let NodeValue::Table(entries) = value else { continue };
            let _ = writeln!(out, "\n[{header}.{name}]");
            for (layer, value) in entries {
                if let NodeValue::Text(layer) = &layer.value {
                    let _ = write!(out, "{} = ", toml_key(layer));
                }
                write_value(&mut out, &value.value, Form::Toml);
                out.push('\n');
            }
        }
    }
    out
}

/// The tree for serde. Its keys are text, which every format has.
pub(crate) fn tree(strategy: &Strategy) -> Node {
    let entries = strategy
        .events()
        .map(|(key, event)| (NodeValue::Text(key.to_string()).into(), table(event, Form::Json).into()));
    NodeValue::Table(entries.collect()).into()
}

fn key_node(key: Key, form: Form) -> NodeValue {
    match (form, key) {
        (Form::Python, Key::Epoch(epoch)) => {
            i64::try_from(epoch).map_or(NodeValue::Text(key.to_string()), NodeValue::Int)
        }
        (Form::Python, Key::OtherEpochs) => NodeValue::Int(-1),
        _ => NodeValue::Text(key.to_string()),
    }
}

fn table(event: &Event, form: Form) -> NodeValue {
    let fields = fields(event, form);
    NodeValue::Table(fields.into_iter().map(|(name, value)| (NodeValue::text(name).into(), value.into())).collect())
}

/// The fields that describe an event completely, without those at their default.
fn fields(event: &Event, form: Form) -> Vec<(&'static str, NodeValue)> {
    let mut fields = vec![("method", NodeValue::text(event.method().name()))];
    match event.rule() {
        Rule::Unstructured { scope: values, .. } | Rule::Pieces { scope: values, .. } => {
            fields.push(("density", scope(values, |density| NodeValue::Float(density.get()))))
        }
        Rule::Nm { scope: values, .. } => {
            let pattern =
                scope(values, |pattern| match (form, i64::try_from(pattern.n()), i64::try_from(pattern.m())) {
                    (Form::Python, Ok(n), Ok(m)) => NodeValue::List([n, m].map(|n| NodeValue::Int(n).into()).into()),
                    // Also for numbers too large for Python's form.
                    _ => NodeValue::Text(pattern.to_string()),
                });
            fields.push(("pattern", pattern));
        }
        Rule::Regrow(_) => {}
    }
    fields.extend(crate::option::ALL.iter().flat_map(|option| (option.write)(event)));
    fields
}

fn scope<T>(scope: &Scope<T>, value: impl Fn(&T) -> NodeValue) -> NodeValue {
    match scope {
        Scope::UnifiedLocal(one) | Scope::Global(one) => value(one),
        Scope::Local(layers) => NodeValue::Table(
            layers.iter().map(|(name, one)| (NodeValue::text(name).into(), value(one).into())).collect(),
        ),
    }
}

fn write_value(out: &mut String, value: &NodeValue, form: Form) {
    let python = form == Form::Python;
    match value {
        NodeValue::Null => out.push_str(if python { "None" } else { "null" }),
        NodeValue::Bool(true) => out.push_str(if python { "True" } else { "true" }),
        NodeValue::Bool(false) => out.push_str(if python { "False" } else { "false" }),
        NodeValue::Int(number) => {
            let _ = write!(out, "{number}");
        }
        // Debug writes the fewest digits that read back to the same number, with an exponent if that is shorter.
        NodeValue::Float(number) => {
            let _ = write!(out, "{number:?}");
        }
        NodeValue::Text(text) | NodeValue::Date(text) => write_string(out, text, form),
        NodeValue::List(items) => {
            // A list of integers is an N:M pattern, which Python writes as a tuple.
            let tuple = python && items.iter().all(|item| matches!(item.value, NodeValue::Int(_)));
            out.push(if tuple { '(' } else { '[' });
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                write_value(out, &item.value, form);
            }
            out.push(if tuple { ')' } else { ']' });
        }
        NodeValue::Table(entries) => {
            out.push('{');
            for (i, (key, value)) in entries.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                write_value(out, &key.value, form);
                out.push_str(": ");
                write_value(out, &value.value, form);
            }
            out.push('}');
        }
    }
}

/// A string in quotes. Control characters are written as `\u00XX`, which all three forms read.
fn write_string(out: &mut String, text: &str, form: Form) {
    let quote = if form == Form::Python { '\'' } else { '"' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c == quote => out.extend(['\\', quote]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// A key of TOML: without quotes if that is allowed.
fn toml_key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if bare {
        return name.to_owned();
    }
    let mut out = String::new();
    write_string(&mut out, name, Form::Toml);
    out
}
