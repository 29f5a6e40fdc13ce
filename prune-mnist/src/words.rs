//! Numbers and paths as the programs print them.

use std::path::Path;

/// A number with commas, as in 60,000.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A fraction in percent with two decimals.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.2}%", fraction * 100.0)
}

/// A number with its noun: `1 epoch`, `7 epochs`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A number as the user gave it; with a power of ten if it would take many digits.
pub(crate) fn number(number: f64) -> String {
    if number != 0.0 && !(1e-6..1e7).contains(&number.abs()) { format!("{number:e}") } else { number.to_string() }
}

/// A path in shell syntax: quoted if it has other characters than letters, digits and the usual marks.
pub(crate) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A measured number with four decimals; with a power of ten if it is large.
pub(crate) fn decimals(number: f64) -> String {
    if number.abs() < 1e5 { format!("{number:.4}") } else { format!("{number:.2e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_have_commas() {
        assert_eq!([0, 999, 1000, 60_000, 1_234_567].map(thousands), ["0", "999", "1,000", "60,000", "1,234,567"]);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!([0.0, 0.98765, 1.0].map(percent), ["0.00%", "98.77%", "100.00%"]);
        assert_eq!(["out", "a b", "it's"].map(|path| shell_word(Path::new(path))), ["out", "'a b'", r"'it'\''s'"]);
        assert_eq!([counted(1, "epoch"), counted(7, "epoch")], ["1 epoch", "7 epochs"]);
        assert_eq!(
            [0.0, 0.1, 1000.0, 5e-4, 1e300, -2.5e-12].map(number),
            ["0", "0.1", "1000", "0.0005", "1e300", "-2.5e-12"]
        );
        assert_eq!([0.0, 0.12346, 99_999.0, 1e30].map(decimals), ["0.0000", "0.1235", "99999.0000", "1.00e30"]);
    }
}
