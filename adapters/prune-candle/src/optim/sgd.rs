//! Gradient descent with momentum.

use std::path::Path;

use candle_core::backprop::GradStore;
use candle_core::{Result, Var};
use candle_nn::Optimizer;

use super::buffers::{by_place, setting, update, zeros};
use super::state;
use crate::error::CandleError;
use crate::params::Params;

/// The settings of [`Sgd`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdConfig {
    /// The length of a step: usually above 0, and at least 0.
    pub learning_rate: f64,
    /// The fraction of the last direction that is kept: at least 0 and below 1.
    pub momentum: f64,
    /// The fraction of a weight that is added to its gradient: at least 0.
    pub weight_decay: f64,
    /// True if the gradient is taken one step ahead (Nesterov 1983). This needs a momentum.
    pub nesterov: bool,
}

impl Default for SgdConfig {
    /// A learning rate of 0.1 and a momentum of 0.9; all else is off.
    fn default() -> Self {
        SgdConfig { learning_rate: 0.1, momentum: 0.9, weight_decay: 0.0, nesterov: false }
    }
}

impl SgdConfig {
    fn checked(self) -> std::result::Result<Self, CandleError> {
        let positive =
            |what, got| setting("Sgd", what, got, "finite and at least 0", |got| got >= 0.0 && got.is_finite());
        positive("learning_rate", self.learning_rate)?;
        positive("weight_decay", self.weight_decay)?;
        setting("Sgd", "momentum", self.momentum, "at least 0 and below 1", |got| (0.0..1.0).contains(&got))?;
        let ahead = self.nesterov;
        setting("Sgd", "momentum", self.momentum, "above 0 with `nesterov`", |got| !ahead || got > 0.0)?;
        Ok(self)
    }
}

/// Gradient descent with momentum, whose buffers can be seen, held and saved.
///
/// A step, for each weight w with gradient g and buffer b: g grows by `weight_decay` w; b becomes `momentum` b + g; w
/// falls by `learning_rate` b, or by `learning_rate` (g + `momentum` b) with `nesterov`. Without momentum and weight
/// decay it is candle's `SGD`, to the bit. For half-precision parameters, buffers and steps are `f32`.
///
/// # Examples
///
/// ```
/// use prune_candle::candle_core::{Device, Var};
/// use prune_candle::candle_nn::Optimizer;
/// use prune_candle::{Evidence, Params, Pruner, Sgd, SgdConfig};
///
/// let weight = Var::new(&[[0.9f32, -0.1, 0.3, 0.2]], &Device::Cpu)?;
/// let mut params = Params::named([("fc.weight", weight.clone())])?;
/// let mut optimiser = Sgd::for_params(&params, SgdConfig::default())?;
/// let mut pruner = Pruner::new("{1: {'method': 'unstr_global', 'density': 0.5}}".parse()?);
/// for epoch in 1..=2 {
///     for _step in 0..10 {
///         optimiser.backward_step(&(weight.as_tensor() - 1.0)?.sqr()?.sum_all()?)?;
///         pruner.hold_each(&mut [&mut params, optimiser.momentum_mut()])?;
///     }
///     params.end_epoch(&mut pruner, epoch, &mut [optimiser.momentum_mut()], Evidence::default())?;
/// }
/// assert_eq!(params.revivals(pruner.masks())?, 0);
/// assert_eq!(optimiser.momentum().revivals(pruner.masks())?, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Sgd {
    params: Params,
    momentum: Params,
    config: SgdConfig,
}

impl Sgd {
    /// An optimiser for these parameters, whose buffers have the same names. It does not train parameters that are not
    /// floats.
    ///
    /// # Errors
    ///
    /// [`CandleError::Setting`], [`CandleError::Candle`].
    pub fn for_params(params: &Params, config: SgdConfig) -> std::result::Result<Self, CandleError> {
        Ok(Sgd { momentum: zeros(params)?, params: params.clone(), config: config.checked()? })
    }

    /// The buffers, under the names of their parameters.
    pub fn momentum(&self) -> &Params {
        &self.momentum
    }

    /// The same, for holding them.
    pub fn momentum_mut(&mut self) -> &mut Params {
        &mut self.momentum
    }

    /// Its settings.
    pub fn config(&self) -> &SgdConfig {
        &self.config
    }

    /// Writes the buffers to a safetensors file, whole or not at all. It does not write the settings.
    ///
    /// # Errors
    ///
    /// [`CandleError::File`], [`CandleError::Candle`].
    pub fn save(&self, path: impl AsRef<Path>) -> std::result::Result<(), CandleError> {
        state::save(&[("momentum", &self.momentum)], None, path.as_ref())
    }

    /// Reads a file of [`Sgd::save`]. If the parameters have the same values as then, training goes on to the bit.
    ///
    /// # Errors
    ///
    /// [`CandleError::State`], [`CandleError::Candle`]; nothing has been changed then.
    pub fn load(&mut self, path: impl AsRef<Path>) -> std::result::Result<(), CandleError> {
        state::load(&[("momentum", &self.momentum)], false, path.as_ref()).map(|_| ())
    }
}

impl Optimizer for Sgd {
    type Config = SgdConfig;

    /// Names the variables by their positions, from 0. With [`Sgd::for_params`], buffers have the parameters' names,
    /// which masks need.
    fn new(vars: Vec<Var>, config: SgdConfig) -> Result<Self> {
        Ok(Sgd::for_params(&by_place(vars)?, config)?)
    }

    fn step(&mut self, gradients: &GradStore) -> Result<()> {
        let SgdConfig { learning_rate, momentum, weight_decay, nesterov } = self.config;
        let buffers = self.momentum.vars();
        update(&self.params, gradients, |place, value, gradient| {
            let gradient = if weight_decay == 0.0 { gradient.clone() } else { (gradient + (value * weight_decay)?)? };
            let direction = if momentum == 0.0 {
                gradient
            } else {
                let buffer = &buffers[place];
                let next = ((buffer.as_detached_tensor() * momentum)? + &gradient)?;
                buffer.set(&next)?;
                if nesterov { (gradient + (next * momentum)?)? } else { next }
            };
            value.sub(&(direction * learning_rate)?)
        })
    }

    fn learning_rate(&self) -> f64 {
        self.config.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.config.learning_rate = learning_rate;
    }
}
