//! Whether a module has a parameter for each mask: looked at in every step, so nothing is copied.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use prune_core::{ErrorKind, Masks};

use crate::error::BurnError;
use crate::path::Path;
use crate::prune_mask::PRUNE_MASK;

/// Refuses a module without a parameter of the name and shape of each mask, or with one that has a reparameterisation of
/// another kind.
pub(crate) fn fits<M: Module>(module: &M, masks: &Masks) -> Result<(), BurnError> {
    let mut fitter = Fitter { path: Path::default(), masks, found: Vec::new(), refused: None };
    if !masks.is_empty() {
        module.visit(&mut fitter);
    }
    let Fitter { found, refused, .. } = fitter;
    if let Some(error) = refused {
        return Err(error);
    }
    match masks.iter().find(|(name, _)| found.len() < masks.len() && !found.iter().any(|found| found == name)) {
        Some((name, _)) => Err(unknown(name).into()),
        None => Ok(()),
    }
}

/// The error of a name that no parameter has.
pub(crate) fn unknown(name: &str) -> prune_core::Error {
    ErrorKind::UnknownLayer { name: name.to_owned(), nearest: None }.into()
}

struct Fitter<'m> {
    path: Path,
    masks: &'m Masks,
    /// The masks that have found their parameter.
    found: Vec<String>,
    refused: Option<BurnError>,
}

impl ModuleVisitor for Fitter<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
        if let Some((reparameterization, layer)) = self.path.reparameterization()
            && reparameterization != PRUNE_MASK
            && self.masks.get(&layer).is_some()
        {
            let name = reparameterization.to_owned();
            self.refused.get_or_insert(BurnError::Reparameterized { layer, name });
        }
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        let Some(mask) = self.masks.get(&name) else { return };
        let shape = param.lazy_shape();
        if shape.as_slice() != mask.shape() {
            let (expected, got) = (shape.to_vec(), mask.shape().to_vec());
            let error = ErrorKind::ShapeMismatch { what: "mask", expected, got }.in_layer(&name);
            self.refused.get_or_insert(error.into());
        }
        self.found.push(name);
    }
}
