//! Masks by layer name; they hold a model or an optimiser's buffers at zero.

#[cfg(feature = "serde")]
mod serial;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::apply::{revivals_of_all, zero_outside_all};
use crate::error::{Error, ErrorKind};
use crate::mask::Mask;
use crate::nearest::nearest;
use crate::tensor::{LayerMut, LayerRef, Layers, LayersMut, distinct};
use crate::threads::Threads;

/// The masks in force: layer name to [`Mask`], in the order of names. A layer without a mask is wholly alive.
///
/// # Zeros stay zero (rule 8)
///
/// Once a mask is in force, weights and every per-weight buffer of the optimiser must be `+0.0` outside it after each
/// step, whatever momentum or weight decay do. [`Masks::hold`] writes these zeros, in one call for everything that
/// has the layers' names; [`Masks::hold_each`] does so for several such sets at once. [`Masks::revivals`] counts
/// elements that are not zero; a zero of either sign is zero.
///
/// # Examples
///
/// ```
/// use prune_core::{LayerMut, Mask, Masks, PlainTensor};
///
/// let mut momentum = PlainTensor::from_logical(&[3], vec![0.5f32, -0.25, 1.0])?;
/// let mut masks = Masks::default();
/// masks.insert("fc", Mask::from_bools(&[3], &[true, false, true])?);
///
/// let mut buffers = [("fc", LayerMut::of(&mut momentum))];
/// assert_eq!(masks.revivals(&buffers)?, 1);
/// masks.hold(&mut buffers)?;
/// assert_eq!(masks.revivals(&buffers)?, 0);
/// drop(buffers);
/// assert_eq!(momentum.values(), [0.5, 0.0, 1.0]);
/// # Ok::<(), prune_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct Masks {
    by_name: BTreeMap<String, Mask>,
}

impl Masks {
    /// The mask of a layer, if it has one.
    pub fn get(&self, layer: &str) -> Option<&Mask> {
        self.by_name.get(layer)
    }

    /// Puts a mask in force; returns the mask that it replaces.
    pub fn insert(&mut self, layer: impl Into<String>, mask: Mask) -> Option<Mask> {
        self.by_name.insert(layer.into(), mask)
    }

    /// Takes a mask out of force.
    pub fn remove(&mut self, layer: &str) -> Option<Mask> {
        self.by_name.remove(layer)
    }

