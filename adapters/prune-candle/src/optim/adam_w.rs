//! Adam with decoupled weight decay.

use std::path::Path;

use candle_core::backprop::GradStore;
use candle_core::{Result, Var};
use candle_nn::{Optimizer, ParamsAdamW};

use super::buffers::{by_place, setting, update, zeros};
use super::state;
use crate::error::CandleError;
use crate::params::Params;

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019). Its moments can be seen, held and saved.
///
/// It takes the steps of candle's `AdamW`, to the bit, and has the same settings. For half-precision parameters,
/// moments and steps are `f32`, because `1e-8` and squares of small gradients are 0 in `f16`.
///
/// # Examples
///
/// ```
/// use prune_candle::candle_core::{Device, Var};
/// use prune_candle::candle_nn::{Optimizer, ParamsAdamW};
/// use prune_candle::{AdamW, Evidence, Params, Pruner};
///
/// let weight = Var::new(&[[0.9f32, -0.1, 0.3, 0.2]], &Device::Cpu)?;
/// let mut params = Params::named([("fc.weight", weight.clone())])?;
/// let mut optimiser = AdamW::for_params(&params, ParamsAdamW::default())?;
/// let mut pruner = Pruner::new("{1: {'method': 'unstr_global', 'density': 0.5}}".parse()?);
/// for epoch in 1..=2 {
///     for _step in 0..10 {
///         optimiser.backward_step(&(weight.as_tensor() - 1.0)?.sqr()?.sum_all()?)?;
///         let [first, second] = optimiser.moments_mut();
///         pruner.hold_each(&mut [&mut params, first, second])?;
///     }
///     let [first, second] = optimiser.moments_mut();
///     params.end_epoch(&mut pruner, epoch, &mut [first, second], Evidence::default())?;
/// }
/// assert_eq!(params.revivals(pruner.masks())?, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AdamW {
    params: Params,
    first: Params,
    second: Params,
    steps: u32,
    config: ParamsAdamW,
}

impl AdamW {
    /// An optimiser for these parameters, whose moments have the same names. It does not train parameters that are not
    /// floats.
    ///
    /// # Errors
    ///
    /// [`CandleError::Setting`], [`CandleError::Candle`].
    pub fn for_params(params: &Params, config: ParamsAdamW) -> std::result::Result<Self, CandleError> {
        let config = checked(config)?;
        Ok(AdamW { first: zeros(params)?, second: zeros(params)?, params: params.clone(), steps: 0, config })
    }

    /// The first and the second moments, under the names of their parameters.
    pub fn moments(&self) -> [&Params; 2] {
        [&self.first, &self.second]
    }

    /// The same, for holding them.
    pub fn moments_mut(&mut self) -> [&mut Params; 2] {
        [&mut self.first, &mut self.second]
    }

    /// The number of steps taken.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Its settings.
    pub fn config(&self) -> &ParamsAdamW {
        &self.config
    }

    /// Writes the moments and the number of steps to a safetensors file, whole or not at all. It does not write the
    /// settings.
    ///
    /// # Errors
    ///
    /// [`CandleError::File`], [`CandleError::Candle`].
    pub fn save(&self, path: impl AsRef<Path>) -> std::result::Result<(), CandleError> {
        state::save(&self.buffers(), Some(self.steps), path.as_ref())
    }

    /// Reads a file of [`AdamW::save`]. If the parameters have the same values as then, training goes on to the bit.
    ///
    /// # Errors
    ///
    /// [`CandleError::State`], [`CandleError::Candle`]; nothing has been changed then.
    pub fn load(&mut self, path: impl AsRef<Path>) -> std::result::Result<(), CandleError> {
        if let Some(steps) = state::load(&self.buffers(), true, path.as_ref())? {
            self.steps = steps;
        }
        Ok(())
    }

    fn buffers(&self) -> [(&'static str, &Params); 2] {
        [("first_moment", &self.first), ("second_moment", &self.second)]
    }
}

impl Optimizer for AdamW {
    type Config = ParamsAdamW;

    /// Names the variables by their positions, from 0. With [`AdamW::for_params`], moments have the parameters' names,
    /// which masks need.
    fn new(vars: Vec<Var>, config: ParamsAdamW) -> Result<Self> {
        Ok(AdamW::for_params(&by_place(vars)?, config)?)
    }

    fn step(&mut self, gradients: &GradStore) -> Result<()> {
        self.steps += 1;
        let ParamsAdamW { lr, beta1, beta2, eps, weight_decay } = self.config;
        // As in candle, the number of steps is an `i32`, the type that `powi` takes.
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let (scale_first, scale_second) = (1.0 / (1.0 - beta1.powi(steps)), 1.0 / (1.0 - beta2.powi(steps)));
        let (firsts, seconds) = (self.first.vars(), self.second.vars());
        update(&self.params, gradients, |place, value, gradient| {
            let (first, second) = (&firsts[place], &seconds[place]);
            let next_first = ((first.as_detached_tensor() * beta1)? + (gradient * (1.0 - beta1))?)?;
            let next_second = ((second.as_detached_tensor() * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
            let (corrected_first, corrected_second) = ((&next_first * scale_first)?, (&next_second * scale_second)?);
            let decayed = (value * (1.0 - lr * weight_decay))?;
            let direction = (corrected_first / (corrected_second.sqrt()? + eps)?)?;
            first.set(&next_first)?;
            second.set(&next_second)?;
            decayed - (direction * lr)?
        })
    }

    fn learning_rate(&self) -> f64 {
        self.config.lr
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.config.lr = learning_rate;
    }
}

fn checked(config: ParamsAdamW) -> std::result::Result<ParamsAdamW, CandleError> {
    let positive =
        |what, got| setting("AdamW", what, got, "finite and at least 0", |got| got >= 0.0 && got.is_finite());
    let share = |what, got| setting("AdamW", what, got, "at least 0 and below 1", |got| (0.0..1.0).contains(&got));
    positive("lr", config.lr)?;
    positive("weight_decay", config.weight_decay)?;
    setting("AdamW", "eps", config.eps, "finite and above 0", |got| got > 0.0 && got.is_finite())?;
    share("beta1", config.beta1)?;
    share("beta2", config.beta2)?;
    Ok(config)
}
