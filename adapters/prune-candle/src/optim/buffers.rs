//! Parameters with buffers beside them.

use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor, Var};

use crate::error::CandleError;
use crate::params::Params;

/// Names for variables that have none: their positions, from 0.
pub(super) fn by_place(vars: Vec<Var>) -> Result<Params, CandleError> {
    // Names are padded, so that their order is that of the positions.
    let digits = vars.len().saturating_sub(1).to_string().len();
    Params::named(vars.into_iter().enumerate().map(|(place, var)| (format!("{place:0digits$}"), var)))
}

/// The type of a parameter's buffers: its own type, but `f32` for half precision, in which small steps would be lost.
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

/// Calls `step` for each parameter that has a gradient, and sets the parameter to the result. `step` gets the
/// parameter's position among those with buffers, its value and its gradient, both in the type of the buffers.
/// Parameters without elements are left out, since candle refuses to set them.
pub(super) fn update(
    params: &Params,
    gradients: &GradStore,
    mut step: impl FnMut(usize, &Tensor, &Tensor) -> candle_core::Result<Tensor>,
) -> candle_core::Result<()> {
    let floats = params.iter().filter(|(_, var)| var.dtype().is_float());
    for (place, (_, var)) in floats.enumerate() {
        let Some(gradient) = gradients.get(var).filter(|gradient| gradient.elem_count() > 0) else { continue };
        let wide = buffer_type(var.dtype());
        // Detached, since a step must not be part of a later backward pass.
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
