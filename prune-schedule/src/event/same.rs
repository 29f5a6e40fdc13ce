//! Which events are the same.

use super::Event;

impl PartialEq for Event {
    /// Whether they do the same. A ranking that is written out though it is what the method and the score make of it anyway
    /// makes no difference.
    fn eq(&self, other: &Self) -> bool {
        let Event {
            rule,
            score,
            ranking: _,
            distribution,
            least,
            most,
            ramp,
            every,
            straight_through,
            include,
            exclude,
            reopen,
            rewind,
        } = self;
        self.ranked_within() == other.ranked_within()
            && *rule == other.rule
            && *score == other.score
            && *distribution == other.distribution
            && (least, most) == (&other.least, &other.most)
            && (*ramp, *every) == (other.ramp, other.every)
            && *straight_through == other.straight_through
            && (include, exclude) == (&other.include, &other.exclude)
            && (*reopen, *rewind) == (other.reopen, other.rewind)
    }
}
