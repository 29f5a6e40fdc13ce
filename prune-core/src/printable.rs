//! Names and texts from outside, as messages show them.

use std::borrow::Cow;

/// The text with control characters as their escapes (`\n`, `\u{1b}`), so that whatever a file or a strategy calls its
/// layers, a line of a message stays a line and tells a terminal nothing.
///
/// # Examples
///
/// ```
/// use prune_core::printable;
/// assert_eq!(printable("fc1.weight"), "fc1.weight");
/// assert_eq!(printable("\u{1b}[31mfc1\n"), r"\u{1b}[31mfc1\n");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}
