//! Which events are the same.

use super::Event;

impl PartialEq for Event {
    /// Whether they do the same. A ranking that is written out though it is what the method and the score make of it anyway
    /// makes no difference.
    fn eq(&self, other: &Self) -> bool {
        let Event { rule, score, course, every, include, exclude, reopen, rewind } = self;
        self.ranking() == other.ranking()
            && rule.is_alike(&other.rule)
            && (*score, *course, *every) == (other.score, other.course, other.every)
            && (include, exclude) == (&other.include, &other.exclude)
            && (*reopen, *rewind) == (other.reopen, other.rewind)
    }
}
