//! The patterns of `include` and `exclude`.

use core::fmt;

/// A pattern over layer names: `*` matches any number of characters, also none; every other character matches itself.
///
/// The whole name must match. `/`, `.`, `?` and brackets are ordinary characters, since layer names have all of them.
/// The time of a match is proportional to the length of pattern and name together.
///
/// # Examples
///
/// ```
/// use prune_schedule::Glob;
///
/// let kernels = Glob::new("*-kernel");
/// assert!(kernels.matches("Dense_0-kernel"));
/// assert!(!kernels.matches("Dense_0-kernel-ema"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob(String);

impl Glob {
    /// A pattern; every text is a valid one.
    pub fn new(pattern: impl Into<String>) -> Self {
        Glob(pattern.into())
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if the pattern matches the whole of `name`.
    pub fn matches(&self, name: &str) -> bool {
        let Some((head, rest)) = self.0.split_once('*') else { return self.0 == name };
        let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
        let Some(name) = name.strip_prefix(head) else { return false };
        let Some(mut name) = name.strip_suffix(tail) else { return false };
        // Each literal piece is taken at its first occurrence after the one before. If any placement works, this one
        // does.
        middle.split('*').all(|piece| match name.find(piece) {
            Some(at) => {
                name = &name[at + piece.len()..];
                true
            }
            None => false,
        })
    }
}

/// True if a name passes both lists: `include` is empty or has a pattern that matches, and `exclude` has none that
/// matches.
pub(crate) fn leave(include: &[Glob], exclude: &[Glob], name: &str) -> bool {
    let among = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(name));
    (include.is_empty() || among(include)) && !among(exclude)
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<T: Into<String>> From<T> for Glob {
    fn from(pattern: T) -> Self {
        Glob::new(pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, character by character.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|skip| naive(rest, &name[skip..])),
            Some((letter, rest)) => name.first() == Some(letter) && naive(rest, &name[1..]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn matches_as_defined(pattern in "[ab*é]{0,7}", name in "[abé]{0,7}") {
            let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            prop_assert_eq!(Glob::new(pattern).matches(&name), naive(&p, &n));
        }
    }

    #[test]
    fn many_stars_take_linear_time() {
        let pattern = Glob::new("a*".repeat(50_000) + "b");
        assert!(!pattern.matches(&"a".repeat(100_000)));
    }
}
