//! Names and texts from outside, as messages show them.

use std::borrow::Cow;

/// The text with control characters, and those that are not seen or change the order of what is, as their escapes (`\n`,
/// `\u{1b}`, `\u{202e}`): whatever a file or a strategy calls its layers, a line of a message stays a line, tells a terminal
/// nothing, and two names that differ look different.
///
/// # Examples
///
/// ```
/// use prune_core::printable;
/// assert_eq!(printable("fc1.weight"), "fc1.weight");
/// assert_eq!(printable("\u{1b}[31mfc1\n"), r"\u{1b}[31mfc1\n");
/// assert_eq!(printable("fc\u{200b}1\u{202e}é"), r"fc\u{200b}1\u{202e}é");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// True of control characters, of those without width, and of those that end lines or turn the direction of writing.
fn is_hidden(character: char) -> bool {
    let unseen =
        matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    unseen || character.is_control()
}
