//! The gradients of a module's parameters, copied to the host when an event needs them.

use std::borrow::Cow;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use prune_core::{LayerRef, Layers};

use crate::host::gathered;
use crate::path::Path;

/// The gradients of a module's parameters under the parameters' names. They are read when they are listed. A parameter
/// without a gradient is not listed.
pub(crate) struct ModuleGradients<'m, M> {
    pub(crate) module: &'m M,
    pub(crate) gradients: &'m GradientsParams,
}

impl<M: Module> Layers for ModuleGradients<'_, M> {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        let mut reader = Reader { path: Path::default(), gradients: self.gradients, list: Vec::new() };
        self.module.visit(&mut reader);
        reader.list
    }
}

struct Reader<'m> {
    path: Path,
    gradients: &'m GradientsParams,
    list: Vec<(Cow<'m, str>, LayerRef<'m>)>,
}

impl ModuleVisitor for Reader<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.list.push((self.path.name().into(), gathered(&gradient)));
        }
    }
}
