//! Reading: a copy, or the memory itself under a read lock.

use core::hash::{Hash, Hasher};
use std::hash::DefaultHasher;

use candle_core::{Storage, StorageRef, Tensor, Var};
use prune_core::{LayerRef, LentTensor, Memory};

use super::by_type;
use super::opaque::reason;
use super::place::{MemoryPlace, positions, row_major};
use super::stored::Stored;

/// The number of elements that are hashed at a time.
const AT_A_TIME: usize = 4096;

/// A tensor under a read lock, which is released when this is dropped.
pub(crate) struct ReadTensor<'t> {
    tensor: &'t Tensor,
    place: MemoryPlace,
    storage: StorageRef<'t>,
}

impl<'t> ReadTensor<'t> {
    /// Takes the lock.
    pub(crate) fn new(tensor: &'t Tensor) -> Self {
        ReadTensor { tensor, place: MemoryPlace::of(tensor), storage: tensor.storage_and_layout().0 }
    }

    /// The memory itself if it is in one piece, otherwise a copy.
    pub(crate) fn layer(&self) -> LayerRef<'_> {
        by_type!(self.tensor, E => self.lend::<E>(), why => opaque(self.tensor, why))
    }

    /// A copy in logical order, which outlives the lock.
    fn copied<'a>(&self) -> LayerRef<'a> {
        by_type!(
            self.tensor,
            E => LayerRef::lent(LentTensor::<E>::new(row_major(self.tensor), Memory::Gathered(self.gather()))),
            why => opaque(self.tensor, why)
        )
    }

    /// A hash of shape, type and the bits of all elements. If elements cannot be lent, only shape and type count.
    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.tensor.dims(), self.tensor.dtype().as_str()).hash(&mut hasher);
        by_type!(self.tensor, E => self.hash_elements::<E>(&mut hasher), _why => {});
        hasher.finish()
    }

    fn hash_elements<E: Stored>(&self, hasher: &mut DefaultHasher) {
        let memory = self.memory::<E>();
        let gathered;
        let values = match self.tensor.layout().contiguous_offsets() {
            Some((start, end)) => memory.get(start..end).unwrap_or_default(),
            None => {
                gathered = self.gather::<E>();
                &gathered
            }
        };
        let mut bytes = Vec::with_capacity(AT_A_TIME * size_of::<E>());
        for some in values.chunks(AT_A_TIME) {
            bytes.clear();
            E::append_bits(some, &mut bytes);
            hasher.write(&bytes);
        }
    }

    fn lend<E: Stored>(&self) -> LayerRef<'_> {
        let lent = match &self.place {
            MemoryPlace::Piece { layout, range } => LentTensor::new(
                layout.clone(),
                Memory::Dense(self.memory::<E>().get(range.clone()).unwrap_or_default()),
            ),
            _ => LentTensor::new(row_major(self.tensor), Memory::Gathered(self.gather())),
        };
        LayerRef::lent(lent)
    }

    /// The elements in logical order.
    pub(crate) fn gather<E: Stored>(&self) -> Vec<E> {
        let memory = self.memory::<E>();
        match self.tensor.layout().contiguous_offsets() {
            Some((start, end)) => memory.get(start..end).unwrap_or_default().to_vec(),
            None => positions(self.tensor.layout()).map(|position| memory[position]).collect(),
        }
    }

    /// The elements, if they are in one piece.
    pub(crate) fn piece<E: Stored>(&self) -> &[E] {
        match &self.place {
            MemoryPlace::Piece { range, .. } => self.memory().get(range.clone()).unwrap_or_default(),
            _ => &[],
        }
    }

    fn memory<E: Stored>(&self) -> &[E] {
        match &*self.storage {
            Storage::Cpu(storage) => E::of(storage).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// A copy of a tensor.
pub(crate) fn copied(tensor: &Tensor) -> LayerRef<'_> {
    match reason(tensor) {
        None => ReadTensor::new(tensor).copied(),
        Some(why) => opaque(tensor, why),
    }
}

/// A tensor in memory of its own. A tensor that cannot be written is returned as it is.
pub(crate) fn duplicate(tensor: &Tensor) -> Tensor {
    if reason(tensor).is_some() {
        return tensor.clone();
    }
    match tensor.copy() {
        Ok(copy) => copy.detach(),
        Err(error) => unreachable!("memory of the host is copied: {error}"),
    }
}

/// The same for a variable.
pub(crate) fn duplicate_var(var: &Var) -> Var {
    if reason(var).is_some() {
        return var.clone();
    }
    match Var::from_tensor(&var.as_detached_tensor()) {
        Ok(copy) => copy,
        Err(error) => unreachable!("memory of the host is copied: {error}"),
    }
}

fn opaque<'a>(tensor: &Tensor, why: &'static str) -> LayerRef<'a> {
    match LayerRef::opaque(tensor.dims(), why) {
        Ok(layer) => layer,
        Err(error) => unreachable!("the elements of a tensor can be counted: {error}"),
    }
}
