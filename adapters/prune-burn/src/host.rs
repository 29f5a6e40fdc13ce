//! Tensors of burn lend their elements through copies on the host, for any device.

use burn::tensor::{DType, Element as BurnElement, Tensor, TensorData, bf16, f16};
use prune_core::{Element, Guarded, LayerMut, LayerRef, Layout, LentMut, LentTensor, Memory, MemoryMut};

prune_core::define_prune_ext! {
    /// # Examples
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use prune_burn::{Density, PruneExt};
    ///
    /// let mut weights = Tensor::<2>::from_data([[0.5, -3.0], [2.0, 0.1]], &Device::default());
    /// let mask = weights.mask_unstructured(Density::new(0.5)?)?;
    /// weights.apply_mask(&mask)?;
    /// assert_eq!(weights.into_data().try_into_vec::<f32>()?, [0.0, -3.0, 2.0, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
}

/// Runs `$body` with `$E` as the element type of that name, or `$other` for a type that is not pruned.
macro_rules! for_float {
    ($dtype:expr, $E:ident => $body:expr, $other:expr) => {
        match $dtype {
            DType::F32 => {
                type $E = f32;
                $body
            }
            DType::F64 => {
                type $E = f64;
                $body
            }
            DType::F16 => {
                type $E = f16;
                $body
            }
            DType::BF16 => {
                type $E = bf16;
                $body
            }
            _ => $other,
        }
    };
}

/// The reason why elements of this type cannot be pruned; `None` if they can.
pub(crate) fn refusal(dtype: DType) -> Option<&'static str> {
    match dtype {
        DType::F32 | DType::F64 | DType::F16 | DType::BF16 => None,
        DType::Flex32 => Some("its elements are of a type whose precision is the device's own"),
        DType::QFloat(_) => Some("it is quantised"),
        DType::Bool(_) => Some("its elements are booleans"),
        _ => Some("its elements are integers"),
    }
}

fn layout(shape: &[usize]) -> Layout {
    Layout::row_major(shape).unwrap_or_else(|error| unreachable!("a tensor has a shape: {error}"))
}

fn opaque<'a>(shape: &[usize], why: &'static str) -> LayerRef<'a> {
    LayerRef::opaque(shape, why).unwrap_or_else(|error| unreachable!("a tensor has a shape: {error}"))
}

fn opaque_mut<'a>(shape: &[usize], why: &'static str) -> LayerMut<'a> {
    LayerMut::opaque(shape, why).unwrap_or_else(|error| unreachable!("a tensor has a shape: {error}"))
}

const UNREADABLE: &str = "its elements cannot be copied to the host";

/// Data on the host are lent without a copy.
impl PruneExt for TensorData {
    fn layer(&self) -> LayerRef<'_> {
        let shape: &[usize] = self.shape();
        if let Some(why) = refusal(self.dtype()) {
            return opaque(shape, why);
        }
        for_float!(self.dtype(), E => match self.as_slice::<E>() {
            Ok(values) => LayerRef::lent(LentTensor::new(layout(shape), Memory::Dense(values))),
            Err(_) => opaque(shape, UNREADABLE),
        }, opaque(shape, UNREADABLE))
    }
}

impl LendMut for TensorData {
    fn lend_mut(&mut self) -> LayerMut<'_> {
        let shape: Vec<usize> = self.shape().to_vec();
        if let Some(why) = refusal(self.dtype()) {
            return opaque_mut(&shape, why);
        }
        for_float!(self.dtype(), E => match self.as_mut_slice::<E>() {
            Ok(values) => LayerMut::lent(LentMut::new(layout(&shape), MemoryMut::Dense(values))),
            Err(_) => opaque_mut(&shape, UNREADABLE),
        }, opaque_mut(&shape, UNREADABLE))
    }
}

/// A tensor is read through a copy of its elements, and a write replaces it as a whole. Tensors of burn do not change,
/// so its clones stay as they are.
impl<const D: usize> PruneExt for Tensor<D> {
    fn layer(&self) -> LayerRef<'_> {
        gathered(self)
    }
}

/// A copy of a tensor's elements as a layer.
pub(crate) fn gathered<'a, const D: usize>(tensor: &Tensor<D>) -> LayerRef<'a> {
    let shape: &[usize] = &tensor.dims();
    if let Some(why) = refusal(tensor.dtype()) {
        return opaque(shape, why);
    }
    for_float!(tensor.dtype(), E => match copied::<E, D>(tensor) {
        Some(values) => LayerRef::lent(LentTensor::new(layout(shape), Memory::Gathered(values))),
        None => opaque(shape, UNREADABLE),
    }, opaque(shape, UNREADABLE))
}

impl<const D: usize> LendMut for Tensor<D> {
    fn lend_mut(&mut self) -> LayerMut<'_> {
        let shape: &[usize] = &self.dims();
        if let Some(why) = refusal(self.dtype()) {
            return opaque_mut(shape, why);
        }
        for_float!(self.dtype(), E => {
            let memory: MemoryMut<'_, E> = MemoryMut::Guarded(Box::new(ReplacedTensor(self)));
            LayerMut::lent(LentMut::new(layout(shape), memory))
        }, opaque_mut(shape, UNREADABLE))
    }
}

fn copied<E: BurnElement, const D: usize>(tensor: &Tensor<D>) -> Option<Vec<E>> {
    tensor.try_to_data().ok()?.try_into_vec::<E>().ok()
}

/// A tensor that a write replaces.
struct ReplacedTensor<'t, const D: usize>(&'t mut Tensor<D>);

impl<E: Element + BurnElement, const D: usize> Guarded<E> for ReplacedTensor<'_, D> {
    fn read(&self, read: &mut dyn FnMut(&[E])) {
        // If the tensor cannot be read, this passes an empty slice, which is refused for its length.
        read(&copied::<E, D>(self.0).unwrap_or_default());
    }

    fn write(&mut self, write: &mut dyn FnMut(&mut [E])) {
        let Some(mut values) = copied::<E, D>(self.0) else { return };
        write(&mut values);
        let (shape, dtype) = (self.0.shape(), self.0.dtype());
        let tracked = self.0.is_require_grad();
        let written = Tensor::from_data(TensorData::new(values, shape), (&self.0.device(), dtype));
        *self.0 = if tracked { written.require_grad() } else { written };
    }
}
