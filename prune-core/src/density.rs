//! The fraction of a tensor that is kept, and the one rule that turns it into a count.

use core::fmt;
use core::str::FromStr;

use crate::printable::printable;

/// The fraction of elements **kept**: `0 < d <= 1`.
///
/// A bare float never crosses a public boundary of this project, because the field's tools disagree on whether it
/// means kept or removed. [`Density::from_sparsity`] takes the fraction removed and means the same to the element:
/// 0.9 sparse equals 0.1 dense.
///
/// # The kept count (rule 1)
///
/// [`Density::kept_of`] is the only place where a density becomes a count. For `n` ranked units it gives 0 if `n` is 0
/// and otherwise `min(n, max(1, round(density * n)))`, the product in `f64` and halves away from zero. Units are
/// elements, blocks or channels. Ties, zeros and equal values never change the count.
///
/// # Examples
///
/// ```
/// use prune_core::Density;
///
/// let tenth = Density::new(0.1)?;
/// assert_eq!(tenth.kept_of(1000), 100);
/// assert_eq!(tenth, Density::from_sparsity(0.9)?);
/// assert_eq!(tenth.to_string(), "0.1");
/// assert_eq!(tenth.kept_of(3), 1); // never empties a layer by itself
/// # Ok::<(), prune_core::DensityError>(())
/// ```
#[derive(Clone, Copy, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "f64", into = "f64"))]
pub struct Density(f64);

impl Density {
    /// Everything is kept.
    pub const ONE: Density = Density(1.0);

    /// A density from the fraction kept.
    ///
    /// # Errors
    ///
    /// [`DensityError::OutOfRange`] unless `0 < kept <= 1` (so NaN is refused too).
    pub fn new(kept: f64) -> Result<Self, DensityError> {
        if kept > 0.0 && kept <= 1.0 { Ok(Density(kept)) } else { Err(DensityError::OutOfRange { kept }) }
    }

    /// A density from the fraction removed.
    ///
    /// `1 - sparsity` is taken on the shortest decimal digits of `sparsity`, so that `from_sparsity(0.9)` is
    /// `new(0.1)` to the bit. The plain subtraction of floats gives 0.09999999999999998.
    ///
    /// # Errors
    ///
    /// [`DensityError::SparsityOutOfRange`] unless `0 <= sparsity < 1`.
    pub fn from_sparsity(removed: f64) -> Result<Self, DensityError> {
        if (0.0..1.0).contains(&removed) {
            Self::new(complement(removed)).map_err(|_| DensityError::SparsityOutOfRange { removed })
        } else {
            Err(DensityError::SparsityOutOfRange { removed })
        }
    }

    /// The fraction kept.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The fraction removed: the complement in decimal digits, see [`Density::from_sparsity`].
    pub fn sparsity(self) -> f64 {
        complement(self.0)
    }

    /// The kept count of `n` ranked units (rule 1, above).
    pub fn kept_of(self, n: usize) -> usize {
        if n == 0 {
            return 0;
        }
        // Exact for every count below 2^53; a float to integer cast saturates above.
        let rounded = (self.0 * n as f64).round() as usize;
        rounded.clamp(1, n)
    }
}

/// `1 - x` for `x` in [0, 1], correctly rounded for the decimal number that `x` is written as.
///
/// `x` prints as at most 17 significant digits. Its complement in those digits is an exact decimal string, which is
/// parsed back: the float nearest to the number that people mean.
fn complement(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    if x == 1.0 {
        return 0.0;
    }
    let text = format!("{x}");
    let Some(digits) = text.strip_prefix("0.") else { return 1.0 - x };
    // 1 - 0.d1d2..dn: nines' complement of every digit, ten's complement of the last non-zero one; Display never ends
    // in a zero.
    let mut flipped: Vec<u8> = digits.bytes().map(|d| b'9' - d + b'0').collect();
    if let Some(last) = flipped.last_mut() {
        *last += 1;
    }
    let flipped = String::from_utf8(flipped).unwrap_or_default();
    format!("0.{flipped}").parse().unwrap_or(1.0 - x)
}

