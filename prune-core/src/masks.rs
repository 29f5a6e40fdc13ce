//! Masks by layer name, and holding a model or an optimiser's buffers to them.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::layer::{LayerMut, LayerRef, Layers, LayersMut, distinct};
use crate::mask::Mask;
use crate::nearest::nearest;
use crate::threads::Threads;

/// The masks in force: layer name to [`Mask`], in the order of names. A layer without one is alive as a whole.
///
/// # Zeros stay zero (rule 8)
///
/// Once a mask is in force, weights and every per-weight buffer of the optimiser must be `+0.0` outside it after each
/// step, whatever momentum or weight decay do. [`Masks::hold`] does it, in one call for everything that has the layers'
/// names; [`Masks::revivals`] counts offenders.
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

    /// Puts a mask in force; gives back the one it replaces.
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

    /// How many layers have a mask.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether no layer has a mask.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Writes `+0.0` outside the masks, in every layer that has one. Layers without a mask are not touched.
    ///
    /// # Errors
    ///
    /// Before anything is written: [`Error::UnknownLayer`] where a mask has no layer in `layers`,
    /// [`Error::ShapeMismatch`], [`Error::DuplicateLayer`], [`Error::Layout`].
    pub fn hold(&self, layers: &mut (impl LayersMut + ?Sized)) -> Result<(), Error> {
        let mut layers = layers.layers_mut();
        self.check(&layers.iter().map(|(name, layer)| (name.as_ref(), layer.shape())).collect::<Vec<_>>())?;
        let mut masked: Vec<(&Mask, &mut LayerMut<'_>)> = Vec::with_capacity(self.len());
        for (name, layer) in &mut layers {
            if let Some(mask) = self.get(name) {
                layer.check_apply(mask).map_err(|error| error.in_layer(name))?;
                masked.push((mask, layer));
            }
        }
        for (mask, layer) in masked {
            layer.zero_outside(mask, Threads::Pool);
        }
        Ok(())
    }

    /// How many elements outside the masks are not `+0.0`; tests want none.
    ///
    /// # Errors
    ///
    /// As [`Masks::hold`].
    pub fn revivals(&self, layers: &(impl Layers + ?Sized)) -> Result<usize, Error> {
        let layers = layers.layers();
        self.check(&layers.iter().map(|(name, layer)| (name.as_ref(), layer.shape())).collect::<Vec<_>>())?;
        let count = |(name, layer): &(_, LayerRef<'_>)| match self.get(AsRef::<str>::as_ref(name)) {
            Some(mask) => layer.revivals(mask).map_err(|error| error.in_layer(AsRef::<str>::as_ref(name))),
            None => Ok(0),
        };
        layers.iter().map(count).sum()
    }

    fn check(&self, layers: &[(&str, &[usize])]) -> Result<(), Error> {
        distinct(layers.iter().map(|&(name, _)| name))?;
        // Looked up and not searched for, since this happens at every step of a training.
        let shapes: BTreeMap<&str, &[usize]> = layers.iter().copied().collect();
        for (name, mask) in self.iter() {
            let Some(shape) = shapes.get(name) else {
                let nearest = nearest(name, layers.iter().map(|&(layer, _)| layer)).map(str::to_owned);
                return Err(Error::UnknownLayer { layer: name.to_owned(), nearest });
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
