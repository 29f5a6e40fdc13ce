//! Names from outside, shortened so that they fit into a line of a message.

use prune_core::nearest;

/// The number of characters of a name that are shown.
const MOST: usize = 100;

/// A name with control characters as escapes. The middle of a long name is left out, since layer names differ at both
/// ends.
pub(crate) fn clipped(name: &str) -> String {
    let shown = prune_core::printable(name);
    let count = shown.chars().count();
    if count <= MOST {
        return shown.into_owned();
    }
    let half = MOST / 2 - 1;
    let begin: String = shown.chars().take(half).collect();
    let end: String = shown.chars().skip(count - half).collect();
    format!("{begin}..{end}")
}

/// The first ten names.
pub(crate) fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(10).map(|name| format!("`{}`", clipped(name))).collect();
    match names.len().saturating_sub(10) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// All of these names: nothing else lists them, so none is left out.
pub(crate) fn all_clipped(names: &[String]) -> String {
    names.iter().map(|name| format!("`{}`", clipped(name))).collect::<Vec<_>>().join(", ")
}

/// The end of a message about an unknown name: the nearest known name, if one is near.
pub(crate) fn did_you_mean<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{}`?", clipped(near))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_their_ends() {
        assert_eq!(clipped("fc1.weight"), "fc1.weight");
        assert_eq!(clipped(&"ä".repeat(100)), "ä".repeat(100));
        let long = format!("begin{}end", "ä".repeat(1000));
        let shown = clipped(&long);
        assert_eq!(shown.chars().count(), 100);
        assert!(shown.starts_with("begin") && shown.ends_with("end") && shown.contains("ä..ä"));
        assert_eq!(clipped(&"\u{1b}".repeat(1000)).chars().count(), 100);
    }
}
