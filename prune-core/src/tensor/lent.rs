//! Memory as it is lent, with the layout that gives the place of each element.

use crate::error::{Error, ErrorKind};
use crate::layout::Layout;
use crate::tensor::Element;
use crate::tensor::runs::{RunOrder, once_each};
use crate::walk;

/// Elements lent for reading.
#[derive(Debug, Clone)]
pub enum Memory<'a, E> {
    /// In one piece, each element once, in the order of the layout.
    Dense(&'a [E]),
    /// A copy in logical order, of a tensor whose own memory has gaps or repeats.
    Gathered(Vec<E>),
    /// No elements, for this reason; see [`LayerRef::opaque`](crate::LayerRef::opaque).
    Opaque(&'a str),
}

/// Elements lent for writing.
pub enum MemoryMut<'a, E> {
    /// In one piece, each element once, in the order of the layout.
    Dense(&'a mut [E]),
    /// In pieces with gaps between them.
    Strided(Box<dyn Strided<E> + 'a>),
    /// In one piece, as [`MemoryMut::Dense`], but only within a call.
    Guarded(Box<dyn Guarded<E> + 'a>),
    /// No elements, for this reason; see [`LayerRef::opaque`](crate::LayerRef::opaque).
    Opaque(&'a str),
}

/// Writable memory with gaps: read by gathering, written run by run in place, never through a copy.
pub trait Strided<E>: Send {
    /// The elements in logical order.
    fn gather(&self) -> Vec<E>;

    /// Calls `visit` for runs that together hold every element once. The runs are lent as long as the whole tensor,
    /// so several threads can gather and write them. It is fastest if they come lane by lane along one axis, in the
    /// logical order of their first elements.
    fn for_each_run<'s>(&'s mut self, visit: &mut dyn FnMut(Run<'s, E>));
}

/// Writable memory in one piece that is accessible only within a call: it lies behind a lock, or its owner passes it
/// to a function. The piece holds each element of the layout once.
pub trait Guarded<E>: Send {
    /// Calls `read` once, with the memory.
    fn read(&self, read: &mut dyn FnMut(&[E]));

    /// Calls `write` once, with the memory. Nothing else of this tensor is touched meanwhile.
    fn write(&mut self, write: &mut dyn FnMut(&mut [E]));

    /// The identity of this memory, if two tensors can be handles to the same: its address, or another unique number.
    /// Two names for one memory cannot be held to two masks.
    fn identity(&self) -> Option<usize> {
        None
    }
}

/// A piece of memory whose elements are evenly spaced in logical order.
#[derive(Debug)]
pub struct Run<'a, E> {
    /// The linear logical index of the first element.
    pub first: usize,
    /// The growth of the logical index from one element to the next; any number if there is only one element.
    pub step: isize,
    /// The elements.
    pub values: &'a mut [E],
}

/// A tensor lent for reading: layout and memory together.
#[derive(Debug, Clone)]
pub struct LentTensor<'a, E> {
    pub(crate) layout: Layout,
    pub(crate) memory: Memory<'a, E>,
}

impl<'a, E: Element> LentTensor<'a, E> {
    /// Joins layout and memory; they are checked against each other at each use.
    pub fn new(layout: Layout, memory: Memory<'a, E>) -> Self {
        LentTensor { layout, memory }
    }

    /// The memory: in one piece, or a copy.
    pub fn memory(&self) -> &Memory<'a, E> {
        &self.memory
    }

    /// The values in memory order, with the layout of that order, checked. A gathered copy is row-major.
    pub(crate) fn dense(&self) -> Result<(Layout, &[E]), Error> {
        match &self.memory {
            Memory::Dense(values) => {
                self.layout.check_dense(values.len())?;
                Ok((self.layout.clone(), values))
            }
            Memory::Gathered(values) => {
                let layout = Layout::row_major(self.layout.shape())?;
                layout.check_dense(values.len())?;
                Ok((layout, values))
            }
            Memory::Opaque(why) => Err(opaque(why)),
        }
    }

    /// The same tensor, lent for a shorter time; a gathered copy is copied once more.
    pub(super) fn lend(&self) -> LentTensor<'_, E> {
        let memory = match &self.memory {
            Memory::Dense(values) => Memory::Dense(values),
            Memory::Gathered(values) => Memory::Gathered(values.clone()),
            Memory::Opaque(why) => Memory::Opaque(why),
        };
        LentTensor { layout: self.layout.clone(), memory }
    }

    pub(super) fn reshape(self, shape: &[usize]) -> Result<Self, Error> {
        let layout = match self.memory {
            Memory::Dense(_) => self.layout.reshape(shape)?,
            Memory::Gathered(_) | Memory::Opaque(_) => Layout::row_major(self.layout.shape())?.reshape(shape)?,
        };
        Ok(LentTensor { layout, memory: self.memory })
    }
}

/// A tensor lent for writing: layout and memory together.
pub struct LentMut<'a, E> {
    pub(crate) layout: Layout,
    pub(crate) memory: MemoryMut<'a, E>,
}

