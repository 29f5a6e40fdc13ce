//! Parameters with buffers beside them.

use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor, Var};

use crate::error::CandleError;
use crate::params::Params;

/// The names of variables that come without any: their places, from 0.
pub(super) fn by_place(vars: Vec<Var>) -> Result<Params, CandleError> {
    // Padded, so that the order of names is that of places.
    let digits = vars.len().saturating_sub(1).to_string().len();
    Params::named(vars.into_iter().enumerate().map(|(place, var)| (format!("{place:0digits$}"), var)))
}

/// The type of the buffers of a parameter: its own, but single precision for halves, in which small steps would be lost.
pub(super) fn buffer_type(parameter: DType) -> DType {
    match parameter {
        DType::F64 => DType::F64,
        _ => DType::F32,
    }
}

/// Buffers of zeros.
pub(super) fn zeros(params: &Params) -> Result<Params, CandleError> {
    params.zeros_like(buffer_type)
}

/// Calls `step` for each parameter that has a gradient with the parameter, its gradient, both of the buffers' type, and its
/// place among those that have buffers; and sets the parameter to what comes back. Parameters without elements have nothing
/// to be set to, and candle refuses to.
pub(super) fn update(
    params: &Params,
    gradients: &GradStore,
    mut step: impl FnMut(usize, &Tensor, &Tensor) -> candle_core::Result<Tensor>,
) -> candle_core::Result<()> {
    let floats = params.iter().filter(|(_, var)| var.dtype().is_float());
    for (place, (_, var)) in floats.enumerate() {
        let Some(gradient) = gradients.get(var).filter(|gradient| gradient.elem_count() > 0) else { continue };
        let wide = buffer_type(var.dtype());
        // Detached: a step is not part of any function that is differentiated.
        let (value, gradient) = (var.as_detached_tensor().to_dtype(wide)?, gradient.detach().to_dtype(wide)?);
        var.set(&step(place, &value, &gradient)?.to_dtype(var.dtype())?)?;
    }
    Ok(())
}

/// Refuses a setting outside its range.
pub(super) fn setting(
    optimiser: &'static str,
    setting: &'static str,
    got: f64,
    allowed: &'static str,
    is_allowed: impl Fn(f64) -> bool,
) -> Result<(), CandleError> {
    if is_allowed(got) { Ok(()) } else { Err(CandleError::Setting { optimiser, setting, got, allowed }) }
}
