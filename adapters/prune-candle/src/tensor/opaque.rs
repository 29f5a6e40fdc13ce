//! Tensors whose elements cannot be lent, and the reason.

use candle_core::{DType, Device, DeviceLocation, Tensor};

/// The reason why a tensor's elements cannot be lent; `None` if they can.
pub(crate) fn reason(tensor: &Tensor) -> Option<&'static str> {
    of_type(tensor.dtype()).or_else(|| of_device(tensor.device()))
}

fn of_type(dtype: DType) -> Option<&'static str> {
    match dtype {
        DType::F32 | DType::F64 | DType::F16 | DType::BF16 => None,
        DType::U8 => Some("its elements are 8-bit unsigned integers"),
        DType::U32 => Some("its elements are 32-bit unsigned integers"),
        DType::I16 => Some("its elements are 16-bit integers"),
        DType::I32 => Some("its elements are 32-bit integers"),
        DType::I64 => Some("its elements are 64-bit integers"),
        DType::F8E4M3 => Some("its elements are 8-bit floats"),
        _ => Some("its elements are of a type that is not pruned"),
    }
}

fn of_device(device: &Device) -> Option<&'static str> {
    match device.location() {
        DeviceLocation::Cpu => None,
        DeviceLocation::Cuda { .. } => {
            Some("it lies on a CUDA device; make masks on `Params::on_cpu` and apply them with `DeviceMasks`")
        }
        DeviceLocation::Metal { .. } => {
            Some("it lies on a Metal device; make masks on `Params::on_cpu` and apply them with `DeviceMasks`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_named() {
        let counts = Tensor::zeros((2, 2), DType::I64, &Device::Cpu).expect("two by two");
        assert_eq!(reason(&counts), Some("its elements are 64-bit integers"));
    }
}
