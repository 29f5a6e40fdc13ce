//! Writing of parameters: burn does it by mapping a module.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Tensor, TensorData};

use crate::closed::ClosedMasks;
use crate::path::Path;

/// Writes zeros into the closed elements of every masked parameter.
pub(crate) fn hold<M: Module>(module: M, closed: &mut ClosedMasks) -> M {
    module.map(&mut Writer { path: Path::default(), values: &BTreeMap::new(), closed })
}

/// Sets parameters to these values, then writes zeros into closed elements.
pub(crate) fn rewind<M: Module>(module: M, values: &BTreeMap<String, TensorData>, closed: &mut ClosedMasks) -> M {
    module.map(&mut Writer { path: Path::default(), values, closed })
}

/// Writes zeros into the gradients of closed elements.
pub(crate) fn hold_gradients<M: Module>(module: &M, gradients: &mut GradientsParams, closed: &mut ClosedMasks) {
    module.visit(&mut GradientWriter { path: Path::default(), gradients, closed });
}

struct Writer<'w> {
    path: Path,
    values: &'w BTreeMap<String, TensorData>,
    closed: &'w mut ClosedMasks,
}

impl ModuleMapper for Writer<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let closed = self.closed.get::<D>(&name, &param.lazy_device());
        let value = self.values.get(&name);
        if closed.is_none() && value.is_none() {
            return param;
        }
        let (id, tensor, mapper) = param.consume();
        let context = AutodiffContext::of(&tensor);
        let mut plain = tensor.without_autodiff();
        if let Some(value) = value {
            let (device, dtype) = (plain.device(), plain.dtype());
            plain = Tensor::from_data(value.clone(), (&device, dtype));
        }
        if let Some(closed) = closed {
            plain = filled(plain, closed);
        }
        Param::from_mapped_value(id, context.put_back(plain, id), mapper)
    }
}

/// The tensor with zeros where a mask closes. Flex writes into a tensor with a single owner in place, with a branch for
/// each element that is often mispredicted. A copy is selected without branches, which is faster (`benches/hold.rs`).
fn filled<const D: usize>(tensor: Tensor<D>, closed: Tensor<D, Bool>) -> Tensor<D> {
    let held = tensor.clone();
    let filled = tensor.mask_fill(closed, 0.0);
    drop(held);
    filled
}

/// The autodiff state of a parameter. It is removed before a write and put back afterwards.
struct AutodiffContext {
    checkpointing: Option<burn::tensor::GradientCheckpointingStrategy>,
    requires_gradient: bool,
    distributed: bool,
}

impl AutodiffContext {
    fn of<const D: usize>(tensor: &Tensor<D>) -> Self {
        AutodiffContext {
            checkpointing: tensor.gradient_checkpointing_strategy(),
            requires_gradient: tensor.is_require_grad(),
            // Burn asks this only of tensors with autodiff.
            distributed: tensor.is_autodiff() && tensor.is_distributed(),
        }
    }

    fn put_back<const D: usize>(self, plain: Tensor<D>, id: burn::module::ParamId) -> Tensor<D> {
        let Some(strategy) = self.checkpointing else { return plain };
        let mut tensor = plain.autodiff().with_gradient_checkpointing_strategy(strategy);
        if self.requires_gradient {
            tensor = tensor.require_grad();
        }
        if self.distributed { tensor.set_distributed(id) } else { tensor }
    }
}

struct GradientWriter<'w> {
    path: Path,
    gradients: &'w mut GradientsParams,
    closed: &'w mut ClosedMasks,
}

impl ModuleVisitor for GradientWriter<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        if self.closed.masks().get(&name).is_none() {
            return;
        }
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let held = match self.closed.get::<D>(&name, &gradient.device()) {
                Some(closed) => filled(gradient, closed),
                None => gradient,
            };
            self.gradients.register(param.id, held);
        }
    }
}
