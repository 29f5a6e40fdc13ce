//! Densities in words: always both the fraction kept and the fraction removed.

use core::fmt;

use prune_core::{Density, NmPattern};

/// Shows a density both ways: `keeps 10%, removes 90%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BothWays {
    kept: f64,
    removed: f64,
}

impl From<Density> for BothWays {
    fn from(density: Density) -> Self {
        BothWays { kept: density.get(), removed: density.sparsity() }
    }
}

impl From<NmPattern> for BothWays {
    fn from(pattern: NmPattern) -> Self {
        let (n, m) = (pattern.n() as f64, pattern.m() as f64);
        BothWays { kept: n / m, removed: (m - n) / m }
    }
}

impl fmt::Display for BothWays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // If the removed fraction rounds to 1, the density still keeps something.
        let removed = if self.removed == 1.0 { NEARLY_ALL.to_owned() } else { percent(self.removed) };
        f.pad(&format!("keeps {}, removes {removed}", percent(self.kept)))
    }
}

const NEARLY_ALL: &str = "> 99.99%";
const NEARLY_NOTHING: &str = "< 0.01%";

/// A fraction in percent, with as many digits as it needs. The decimal point moves within the printed digits of the
/// number, so 0.29 is 29%, not 28.999999999999996%. A number with more than twelve decimals was not written by a
/// person, and is rounded to two. If that would show 0% or 100% for a fraction that is neither, the text is `< 0.01%`
/// or `> 99.99%`.
pub(crate) fn percent(fraction: f64) -> String {
    let text = format!("{fraction}");
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    if decimals.len() > 12 {
        let rounded = format!("{:.2}", fraction * 100.0);
        return match rounded.as_str() {
            "0.00" => NEARLY_NOTHING.to_owned(),
            "100.00" => NEARLY_ALL.to_owned(),
            rounded => format!("{}%", rounded.trim_end_matches('0').trim_end_matches('.')),
        };
    }
    let padded = format!("{decimals:0<2}");
    let (shifted, rest) = padded.split_at(2);
    let whole = format!("{whole}{shifted}");
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    if rest.is_empty() { format!("{whole}%") } else { format!("{whole}.{rest}%") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_moved_not_multiplied() {
        for (fraction, shown) in [
            (0.1, "10%"),
            (0.9, "90%"),
            (1.0, "100%"),
            (0.0, "0%"),
            (0.29, "29%"),
            (0.57, "57%"),
            (0.005, "0.5%"),
            (0.123456, "12.3456%"),
            (1.0 / 3.0, "33.33%"),
            (2.0 / 3.0, "66.67%"),
            (0.5, "50%"),
            (0.99999, "99.999%"),
            (1e-7, "0.00001%"),
        ] {
            assert_eq!(percent(fraction), shown);
        }
    }

    #[test]
    fn what_is_not_all_never_reads_as_all() {
        assert_eq!(percent(0.9999999999999999), "> 99.99%");
        assert_eq!(percent(1e-16 / 3.0), "< 0.01%");
        assert_eq!(percent(f64::MIN_POSITIVE), "< 0.01%");
        let shown = |kept: f64| Density::new(kept).map(|density| BothWays::from(density).to_string());
        assert_eq!(shown(1e-300).as_deref(), Ok("keeps < 0.01%, removes > 99.99%"));
        assert_eq!(shown(1.0).as_deref(), Ok("keeps 100%, removes 0%"));
        assert_eq!(shown(1e-5).as_deref(), Ok("keeps 0.001%, removes 99.999%"));
    }
}
