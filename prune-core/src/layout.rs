//! The memory layout of the elements of a tensor.

use crate::error::{Error, ErrorKind};

/// The place of each logical element in the memory that a tensor lends: shape, signed strides in elements, and the
/// position of the first logical element.
///
/// *Logical order* is the row-major order of indices, whatever the memory layout. A layout is only a claim until it
/// is checked against memory. Every operation of this crate checks first and returns [`ErrorKind::Layout`] if the two
/// disagree, so a backend with a false layout gets an error and never a wrong mask.
///
/// # Examples
///
/// ```
/// use prune_core::Layout;
///
/// // A 2 x 3 matrix in column-major memory.
/// let columns = Layout::new(&[2, 3], &[1, 2], 0)?;
/// assert_eq!(columns.len(), 6);
/// // The same memory as the row-major 2 x 3 matrix whose first row runs backwards would be another layout:
/// let reversed = Layout::new(&[2, 3], &[3, -1], 2)?;
/// assert_ne!(columns, reversed);
/// # Ok::<(), prune_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Layout {
    shape: Vec<usize>,
    strides: Vec<isize>,
    offset: usize,
    len: usize,
}

impl Layout {
    /// A layout from its parts. `offset` is the position of the first logical element.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeOverflow`] if the shape's product is more than `isize::MAX`, [`ErrorKind::Layout`] if there
    /// are not as many strides as dimensions.
    pub fn new(shape: &[usize], strides: &[isize], offset: usize) -> Result<Self, Error> {
        let len = checked_len(shape)?;
        let layout = Layout { shape: shape.to_vec(), strides: strides.to_vec(), offset, len };
        if shape.len() == strides.len() {
            Ok(layout)
        } else {
            Err(layout.wrong(len, "a stride is needed for every dimension"))
        }
    }

    /// The layout in which logical order is memory order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeOverflow`] if the shape's product is more than `isize::MAX`.
    pub fn row_major(shape: &[usize]) -> Result<Self, Error> {
        let len = checked_len(shape)?;
        Ok(Layout { shape: shape.to_vec(), strides: row_major_strides(shape), offset: 0, len })
    }

    /// The length of each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The step in memory along each dimension, in elements.
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// The position of the first logical element.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The same memory under another shape with the same logical order of elements, by strides alone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Reshape`] if the lengths differ or no strides can express the shape (a column-major 6 x 4 matrix
    /// is no 4 x 6 matrix without a copy, but it is a 2 x 3 x 4 tensor).
    pub fn reshape(&self, shape: &[usize]) -> Result<Self, Error> {
        let refuse = |why| {
            let (from, strides, to) = (self.shape[..].into(), self.strides[..].into(), shape.into());
            ErrorKind::Reshape { from, strides, to, why }.into()
        };
        if checked_len(shape)? != self.len {
            return Err(refuse("the numbers of elements differ"));
        }
        if self.len == 0 {
            return Layout::row_major(shape);
        }
        let mut strides = vec![0isize; shape.len()];
        // Old dimensions merged into the fewest that step evenly; each is then cut into new dimensions from its end.
        let mut runs = self.merged();
        let mut run = runs.pop();
        for (dimension, &length) in shape.iter().enumerate().rev() {
            if length == 1 {
                continue;
            }
            if run.is_none_or(|(left, _)| left == 1) {
                run = runs.pop();
            }
            match run {
                Some((left, stride)) if left % length == 0 => {
                    strides[dimension] = stride;
                    // No memory is long enough for a step that overflows: the claim is false.
                    let Some(outer) = stride.checked_mul(length as isize) else {
                        return Err(refuse("its strides step out of any memory"));
                    };
                    run = Some((left / length, outer));
                }
                _ => return Err(refuse("its memory order does not allow it without a copy")),
            }
        }
        Ok(Layout { shape: shape.to_vec(), strides, offset: self.offset, len: self.len })
    }

