//! Masks as tensors, on the devices of the parameters.

use std::collections::BTreeMap;

use burn::tensor::{Bool, DType, Device, Shape, Tensor, TensorData};
use prune_core::Masks;

/// The elements that each mask closes, on the device of its parameter. The tensor is made on first use and takes a byte
/// for each element.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClosedMasks {
    masks: Masks,
    on_devices: BTreeMap<String, Tensor<1, Bool>>,
}

impl ClosedMasks {
    pub(crate) fn new(masks: Masks) -> Self {
        ClosedMasks { masks, on_devices: BTreeMap::new() }
    }

    pub(crate) fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Takes new masks. Tensors of unchanged masks are kept.
    pub(crate) fn replace(&mut self, masks: &Masks) {
        let stays = |name: &str| self.masks.get(name).is_some_and(|mask| Some(mask) == masks.get(name));
        let stale: Vec<String> = self.on_devices.keys().filter(|name| !stays(name)).cloned().collect();
        stale.iter().for_each(|name| _ = self.on_devices.remove(name));
        self.masks = masks.clone();
    }

    /// The elements that a parameter's mask closes, without autodiff; `None` if there is no mask.
    pub(crate) fn get<const D: usize>(&mut self, name: &str, device: &Device) -> Option<Tensor<D, Bool>> {
        let mask = self.masks.get(name)?;
        let shape = Shape::from(mask.shape().to_vec());
        Some(self.flat(name, device)?.reshape(shape))
    }

    /// The same as a flat list in logical order.
    pub(crate) fn flat(&mut self, name: &str, device: &Device) -> Option<Tensor<1, Bool>> {
        let mask = self.masks.get(name)?;
        let device = device.clone().without_autodiff();
        if let Some(closed) = self.on_devices.get(name)
            && closed.device() == device
        {
            return Some(closed.clone());
        }
        let closed = Tensor::from_data(closed_data(mask), &device);
        self.on_devices.insert(name.to_owned(), closed.clone());
        Some(closed)
    }
}

fn closed_data(mask: &prune_core::Mask) -> TensorData {
    let bytes = mask.complement().to_bytes();
    TensorData::from_bytes_vec(bytes, [mask.len()], DType::Bool(burn::tensor::BoolStore::Native))
}
