//! Copies one tensor's values into another's memory, whatever their layouts.

use crate::error::{Error, ErrorKind};
use crate::tensor::{Element, LayerMut, LayerRef, LentMut, LentTensor, MemoryMut};
use crate::walk;

/// Calls `$what` with both tensors if they have the same shape and type; otherwise returns an error.
macro_rules! with_same_type {
    ($to:expr, $source:expr, $what:ident) => {{
        let (to, source) = ($to, $source);
        if to.shape() != source.shape() {
            let (expected, got) = (to.shape().to_vec(), source.shape().to_vec());
            return Err(ErrorKind::ShapeMismatch { what: "source", expected, got }.into());
        }
        match (to, source) {
            (LayerMut::F32(to), LayerRef::F32(from)) => $what(to, from),
            (LayerMut::F64(to), LayerRef::F64(from)) => $what(to, from),
            (LayerMut::F16(to), LayerRef::F16(from)) => $what(to, from),
            (LayerMut::Bf16(to), LayerRef::Bf16(from)) => $what(to, from),
            (to, source) => {
                Err(ErrorKind::TypeMismatch { expected: to.element_type(), got: source.element_type() }.into())
            }
        }
    }};
}

impl LayerMut<'_> {
    /// Copies the values of `source`, to the bit. This rewinds weights to an earlier state.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ShapeMismatch`], [`ErrorKind::TypeMismatch`] and [`ErrorKind::Layout`], before anything is written.
    ///
    /// # Complexity
    ///
    /// Linear; a copy of the values is made on the way.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerMut, LayerRef, PlainTensor};
    ///
    /// let start = PlainTensor::from_logical(&[2], vec![1.0f32, 2.0])?;
    /// let mut weights = PlainTensor::from_logical(&[2], vec![0.0f32, 0.0])?;
    /// LayerMut::of(&mut weights).assign(&LayerRef::of(&start))?;
    /// assert_eq!(weights.values(), [1.0, 2.0]);
    /// # Ok::<(), prune_core::Error>(())
    /// ```
    pub fn assign(&mut self, source: &LayerRef<'_>) -> Result<(), Error> {
        with_same_type!(self, source, copy)
    }

    /// Makes every check of [`LayerMut::assign`] and writes nothing, so that several layers can be checked before the
    /// first is written.
    ///
    /// # Errors
    ///
    /// As [`LayerMut::assign`].
    pub fn check_assign(&mut self, source: &LayerRef<'_>) -> Result<(), Error> {
        with_same_type!(self, source, check)
    }
}

/// Makes every check of a copy and writes nothing.
fn check<E: Element>(to: &mut LentMut<'_, E>, from: &LentTensor<'_, E>) -> Result<(), Error> {
    to.check()?;
    from.dense().map(|_| ())
}

fn copy<E: Element>(to: &mut LentMut<'_, E>, from: &LentTensor<'_, E>) -> Result<(), Error> {
    to.check()?;
    let (layout, values) = from.dense()?;
    let logical = walk::gather(&layout, values);
    let scatter = |memory: &mut [E]| {
        let mut next = logical.iter();
        walk::logical(&to.layout, |position| {
            if let (Some(place), Some(&value)) = (memory.get_mut(position), next.next()) {
                *place = value;
            }
        });
    };
    match &mut to.memory {
        MemoryMut::Dense(memory) => scatter(memory),
        MemoryMut::Guarded(guarded) => guarded.write(&mut |memory| scatter(memory)),
        MemoryMut::Strided(strided) => strided.for_each_run(&mut |run| {
            let mut index = run.first;
            for place in run.values {
                // The runs have been checked. If they have changed since, values outside them are left alone.
                if let Some(&value) = logical.get(index) {
                    *place = value;
                }
                index = index.wrapping_add_signed(run.step);
            }
        }),
        MemoryMut::Opaque(_) => {} // refused by the check
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::{Layout, PlainTensor};

    #[test]
    fn values_arrive_at_their_logical_places() {
        let from = PlainTensor::from_logical(&[2, 3], vec![1.0f32, -0.0, f32::NAN, 4.0, 5.0, 6.0]).unwrap();
        let layout = Layout::new(&[2, 3], &[-1, 2], 1).unwrap();
        let mut to = PlainTensor::from_memory(layout, vec![9.0f32; 6]).unwrap();
        LayerMut::of(&mut to).assign(&LayerRef::of(&from)).unwrap();
        let bits = |tensor: &PlainTensor<f32>| tensor.to_logical().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&to), bits(&from));
        assert_eq!(to.values()[0], 4.0);
    }

    #[test]
    fn other_shapes_and_types_are_refused() {
        let from = PlainTensor::from_logical(&[2, 3], vec![1.0f32; 6]).unwrap();
        let mut other = PlainTensor::from_logical(&[3, 2], vec![0.0f32; 6]).unwrap();
        let error = LayerMut::of(&mut other).assign(&LayerRef::of(&from)).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::ShapeMismatch { .. }));
        let mut wide = PlainTensor::from_logical(&[2, 3], vec![0.0f64; 6]).unwrap();
        let error = LayerMut::of(&mut wide).assign(&LayerRef::of(&from)).unwrap_err();
        assert_eq!(error.to_string(), "the values are f32 where f64 is needed");
        assert_eq!(wide.values(), [0.0; 6]);
    }
}
