//! The parameters of a module, by path, copied to the host.

use std::borrow::Cow;
use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bool, Int, Tensor, TensorData};
use prune_core::{LayerRef, Layers, Mask};
use prune_schedule::LayerFacts;

use crate::classes;
use crate::error::BurnError;
use crate::host::{LendMut, PruneExt, refusal};
use crate::path::Path;
use crate::prune_mask::PRUNE_MASK;

/// The parameters of a module as they were when they were read, under the names of their paths, such as `fc1.weight`. A
/// pruner reads a module in this form, and an event can set weights back to it.
///
/// Parameters with a mask [within the module](crate::ModulePruner::with_masks_in_module) are listed with their masked
/// values, as forward passes use them. Integers, booleans, quantised parameters and those with a reparameterisation of
/// another kind are listed too, but refused with the reason if an event selects them.
///
/// # Examples
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::Device;
/// use prune_burn::{Layers, Parameters};
///
/// let linear = LinearConfig::new(3, 2).init(&Device::default());
/// let parameters = Parameters::of(&linear)?;
/// let shapes: Vec<_> = parameters.layers().iter().map(|(name, layer)| (name.to_string(), layer.shape().to_vec())).collect();
/// assert_eq!(shapes, [("weight".to_owned(), vec![3, 2]), ("bias".to_owned(), vec![2])]);
/// # Ok::<(), prune_burn::BurnError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Parameters {
    list: Vec<Parameter>,
}

/// A parameter of a module.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) id: ParamId,
    pub(crate) shape: Vec<usize>,
    pub(crate) facts: LayerFacts,
    /// True if it has a reparameterisation.
    is_reparameterized: bool,
    value: ParameterValue,
}

/// A parameter's elements.
#[derive(Debug, Clone)]
enum ParameterValue {
    Data(TensorData),
    /// The reason why they cannot be read.
    Opaque(String),
    /// They have not been read.
    Unread,
}

impl Parameters {
    /// Reads the parameters of a module, with elements if those can be read.
    ///
    /// # Errors
    ///
    /// [`BurnError::Read`] if a device fails.
    ///
    /// # Complexity
    ///
    /// A copy of every parameter.
    pub fn of<M: Module>(module: &M) -> Result<Self, BurnError> {
        Self::visited(module, &|_| true)
    }

    /// The same with the elements of some parameters only.
    pub(crate) fn some<M: Module>(module: &M, reads: &dyn Fn(&str) -> bool) -> Result<Self, BurnError> {
        Self::visited(module, reads)
    }

    /// The same without elements.
    pub(crate) fn outline<M: Module>(module: &M) -> Self {
        Self::visited(module, &|_| false).unwrap_or_else(|error| unreachable!("nothing is read: {error}"))
    }

    fn visited<M: Module>(module: &M, reads: &dyn Fn(&str) -> bool) -> Result<Self, BurnError> {
        let mut lister = Lister { path: Path::default(), reads, list: Vec::new(), failed: None };
        module.visit(&mut lister);
        match lister.failed {
            Some(error) => Err(error),
            None => Ok(Parameters { list: lister.list }),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Parameter> {
        self.list.iter()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Parameter> {
        self.list.iter().find(|parameter| parameter.name == name)
    }

    /// True if a parameter's elements are the same, bit for bit.
    pub(crate) fn same(&self, other: &Parameters, name: &str) -> bool {
        fn data<'p>(parameters: &'p Parameters, name: &str) -> Option<&'p TensorData> {
            match &parameters.get(name)?.value {
                ParameterValue::Data(data) => Some(data),
                ParameterValue::Opaque(_) | ParameterValue::Unread => None,
            }
        }
        data(self, name) == data(other, name)
    }

    /// Refuses a parameter with two names if one of them is masked, now or by an event to come: burn's optimisers move
    /// only the first.
    pub(crate) fn untied(&self, masked: impl Fn(&Parameter) -> bool) -> Result<(), BurnError> {
        let mut by_id: BTreeMap<u64, &Parameter> = BTreeMap::new();
        for parameter in &self.list {
            if let Some(first) = by_id.insert(parameter.id.val(), parameter)
                && (masked(first) || masked(parameter))
            {
                return Err(BurnError::Tied { first: first.name.clone(), second: parameter.name.clone() });
            }
        }
        Ok(())
    }
}

impl Layers for Parameters {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        fn layer(parameter: &Parameter) -> LayerRef<'_> {
            let why = match &parameter.value {
                ParameterValue::Data(data) => return data.layer(),
                ParameterValue::Opaque(why) => why,
                ParameterValue::Unread => "its elements have not been read",
            };
            LayerRef::opaque(&parameter.shape, why)
                .unwrap_or_else(|error| unreachable!("a parameter has a shape: {error}"))
        }
        self.list.iter().map(|parameter| (parameter.name.as_str().into(), layer(parameter))).collect()
    }
}

