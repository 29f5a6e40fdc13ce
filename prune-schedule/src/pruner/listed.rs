//! A model's layers by name.

use std::borrow::Cow;

use prune_core::{Error, ErrorKind, LayerRef, Layers, Masks};

use crate::plan::{Alive, FactsByLayer, LayerInfo};

/// A model's layers as it lists them. Every name is unique.
pub(super) struct LayerList<'m> {
    layers: Vec<(Cow<'m, str>, LayerRef<'m>)>,
    /// Places in the order of names, for fast look-up.
    by_name: Vec<usize>,
}

impl<'m> LayerList<'m> {
    pub(super) fn of(model: &'m (impl Layers + ?Sized)) -> Result<Self, Error> {
        let layers = model.layers();
        let mut by_name: Vec<usize> = (0..layers.len()).collect();
        by_name.sort_by(|&a, &b| layers[a].0.cmp(&layers[b].0));
        match by_name.windows(2).filter(|pair| layers[pair[0]].0 == layers[pair[1]].0).map(|pair| pair[1]).min() {
            Some(twice) => Err(ErrorKind::DuplicateLayer { name: layers[twice].0.to_string() }.into()),
            None => Ok(LayerList { layers, by_name }),
        }
    }

    /// Refuses masks whose layer is missing or has another shape.
    pub(super) fn fit(&self, masks: &Masks) -> Result<(), Error> {
        for (name, mask) in masks.iter() {
            let Some(layer) = self.get(name) else {
                let known = self.iter().map(|(listed, _)| listed);
                let nearest = crate::words::nearest(name, known).map(str::to_owned);
                return Err(ErrorKind::UnknownLayer { name: name.to_owned(), nearest }.into());
            };
            if mask.shape() != layer.shape() {
                let (expected, got) = (layer.shape().to_vec(), mask.shape().to_vec());
                return Err(ErrorKind::ShapeMismatch { what: "mask", expected, got }.in_layer(name));
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&LayerRef<'m>> {
        let found = self.by_name.binary_search_by(|&place| self.layers[place].0.as_ref().cmp(name)).ok()?;
        Some(&self.layers[self.by_name[found]].1)
    }

    pub(super) fn at(&self, place: usize) -> Option<&LayerRef<'m>> {
        self.layers.get(place).map(|(_, layer)| layer)
    }

    /// The layers as a plan sees them, in their order. The elements that `alive` keeps are alive; without a mask all
    /// are.
    pub(super) fn infos<'s>(&'s self, alive: &'s Masks, facts: &'s FactsByLayer) -> Vec<LayerInfo<'s>> {
        let info = |(name, layer): (&'s str, &'s LayerRef<'m>)| {
            LayerInfo::new(name, layer.shape())
                .with_element(Some(layer.element_type()))
                .with_opaque(layer.opaque_reason())
                .with_facts(facts)
                .with_alive(alive.get(name).map_or(Alive::All, Alive::Mask))
        };
        self.iter().map(info).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &LayerRef<'m>)> {
        self.layers.iter().map(|(name, layer)| (name.as_ref(), layer))
    }
}