impl fmt::Display for Density {
    /// The fraction kept, in the fewest digits that read back to the same number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Density {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Density({})", self.0)
    }
}

impl FromStr for Density {
    type Err = DensityError;

    /// Reads the fraction kept, such as `0.1`.
    fn from_str(text: &str) -> Result<Self, DensityError> {
        let kept: f64 = text.trim().parse().map_err(|_| DensityError::NotANumber { text: text.to_owned() })?;
        Self::new(kept)
    }
}

impl TryFrom<f64> for Density {
    type Error = DensityError;

    /// The same as [`Density::new`]: the number is the fraction kept.
    fn try_from(kept: f64) -> Result<Self, DensityError> {
        Self::new(kept)
    }
}

impl From<Density> for f64 {
    fn from(density: Density) -> f64 {
        density.0
    }
}

/// A number that is not a density.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DensityError {
    /// The fraction kept is outside `0 < d <= 1`.
    #[error("density {kept} is outside 0 < d <= 1 (density is the fraction kept)")]
    OutOfRange {
        /// The number given.
        kept: f64,
    },
    /// The fraction removed is outside `0 <= s < 1`.
    #[error("sparsity {removed} is outside 0 <= s < 1 (sparsity is the fraction removed)")]
    SparsityOutOfRange {
        /// The number given.
        removed: f64,
    },
    /// The text is not a number.
    #[error("`{}` is not a number; write a density as the fraction kept, such as 0.1", printable(text))]
    NotANumber {
        /// The text given.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sparsity_and_density_agree_to_the_bit() {
        for (removed, kept) in [(0.9, 0.1), (0.7, 0.3), (0.95, 0.05), (0.99, 0.01), (0.5, 0.5), (0.0, 1.0), (0.1, 0.9)]
        {
            assert_eq!(Density::from_sparsity(removed).unwrap().get(), kept, "sparsity {removed}");
            assert_eq!(Density::new(kept).unwrap().sparsity(), removed, "density {kept}");
        }
    }

    #[test]
    fn nothing_outside_the_range() {
        for bad in [0.0, -0.0, -0.1, 1.0000001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Density::new(bad).is_err(), "{bad}");
        }
        for bad in [1.0, -0.1, 2.0, f64::NAN, f64::INFINITY] {
            assert!(Density::from_sparsity(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn halves_round_away_from_zero() {
        let half = Density::new(0.5).unwrap();
        assert_eq!([0, 1, 2, 3, 5, 7].map(|n| half.kept_of(n)), [0, 1, 1, 2, 3, 4]);
        assert_eq!(Density::new(1e-9).unwrap().kept_of(10), 1);
        assert_eq!(Density::new(1e-300).unwrap().kept_of(usize::MAX), 1);
        assert_eq!(Density::ONE.kept_of(usize::MAX), usize::MAX);
    }

    proptest! {
        #[test]
        fn kept_count_is_between_one_and_all(kept in 1e-12f64..=1.0, n in 1usize..1 << 40) {
            let k = Density::new(kept).unwrap().kept_of(n);
            prop_assert!(k >= 1 && k <= n);
            prop_assert!(k == 1 || (k as f64 - kept * n as f64).abs() <= 0.5 + 1e-6 * n as f64 * f64::EPSILON.sqrt());
        }

        #[test]
        fn complement_is_an_involution_on_short_decimals(digits in 1u32..9999) {
            let x = f64::from(digits) / 10_000.0;
            prop_assert_eq!(complement(complement(x)), x);
            prop_assert!((complement(x) - (1.0 - x)).abs() <= f64::EPSILON);
        }

        #[test]
        fn complement_is_close_for_every_float(x in 0.0f64..1.0) {
            prop_assert!((complement(x) - (1.0 - x)).abs() <= f64::EPSILON);
        }

        #[test]
        fn text_round_trips(kept in f64::MIN_POSITIVE..=1.0) {
            let d = Density::new(kept).unwrap();
            prop_assert_eq!(d.to_string().parse::<Density>().unwrap(), d);
        }
    }
}
