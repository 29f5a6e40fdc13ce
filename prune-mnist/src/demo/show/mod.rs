//! What the demo prints: lines and tables on standard output, warnings and the progress bar on standard error.

mod comparison;
mod console;
mod intro;
mod rows;
mod table;

pub(crate) use self::comparison::{activations, comparison};
pub(crate) use self::console::Bar;
pub use self::console::Console;
pub(crate) use self::intro::{Intro, intro};
pub(crate) use self::rows::{event, header, later, row};

/// A fraction in percent with two decimals.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.2}%", fraction * 100.0)
}

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

/// A shape as people write it: `3x3x1x32`.
fn shape(sides: &[usize]) -> String {
    sides.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 60_000, 1_234_567].map(thousands), ["0", "999", "1,000", "60,000", "1,234,567"]);
        assert_eq!([0.0, 0.98765, 1.0].map(percent), ["0.00%", "98.77%", "100.00%"]);
        assert_eq!(shape(&[3, 3, 1, 32]), "3x3x1x32");
    }
}
