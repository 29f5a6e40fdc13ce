//! Iterates over a mask in logical order.

use core::iter::FusedIterator;

use super::Mask;

/// A bool for each element, true if it is kept, in logical order: [`Mask::iter`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    words: &'a [u64],
    next: usize,
    len: usize,
}

/// The linear logical indices of the kept elements, ascending: [`Mask::kept_indices`].
#[derive(Debug, Clone)]
pub struct KeptIndices<'a> {
    words: &'a [u64],
    /// The index of the word that `left` came from.
    word: usize,
    /// The bits of that word that are still to come.
    left: u64,
}

impl Mask {
    /// A bool for each element, true if it is kept, in logical order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { words: &self.words, next: 0, len: self.len }
    }

    /// The linear logical indices of the kept elements, ascending.
    pub fn kept_indices(&self) -> KeptIndices<'_> {
        KeptIndices { words: &self.words, word: 0, left: self.words.first().copied().unwrap_or(0) }
    }
}

impl<'a> IntoIterator for &'a Mask {
    type Item = bool;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl Iterator for Iter<'_> {
    type Item = bool;

    fn next(&mut self) -> Option<bool> {
        if self.next == self.len {
            return None;
        }
        let kept = self.words[self.next / 64] >> (self.next % 64) & 1 == 1;
        self.next += 1;
        Some(kept)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len - self.next, Some(self.len - self.next))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}

impl Iterator for KeptIndices<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            self.word += 1;
            self.left = *self.words.get(self.word)?;
        }
        let bit = self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some(self.word * 64 + bit)
    }
}
