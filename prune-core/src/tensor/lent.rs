//! Memory as it is lent, with the layout that says what lies where.

use crate::error::{Error, ErrorKind};
use crate::layout::Layout;
use crate::tensor::Element;
use crate::tensor::runs::{RunOrder, once_each};
use crate::walk;

/// Elements lent for reading.
#[derive(Debug, Clone)]
pub enum Memory<'a, E> {
    /// In one piece, each element once, in the order that the layout says.
    Dense(&'a [E]),
    /// A copy in logical order, of a tensor whose own memory has gaps or repeats.
    Gathered(Vec<E>),
    /// Nothing, for this reason; see [`LayerRef::opaque`](crate::LayerRef::opaque).
    Opaque(&'a str),
}

/// Elements lent for writing.
pub enum MemoryMut<'a, E> {
    /// In one piece, each element once, in the order that the layout says.
    Dense(&'a mut [E]),
    /// In pieces with gaps between them.
    Strided(Box<dyn Strided<E> + 'a>),
    /// In one piece, as [`MemoryMut::Dense`], but within a call alone.
    Guarded(Box<dyn Guarded<E> + 'a>),
    /// Nothing, for this reason; see [`LayerRef::opaque`](crate::LayerRef::opaque).
    Opaque(&'a str),
}

/// Writable memory with gaps: read by gathering, written run by run in place, never through a copy.
pub trait Strided<E>: Send {
    /// The elements in logical order.
    fn gather(&self) -> Vec<E>;

    /// Calls `visit` for runs that together hold every element once. They are lent as long as all of this is, so that they
    /// can be gathered and written by several threads. It is quickest where they come lane by lane along one axis, in the
    /// logical order of their first elements.
    fn for_each_run<'s>(&'s mut self, visit: &mut dyn FnMut(Run<'s, E>));
}

/// Writable memory in one piece that is not to be had for longer than a call: it lies behind a lock, or its owner hands it to a
/// function. The piece holds each element of the layout once.
pub trait Guarded<E>: Send {
    /// Calls `read` once, with the memory.
    fn read(&self, read: &mut dyn FnMut(&[E]));

    /// Calls `write` once, with the memory. Nothing else of this tensor is touched meanwhile.
    fn write(&mut self, write: &mut dyn FnMut(&mut [E]));

    /// Which memory this is, where two tensors can be handles to the same: its address, or another number of its own. Two
    /// names for one memory cannot be held to two masks.
    fn identity(&self) -> Option<usize> {
        None
    }
}

/// A piece of memory whose elements are evenly spaced in logical order.
#[derive(Debug)]
pub struct Run<'a, E> {
    /// The linear logical index of the first element.
    pub first: usize,
    /// How much the logical index grows from one element to the next; any number where there is just one.
    pub step: isize,
    /// The elements.
    pub values: &'a mut [E],
}

/// A tensor lent for reading: layout and memory together.
#[derive(Debug, Clone)]
pub struct Lent<'a, E> {
    pub(crate) layout: Layout,
    pub(crate) memory: Memory<'a, E>,
}

impl<'a, E: Element> Lent<'a, E> {
    /// Puts layout and memory together; they are checked against each other at each use.
    pub fn new(layout: Layout, memory: Memory<'a, E>) -> Self {
        Lent { layout, memory }
    }

    /// The memory lent: in one piece, or a copy.
    pub fn memory(&self) -> &Memory<'a, E> {
        &self.memory
    }

    /// The values in memory order with the layout that says which is which, checked. A gathered copy is row-major.
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

    /// The same, lent on for a shorter time; a gathered copy is copied once more.
    pub(super) fn lend(&self) -> Lent<'_, E> {
        let memory = match &self.memory {
            Memory::Dense(values) => Memory::Dense(values),
            Memory::Gathered(values) => Memory::Gathered(values.clone()),
            Memory::Opaque(why) => Memory::Opaque(why),
        };
        Lent { layout: self.layout.clone(), memory }
    }

    pub(super) fn reshape(self, shape: &[usize]) -> Result<Self, Error> {
        let layout = match self.memory {
            Memory::Dense(_) => self.layout.reshape(shape)?,
            Memory::Gathered(_) | Memory::Opaque(_) => Layout::row_major(self.layout.shape())?.reshape(shape)?,
        };
        Ok(Lent { layout, memory: self.memory })
    }
}

/// A tensor lent for writing: layout and memory together.
pub struct LentMut<'a, E> {
    pub(crate) layout: Layout,
    pub(crate) memory: MemoryMut<'a, E>,
}

impl<'a, E: Element> LentMut<'a, E> {
    /// Puts layout and memory together; they are checked against each other at each use.
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

    /// The same tensor for reading; gathers where the memory has gaps.
    pub(crate) fn lend(&self) -> Lent<'_, E> {
        let memory = match &self.memory {
            MemoryMut::Dense(values) => Memory::Dense(values),
            MemoryMut::Strided(strided) => Memory::Gathered(strided.gather()),
            MemoryMut::Guarded(guarded) => {
                let mut logical = Vec::new();
                guarded.read(&mut |values| {
                    // Nothing of a false claim, which is refused at its use.
                    if self.layout.check_dense(values.len()).is_ok() {
                        logical = walk::gather(&self.layout, values);
                    }
                });
                Memory::Gathered(logical)
            }
            MemoryMut::Opaque(why) => Memory::Opaque(why),
        };
        Lent { layout: self.layout.clone(), memory }
    }

    /// The same tensor, lent on for a shorter time.
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
