//! A user's words in messages: shortened, and with the known words that are most likely meant.

use core::fmt;

use prune_core::printable;

/// At most the first 60 characters of a user's text, with control characters as escapes, so that messages stay short
/// and cannot control a terminal.
pub(crate) fn clip(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}..", printable(&text[..end])),
        None => printable(text).into_owned(),
    }
}

/// The known name that a misspelt one most likely means. Names of more than 200 bytes get no hint, since the time of
/// the comparison is proportional to the product of the lengths.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if name.len() > 200 { None } else { prune_core::nearest(name, known) }
}

pub(crate) fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!(" (did you mean `{}`?)", printable(name))).unwrap_or_default()
}

/// `a`, `b` and `c`, in backticks.
pub(crate) fn quoted<N: fmt::Display>(names: &[N]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
