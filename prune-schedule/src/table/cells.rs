//! The cells of tables: shares and shapes.

/// A share in percent with two decimals. It shows 0% or 100% only if the share is exactly that, and `-` if the whole is
/// 0.
///
/// # Examples
///
/// ```
/// use prune_schedule::table::percent;
///
/// assert_eq!([percent(1, 3), percent(1, 1_000_000), percent(0, 0)], ["33.33%", "< 0.01%", "-"]);
/// ```
pub fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { "-".to_owned() } else { rounded(part as f64 / whole as f64, part > 0, part < whole) }
}

/// A measured share in the format of [`percent`]; `-` for `None`.
pub fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| rounded(share, share > 0.0, share < 1.0))
}

fn rounded(share: f64, some: bool, not_all: bool) -> String {
    match format!("{:.2}%", share * 100.0) {
        shown if shown == "0.00%" && some => "< 0.01%".to_owned(),
        shown if shown == "100.00%" && not_all => "> 99.99%".to_owned(),
        shown => shown,
    }
}

/// A shape as text: `3x3x1x32`.
pub fn shape(shape: &[usize]) -> String {
    match shape {
        [] => "scalar".to_owned(),
        sides => sides.iter().map(ToString::to_string).collect::<Vec<_>>().join("x"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_all_or_nothing_never_reads_as_it() {
        assert_eq!([percent(0, 3), percent(3, 3), percent(0, 0)], ["0.00%", "100.00%", "-"]);
        assert_eq!(
            [percent(1, 1_000_000), percent(999_999, 1_000_000), percent(1, 3)],
            ["< 0.01%", "> 99.99%", "33.33%"]
        );
        assert_eq!([share(None), share(Some(1.0)), share(Some(0.999_999))], ["-", "100.00%", "> 99.99%"]);
        assert_eq!([shape(&[]), shape(&[3, 1, 32])], ["scalar", "3x1x32"]);
    }
}
