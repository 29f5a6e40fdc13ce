//! Writing: in place, in candle's callback for operations in place, which is the only way to a tensor's memory.

use core::cell::RefCell;
use core::ops::Range;

use candle_core::{CpuStorage, InplaceOp1, Layout as CandleLayout, Result, Tensor};
use prune_core::{Guarded, LayerMut, LentMut, MemoryMut, Run, Strided};

use super::by_type;
use super::place::{MemoryPlace, positions, row_major};
use super::read::ReadTensor;
use super::stored::Stored;

/// A tensor lent for writing.
pub(crate) fn lent(tensor: &Tensor) -> LayerMut<'_> {
    by_type!(tensor, E => lent_as::<E>(tensor), why => opaque(tensor, why))
}

fn lent_as<E: Stored>(tensor: &Tensor) -> LayerMut<'_> {
    let (layout, memory) = match MemoryPlace::of(tensor) {
        // candle refuses to write to shapes with a 0.
        MemoryPlace::Empty => (row_major(tensor), MemoryMut::Dense(&mut [] as &mut [E])),
        MemoryPlace::Piece { layout, range } => {
            (layout, MemoryMut::Guarded(Box::new(MemoryPiece { tensor, range }) as Box<dyn Guarded<E>>))
        }
        MemoryPlace::Gaps => {
            (row_major(tensor), MemoryMut::Strided(Box::new(ScatteredMemory::<E>::new(tensor)) as Box<dyn Strided<E>>))
        }
        MemoryPlace::Repeats => {
            return opaque(tensor, "some of its elements are the same memory, as in a broadcast view");
        }
    };
    LayerMut::lent(LentMut::new(layout, memory))
}

fn opaque<'a>(tensor: &Tensor, why: &'static str) -> LayerMut<'a> {
    match LayerMut::opaque(tensor.dims(), why) {
        Ok(layer) => layer,
        Err(error) => unreachable!("the elements of a tensor can be counted: {error}"),
    }
}

/// A function that writes. It gets all memory of a storage, and the layout of a tensor's elements in it.
type Write<'f, E> = dyn FnMut(&mut [E], &CandleLayout) + 'f;

/// A function as one of candle's operations in place.
struct InPlace<'w, 'f, E>(RefCell<&'w mut Write<'f, E>>);

impl<E: Stored> InplaceOp1 for InPlace<'_, '_, E> {
    fn name(&self) -> &'static str {
        "prune"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &CandleLayout) -> Result<()> {
        (self.0.borrow_mut())(E::of_mut(storage).unwrap_or_default(), layout);
        Ok(())
    }
}

/// Calls `write` once.
fn in_place<E: Stored>(tensor: &Tensor, write: &mut Write<'_, E>) {
    if let Err(error) = tensor.inplace_op1(&InPlace(RefCell::new(write))) {
        unreachable!("a tensor on the host whose elements lie apart can be written: {error}");
    }
}

/// Memory in one piece.
struct MemoryPiece<'t> {
    tensor: &'t Tensor,
    range: Range<usize>,
}

impl<E: Stored> Guarded<E> for MemoryPiece<'_> {
    fn read(&self, read: &mut dyn FnMut(&[E])) {
        read(ReadTensor::new(self.tensor).piece());
    }

    fn write(&mut self, write: &mut dyn FnMut(&mut [E])) {
        in_place(self.tensor, &mut |memory, _| write(memory.get_mut(self.range.clone()).unwrap_or_default()));
    }

    fn identity(&self) -> Option<usize> {
        Some(ReadTensor::new(self.tensor).piece::<E>().as_ptr().addr())
    }
}

/// Memory with gaps, which only views have, never variables. It cannot be lent beyond the callback, so it is written
/// through a copy, which goes back to its positions at the end.
struct ScatteredMemory<'t, E: Stored> {
    tensor: &'t Tensor,
    logical: Vec<E>,
}

impl<'t, E: Stored> ScatteredMemory<'t, E> {
    fn new(tensor: &'t Tensor) -> Self {
        ScatteredMemory { tensor, logical: ReadTensor::new(tensor).gather() }
    }
}

impl<E: Stored> Strided<E> for ScatteredMemory<'_, E> {
    fn gather(&self) -> Vec<E> {
        self.logical.clone()
    }

    fn for_each_run<'s>(&'s mut self, visit: &mut dyn FnMut(Run<'s, E>)) {
        visit(Run { first: 0, step: 1, values: &mut self.logical });
    }
}

impl<E: Stored> Drop for ScatteredMemory<'_, E> {
    fn drop(&mut self) {
        let logical = &self.logical;
        in_place(self.tensor, &mut |memory, layout| {
            for (position, value) in positions(layout).zip(logical) {
                memory[position] = *value;
            }
        });
    }
}