    /// The dimensions longer than 1 as (length, stride), neighbours merged where they step evenly. Row-major memory
    /// gives one run of stride 1 (or none, for a single element).
    pub(crate) fn merged(&self) -> Vec<(usize, isize)> {
        let mut runs: Vec<(usize, isize)> = Vec::with_capacity(self.rank());
        for (&length, &stride) in self.shape.iter().zip(&self.strides) {
            if length == 1 {
                continue;
            }
            match runs.last_mut() {
                Some(last) if Some(last.1) == stride.checked_mul(length as isize) => *last = (last.0 * length, stride),
                _ => runs.push((length, stride)),
            }
        }
        runs
    }

    /// True if logical order is memory order. Only meaningful after [`Layout::check_dense`].
    pub(crate) fn is_row_major(&self) -> bool {
        self.len == 0 || matches!(self.merged()[..], [] | [(_, 1)])
    }

    /// The memory position of the logical element `index` (linear, in logical order): the definition, for tests.
    #[cfg(test)]
    pub(crate) fn position(&self, mut index: usize) -> usize {
        let mut position = self.offset as isize;
        for (&length, &stride) in self.shape.iter().zip(&self.strides).rev() {
            position += (index % length) as isize * stride;
            index /= length;
        }
        position as usize
    }

    /// The linear logical index of the element at a memory position of a dense layout.
    pub(crate) fn logical_index(&self, position: usize) -> usize {
        let (mut index, mut step) = (0, 1);
        for (&length, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if length > 1 {
                let along = position / stride.unsigned_abs() % length;
                index += step * if stride < 0 { length - 1 - along } else { along };
                step *= length;
            }
        }
        index
    }

    /// Checks that `memory_len` elements in one piece are exactly the elements of this layout, each once.
    pub(crate) fn check_dense(&self, memory_len: usize) -> Result<(), Error> {
        if self.len != memory_len {
            return Err(self.wrong(memory_len, "the numbers of elements differ"));
        }
        if self.len == 0 {
            return Ok(());
        }
        let mut dims: Vec<(usize, isize)> =
            self.shape.iter().copied().zip(self.strides.iter().copied()).filter(|&(length, _)| length != 1).collect();
        dims.sort_unstable_by_key(|&(_, stride)| stride.unsigned_abs());
        let mut expected = 1usize;
        let mut first = 0usize;
        for (length, stride) in dims {
            if stride.unsigned_abs() != expected {
                return Err(self.wrong(memory_len, "the strides leave gaps or overlap"));
            }
            if stride < 0 {
                first += (length - 1) * expected;
            }
            expected *= length;
        }
        if self.offset != first {
            return Err(self.wrong(memory_len, "the offset is not that of the first logical element"));
        }
        Ok(())
    }

    pub(crate) fn wrong(&self, memory_len: usize, why: &'static str) -> Error {
        let (shape, strides) = (self.shape[..].into(), self.strides[..].into());
        ErrorKind::Layout { shape, strides, offset: self.offset, memory_len, why }.into()
    }
}

/// The number of elements of a shape.
pub(crate) fn checked_len(shape: &[usize]) -> Result<usize, Error> {
    // A shape with a zero is empty, however large the rest; strides are then never used.
    if shape.contains(&0) {
        return Ok(0);
    }
    shape
        .iter()
        .try_fold(1usize, |len, &dim| len.checked_mul(dim))
        .filter(|&len| len <= isize::MAX as usize)
        .ok_or_else(|| ErrorKind::ShapeOverflow { shape: shape.to_vec() }.into())
}

/// The strides of row-major memory; of an empty tensor, zeros.
pub(crate) fn row_major_strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![0; shape.len()];
    if !shape.contains(&0) {
        let mut step = 1isize;
        for (stride, &length) in strides.iter_mut().zip(shape).rev() {
            *stride = step;
            step *= length as isize;
        }
    }
    strides
}

/// The dimension that a possibly negative `axis` means, as in NumPy.
pub(crate) fn resolve_axis(axis: isize, rank: usize) -> Result<usize, Error> {
    let resolved = if axis < 0 { axis.checked_add(rank as isize) } else { Some(axis) };
    match resolved {
        Some(axis) if axis >= 0 && (axis as usize) < rank => Ok(axis as usize),
        _ => Err(ErrorKind::AxisOutOfRange { axis, rank }.into()),
    }
}

