//! The parameters of a model: variables under names, in the order of names.
//!
//! `list` makes the list, from a map or from pairs. `roles` decides which parameters events leave alone, and `facts`
//! has the axes that the caller gives. `check` tests a strategy on the parameters. `events` carries out events without
//! a copy of the model, and `prepared` is an event that has not happened yet.

mod check;
mod events;
mod facts;
mod list;
mod prepared;
mod roles;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use candle_core::{DType, Device, Var};
use prune_core::{LayerMut, LayerRef, Layers, LayersMut, nearest};
use prune_schedule::LayerFacts;

pub use check::ParamsWarning;
pub use prepared::PreparedEvent;
pub use roles::RoleWarning;

use crate::error::CandleError;
use crate::{LendMut, PruneExt};

/// The parameters of a model, as [`Layers`] and [`LayersMut`]. A [`Pruner`](crate::Pruner) prunes and holds them.
///
/// It has handles, not copies: the model sees what is written here, and the other way round. The parameters are in the
/// order of names, since a `VarMap` has no order.
///
/// # Locks
///
/// candle keeps the memory of a variable behind a lock. No method here returns anything that holds one: layers are read
/// through a copy, and written within a call that returns. So variables can be used and set at any time, even within
/// [`Params::with_mut`]. [`Params::check`] and [`Params::revivals`] read without a copy; so do [`Params::prepare`] and
/// [`Params::end_epoch`] without evidence. They hold the locks until they return, and run none of the caller's code
/// meanwhile. Evidence is the caller's code, so with it they read a copy.
///
/// candle's operators hold locks while rayon's threads work. So a task in rayon's pool that waits for a variable can,
/// as in candle, keep the pool from the thread that holds its lock. Set variables from threads outside of rayon.
///
/// # Examples
///
/// ```
/// use prune_candle::candle_core::{DType, Device};
/// use prune_candle::candle_nn::{VarBuilder, VarMap, linear};
/// use prune_candle::{Params, Pruner};
///
/// let varmap = VarMap::new();
/// let vars = VarBuilder::from_varmap(&varmap, DType::F32, &Device::Cpu);
/// let layer = linear(8, 4, vars.pp("fc"))?;
///
/// let mut params = Params::of(&varmap)?;
/// assert_eq!(params.names().collect::<Vec<_>>(), ["fc.bias", "fc.weight"]);
/// let mut pruner = Pruner::new("{1: {'method': 'str_unified_local', 'pattern': (2, 4)}}".parse()?);
/// pruner.end_epoch(1, &mut params)?;
/// // The layer has been pruned with it: the same memory.
/// let non_zero = layer.weight().ne(0f32)?.to_dtype(DType::F32)?.sum_all()?;
/// assert_eq!(non_zero.to_scalar::<f32>()?, 16.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Params {
    /// In the order of names.
    entries: Vec<Param>,
    /// The parameters that count as weights, whatever their names look like.
    weights: BTreeSet<String>,
    /// The parameters that events do not see.
    dense: BTreeSet<String>,
    /// Facts that do not follow from names and shapes.
    facts: BTreeMap<String, LayerFacts>,
}

/// A variable with its names.
#[derive(Debug, Clone)]
struct Param {
    name: String,
    var: Var,
    /// Other names of the same variable, joined to the first.
    others: Vec<String>,
}

impl Params {
    /// The names, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|param| param.name.as_str())
    }

    /// Names with variables, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Var)> {
        self.entries.iter().map(|param| (param.name.as_str(), &param.var))
    }

    /// The variables, in the order of names, as an optimiser of candle takes them.
    pub fn vars(&self) -> Vec<Var> {
        self.entries.iter().map(|param| param.var.clone()).collect()
    }

    /// The variable of a name.
    pub fn get(&self, name: &str) -> Option<&Var> {
        let place = self.entries.binary_search_by(|param| param.name.as_str().cmp(name)).ok()?;
        Some(&self.entries[place].var)
    }

    /// The number of parameters.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The other names of variables that were joined, each with the name that stands for it.
    pub fn joined_names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().flat_map(|param| param.others.iter().map(|other| (other.as_str(), param.name.as_str())))
    }

    /// Calls `edit` with the parameters as [`LayersMut`], from a shared reference. They are the same variables, and
    /// `edit` may use those.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_candle::candle_core::{Device, Var};
    /// use prune_candle::{Masks, Params, PruneExt};
    ///
    /// let weight = Var::new(&[[1f32, -2.0], [0.5, 3.0]], &Device::Cpu)?;
    /// let params = Params::named([("fc.weight", weight.clone())])?;
    /// let mut masks = Masks::default();
    /// masks.insert("fc.weight", weight.mask_unstructured("0.5".parse()?)?);
    /// params.with_mut(|layers| masks.hold(layers))?;
    /// assert_eq!(weight.to_vec2::<f32>()?, [[0.0, -2.0], [0.0, 3.0]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_mut<T>(&self, edit: impl FnOnce(&mut Params) -> T) -> T {
        edit(&mut self.clone())
    }

    /// A copy of all parameters on the host, under the same names. Masks are made on it if the variables are on a
    /// device.
    ///
    /// # Errors
    ///
    /// [`CandleError::Candle`] if a copy fails.
    pub fn on_cpu(&self) -> Result<Params, CandleError> {
        let copy = |param: &Param| {
            let var = Var::from_tensor(&param.var.to_device(&Device::Cpu)?.detach())?;
            Ok(Param { var, name: param.name.clone(), others: param.others.clone() })
        };
        let entries = self.entries.iter().map(copy).collect::<Result<_, candle_core::Error>>()?;
        Ok(Params { entries, ..self.like() })
    }

    /// Zeros for an optimiser's buffers: one tensor for each parameter of floats, with its shape and the type that
    /// `of_type` gives.
    pub(crate) fn zeros_like(&self, of_type: impl Fn(DType) -> DType) -> Result<Params, CandleError> {
        let floats = self.entries.iter().filter(|param| param.var.dtype().is_float());
        let zero = |param: &Param| {
            let var = Var::zeros(param.var.shape(), of_type(param.var.dtype()), param.var.device())?;
            Ok(Param { var, name: param.name.clone(), others: Vec::new() })
        };
        let entries = floats.map(zero).collect::<Result<_, candle_core::Error>>()?;
        Ok(Params { entries, ..self.like() })
    }

    /// An empty list with the same facts.
    fn like(&self) -> Params {
        let (weights, dense, facts) = (self.weights.clone(), self.dense.clone(), self.facts.clone());
        Params { entries: Vec::new(), weights, dense, facts }
    }

    /// The error for an unknown name, with the nearest known one.
    pub(crate) fn unknown(&self, name: &str) -> CandleError {
        CandleError::UnknownParam { name: name.to_owned(), nearest: nearest(name, self.names()).map(str::to_owned) }
    }

    /// The parameters that events see.
    pub(crate) fn seen(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.iter().filter(|(name, _)| !self.dense.contains(*name))
    }
}

/// Parameters are read through a copy each. Those of [`Params::with_dense`] are left out.
impl Layers for Params {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        self.seen().map(|(name, var)| (Cow::Borrowed(name), var.layer())).collect()
    }
}

/// Parameters are written in place.
impl LayersMut for Params {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        let Params { entries, dense, .. } = self;
        let seen = entries.iter_mut().filter(|param| !dense.contains(&param.name));
        seen.map(|param| (Cow::Borrowed(param.name.as_str()), param.var.lend_mut())).collect()
    }
}
