//! The buffers of burn's optimisers. They are private, but the optimiser's record gives access to them.

use std::collections::BTreeMap;

use burn::optim::ModuleOptimizer;
use burn::store::RecordError;
use burn::tensor::{DType, Device, TensorData};
use burn_pack::{Reader, Tensor as PackedTensor, Writer};
use prune_core::Mask;

use crate::error::BurnError;
use crate::host::{LendMut, PruneExt, refusal};

/// The masks of parameters, by the ids of the parameters.
pub(crate) type MasksById<'m> = BTreeMap<u64, &'m Mask>;

/// An optimiser whose buffers are held.
#[derive(Default)]
pub(crate) struct HeldOptimizer {
    /// The optimiser, if anything has changed.
    pub(crate) optimizer: Option<ModuleOptimizer>,
    /// The buffers of masked parameters that have another shape than the parameter.
    pub(crate) others: Vec<String>,
}

/// Writes zeros outside masks in every buffer that has its parameter's shape, in a copy of the optimiser.
pub(crate) fn held(optimizer: &ModuleOptimizer, masks: &MasksById<'_>) -> Result<HeldOptimizer, BurnError> {
    let Some(record) = Record::of(optimizer, masks)? else { return Ok(HeldOptimizer::default()) };
    let Record { scalars, metadata, mut buffers } = record;
    let (mut others, mut changed) = (Vec::new(), false);
    for buffer in &mut buffers {
        let Some(mask) = buffer.id.and_then(|id| masks.get(&id)) else { continue };
        if !buffer.fits(mask) {
            others.push(buffer.name.clone());
        } else {
            let before = buffer.data.as_bytes().to_vec();
            buffer.data.lend_mut().apply_mask(mask)?;
            changed |= buffer.data.as_bytes() != before;
        }
    }
    let mut held = HeldOptimizer { optimizer: None, others };
    if changed {
        stays_of_its_type(&buffers)?;
        let mut writer = Writer::new(buffers.into_iter().map(Buffer::packed).collect());
        for (name, scalar) in scalars {
            writer = writer.with_scalar(&name, scalar);
        }
        for (name, text) in metadata {
            writer = writer.with_metadata(&name, &text);
        }
        let bytes = writer.into_bytes().map_err(RecordError::from)?;
        held.optimizer = Some(optimizer.clone().from_bytes(bytes)?);
    }
    Ok(held)
}

/// Refuses buffers whose type burn would change: it reads all of them back as the default type of its default device.
fn stays_of_its_type(buffers: &[Buffer]) -> Result<(), BurnError> {
    let default = DType::from(Device::default().settings().float_dtype);
    match buffers.iter().find(|buffer| buffer.data.dtype().is_float() && buffer.data.dtype() != default) {
        Some(Buffer { name, data, .. }) => {
            Err(BurnError::BufferType { buffer: name.clone(), found: data.dtype(), default })
        }
        None => Ok(()),
    }
}

/// The number of elements of buffers that are outside masks and not zero.
pub(crate) fn revivals(optimizer: &ModuleOptimizer, masks: &MasksById<'_>) -> Result<usize, BurnError> {
    let Some(record) = Record::of(optimizer, masks)? else { return Ok(0) };
    let mut count = 0;
    for buffer in &record.buffers {
        if let Some(mask) = buffer.id.and_then(|id| masks.get(&id)).filter(|mask| buffer.fits(mask)) {
            count += buffer.data.revivals(mask)?;
        }
    }
    Ok(count)
}

/// An optimiser's record, in parts.
struct Record {
    scalars: BTreeMap<String, burn_pack::Scalar>,
    metadata: BTreeMap<String, String>,
    buffers: Vec<Buffer>,
}

/// A tensor of the record.
struct Buffer {
    name: String,
    /// The id of its parameter.
    id: Option<u64>,
    data: TensorData,
}

impl Record {
    /// The record of an optimiser with buffers; `None` if there are no masks or no buffers.
    fn of(optimizer: &ModuleOptimizer, masks: &MasksById<'_>) -> Result<Option<Self>, BurnError> {
        if masks.is_empty() {
            return Ok(None);
        }
        let record = optimizer.to_record();
        if record.is_empty() {
            return Ok(None);
        }
        let reader = Reader::from_bytes(record.into_bytes()?).map_err(RecordError::from)?;
        let (scalars, metadata) = (reader.scalars().clone(), reader.metadata().clone());
        let mut buffers = Vec::new();
        for tensor in reader.into_tensors().map_err(RecordError::from)? {
            let (name, dtype, shape, id, bytes) = tensor.into_parts().map_err(RecordError::from)?;
            buffers.push(Buffer { name, id, data: TensorData::from_bytes(bytes, shape, dtype) });
        }
        Ok(Some(Record { scalars, metadata, buffers }))
    }
}

impl Buffer {
    fn fits(&self, mask: &Mask) -> bool {
        self.data.shape().as_slice() == mask.shape() && refusal(self.data.dtype()).is_none()
    }

    fn packed(self) -> PackedTensor {
        let (bytes, shape, dtype) = self.data.into_parts();
        PackedTensor::new(self.name, dtype, shape, self.id, bytes)
    }
}