struct Lister<'r> {
    path: Path,
    /// True for the names of parameters whose elements are read.
    reads: &'r dyn Fn(&str) -> bool,
    list: Vec<Parameter>,
    failed: Option<BurnError>,
}

impl Lister<'_> {
    fn push(&mut self, id: ParamId, shape: Vec<usize>, value: ParameterValue) {
        let name = self.path.name();
        let (module, field) = self.path.field();
        let facts = match self.path.reparameterization() {
            Some(_) => classes::other(module, "part of a reparameterisation"),
            None => classes::facts(module, field, &name),
        };
        self.list.push(Parameter { name, id, shape, facts, is_reparameterized: false, value });
    }

    fn is_in_mask(&self) -> bool {
        self.path.reparameterization().is_some_and(|(name, _)| name == PRUNE_MASK)
    }
}

impl ModuleVisitor for Lister<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
        if let Some((reparameterization, layer)) = self.path.reparameterization()
            && let Some(base) = self.list.iter_mut().rev().find(|parameter| parameter.name == layer)
            && !base.is_reparameterized
        {
            if reparameterization != PRUNE_MASK {
                base.value = ParameterValue::Opaque(format!(
                    "it has the reparameterisation `{reparameterization}`, beside which burn allows no mask (`materialize` \
                     merges it)"
                ));
            }
            base.is_reparameterized = true;
        }
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = param.lazy_shape().to_vec();
        let value = if (self.reads)(&self.path.name()) {
            let tensor = param.val();
            match refusal(tensor.dtype()) {
                Some(why) => ParameterValue::Opaque(why.to_owned()),
                None => match tensor.try_into_data() {
                    Ok(data) => ParameterValue::Data(data),
                    Err(source) => {
                        let layer = self.path.name();
                        self.failed.get_or_insert(BurnError::Read { layer, source });
                        ParameterValue::Unread
                    }
                },
            }
        } else {
            ParameterValue::Unread
        };
        self.push(param.id, shape, value);
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.push(
            param.id,
            param.lazy_shape().to_vec(),
            ParameterValue::Opaque("its elements are integers".to_owned()),
        );
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        if !self.is_in_mask() {
            self.push(
                param.id,
                param.lazy_shape().to_vec(),
                ParameterValue::Opaque("its elements are booleans".to_owned()),
            );
            return;
        }
        // Forward passes use zero for elements that the mask within the module closes.
        if let Some((_, layer)) = self.path.reparameterization()
            && let Some(Parameter { value: ParameterValue::Data(data), .. }) =
                self.list.iter_mut().rev().find(|parameter| parameter.name == layer)
        {
            let masked = match param.val().try_into_data() {
                Ok(pruned) => {
                    let kept: Vec<bool> = pruned.iter::<bool>().map(|pruned| !pruned).collect();
                    let mask = Mask::from_bools(data.shape(), &kept);
                    mask.and_then(|mask| data.lend_mut().apply_mask(&mask))
                        .map_err(|error| error.in_layer(&layer).into())
                }
                Err(source) => Err(BurnError::Read { layer, source }),
            };
            if let Err(error) = masked {
                self.failed.get_or_insert(error);
            }
        }
    }
}
