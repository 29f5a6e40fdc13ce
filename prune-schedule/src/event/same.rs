//! Equality of events.

use super::Event;

impl PartialEq for Event {
    /// True if both events do the same. A ranking that is written out counts the same as the equal default of the
    /// method and the score.
    fn eq(&self, other: &Self) -> bool {
        let Event { rule, score, course, every, include, exclude, reopen, rewind } = self;
        self.ranking() == other.ranking()
            && rule.is_alike(&other.rule)
            && (*score, *course, *every) == (other.score, other.course, other.every)
            && (include, exclude) == (&other.include, &other.exclude)
            && (*reopen, *rewind) == (other.reopen, other.rewind)
    }
}
