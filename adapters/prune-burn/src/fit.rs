//! The test that masks fit a module. It runs in every step, so it copies nothing.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use prune_core::{ErrorKind, Masks, nearest};

use crate::error::BurnError;
use crate::path::Path;
use crate::prune_mask::PRUNE_MASK;

/// Refuses a module if a mask has no parameter of its name and shape, or if a masked parameter has a second name or a
/// reparameterisation of another kind.
pub(crate) fn fits<M: Module>(module: &M, masks: &Masks) -> Result<(), BurnError> {
    if masks.is_empty() {
        return Ok(());
    }
    Fitter::visited(module, masks).checked().map(|_| ())
}

/// The same test, and one of the masks within the module. If the pruner keeps its masks there, the module must have
/// these; otherwise it must have none.
pub(crate) fn in_force<M: Module>(module: &M, masks: &Masks, in_module: bool) -> Result<(), BurnError> {
    let fitter = Fitter::visited(module, masks).checked()?;
    let within = fitter.within;
    if !in_module {
        return within.into_iter().next().map_or(Ok(()), |layer| Err(BurnError::MaskInModule { layer }));
    }
    if let Some((layer, _)) = masks.iter().find(|(name, _)| !within.contains(*name)) {
        return Err(BurnError::NoMaskInModule { layer: layer.to_owned() });
    }
    match within.into_iter().find(|layer| masks.get(layer).is_none()) {
        Some(layer) => Err(BurnError::OtherMask { layer }),
        None => Ok(()),
    }
}

/// The error for a name that no parameter has.
pub(crate) fn unknown<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> prune_core::Error {
    let nearest = nearest(name, known).map(str::to_owned);
    ErrorKind::UnknownLayer { name: name.to_owned(), nearest }.into()
}

struct Fitter<'m> {
    path: Path,
    masks: &'m Masks,
    /// The parameters so far.
    names: Vec<String>,
    /// The last name of each parameter.
    by_id: BTreeMap<u64, usize>,
    /// The parameters with a mask within the module.
    within: BTreeSet<String>,
    refused: Option<BurnError>,
}

impl<'m> Fitter<'m> {
    fn visited<M: Module>(module: &M, masks: &'m Masks) -> Self {
        let (names, by_id, within) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        let mut fitter = Fitter { path: Path::default(), masks, names, by_id, within, refused: None };
        module.visit(&mut fitter);
        fitter
    }

    fn checked(mut self) -> Result<Self, BurnError> {
        if let Some(error) = self.refused.take() {
            return Err(error);
        }
        let listed: BTreeSet<&str> = self.names.iter().map(String::as_str).collect();
        match self.masks.iter().find(|(name, _)| !listed.contains(name)) {
            Some((name, _)) => Err(unknown(name, self.names.iter().map(String::as_str)).into()),
            None => Ok(self),
        }
    }
}

impl ModuleVisitor for Fitter<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
        let Some((reparameterization, layer)) = self.path.reparameterization() else { return };
        if reparameterization == PRUNE_MASK {
            self.within.insert(layer);
        } else if self.masks.get(&layer).is_some() {
            let name = reparameterization.to_owned();
            self.refused.get_or_insert(BurnError::Reparameterized { layer, name });
        }
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        let mask = self.masks.get(&name);
        if let Some(first) = self.by_id.insert(param.id.val(), self.names.len())
            && (mask.is_some() || self.masks.get(&self.names[first]).is_some())
        {
            let (first, second) = (self.names[first].clone(), name.clone());
            self.refused.get_or_insert(BurnError::Tied { first, second });
        }
        if let Some(mask) = mask {
            let shape = param.lazy_shape();
            if shape.as_slice() != mask.shape() {
                let (expected, got) = (shape.to_vec(), mask.shape().to_vec());
                let error = ErrorKind::ShapeMismatch { what: "mask", expected, got }.in_layer(&name);
                self.refused.get_or_insert(error.into());
            }
        }
        self.names.push(name);
    }
}
