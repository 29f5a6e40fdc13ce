//! Masks as candle tensors, and masks applied on the device of the weights.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use prune_core::half::{bf16, f16};
use prune_core::{ErrorKind, Mask, Masks};
use prune_schedule::{Evidence, Moment, Pruner, Report};

use crate::error::CandleError;
use crate::params::Params;

/// A mask as a tensor of its shape: 1 where it keeps and 0 elsewhere, of type `u8`, `u32`, `i64`, `f32`, `f64`, `f16`
/// or `bf16`. Use it to select, as the condition of `where_cond`. A product with it leaves `-0.0`, and NaN if a weight
/// is infinite.
///
/// # Errors
///
/// [`CandleError::Candle`] if the device has no memory, or for another type.
///
/// # Examples
///
/// ```
/// use prune_candle::candle_core::{DType, Device};
/// use prune_candle::{Mask, mask_tensor};
///
/// let mask = Mask::from_bools(&[2, 2], &[true, false, false, true])?;
/// assert_eq!(mask_tensor(&mask, DType::U8, &Device::Cpu)?.to_vec2::<u8>()?, [[1, 0], [0, 1]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn mask_tensor(mask: &Mask, dtype: DType, device: &Device) -> Result<Tensor, CandleError> {
    let shape = mask.shape();
    Ok(match dtype {
        DType::U8 => Tensor::from_vec(mask.to_bytes(), shape, device)?,
        DType::F32 => Tensor::from_vec(mask.to_values::<f32>(), shape, device)?,
        DType::F64 => Tensor::from_vec(mask.to_values::<f64>(), shape, device)?,
        DType::F16 => Tensor::from_vec(mask.to_values::<f16>(), shape, device)?,
        DType::BF16 => Tensor::from_vec(mask.to_values::<bf16>(), shape, device)?,
        other => Tensor::from_vec(mask.to_bytes(), shape, device)?.to_dtype(other)?,
    })
}

/// Masks as tensors on a device. They hold parameters there, by `where(mask, weight, 0)`, and copy nothing to the host.
///
/// They are for parameters that do not lie on the host; there, [`Masks::hold`] does the same without a copy. Events
/// happen by [`Params::end_on_device`]. Tests ran on the host only, by the same calls; **CUDA and Metal were not
/// tested**.
///
/// # Examples
///
/// ```
/// use prune_candle::candle_core::{Device, Var};
/// use prune_candle::candle_nn::ParamsAdamW;
/// use prune_candle::prune_schedule::Moment;
/// use prune_candle::{AdamW, DeviceMasks, Evidence, Params, Pruner};
///
/// let device = Device::Cpu; // or another
/// let weight = Var::new(&[[0.9f32, -0.1, 0.3, 0.2]], &device)?;
/// let params = Params::named([("fc.weight", weight.clone())])?;
/// let mut pruner = Pruner::new("{1: {'method': 'unstr_global', 'density': 0.5}}".parse()?);
///
/// let optimiser = AdamW::for_params(&params, ParamsAdamW::default())?;
/// let mut masks = DeviceMasks::new(pruner.held(), &device)?;
/// for epoch in 1..=2 {
///     // After each step, weights and the optimiser's buffers:
///     for set in [&params, optimiser.moments()[0], optimiser.moments()[1]] {
///         masks.hold(set)?;
///     }
///     // After each epoch, the event; and what it prunes is zero in the buffers too.
///     if params.end_on_device(&mut pruner, Moment::Epoch(epoch), Evidence::default())?.is_some() {
///         masks = DeviceMasks::new(pruner.held(), &device)?;
///         optimiser.moments().into_iter().try_for_each(|moments| masks.hold(moments))?;
///     }
/// }
/// assert_eq!(weight.to_vec2::<f32>()?, [[0.9, 0.0, 0.3, 0.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct DeviceMasks {
    by_name: BTreeMap<String, Tensor>,
}

impl DeviceMasks {
    /// Copies masks to a device. They take a byte for each element.
    ///
    /// # Errors
    ///
    /// [`CandleError::Candle`].
    pub fn new(masks: &Masks, device: &Device) -> Result<Self, CandleError> {
        let copy = |(name, mask): (&str, &Mask)| Ok((name.to_owned(), mask_tensor(mask, DType::U8, device)?));
        Ok(DeviceMasks { by_name: masks.iter().map(copy).collect::<Result<_, CandleError>>()? })
    }

    /// The mask of a parameter, as the condition of `where_cond`.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.by_name.get(name)
    }

    /// Writes `+0.0` outside the masks. While a parameter is written, it takes a second tensor of its size.
    ///
    /// # Errors
    ///
    /// Before anything is written: [`CandleError::UnknownParam`] for a mask without a parameter, [`CandleError::Mask`]
    /// for one of another shape, [`CandleError::OtherDevice`]. [`CandleError::Candle`] if a device fails.
    pub fn hold(&self, params: &Params) -> Result<(), CandleError> {
        let mut masked = Vec::with_capacity(self.by_name.len());
        for (name, mask) in &self.by_name {
            let var = params.get(name).ok_or_else(|| params.unknown(name))?;
            if mask.dims() != var.dims() {
                let (expected, got) = (var.dims().to_vec(), mask.dims().to_vec());
                return Err(ErrorKind::ShapeMismatch { what: "mask", expected, got }.in_layer(name).into());
            }
            if !mask.device().same_device(var.device()) {
                return Err(CandleError::OtherDevice { name: name.clone() });
            }
            masked.push((mask, var));
        }
        // A tensor without elements needs no write, and candle refuses one.
        for (mask, var) in masked.into_iter().filter(|(mask, _)| mask.elem_count() > 0) {
            var.set(&mask.where_cond(&var.as_detached_tensor(), &var.zeros_like()?)?)?;
        }
        Ok(())
    }
}

impl Params {
    /// Ends an epoch or a step for parameters on a device. Its event, if there is one, happens to a copy on the host.
    /// Then the parameters that it masks get the values of the copy; if the event rewinds, all parameters do.
    ///
    /// Afterwards, hold the optimiser's buffers by the new masks. [`DeviceMasks`] shows the loop.
    ///
    /// # Errors
    ///
    /// As [`Params::end_epoch`], with nothing written and the pruner as it was. [`CandleError::Candle`] if a device
    /// fails; the pruner is then as it was too.
    ///
    /// # Complexity
    ///
    /// That of the event, a copy of all parameters to the host, and one of the masked ones back.
    pub fn end_on_device(
        &self,
        pruner: &mut Pruner,
        moment: Moment,
        evidence: Evidence<'_>,
    ) -> Result<Option<Report>, CandleError> {
        if pruner.strategy().at(moment).is_none() {
            return Ok(pruner.pass(moment).map(|()| None)?);
        }
        let (mut host, mut next) = (self.on_cpu()?, pruner.clone());
        let Some(prepared) = host.prepared(&next, moment, evidence)? else { return Ok(None) };
        let report = next.commit(prepared, &mut host)?;
        let rewound = report.rewound_to.is_some();
        let mut written = Vec::new();
        for ((name, var), (_, now)) in self.seen().zip(host.seen()) {
            if var.elem_count() > 0 && (rewound || next.masks().get(name).is_some()) {
                written.push((var, now.to_device(var.device())?));
            }
        }
        for (var, now) in written {
            var.set(&now)?;
        }
        *pruner = next;
        Ok(Some(report))
    }
}
