//! The trait a backend implements: weights lent as they lie in memory.

use crate::element::Element;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::layer::{LayerMut, LayerRef};
use crate::layout::Layout;

/// Weights in some backend, lent for reading.
///
/// The contract: `memory` lends either one piece that holds each element of `layout` exactly once, in any axis order
/// and direction, and then costs nothing; or, where the backend's memory has gaps or repeats, a copy in logical order,
/// of which only the layout's shape counts. Both are checked at each use.
///
/// The trait is open: a backend outside this workspace implements it for its own type, or for a thin view where the
/// type is foreign, and stamps [`conformance_tests!`](crate::conformance_tests) on it with one line.
///
/// # Examples
///
/// ```
/// use prune_core::{Density, Layout, Memory, PruneExt, Tensor};
///
/// /// A column-major matrix.
/// struct Columns { rows: usize, columns: usize, values: Vec<f32> }
///
/// impl Tensor for Columns {
///     type Elem = f32;
///     fn layout(&self) -> Layout {
///         Layout::new(&[self.rows, self.columns], &[1, self.rows as isize], 0).expect("one stride a dimension")
///     }
///     fn memory(&self) -> Memory<'_, f32> {
///         Memory::Dense(&self.values)
///     }
/// }
///
/// let weights = Columns { rows: 2, columns: 2, values: vec![0.5, -3.0, 2.0, 0.1] };
/// let mask = weights.mask_unstructured(Density::new(0.5)?)?;
/// assert_eq!(mask.iter().collect::<Vec<_>>(), [false, true, true, false]); // row by row: 0.5, 2.0, -3.0, 0.1
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Tensor {
    /// The element type.
    type Elem: Element;

    /// Where each logical element lies in the memory lent.
    fn layout(&self) -> Layout;

    /// The elements.
    fn memory(&self) -> Memory<'_, Self::Elem>;
}

/// A [`Tensor`] that can be written.
pub trait TensorMut: Tensor {
    /// The elements, to be written in place: under the same [`Tensor::layout`] where they are in one piece.
    fn memory_mut(&mut self) -> MemoryMut<'_, Self::Elem>;
}

/// Elements lent for reading.
#[derive(Debug, Clone)]
pub enum Memory<'a, E> {
    /// In one piece, each element once, in the order that the layout says.
    Dense(&'a [E]),
    /// A copy in logical order, of a tensor whose own memory has gaps or repeats.
    Gathered(Vec<E>),
}

/// Elements lent for writing.
pub enum MemoryMut<'a, E> {
    /// In one piece, each element once, in the order that the layout says.
    Dense(&'a mut [E]),
    /// In pieces with gaps between them.
    Strided(Box<dyn Strided<E> + 'a>),
}

/// Writable memory with gaps: read by gathering, written run by run in place, never through a copy.
pub trait Strided<E>: Send {
    /// The elements in logical order.
    fn gather(&self) -> Vec<E>;

    /// Calls `write` for disjoint runs that together hold every element once.
    fn for_each_run(&mut self, write: &mut dyn FnMut(Run<'_, E>));
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
        }
    }

    fn reshape(self, shape: &[usize]) -> Result<Self, Error> {
        let layout = match self.memory {
            Memory::Dense(_) => self.layout.reshape(shape)?,
            Memory::Gathered(_) => Layout::row_major(self.layout.shape())?.reshape(shape)?,
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
        };
        let len = self.layout.len();
        let mut seen = vec![0u64; len.div_ceil(64)];
        let (mut elements, mut once) = (0usize, true);
        strided.for_each_run(&mut |run| {
            elements = elements.saturating_add(run.values.len());
            let mut index = run.first;
            for _ in 0..run.values.len() {
                match seen.get_mut(index / 64) {
                    Some(word) if index < len && *word >> (index % 64) & 1 == 0 => *word |= 1 << (index % 64),
                    _ => once = false,
                }
                index = index.wrapping_add_signed(run.step);
            }
        });
        if once && elements == len {
            Ok(())
        } else {
            Err(self.layout.wrong(elements, "the runs do not hold every element once"))
        }
    }

    /// The same tensor for reading; gathers where the memory has gaps.
    pub(crate) fn lend(&self) -> Lent<'_, E> {
        let memory = match &self.memory {
            MemoryMut::Dense(values) => Memory::Dense(values),
            MemoryMut::Strided(strided) => Memory::Gathered(strided.gather()),
        };
        Lent { layout: self.layout.clone(), memory }
    }

    /// The same tensor, lent on for a shorter time.
    pub(crate) fn reborrow(&mut self) -> LentMut<'_, E> {
        let memory = match &mut self.memory {
            MemoryMut::Dense(values) => MemoryMut::Dense(values),
            MemoryMut::Strided(strided) => MemoryMut::Strided(Box::new(&mut **strided)),
        };
        LentMut { layout: self.layout.clone(), memory }
    }

    fn reshape(self, shape: &[usize]) -> Result<Self, Error> {
        let layout = match self.memory {
            MemoryMut::Dense(_) => self.layout.reshape(shape)?,
            MemoryMut::Strided(_) => Layout::row_major(self.layout.shape())?.reshape(shape)?,
        };
        Ok(LentMut { layout, memory: self.memory })
    }
}

impl<E> Strided<E> for &mut (dyn Strided<E> + '_) {
    fn gather(&self) -> Vec<E> {
        (**self).gather()
    }

    fn for_each_run(&mut self, write: &mut dyn FnMut(Run<'_, E>)) {
        (**self).for_each_run(write);
    }
}

impl<'a> LayerRef<'a> {
    /// The same elements in the same logical order under another shape, by strides alone: a (9 x 32) matrix that
    /// holds a convolution kernel becomes a `[3, 3, 1, 32]` tensor with that tensor's axes, masks and saved files.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Reshape`] where the lengths differ or where it would take a copy, [`ErrorKind::ShapeOverflow`].
    pub fn with_shape(self, shape: &[usize]) -> Result<Self, Error> {
        Ok(match self {
            LayerRef::F32(lent) => LayerRef::F32(lent.reshape(shape)?),
            LayerRef::F64(lent) => LayerRef::F64(lent.reshape(shape)?),
            LayerRef::F16(lent) => LayerRef::F16(lent.reshape(shape)?),
            LayerRef::Bf16(lent) => LayerRef::Bf16(lent.reshape(shape)?),
        })
    }
}

impl<'a> LayerMut<'a> {
    /// As [`LayerRef::with_shape`].
    ///
    /// # Errors
    ///
    /// As [`LayerRef::with_shape`].
    pub fn with_shape(self, shape: &[usize]) -> Result<Self, Error> {
        Ok(match self {
            LayerMut::F32(lent) => LayerMut::F32(lent.reshape(shape)?),
            LayerMut::F64(lent) => LayerMut::F64(lent.reshape(shape)?),
            LayerMut::F16(lent) => LayerMut::F16(lent.reshape(shape)?),
            LayerMut::Bf16(lent) => LayerMut::Bf16(lent.reshape(shape)?),
        })
    }
}