/// The index of each dimension that the linear logical index `linear` means.
pub(crate) fn unravel(mut linear: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (slot, &length) in index.iter_mut().zip(shape).rev() {
        *slot = linear % length.max(1);
        linear /= length.max(1);
    }
    index
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn dense_layouts_in_any_order_pass() {
        for (shape, strides, offset) in [
            (&[2usize, 3][..], &[3isize, 1][..], 0),
            (&[2, 3], &[1, 2], 0),
            (&[2, 3], &[-3, 1], 3),
            (&[2, 3], &[-1, -2], 5),
            (&[2, 1, 3], &[3, 77, 1], 0),
            (&[], &[], 0),
            (&[4, 3, 2], &[1, 8, 4], 0),
        ] {
            let layout = Layout::new(shape, strides, offset).unwrap();
            layout.check_dense(layout.len()).unwrap();
            for i in 0..layout.len() {
                assert_eq!(layout.logical_index(layout.position(i)), i, "{layout:?}");
            }
            let mut seen: Vec<usize> = (0..layout.len()).map(|i| layout.position(i)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..layout.len()).collect::<Vec<_>>(), "{layout:?}");
        }
    }

    #[test]
    fn false_claims_are_refused() {
        for (shape, strides, offset, memory) in [
            (&[2usize, 3][..], &[3isize, 1][..], 0usize, 5usize),
            (&[2, 3], &[4, 1], 0, 6),
            (&[2, 3], &[0, 1], 0, 6),
            (&[2, 3], &[3, 1], 1, 6),
            (&[2, 3], &[-3, 1], 0, 6),
            (&[2, 2], &[1, 1], 0, 4),
            (&[2, 3], &[isize::MIN, 1], 0, 6),
        ] {
            let layout = Layout::new(shape, strides, offset).unwrap();
            assert!(
                matches!(layout.check_dense(memory), Err(Error { kind: ErrorKind::Layout { .. }, .. })),
                "{layout:?}"
            );
        }
        assert!(matches!(Layout::new(&[2, 3], &[1], 0), Err(Error { kind: ErrorKind::Layout { .. }, .. })));
        assert!(matches!(
            Layout::row_major(&[usize::MAX, 2]),
            Err(Error { kind: ErrorKind::ShapeOverflow { .. }, .. })
        ));
        assert!(Layout::row_major(&[usize::MAX, 2, 0]).unwrap().is_empty());
    }

    #[test]
    fn reshape_keeps_logical_order() {
        let columns = Layout::new(&[6, 4], &[1, 6], 0).unwrap();
        let cut = columns.reshape(&[2, 3, 1, 4]).unwrap();
        for i in 0..24 {
            assert_eq!(columns.position(i), cut.position(i));
        }
        assert!(matches!(columns.reshape(&[4, 6]), Err(Error { kind: ErrorKind::Reshape { .. }, .. })));
        assert!(matches!(columns.reshape(&[5, 5]), Err(Error { kind: ErrorKind::Reshape { .. }, .. })));
        let rows = Layout::row_major(&[6, 4]).unwrap();
        assert_eq!(rows.reshape(&[4, 3, 2]).unwrap(), Layout::row_major(&[4, 3, 2]).unwrap());
        assert_eq!(rows.reshape(&[24]).unwrap(), Layout::row_major(&[24]).unwrap());
        let one = Layout::row_major(&[1, 1]).unwrap();
        assert_eq!(one.reshape(&[]).unwrap().len(), 1);
    }

    #[test]
    fn axes_count_from_both_ends() {
        assert_eq!(resolve_axis(-1, 3).unwrap(), 2);
        assert_eq!(resolve_axis(0, 3).unwrap(), 0);
        for (axis, rank) in [(3, 3), (-4, 3), (0, 0), (-1, 0), (isize::MIN, 2), (isize::MAX, 2)] {
            assert!(resolve_axis(axis, rank).is_err(), "{axis} of {rank}");
        }
    }
}
