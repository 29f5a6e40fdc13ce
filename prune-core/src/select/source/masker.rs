//! Masks of a source, made from the cut of its ranking.

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

/// The cut of a ranking over a source: [`Selector::cut_source`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCut {
    pub(super) key: u64,
    pub(super) by: RankBy,
    pub(super) kept: Vec<usize>,
    /// The number of elements with exactly this key that are kept, for each layer.
    pub(super) ties: Vec<usize>,
    /// The number of elements with this key, for each layer.
    pub(super) tied: Vec<usize>,
    /// The number of them before each reading of each layer.
    pub(super) tied_before: Vec<Vec<usize>>,
}

impl SourceCut {
    /// The most elements of one reading of a source: masks can be made from any multiple of this on.
    pub const READING: usize = READ;

    /// The kept count of each layer, in the order of [`ChunkSource::layers`].
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// The number of elements of each layer that share the score at the cut, if only a part of them is kept; else 0.
    pub fn ties(&self) -> Vec<usize> {
        let contested = self.ties.iter().sum::<usize>() < self.tied.iter().sum::<usize>();
        if contested { self.tied.clone() } else { vec![0; self.tied.len()] }
    }

    /// Makes the masks of a layer, chunk by chunk from its beginning.
    ///
    /// # Panics
    ///
    /// If there is no such layer.
    pub fn masker(&self, layer: usize) -> SourceMasker {
        self.masker_from(layer, 0)
    }

    /// Makes the masks of a layer from the element `start` on, so that parts of a layer can be masked side by side.
    ///
    /// # Panics
    ///
    /// If there is no such layer, or `start` is not a multiple of [`SourceCut::READING`].
    pub fn masker_from(&self, layer: usize, start: usize) -> SourceMasker {
        assert!(start.is_multiple_of(READ), "masks begin at a multiple of {READ}, not at {start}");
        // Past the end there is nothing to mask, and there are no counts.
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

    /// The same as [`SourceMasker::mask`], but keeps only elements whose bit in `alive` is set. These are the bits of
    /// the chunk that [`ChunkSource::alive`] gives.
    ///
    /// # Panics
    ///
    /// If there are fewer bits than elements.
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
