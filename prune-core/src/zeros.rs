//! Masks read off the zeros of a model that is already sparse.

use core::fmt;

use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::mask::{Mask, to_logical};
use crate::masks::Masks;
use crate::tensor::{Element, LayerRef, Layers, LentTensor, distinct, for_any_type};
use crate::threads::Threads;

/// The number of elements of one task: whole words of bits.
const CHUNK: usize = 1 << 16;

/// The share of zeros in a layer. It tells whether the zeros are those of a mask.
///
/// # Examples
///
/// ```
/// use prune_core::ZeroShare;
///
/// assert_eq!(ZeroShare::of(960, 1000), ZeroShare::Few);
/// assert_eq!(ZeroShare::of(950, 1000), ZeroShare::Sparse);
/// assert_eq!(ZeroShare::of(1, 1000), ZeroShare::Sparse);
/// assert_eq!(ZeroShare::of(0, 1000), ZeroShare::NearlyAll);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ZeroShare {
    /// Fewer than 5% are zero: a dense layer with a few zeros by chance.
    Few,
    /// 5% to 99.9% are zero: a layer that was pruned.
    Sparse,
    /// More than 99.9% are zero: a layer that has not been trained, or was emptied. A mask of its zeros would let
    /// nothing through, ever.
    NearlyAll,
}

impl ZeroShare {
    /// The share for a layer of `elements` elements, `non_zero` of them not zero.
    pub fn of(non_zero: usize, elements: usize) -> Self {
        let (all, zeros) = (elements as u128, elements.saturating_sub(non_zero) as u128);
        if zeros * 20 < all || all == 0 {
            Self::Few
        } else if zeros * 1000 <= all * 999 {
            Self::Sparse
        } else {
            Self::NearlyAll
        }
    }
}

/// Masks read off zeros: [`Masks::from_zeros`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZeroMasks {
    /// The masks of the layers that are sparse.
    pub masks: Masks,
    /// The layers that get no mask though nearly all of their elements are zero, in the order of names.
    pub open: Vec<OpenLayer>,
}

/// A layer that is left open: none of its elements is masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLayer {
    /// Its name.
    pub layer: String,
    /// The number of its elements.
    pub elements: usize,
    /// The number of its elements that are not zero, of either sign.
    pub non_zero: usize,
}

impl fmt::Display for OpenLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OpenLayer { layer, elements, non_zero } = self;
        let layer = crate::printable(layer);
        write!(f, "layer `{layer}`: {non_zero} of {elements} are not zero; it has no mask and trains as a whole")
    }
}

impl Masks {
    /// The masks of a model that is already sparse: each keeps what is not zero. Put in force with the first step,
    /// they let training go on from a sparse checkpoint and keep it as sparse.
    ///
    /// Every layer of rank 2 or more is examined, so pass only the layers that are meant. A layer gets a mask if 5%
    /// to 99.9% of it is zero ([`ZeroShare`]). A layer with more zeros than that is named in [`ZeroMasks::open`] and
    /// left open. Zeros of either sign are zero, and NaN is not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DuplicateLayer`], [`ErrorKind::Layout`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements; one pass, and one more over layers that get a mask.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerMut, LayerRef, Masks, PlainTensor};
    ///
    /// let mut weights = PlainTensor::from_logical(&[2, 2], vec![0.5f32, -0.0, 0.0, 2.0])?;
    /// let model = [("fc.weight", LayerRef::of(&weights))];
    /// let masks = Masks::from_zeros(&model)?.masks;
    ///
    /// // A step of the optimiser, and then:
    /// weights.values_mut().iter_mut().for_each(|weight| *weight += 0.25);
    /// masks.hold(&mut [("fc.weight", LayerMut::of(&mut weights))])?;
    /// assert_eq!(weights.values(), [0.75, 0.0, 0.0, 2.25]);
    /// # Ok::<(), prune_core::Error>(())
    /// ```
    pub fn from_zeros(model: &(impl Layers + ?Sized)) -> Result<ZeroMasks, Error> {
        let layers = model.layers();
        distinct(layers.iter().map(|(name, _)| name.as_ref()))?;
        let mut found = ZeroMasks { masks: Masks::default(), open: Vec::new() };
        for (name, layer) in layers.iter().filter(|(_, layer)| layer.rank() >= 2) {
            let (layer_name, elements) = (name.as_ref(), layer.len());
            let in_layer = |error: Error| error.in_layer(layer_name);
            let non_zero = layer.non_zero_len().map_err(in_layer)?;
            match ZeroShare::of(non_zero, elements) {
                ZeroShare::Few => {}
                ZeroShare::Sparse => {
                    found.masks.insert(layer_name, layer.non_zero_mask().map_err(in_layer)?);
                }
                ZeroShare::NearlyAll => {
                    found.open.push(OpenLayer { layer: layer_name.to_owned(), elements, non_zero });
                }
            }
        }
        found.open.sort_by(|a, b| a.layer.cmp(&b.layer));
        Ok(found)
    }
}

