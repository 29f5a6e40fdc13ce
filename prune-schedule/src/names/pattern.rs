//! Patterns over whole segments of names, anchored at both ends.

use crate::glob::Glob;

/// A pattern over all the segments of a canonical name.
///
/// Segments are separated by `.`. `**` stands for any number of segments, also none; `{a,b}` for one segment that is
/// `a` or `b`; `#` for a segment of digits; `*` within a segment for any characters.
#[derive(Debug)]
pub(super) struct Pattern {
    parts: Vec<PatternPart>,
}

#[derive(Debug)]
enum PatternPart {
    Any,
    Number,
    One(Vec<Glob>),
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Pattern { parts: split(text).map(PatternPart::new).collect() }
    }

    pub(super) fn matches(&self, segments: &[&str]) -> bool {
        // Each `**` takes as few segments as possible. After a mismatch only the last `**` has to take one more: every
        // segment that an earlier one could take is also open to the last one.
        let (mut part, mut at) = (0, 0);
        let mut retry = None;
        while at < segments.len() {
            match self.parts.get(part) {
                Some(PatternPart::Any) => {
                    retry = Some((part, at));
                    part += 1;
                }
                Some(part_of_one) if part_of_one.matches(segments[at]) => {
                    part += 1;
                    at += 1;
                }
                _ => match retry {
                    Some((any, from)) => {
                        retry = Some((any, from + 1));
                        (part, at) = (any + 1, from + 1);
                    }
                    None => return false,
                },
            }
        }
        self.parts[part..].iter().all(|part| matches!(part, PatternPart::Any))
    }

    /// The literal words that the last segment may be; `None` if it may be anything else.
    pub(super) fn last_words(&self) -> Option<Vec<&str>> {
        self.parts.last().and_then(PatternPart::words)
    }

    /// The literal words that the segment before the last may be; `None` if it may be anything else or be missing.
    pub(super) fn words_before(&self) -> Option<Vec<&str>> {
        self.parts.iter().rev().nth(1).and_then(PatternPart::words)
    }
}

impl PatternPart {
    fn new(text: &str) -> Self {
        match text {
            "**" => PatternPart::Any,
            "#" => PatternPart::Number,
            _ => PatternPart::One(alternatives(text).map(Glob::new).collect()),
        }
    }

    /// True if this part stands for one segment and matches this one.
    fn matches(&self, segment: &str) -> bool {
        match self {
            PatternPart::Any => false,
            PatternPart::Number => segment.bytes().all(|byte| byte.is_ascii_digit()),
            PatternPart::One(globs) => globs.iter().any(|glob| glob.matches(segment)),
        }
    }

    fn words(&self) -> Option<Vec<&str>> {
        let PatternPart::One(globs) = self else { return None };
        globs.iter().map(|glob| Some(glob.as_str()).filter(|word| !word.contains('*'))).collect()
    }
}

/// The parts of a pattern, which are separated by the points outside braces.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.split(move |c| {
        inside = (inside || c == '{') && c != '}';
        c == '.' && !inside
    })
}

/// The alternatives of a segment. Braces always enclose the whole segment.
fn alternatives(text: &str) -> impl Iterator<Item = &str> {
    text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text).split(',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, segment by segment.
    fn naive(parts: &[&str], segments: &[&str]) -> bool {
        match (parts.split_first(), segments.split_first()) {
            (None, rest) => rest.is_none(),
            (Some((&"**", rest)), _) => (0..=segments.len()).any(|skip| naive(rest, &segments[skip..])),
            (Some(_), None) => false,
            (Some((&"#", rest)), Some((segment, others))) => segment.parse::<u64>().is_ok() && naive(rest, others),
            (Some((part, rest)), Some((segment, others))) => {
                alternatives(part).any(|word| Glob::new(word).matches(segment)) && naive(rest, others)
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn matches_as_defined(
            parts in prop::collection::vec(prop::sample::select(vec!["**", "a", "b", "{a,b}", "a*", "*", "#", "{ab,b}"]), 1..6),
            segments in prop::collection::vec("[ab0]{1,2}", 0..6),
        ) {
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            prop_assert_eq!(Pattern::new(&parts.join(".")).matches(&segments), naive(&parts, &segments));
        }
    }

    #[test]
    fn points_inside_braces_do_not_cut() {
        let pattern = Pattern::new("**.{a,b}.weight");
        assert!(pattern.matches(&["x", "a", "weight"]) && pattern.matches(&["b", "weight"]));
        assert!(!pattern.matches(&["ab", "weight"]));
        assert_eq!(pattern.words_before(), Some(vec!["a", "b"]));
        assert_eq!(pattern.last_words(), Some(vec!["weight"]));
    }
}
