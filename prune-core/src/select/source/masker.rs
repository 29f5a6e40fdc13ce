//! Masks of a source, from where its ranking is cut.

use super::READ;
use crate::bits::first_bits;
use crate::kernel::compare::{Bracket, compare};
use crate::kernel::instructions::level;
use crate::key::RankBy;
use crate::tensor::Values;
use crate::tensor::for_any_type;

#[cfg(doc)]
use super::ChunkSource;
#[cfg(doc)]
use crate::select::Selector;

/// Where a ranking over a source is cut: [`Selector::cut_source`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCut {
    pub(super) key: u64,
    pub(super) by: RankBy,
    pub(super) kept: Vec<usize>,
    /// How many of the elements that have just this key are kept in each layer.
    pub(super) ties: Vec<usize>,
    /// How many there are.
    pub(super) tied: Vec<usize>,
    /// How many of them lie before each reading of each layer.
    pub(super) tied_before: Vec<Vec<usize>>,
}

impl SourceCut {
    /// Elements of which one reading of a source has the most: masks can be made from any multiple of this on.
    pub const READING: usize = READ;

    /// How many elements each layer keeps, in the order of [`ChunkSource::layers`].
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// How many elements of each layer share the score at the cut, where only a part of them is kept; else 0.
    pub fn ties(&self) -> Vec<usize> {
        let contested = self.ties.iter().sum::<usize>() < self.tied.iter().sum::<usize>();
        if contested { self.tied.clone() } else { vec![0; self.tied.len()] }
    }

    /// Makes the masks of a layer, chunk by chunk from its beginning.
    ///
    /// # Panics
    ///
    /// Where there is no such layer.
    pub fn masker(&self, layer: usize) -> SourceMasker {
        self.masker_from(layer, 0)
    }

    /// Makes the masks of a layer from the element `start` on, so that parts of a layer can be masked side by side.
    ///
    /// # Panics
    ///
    /// Where there is no such layer, or `start` is not a multiple of [`SourceCut::READING`].
    pub fn masker_from(&self, layer: usize, start: usize) -> SourceMasker {
        assert!(start.is_multiple_of(READ), "masks begin at a multiple of {READ}, not at {start}");
        // Past the end there is nothing to mask, and nothing was counted.
        let before = self.tied_before[layer].get(start / READ).copied().unwrap_or(usize::MAX);
        SourceMasker { key: self.key, by: self.by, ties: self.ties[layer].saturating_sub(before), words: Vec::new() }
    }
}

/// Makes the masks of one layer of a source.
#[derive(Debug, Clone)]
pub struct SourceMasker {
    key: u64,
    by: RankBy,
    ties: usize,
    words: Vec<u64>,
}

impl SourceMasker {
    /// The mask of the next chunk in logical order: bit `i % 64` of word `i / 64` is its element `i`.
    pub fn mask(&mut self, chunk: Values<'_>) -> &[u64] {
        self.mask_alive(chunk, None)
    }

    /// As [`SourceMasker::mask`], of which only what `alive` has set is kept: the bits of the chunk as
    /// [`ChunkSource::alive`] gives them.
    ///
    /// # Panics
    ///
    /// Where there are fewer bits than elements.
    pub fn mask_alive(&mut self, chunk: Values<'_>, alive: Option<&[u64]>) -> &[u64] {
        self.words.clear();
        self.words.resize(chunk.len().div_ceil(64), 0);
        let mut equal = vec![0; self.words.len()];
        for_any_type!(Values, chunk, values => {
            compare(level(), values, alive, self.by, Bracket::exactly(self.key), &mut self.words, &mut equal)
        });
        for (word, mut equal) in self.words.iter_mut().zip(equal) {
            if self.ties < equal.count_ones() as usize {
                equal = first_bits(equal, self.ties);
            }
            self.ties -= equal.count_ones() as usize;
            *word |= equal;
        }
        &self.words
    }
}
