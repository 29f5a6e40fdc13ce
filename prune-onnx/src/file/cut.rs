//! Cuts of tensors: some indices of some axes are kept.

use std::collections::BTreeMap;
use std::io::Write;

use super::rope::write_error;
use crate::error::{Error, TensorProblem};
use crate::model::Tensor;

/// A tensor, and for some of its axes the indices that are kept.
#[derive(Debug, Clone)]
pub(super) struct TensorCut<'m> {
    tensor: &'m Tensor,
    kept: Option<&'m BTreeMap<usize, Vec<usize>>>,
    byte_len: u64,
}

impl<'m> TensorCut<'m> {
    /// Checks a cut of a tensor. Without `kept`, the whole tensor is kept.
    pub(super) fn new(tensor: &'m Tensor, kept: Option<&'m BTreeMap<usize, Vec<usize>>>) -> Result<Self, Error> {
        let fail = |problem| Error::tensor(&tensor.name, problem);
        let Some(bytes) = tensor.byte_len() else { return fail(TensorProblem::Cut("its elements are no whole bytes")) };
        let Some(kept) = kept else { return Ok(TensorCut { tensor, kept: None, byte_len: bytes }) };
        let Some(size) = tensor.data_type.bytes() else {
            return fail(TensorProblem::Cut("its elements are no whole bytes"));
        };
        for (&axis, indices) in kept {
            let Some(&length) = tensor.dims.get(axis) else { return fail(TensorProblem::Cut("it has no such axis")) };
            if indices.iter().any(|&index| index >= length) {
                return fail(TensorProblem::Cut("an axis has no such index"));
            }
        }
        let dims = cut_dims(&tensor.dims, kept);
        let Some(byte_len) = dims.iter().try_fold(size, |all, &length| all.checked_mul(length)) else {
            return fail(TensorProblem::Huge(dims));
        };
        Ok(TensorCut { tensor, kept: Some(kept), byte_len: byte_len as u64 })
    }

    /// The shape after the cut.
    pub(super) fn dims(&self) -> Vec<usize> {
        self.kept.map_or_else(|| self.tensor.dims.clone(), |kept| cut_dims(&self.tensor.dims, kept))
    }

    /// Bytes after the cut.
    pub(super) fn byte_len(&self) -> u64 {
        self.byte_len
    }

    /// Writes the elements that are kept.
    pub(super) fn write(&self, to: &mut dyn Write) -> Result<(), Error> {
        let bytes = self.tensor.bytes()?;
        let Some(kept) = self.kept else { return to.write_all(&bytes).map_err(write_error) };
        let size = self.tensor.data_type.bytes().unwrap_or(1);
        let mut left = Vec::with_capacity(self.byte_len as usize);
        gather(&bytes, &self.tensor.dims, size, kept, 0, &mut left);
        to.write_all(&left).map_err(write_error)
    }
}

fn cut_dims(dims: &[usize], kept: &BTreeMap<usize, Vec<usize>>) -> Vec<usize> {
    dims.iter().enumerate().map(|(axis, &length)| kept.get(&axis).map_or(length, Vec::len)).collect()
}

/// Adds the kept part of `bytes`, which are the elements from `axis` on.
fn gather(
    bytes: &[u8],
    dims: &[usize],
    size: usize,
    kept: &BTreeMap<usize, Vec<usize>>,
    axis: usize,
    into: &mut Vec<u8>,
) {
    if kept.range(axis..).next().is_none() {
        into.extend_from_slice(bytes);
        return;
    }
    let stride = dims[axis + 1..].iter().product::<usize>() * size;
    let mut one = |index: usize| {
        gather(&bytes[index * stride..(index + 1) * stride], dims, size, kept, axis + 1, into);
    };
    match kept.get(&axis) {
        Some(indices) => indices.iter().for_each(|&index| one(index)),
        None => (0..dims[axis]).for_each(one),
    }
}

/// The elements of a tensor that are left if only some indices of some axes are kept. `size` is the bytes of an
/// element. This is for tensors in other files that belong to a model, such as checkpoints.
///
/// ```
/// use std::collections::BTreeMap;
///
/// let left = prune_onnx::cut_bytes(&[1, 2, 3, 4, 5, 6], &[2, 3], 1, &BTreeMap::from([(1, vec![0, 2])]));
/// assert_eq!(left, [1, 3, 4, 6]);
/// ```
///
/// # Panics
/// If there are fewer bytes than the shape says, or if an index or an axis does not exist.
pub fn cut_bytes(bytes: &[u8], dims: &[usize], size: usize, kept: &BTreeMap<usize, Vec<usize>>) -> Vec<u8> {
    let mut left = Vec::new();
    gather(bytes, dims, size, kept, 0, &mut left);
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Compares with index arithmetic, one element at a time.
        #[test]
        fn cuts_are_those_of_single_elements(
            dims in prop::collection::vec(1usize..5, 0..4), size in 1usize..5, seed in any::<u64>(),
        ) {
            let n: usize = dims.iter().product();
            let bytes: Vec<u8> = (0..n * size).map(|at| (at * 7 + 3) as u8).collect();
            let mut kept = BTreeMap::new();
            for (axis, &length) in dims.iter().enumerate() {
                if seed >> (axis * 8) & 1 == 1 {
                    kept.insert(axis, (0..length).filter(|index| seed >> (axis * 8 + 1 + index) & 1 == 1).collect());
                }
            }
            let mut wanted = Vec::new();
            for element in 0..n {
                let mut rest = element;
                let mut stays = true;
                for (axis, &length) in dims.iter().enumerate().rev() {
                    stays &= kept.get(&axis).is_none_or(|kept: &Vec<usize>| kept.contains(&(rest % length)));
                    rest /= length;
                }
                if stays {
                    wanted.extend_from_slice(&bytes[element * size..(element + 1) * size]);
                }
            }
            prop_assert_eq!(cut_bytes(&bytes, &dims, size, &kept), wanted);
        }
    }
}