impl LayerRef<'_> {
    /// The mask that keeps elements that are not zero, of either sign; NaN is kept.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Layout`].
    ///
    /// # Complexity
    ///
    /// Linear in the number of elements.
    pub fn non_zero_mask(&self) -> Result<Mask, Error> {
        let words = for_any_type!(LayerRef, self, lent => words(lent))?;
        Ok(Mask::from_own_words(self.shape(), self.len(), words))
    }
}

/// The bits of elements that are not zero, in logical order.
fn words<E: Element>(lent: &LentTensor<'_, E>) -> Result<Vec<u64>, Error> {
    let (layout, values) = lent.dense()?;
    let threads = Threads::Pool.for_elements(values.len());
    let word = |block: &[E]| block.iter().rev().fold(0, |word, value| word << 1 | u64::from(*value != E::ZERO));
    let tasks: Vec<&[E]> = values.chunks(CHUNK).collect();
    let words = threads.map(tasks, |values| values.chunks(64).map(word).collect::<Vec<u64>>());
    Ok(to_logical(words.concat(), &layout, threads))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::{Layout, PlainTensor};
    use proptest::prelude::*;

    proptest! {
        /// Against the definition, on both orders of memory, with zeros of both signs and NaN.
        #[test]
        fn masks_keep_what_is_not_zero(rows in 1usize..90, columns in 1usize..90, seed: u64) {
            let value = |i: usize| {
                [0.0, -0.0, 1.0, f32::NAN, -2.0][(crate::hash::hash(seed ^ i as u64) % 5) as usize]
            };
            let logical: Vec<f32> = (0..rows * columns).map(value).collect();
            let wanted: Vec<bool> = logical.iter().map(|&value| value.is_nan() || value.abs() > 0.0).collect();
            let wanted = Mask::from_bools(&[rows, columns], &wanted).unwrap();
            let memory = (0..rows * columns).map(|p| logical[p % rows * columns + p / rows]).collect();
            let layout = Layout::new(&[rows, columns], &[1, rows as isize], 0).unwrap();
            let tensors =
                [PlainTensor::from_logical(&[rows, columns], logical).unwrap(), PlainTensor::from_memory(layout, memory).unwrap()];
            for tensor in &tensors {
                let layer = LayerRef::of(tensor);
                prop_assert_eq!(&layer.non_zero_mask().unwrap(), &wanted);
                let found = Masks::from_zeros(&[("a", layer)]).unwrap();
                let share = ZeroShare::of(wanted.kept_len(), wanted.len());
                prop_assert_eq!(found.masks.get("a"), (share == ZeroShare::Sparse).then_some(&wanted));
                prop_assert_eq!(found.open.len(), usize::from(share == ZeroShare::NearlyAll));
            }
        }
    }

    #[test]
    fn layers_longer_than_a_task_are_read_whole() {
        let len = 3 * CHUNK + 77;
        let tensor = PlainTensor::from_logical(&[1, len], (0..len).map(|i| (i % 3) as f64).collect()).unwrap();
        let mask = LayerRef::of(&tensor).non_zero_mask().unwrap();
        assert!(mask.iter().enumerate().all(|(i, kept)| kept == (i % 3 != 0)));
    }

    #[test]
    fn dense_and_empty_layers_get_no_mask() {
        let of = |shape: &[usize], zeros: usize| {
            let len: usize = shape.iter().product();
            PlainTensor::from_logical(shape, (0..len).map(|i| if i < zeros { 0.0f32 } else { 1.0 }).collect()).unwrap()
        };
        let (dense, emptied, sparse, bias, none) =
            (of(&[10, 10], 4), of(&[10, 10], 100), of(&[10, 10], 5), of(&[100], 50), of(&[0, 7], 0));
        let model = [
            ("d", LayerRef::of(&dense)),
            ("e", LayerRef::of(&emptied)),
            ("s", LayerRef::of(&sparse)),
            ("b", LayerRef::of(&bias)),
            ("n", LayerRef::of(&none)),
        ];
        let found = Masks::from_zeros(&model).unwrap();
        assert_eq!(found.masks.iter().map(|(name, mask)| (name, mask.kept_len())).collect::<Vec<_>>(), [("s", 95)]);
        assert_eq!(found.open, [OpenLayer { layer: "e".to_owned(), elements: 100, non_zero: 0 }]);
        assert_eq!(found.open[0].to_string(), "layer `e`: 0 of 100 are not zero; it has no mask and trains as a whole");
        let twice = [("a", LayerRef::of(&dense)), ("a", LayerRef::of(&sparse))];
        let error = Masks::from_zeros(&twice).unwrap_err();
        assert!(matches!(error.kind, crate::ErrorKind::DuplicateLayer { .. }), "{error}");
    }
}
