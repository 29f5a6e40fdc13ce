//! The N:M pattern: of every M consecutive elements along an axis, exactly N are kept.

use core::fmt;
use core::str::FromStr;

use crate::density::Density;
use crate::printable::printable;

/// N:M sparsity: of every `m` consecutive elements along an axis exactly `n` are **kept**, `1 <= n <= m`.
///
/// Written `2:4` by `Display`, read by `FromStr`. Some tools count the elements removed instead; for 2:4 nobody
/// notices, for 1:4 the two readings differ by 50 points.
///
/// # Groups (rule 4)
///
/// Groups run along one axis of the logical shape, the last by default, lane by lane: a group never straddles two
/// lanes. A last group of `r < m` elements keeps `min(n, r)`. Only over the concatenation of several layers, which
/// [`Selector`](crate::Selector) offers too, do groups straddle lanes and layers.
///
/// # Examples
///
/// ```
/// use prune_core::NmPattern;
///
/// let pattern: NmPattern = "1:4".parse()?;
/// assert_eq!((pattern.n(), pattern.m()), (1, 4));
/// assert_eq!(pattern.to_string(), "1:4");
/// assert_eq!(pattern.kept_of_lane(10), 3); // groups of 4, 4 and 2
/// assert_eq!(pattern.density().get(), 0.25);
/// # Ok::<(), prune_core::PatternError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct NmPattern {
    n: usize,
    m: usize,
}

impl NmPattern {
    /// A pattern that keeps `n` of every `m`.
    ///
    /// # Errors
    ///
    /// [`PatternError::OutOfRange`] unless `1 <= n <= m`.
    pub fn new(n: usize, m: usize) -> Result<Self, PatternError> {
        if 1 <= n && n <= m { Ok(NmPattern { n, m }) } else { Err(PatternError::OutOfRange { n, m }) }
    }

    /// The number of elements kept of a full group.
    pub fn n(self) -> usize {
        self.n
    }

    /// The length of a full group.
    pub fn m(self) -> usize {
        self.m
    }

    /// `n / m`: the density reached where every group is full.
    pub fn density(self) -> Density {
        // 0 < n / m <= 1 by the constructor's check.
        Density::new(self.n as f64 / self.m as f64).unwrap_or(Density::ONE)
    }

    /// The number of elements that a lane of `len` keeps: `n` of each full group, and `min(n, r)` of a last group of
    /// `r`.
    pub fn kept_of_lane(self, len: usize) -> usize {
        // Not more than `len`, so it cannot overflow.
        (len / self.m) * self.n + (len % self.m).min(self.n)
    }
}

impl fmt::Display for NmPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NmPattern { n, m } = self;
        f.pad(&format!("{n}:{m}"))
    }
}

impl fmt::Debug for NmPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NmPattern({self})")
    }
}

impl FromStr for NmPattern {
    type Err = PatternError;

    /// Reads `2:4`; spaces around the numbers are allowed.
    fn from_str(text: &str) -> Result<Self, PatternError> {
        let unreadable = || PatternError::Unreadable { text: text.to_owned() };
        let (n, m) = text.split_once(':').ok_or_else(unreadable)?;
        let number = |part: &str| part.trim().parse::<usize>().map_err(|_| unreadable());
        Self::new(number(n)?, number(m)?)
    }
}

impl TryFrom<String> for NmPattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<NmPattern> for String {
    fn from(pattern: NmPattern) -> String {
        pattern.to_string()
    }
}

/// Something that is not an N:M pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// N or M is out of range.
    #[error("pattern {n}:{m} is not N:M with 1 <= N <= M (N of every M elements are kept)")]
    OutOfRange {
        /// Elements kept of each group.
        n: usize,
        /// Elements in each group.
        m: usize,
    },
    /// The text is not of the form `N:M`.
    #[error("`{}` is not a pattern; write N:M, such as 2:4 (2 of every 4 elements are kept)", printable(text))]
    Unreadable {
        /// The text given.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for (n, m) in [(1, 1), (2, 4), (1, 4), (4, 8), (3, 1000)] {
            let pattern = NmPattern::new(n, m).unwrap();
            assert_eq!(pattern.to_string(), format!("{n}:{m}"));
            assert_eq!(pattern.to_string().parse::<NmPattern>().unwrap(), pattern);
        }
        assert_eq!(" 2 : 4 ".parse::<NmPattern>().unwrap(), NmPattern::new(2, 4).unwrap());
    }

    #[test]
    fn refuses_what_is_no_pattern() {
        for bad in ["", "2", "2:", ":4", "2:4:8", "-1:4", "2,4", "0:4", "5:4", "0:0", "99999999999999999999:1", "a:b"] {
            assert!(bad.parse::<NmPattern>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn lane_count_is_the_sum_over_groups() {
        for m in 1..9 {
            for n in 1..=m {
                let pattern = NmPattern::new(n, m).unwrap();
                for len in 0..40 {
                    let lane: Vec<usize> = (0..len).collect();
                    let sum: usize = lane.chunks(m).map(|g| g.len().min(n)).sum();
                    assert_eq!(pattern.kept_of_lane(len), sum, "{pattern} over {len}");
                }
            }
        }
    }
}
