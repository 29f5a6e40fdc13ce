//! Masks within a module, as burn's reparameterisations: every forward pass uses the masked weights.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId, Reparameterization, Reparameterizer};
use burn::tensor::{Bool, Tensor};
use prune_core::Masks;

use crate::closed::ClosedMasks;
use crate::error::BurnError;
use crate::path::Path;

/// The name of the mask in a parameter's path: the mask of `fc1.weight` is saved as `fc1.weight.prune_mask.pruned`.
pub(crate) const PRUNE_MASK: &str = "prune_mask";

/// The mask of one parameter. It selects and never multiplies: an element that it closes is `+0.0`, whatever the weight
/// is.
#[derive(Module, Debug)]
pub struct PruneMask {
    /// True for each element that is pruned, in the parameter's logical order.
    pruned: Param<Tensor<1, Bool>>,
}

impl Reparameterization for PruneMask {
    const NAME: &'static str = PRUNE_MASK;

    fn apply<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        let pruned = self.pruned.val().reshape(base.shape());
        base.mask_fill(pruned, 0.0)
    }
}

/// Puts masks into a module. Parameters without a mask get one; those with a mask get the new values, since burn by
/// itself would keep the old mask.
pub(crate) fn attach<M: Module>(module: M, masks: &mut ClosedMasks) -> M {
    let module = module.apply_reparameterization(Attacher { masks });
    module.map(&mut Updater { path: Path::default(), masks })
}

struct Attacher<'m> {
    masks: &'m mut ClosedMasks,
}

impl Reparameterizer for Attacher<'_> {
    type Reparam = PruneMask;

    fn reparameterize<const D: usize>(
        &mut self,
        path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<PruneMask>) {
        let closed = self.masks.flat(path, &param.lazy_device());
        let mask = closed.map(|closed| PruneMask { pruned: Param::initialized(ParamId::new(), closed) });
        (param, mask)
    }
}

struct Updater<'m> {
    path: Path,
    masks: &'m mut ClosedMasks,
}

impl ModuleMapper for Updater<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_bool<const D: usize>(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        let masked = match self.path.reparameterization() {
            Some((PRUNE_MASK, layer)) => layer,
            _ => return param,
        };
        let Some(closed) = self.masks.flat(&masked, &param.lazy_device()) else { return param };
        let shape = param.lazy_shape();
        param.map(|_| closed.reshape(shape))
    }
}

/// Refuses a module with a mask that differs from these.
pub(crate) fn compare<M: Module>(module: &M, masks: &Masks) -> Result<(), BurnError> {
    let mut comparer = Comparer { path: Path::default(), masks, refused: None };
    module.visit(&mut comparer);
    comparer.refused.map_or(Ok(()), Err)
}

struct Comparer<'m> {
    path: Path,
    masks: &'m Masks,
    refused: Option<BurnError>,
}

impl ModuleVisitor for Comparer<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        let Some((PRUNE_MASK, layer)) = self.path.reparameterization() else { return };
        let Some(mask) = self.masks.get(&layer).filter(|_| self.refused.is_none()) else { return };
        self.refused = match param.val().try_into_data() {
            Ok(pruned) if pruned.iter::<bool>().eq(mask.iter().map(|kept| !kept)) => None,
            Ok(_) => Some(BurnError::OtherMask { layer }),
            Err(source) => Some(BurnError::Read { layer, source }),
        };
    }
}