    /// Names and masks in the order of names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Mask)> {
        self.by_name.iter().map(|(name, mask)| (name.as_str(), mask))
    }

    /// The number of layers with a mask.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// True if no layer has a mask.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Writes `+0.0` outside the masks, in every layer that has one. Layers without a mask are not touched.
    ///
    /// # Errors
    ///
    /// Before anything is written: [`ErrorKind::UnknownLayer`] if a mask has no layer in `layers`,
    /// [`ErrorKind::ShapeMismatch`], [`ErrorKind::DuplicateLayer`], [`ErrorKind::Layout`].
    pub fn hold(&self, layers: &mut (impl LayersMut + ?Sized)) -> Result<(), Error> {
        self.hold_lists(&mut [layers.layers_mut()])
    }

    /// Does the same as [`Masks::hold`] on several sets of the layers, such as the weights and an optimiser's
    /// buffers. One call is faster than one after the other: the sets share the threads, and the work that each mask
    /// needs only once.
    ///
    /// # Errors
    ///
    /// As [`Masks::hold`], before anything is written in any set.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerMut, Mask, Masks, PlainTensor};
    ///
    /// let mut weights = PlainTensor::from_logical(&[2], vec![1.0f32, 2.0])?;
    /// let mut momentum = PlainTensor::from_logical(&[2], vec![3.0f32, 4.0])?;
    /// let mut masks = Masks::default();
    /// masks.insert("fc", Mask::from_bools(&[2], &[true, false])?);
    ///
    /// let (mut model, mut buffer) = ([("fc", LayerMut::of(&mut weights))], [("fc", LayerMut::of(&mut momentum))]);
    /// masks.hold_each(&mut [&mut model, &mut buffer])?;
    /// drop((model, buffer));
    /// assert_eq!((weights.values(), momentum.values()), (&[1.0, 0.0][..], &[3.0, 0.0][..]));
    /// # Ok::<(), prune_core::Error>(())
    /// ```
    pub fn hold_each(&self, sets: &mut [&mut (dyn LayersMut + '_)]) -> Result<(), Error> {
        self.hold_lists(&mut sets.iter_mut().map(|set| set.layers_mut()).collect::<Vec<_>>())
    }

    /// Does the same as [`Masks::hold`] on a set that may lack layers: an optimiser keeps no buffers of frozen
    /// layers. Returns the names of masks without a layer in the set, in the order of names.
    ///
    /// # Errors
    ///
    /// As [`Masks::hold`], except [`ErrorKind::UnknownLayer`].
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerMut, Mask, Masks, PlainTensor};
    ///
    /// let mut momentum = PlainTensor::from_logical(&[2], vec![3.0f32, 4.0])?;
    /// let mut masks = Masks::default();
    /// masks.insert("fc", Mask::from_bools(&[2], &[true, false])?);
    /// masks.insert("frozen", Mask::from_bools(&[2], &[false, true])?);
    ///
    /// assert_eq!(masks.hold_present(&mut [("fc", LayerMut::of(&mut momentum))])?, ["frozen"]);
    /// assert_eq!(momentum.values(), [3.0, 0.0]);
    /// # Ok::<(), prune_core::Error>(())
    /// ```
    pub fn hold_present(&self, layers: &mut (impl LayersMut + ?Sized)) -> Result<Vec<&str>, Error> {
        let mut layers = layers.layers_mut();
        distinct(layers.iter().map(|(name, _)| name.as_ref()))?;
        let mut absent: BTreeSet<&str> = self.by_name.keys().map(String::as_str).collect();
        layers.iter().for_each(|(name, _)| _ = absent.remove(name.as_ref()));
        let mut masked = Vec::with_capacity(self.len());
        self.masked(&mut layers, &mut masked)?;
        zero_outside_all(&mut masked, Threads::Pool);
        Ok(absent.into_iter().collect())
    }

    fn hold_lists(&self, lists: &mut [Vec<(Cow<'_, str>, LayerMut<'_>)>]) -> Result<(), Error> {
        let mut masked = Vec::with_capacity(self.len() * lists.len());
        for layers in lists {
            self.check(&layers.iter().map(|(name, layer)| (name.as_ref(), layer.shape())).collect::<Vec<_>>())?;
            self.masked(layers, &mut masked)?;
        }
        zero_outside_all(&mut masked, Threads::Pool);
        Ok(())
    }

    /// Adds the layers of a set that have a mask, and checks each with its mask.
    fn masked<'l, 't>(
        &'l self,
        layers: &'l mut [(Cow<'_, str>, LayerMut<'t>)],
        masked: &mut Vec<(&'l Mask, &'l mut LayerMut<'t>)>,
    ) -> Result<(), Error> {
        let mut by_memory: BTreeMap<usize, (&str, &Mask)> = BTreeMap::new();
        for (name, layer) in layers {
            let Some(mask) = self.get(name) else { continue };
            layer.check_apply(mask).map_err(|error| error.in_layer(name))?;
            if let Some(memory) = layer.identity() {
                match by_memory.get(&memory) {
                    Some((other, another)) if *another != mask => {
                        let (first, second) = ((*other).to_owned(), name.to_string());
                        return Err(ErrorKind::SharedMemory { first, second }.into());
                    }
                    _ => _ = by_memory.insert(memory, (name, mask)),
                }
            }
            masked.push((mask, layer));
        }
        Ok(())
    }

    /// The number of elements outside the masks that are not zero, of either sign; tests want none.
    ///
    /// # Errors
    ///
    /// As [`Masks::hold`].
    pub fn revivals(&self, layers: &(impl Layers + ?Sized)) -> Result<usize, Error> {
        let layers = layers.layers();
        self.check(&layers.iter().map(|(name, layer)| (name.as_ref(), layer.shape())).collect::<Vec<_>>())?;
        let mut masked: Vec<(&Mask, &LayerRef<'_>)> = Vec::with_capacity(self.len());
        for (name, layer) in &layers {
            if let Some(mask) = self.get(name) {
                layer.check().map_err(|error| error.in_layer(name))?;
                masked.push((mask, layer));
            }
        }
        revivals_of_all(&masked, Threads::Pool)
    }

    fn check(&self, layers: &[(&str, &[usize])]) -> Result<(), Error> {
        distinct(layers.iter().map(|&(name, _)| name))?;
        // A map lookup, not a search, since this runs at every training step.
        let shapes: BTreeMap<&str, &[usize]> = layers.iter().copied().collect();
        for (name, mask) in self.iter() {
            let Some(shape) = shapes.get(name) else {
                let nearest = nearest(name, layers.iter().map(|&(layer, _)| layer)).map(str::to_owned);
                return Err(ErrorKind::UnknownLayer { name: name.to_owned(), nearest }.into());
            };
            mask.fits("mask", shape).map_err(|error| error.in_layer(name))?;
        }
        Ok(())
    }
}

impl FromIterator<(String, Mask)> for Masks {
    fn from_iter<I: IntoIterator<Item = (String, Mask)>>(masks: I) -> Self {
        Masks { by_name: masks.into_iter().collect() }
    }
}

impl IntoIterator for Masks {
    type Item = (String, Mask);
    type IntoIter = std::collections::btree_map::IntoIter<String, Mask>;

    /// Names and masks in the order of names.
    fn into_iter(self) -> Self::IntoIter {
        self.by_name.into_iter()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::hash::hash;
    use crate::{Layout, PlainTensor};

    const SHAPE: [usize; 2] = [300, 500];

    fn mask(seed: u64) -> Mask {
        Mask::from_bools(&SHAPE, &(0..150_000).map(|i| hash(seed << 32 | i).is_multiple_of(3)).collect::<Vec<_>>())
            .unwrap()
    }

    /// Two layers of one layout under different masks, in two sets. They are longer than a task, so that parts are
    /// handed out in an order of their own.
    #[test]
    fn several_sets_are_held_as_one_after_the_other_is() {
        let masks: Masks = [("a".to_owned(), mask(1)), ("b".to_owned(), mask(2))].into_iter().collect();
        for strides in [[500, 1], [1, 300]] {
            let tensor = || {
                let layout = Layout::new(&SHAPE, &strides, 0).unwrap();
                PlainTensor::from_memory(layout, (1..=150_000).map(|i| i as f32).collect()).unwrap()
            };
            let before = tensor().to_logical();
            let mut tensors = [tensor(), tensor(), tensor(), tensor()];
            let [a, b, c, d] = &mut tensors;
            let (mut weights, mut buffer) =
                ([("b", LayerMut::of(a)), ("a", LayerMut::of(b))], [("a", LayerMut::of(c)), ("b", LayerMut::of(d))]);
            masks.hold_each(&mut [&mut weights, &mut buffer]).unwrap();
            drop((weights, buffer));
            for (tensor, seed) in tensors.iter().zip([2, 1, 1, 2]) {
                let kept = mask(seed);
                let expected: Vec<f32> =
                    before.iter().zip(kept.iter()).map(|(&value, kept)| if kept { value } else { 0.0 }).collect();
                assert!(tensor.to_logical() == expected, "{strides:?} {seed}");
            }
        }
    }

    #[test]
    fn a_set_that_lacks_layers_is_held_and_they_are_named() {
        let masks: Masks = ["a", "b", "c"].map(|name| (name.to_owned(), mask(1))).into_iter().collect();
        let mut tensor = PlainTensor::from_logical(&SHAPE, vec![1.0f32; 150_000]).unwrap();
        let mut other = PlainTensor::from_logical(&[2], vec![1.0f32; 2]).unwrap();
        let mut buffers = [("d", LayerMut::of(&mut other)), ("b", LayerMut::of(&mut tensor))];
        assert_eq!(masks.hold_present(&mut buffers).unwrap(), ["a", "c"]);
        drop(buffers);
        assert!(tensor.values().iter().zip(mask(1).iter()).all(|(&value, kept)| value == if kept { 1.0 } else { 0.0 }));
        assert_eq!(other.values(), [1.0, 1.0]);
        let mut twice = [("d", LayerMut::of(&mut other)), ("d", LayerMut::of(&mut tensor))];
        assert!(matches!(masks.hold_present(&mut twice).unwrap_err().kind, ErrorKind::DuplicateLayer { .. }));
        drop(twice);
        let mut misshapen = [("b", LayerMut::of(&mut tensor)), ("a", LayerMut::of(&mut other))];
        assert!(matches!(masks.hold_present(&mut misshapen).unwrap_err().kind, ErrorKind::ShapeMismatch { .. }));
    }

    #[test]
    fn nothing_is_written_where_a_later_set_is_refused() {
        let masks: Masks = [("a".to_owned(), mask(1))].into_iter().collect();
        let tensor = || PlainTensor::from_logical(&SHAPE, vec![1.0f64; 150_000]).unwrap();
        let (mut one, mut two) = (tensor(), tensor());
        let (mut weights, mut buffer) = ([("a", LayerMut::of(&mut one))], [("b", LayerMut::of(&mut two))]);
        let error = masks.hold_each(&mut [&mut weights, &mut buffer]).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::UnknownLayer { name, .. } if name == "a"));
        drop((weights, buffer));
        assert!(one.values().iter().all(|&value| value == 1.0));
    }
}
