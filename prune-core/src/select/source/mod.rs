//! Ranks data that does not fit memory: a source of chunks that can be read again.
//!
//! The cut is found by the same code as in memory (`scan.rs`); the masks are then made chunk by chunk (`masker.rs`).

mod masker;
mod scan;

pub use masker::{SourceCut, SourceMasker};

use self::scan::SourceScan;
use crate::density::Density;
use crate::error::{Error, ErrorKind};
use crate::kernel::compare::Bracket;
use crate::select::Selector;
use crate::select::cut::{KeyScan as _, find};
use crate::tensor::Values;
use crate::tensor::distinct;

/// A layer of a [`ChunkSource`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceLayer {
    /// Its name; among equal scores the smaller name comes first.
    pub name: String,
    /// The number of its elements.
    pub len: usize,
}

/// Scores that are read in chunks, again and again, in logical order; for files larger than memory.
///
/// # Examples
///
/// ```
/// use prune_core::{ChunkSource, Selector, SourceLayer, Values};
///
/// struct Files(Vec<(String, Vec<f32>)>);
///
/// impl ChunkSource for Files {
///     fn layers(&self) -> Vec<SourceLayer> {
///         self.0.iter().map(|(name, values)| SourceLayer { name: name.clone(), len: values.len() }).collect()
///     }
///     fn read(&self, layer: usize, start: usize, len: usize, visit: &mut dyn FnMut(Values<'_>)) -> Result<(), String> {
///         visit(Values::F32(&self.0[layer].1[start..start + len]));
///         Ok(())
///     }
/// }
///
/// let files = Files(vec![("b".into(), vec![3.0, 0.5]), ("a".into(), vec![-1.0, 2.0, 0.5])]);
/// let cut = Selector::magnitude().cut_source(&files, 4)?;
/// assert_eq!(cut.kept(), [1, 3]); // the tie at 0.5 goes to layer `a`
/// let mut masker = cut.masker(0);
/// assert_eq!(masker.mask(Values::F32(&[3.0, 0.5])), [0b01]);
/// # Ok::<(), prune_core::Error>(())
/// ```
pub trait ChunkSource: Sync {
    /// The layers, in any order; a layer is named by its place in this list.
    fn layers(&self) -> Vec<SourceLayer>;

    /// Calls `visit` once with the `len` elements of a layer from the logical index `start` on. Called from several
    /// threads at once.
    ///
    /// # Errors
    ///
    /// The reason, in words for the user.
    fn read(&self, layer: usize, start: usize, len: usize, visit: &mut dyn FnMut(Values<'_>)) -> Result<(), String>;

    /// The number of elements of a layer that may be chosen, if a mask is in force; `None` if there is none, and all
    /// may be chosen.
    fn alive_len(&self, _layer: usize) -> Option<usize> {
        None
    }

    /// For `i` below `len`, sets bit `i % 64` of word `i / 64` of `bits`, which starts as zeros, if the element
    /// `start + i` of a layer may be chosen. Called if [`ChunkSource::alive_len`] gives a number, from several
    /// threads at once.
    ///
    /// # Errors
    ///
    /// The reason, in words for the user.
    fn alive(&self, _layer: usize, _start: usize, _len: usize, bits: &mut [u64]) -> Result<(), String> {
        bits.fill(u64::MAX);
        Ok(())
    }
}

impl Selector {
    /// Finds the cut that keeps the best `density` of all the layers of a source together (rule 1 gives the count,
    /// from all elements, dead ones included).
    ///
    /// # Errors
    ///
    /// As [`Selector::cut_source`].
    ///
    /// # Complexity
    ///
    /// As [`Selector::cut_source`].
    pub fn global_source(&self, source: &(impl ChunkSource + ?Sized), density: Density) -> Result<SourceCut, Error> {
        // A sum that overflows is refused below.
        let elements = source.layers().iter().fold(0usize, |sum, layer| sum.saturating_add(layer.len));
        self.cut_source(source, density.kept_of(elements))
    }

    /// Finds the cut that keeps the best `kept` elements of all the layers of a source together, chosen among alive
    /// elements if the source has masks in force. [`Selector::global_source`] takes a density.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Source`] if reading fails or the lengths of the layers overflow, [`ErrorKind::Nan`],
    /// [`ErrorKind::TooFewAlive`], [`ErrorKind::DuplicateLayer`].
    ///
    /// # Complexity
    ///
    /// Linear. The source is sampled and then read once; twice if many elements share the score at the cut; about
    /// four times if there are billions of elements; and at most nine times, whatever the values. Memory is sixteen
    /// bytes for every 64th element, but not more than 64 MiB, and the chunks being read.
    pub fn cut_source(&self, source: &(impl ChunkSource + ?Sized), kept: usize) -> Result<SourceCut, Error> {
        let layers = source.layers();
        distinct(layers.iter().map(|layer| layer.name.as_str()))?;
        let counted = layers.iter().try_fold(0usize, |sum, layer| sum.checked_add(layer.len));
        if counted.is_none() {
            let why = "its layers together have more elements than can be counted".to_owned();
            return Err(ErrorKind::Source { why }.into());
        }
        let masked: Vec<Option<usize>> = (0..layers.len()).map(|layer| source.alive_len(layer)).collect();
        let mut alive = 0;
        for (layer, masked) in layers.iter().zip(&masked) {
            let choice = masked.unwrap_or(layer.len);
            if choice > layer.len {
                let why = format!("{choice} of its {} elements are said to be alive", layer.len);
                return Err(ErrorKind::Source { why }.in_layer(&layer.name));
            }
            alive += choice;
        }
        if kept > alive {
            return Err(ErrorKind::TooFewAlive { asked: kept, alive }.into());
        }
        let (by, threads) = (self.rank_by, self.threads);
        let mut scan = SourceScan { source, layers: &layers, masked, by, threads, found: Vec::new() };
        let none = vec![0; layers.len()];
        if kept == 0 {
            // Nothing is kept, but every element is ranked: a NaN is an error here too.
            scan.pass(Bracket { sure: u64::MAX, inside: u64::MAX }, 1)?;
            let (kept, tied_before) = (none.clone(), vec![Vec::new(); layers.len()]);
            return Ok(SourceCut { key: u64::MAX, by, kept, ties: none.clone(), tied: none, tied_before });
        }
        let cut = find(&mut scan, kept, alive, (alive / ROOM).clamp(1 << 16, scan::MOST_ROOM))?;
        Ok(scan.share_out(cut))
    }
}

/// One key may be gathered for each `ROOM` elements. A bracket of the sample below holds fewer at density 0.5.
const ROOM: usize = 64;

/// The number of elements that are read at once.
const READ: usize = 1 << 17;

#[cfg(test)]
mod tests;
