//! Words of a user's in messages: shown in part, and the known ones that they most likely mean.

use core::fmt;

use prune_core::printable;

/// At most the first 60 characters of something that a user wrote, control characters as escapes, so that a message stays
/// a message and tells a terminal nothing.
pub(crate) fn clip(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}..", printable(&text[..end])),
        None => printable(text).into_owned(),
    }
}

/// The known name that a misspelt one most likely means. Nobody types more than 200 letters; the comparison takes time
/// in proportion to the product of the lengths, so beyond that there is no hint.
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
