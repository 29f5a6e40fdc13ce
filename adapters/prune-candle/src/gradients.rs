//! Gradients under the names of their parameters.

use std::borrow::Cow;

use candle_core::Tensor;
use candle_core::backprop::GradStore;
use prune_core::{LayerRef, Layers, Masks};

use crate::error::CandleError;
use crate::params::Params;
use crate::{LendMut, PruneExt, named_mut};

/// The gradients of one backward pass as [`Layers`], for [`Pruner::observe`](crate::Pruner::observe), `before_step` and
/// [`Evidence`](crate::Evidence). Nothing is copied until an event reads them.
///
/// # Examples
///
/// ```
/// use prune_candle::candle_core::{Device, Var};
/// use prune_candle::{Gradients, Layers, Params};
///
/// let (used, idle) = (Var::new(&[[1f32, 2.0]], &Device::Cpu)?, Var::new(&[0f32], &Device::Cpu)?);
/// let params = Params::named([("used", used.clone()), ("idle", idle)])?;
/// let gradients = Gradients::of(&params, &used.sqr()?.sum_all()?.backward()?);
/// assert_eq!(gradients.layers()[0].1.to_logical_f64()?, [2.0, 4.0]);
/// assert_eq!(gradients.missing(), ["idle"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Gradients {
    by_name: Vec<(String, Tensor)>,
    missing: Vec<String>,
}

impl Gradients {
    /// The gradients of these parameters, without those of `Params::with_dense`.
    pub fn of(params: &Params, store: &GradStore) -> Self {
        let (mut by_name, mut missing) = (Vec::with_capacity(params.len()), Vec::new());
        for (name, var) in params.seen() {
            match store.get(var) {
                Some(gradient) => by_name.push((name.to_owned(), gradient.clone())),
                None => missing.push(name.to_owned()),
            }
        }
        Gradients { by_name, missing }
    }

    /// The parameters without a gradient, since the loss does not depend on them.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }
}

impl Layers for Gradients {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        self.by_name.iter().map(|(name, gradient)| (Cow::Borrowed(name.as_str()), gradient.layer())).collect()
    }
}

/// Writes zeros outside the masks into the gradients of a store. An optimiser with private buffers, such as candle's
/// `AdamW`, then never moves a pruned weight. Returns the names of masks whose parameter has no gradient.
///
/// # With candle's own AdamW
///
/// Its moments are private, so they cannot be held. If the gradients are masked before each of its steps, the moments
/// of pruned weights stay zero, provided that they started at zero: **make a new optimiser after each event**, because
/// the old one has moments from earlier gradients. This costs a copy of the gradients of pruned layers at each step. At
/// each event it costs the moments of all weights, and the bias correction starts again at step 1.
/// [`AdamW`](crate::AdamW) of this crate takes the same steps, to the bit, and has neither cost.
///
/// # Errors
///
/// Before any gradient is masked: [`CandleError::UnknownParam`] for a mask without a parameter, [`CandleError::Mask`]
/// for one of another shape.
///
/// # Examples
///
/// ```
/// use prune_candle::candle_core::{Device, Var};
/// use prune_candle::candle_nn::{AdamW, Optimizer, ParamsAdamW};
/// use prune_candle::{Evidence, Params, Pruner, mask_gradients};
///
/// let weight = Var::new(&[[0.9f32, -0.1, 0.3, 0.2]], &Device::Cpu)?;
/// let mut params = Params::named([("fc.weight", weight.clone())])?;
/// let mut pruner = Pruner::new("{1: {'method': 'unstr_global', 'density': 0.5}}".parse()?);
/// params.end_epoch(&mut pruner, 1, &mut [], Evidence::default())?;
///
/// let mut optimiser = AdamW::new(params.vars(), ParamsAdamW::default())?; // anew after the event
/// for _step in 0..3 {
///     let mut gradients = (weight.as_tensor() - 1.0)?.sqr()?.sum_all()?.backward()?;
///     mask_gradients(&mut gradients, &params, pruner.held())?;
///     optimiser.step(&gradients)?;
/// }
/// assert_eq!(params.revivals(pruner.masks())?, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn mask_gradients(store: &mut GradStore, params: &Params, masks: &Masks) -> Result<Vec<String>, CandleError> {
    let mut masked: Vec<(&str, Tensor)> = Vec::with_capacity(masks.len());
    let mut absent = Vec::new();
    for (name, _) in masks.iter() {
        let Some(var) = params.get(name) else {
            return Err(params.unknown(name));
        };
        match store.get(var) {
            // One tensor can be the gradient of several parameters, and part of other gradients, so each gets a copy.
            Some(gradient) => masked.push((name, gradient.duplicate())),
            None => absent.push(name.to_owned()),
        }
    }
    masks.hold_present(&mut named_mut(masked.iter_mut().map(|(name, gradient)| (*name, gradient))))?;
    for (name, gradient) in masked {
        if let Some(var) = params.get(name) {
            store.insert(var, gradient);
        }
    }
    Ok(absent)
}
