//! Masks as sets of kept elements. Counts never build a mask.

use super::Mask;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;

macro_rules! set_operations {
    ($($build:ident, $in_place:ident, $count:ident, $what:literal, $left:ident $right:ident => $word:expr;)*) => {$(
        #[doc = concat!("What is kept by ", $what, ".\n\n# Errors\n\n[`ErrorKind::ShapeMismatch`] where the shapes differ.")]
        pub fn $build(&self, other: &Mask) -> Result<Mask, Error> {
            let mut mask = self.clone();
            mask.$in_place(other)?;
            Ok(mask)
        }

        #[doc = concat!(
            "Makes this mask keep what is kept by ", $what,
            ".\n\n# Errors\n\n[`ErrorKind::ShapeMismatch`] where the shapes differ; nothing is changed then."
        )]
        pub fn $in_place(&mut self, other: &Mask) -> Result<(), Error> {
            other.fits("other mask", &self.shape)?;
            for ($left, &$right) in self.words.iter_mut().zip(&other.words) {
                let $left = $left;
                *$left = { let $left = *$left; $word };
            }
            Ok(())
        }

        #[doc = concat!(
            "How many elements are kept by ", $what,
            ", without building that mask.\n\n# Errors\n\n[`ErrorKind::ShapeMismatch`] where the shapes differ."
        )]
        pub fn $count(&self, other: &Mask) -> Result<usize, Error> {
            other.fits("other mask", &self.shape)?;
            Ok(self.words.iter().zip(&other.words).map(|(&$left, &$right)| ($word).count_ones() as usize).sum())
        }
    )*};
}

impl Mask {
    set_operations! {
        union, union_in_place, union_len, "either mask", a b => a | b;
        intersection, intersect_in_place, intersection_len, "both masks", a b => a & b;
        difference, subtract_in_place, difference_len, "this mask and not the other", a b => a & !b;
        symmetric_difference, symmetric_difference_in_place, symmetric_difference_len, "exactly one of the masks", a b => a ^ b;
    }

    /// The mask of the elements that this mask does not keep.
    #[must_use]
    pub fn complement(&self) -> Mask {
        let words = self.words.iter().map(|word| !word).collect();
        Mask::from_own_words(&self.shape, self.len, words)
    }

    /// True if `other` keeps every element that this mask keeps.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeMismatch`] if the shapes differ.
    pub fn is_subset(&self, other: &Mask) -> Result<bool, Error> {
        other.fits("other mask", &self.shape)?;
        Ok(self.words.iter().zip(&other.words).all(|(a, b)| a & !b == 0))
    }

    /// True if no element is kept by both masks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeMismatch`] if the shapes differ.
    pub fn is_disjoint(&self, other: &Mask) -> Result<bool, Error> {
        other.fits("other mask", &self.shape)?;
        Ok(self.words.iter().zip(&other.words).all(|(a, b)| a & b == 0))
    }
}