impl<'a, E: Element> LentMut<'a, E> {
    /// Joins layout and memory; they are checked against each other at each use.
    pub fn new(layout: Layout, memory: MemoryMut<'a, E>) -> Self {
        LentMut { layout, memory }
    }

    /// Checks that the memory holds the layout's elements, each once.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        let strided = match &mut self.memory {
            MemoryMut::Dense(values) => return self.layout.check_dense(values.len()),
            MemoryMut::Strided(strided) => strided,
            MemoryMut::Guarded(guarded) => {
                let mut checked = Ok(());
                guarded.read(&mut |values| checked = self.layout.check_dense(values.len()));
                return checked;
            }
            MemoryMut::Opaque(why) => return Err(opaque(why)),
        };
        let len = self.layout.len();
        if RunOrder::of(&mut **strided, len).is_some() {
            return Ok(());
        }
        match once_each(&mut **strided, len) {
            (true, _) => Ok(()),
            (false, elements) => Err(self.layout.wrong(elements, "the runs do not hold every element once")),
        }
    }

    /// The same tensor for reading; gathers a copy if the memory has gaps.
    pub(crate) fn lend(&self) -> LentTensor<'_, E> {
        let memory = match &self.memory {
            MemoryMut::Dense(values) => Memory::Dense(values),
            MemoryMut::Strided(strided) => Memory::Gathered(strided.gather()),
            MemoryMut::Guarded(guarded) => {
                let mut logical = Vec::new();
                guarded.read(&mut |values| {
                    // A false claim gathers nothing; its use is refused later.
                    if self.layout.check_dense(values.len()).is_ok() {
                        logical = walk::gather(&self.layout, values);
                    }
                });
                Memory::Gathered(logical)
            }
            MemoryMut::Opaque(why) => Memory::Opaque(why),
        };
        LentTensor { layout: self.layout.clone(), memory }
    }

    /// The same tensor, lent for a shorter time.
    pub(crate) fn reborrow(&mut self) -> LentMut<'_, E> {
        let memory = match &mut self.memory {
            MemoryMut::Dense(values) => MemoryMut::Dense(values),
            MemoryMut::Strided(strided) => MemoryMut::Strided(Box::new(&mut **strided)),
            MemoryMut::Guarded(guarded) => MemoryMut::Guarded(Box::new(&mut **guarded)),
            MemoryMut::Opaque(why) => MemoryMut::Opaque(why),
        };
        LentMut { layout: self.layout.clone(), memory }
    }

    pub(super) fn reshape(self, shape: &[usize]) -> Result<Self, Error> {
        let layout = match self.memory {
            MemoryMut::Dense(_) | MemoryMut::Guarded(_) => self.layout.reshape(shape)?,
            MemoryMut::Strided(_) | MemoryMut::Opaque(_) => Layout::row_major(self.layout.shape())?.reshape(shape)?,
        };
        Ok(LentMut { layout, memory: self.memory })
    }
}

fn opaque(why: &str) -> Error {
    ErrorKind::Opaque { why: why.to_owned() }.into()
}

impl<E> Strided<E> for &mut (dyn Strided<E> + '_) {
    fn gather(&self) -> Vec<E> {
        (**self).gather()
    }

    fn for_each_run<'s>(&'s mut self, visit: &mut dyn FnMut(Run<'s, E>)) {
        (**self).for_each_run(visit);
    }
}

impl<E> Guarded<E> for &mut (dyn Guarded<E> + '_) {
    fn read(&self, read: &mut dyn FnMut(&[E])) {
        (**self).read(read);
    }

    fn write(&mut self, write: &mut dyn FnMut(&mut [E])) {
        (**self).write(write);
    }

    fn identity(&self) -> Option<usize> {
        (**self).identity()
    }
}
