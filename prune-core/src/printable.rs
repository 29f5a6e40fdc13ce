//! Makes names and texts from outside safe to show in messages.

use std::borrow::Cow;

/// Escapes control characters, and characters that are invisible or change the order of others (`\n`, `\u{1b}`,
/// `\u{202e}`). So a message stays one line and sends no commands to a terminal, whatever a file or a strategy calls
/// its layers, and two names that differ look different.
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

/// True for control characters, for characters without width, and for those that end lines or turn the direction of
/// writing.
fn is_hidden(character: char) -> bool {
    let unseen =
        matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    unseen || character.is_control()
}
