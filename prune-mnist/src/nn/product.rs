//! The matrix product behind every layer.
//!
//! `gemm` was chosen by measurement on the shapes of these models, one thread of a processor with AVX-512, against
//! `faer` and `matrixmultiply` (GFLOP/s): second convolution forward 158, 159, 112; its kernel gradient 167, 157,
//! 142; first convolution (inner dimension 9) 104, 83, 77; its kernel gradient 135, 92, 31; first dense layer 133,
//! 104, 111. It takes strides for all three matrices, so row-major and column-major storage share one arithmetic. It
//! builds in a tenth of the time of `faer`.
//!
//! One call is one thread. Threads are used above this level, over fixed parts of the batch or of a matrix, so the
//! shapes fix the order of every sum, and the number of threads never changes it.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::real::Real;

/// `c = a b`, or `c += a b` with `add`. Any strides.
///
/// # Panics
/// If the dimensions do not agree.
#[expect(unsafe_code, reason = "the call into gemm takes pointers; `product_plain` below is its safe twin")]
pub(super) fn product<T: Real>(mut c: ArrayViewMut2<'_, T>, a: ArrayView2<'_, T>, b: ArrayView2<'_, T>, add: bool) {
    let ((rows, inner), columns) = (a.dim(), b.ncols());
    assert!(b.nrows() == inner && c.dim() == (rows, columns), "{:?} = {:?} x {:?}", c.dim(), a.dim(), b.dim());
    if rows == 0 || columns == 0 {
        return;
    }
    if inner == 0 {
        if !add {
            c.fill(T::zero());
        }
        return;
    }
    let (c_strides, a_strides, b_strides) = (strides(c.strides()), strides(a.strides()), strides(b.strides()));
    let old = if add { T::one() } else { T::zero() };
    // SAFETY: the pointers and strides come from views that are alive during the call, so every element (i, j) within
    // the dimensions, which were compared above, is valid to read, and for `c` to write. `c` is a mutable view: its
    // elements are distinct and nothing else refers to them. `Real` is sealed to f32 and f64, which gemm supports.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            c.as_mut_ptr(),
            c_strides[1],
            c_strides[0],
            add,
            a.as_ptr(),
            a_strides[1],
            a_strides[0],
            b.as_ptr(),
            b_strides[1],
            b_strides[0],
            old,
            T::one(),
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

fn strides(strides: &[isize]) -> [isize; 2] {
    [strides[0], strides[1]]
}

/// The definition of [`product`], in three loops.
#[cfg(test)]
pub(super) fn product_plain<T: Real>(
    mut c: ArrayViewMut2<'_, T>,
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    add: bool,
) {
    for ((row, column), element) in c.indexed_iter_mut() {
        let mut sum = if add { *element } else { T::zero() };
        for inner in 0..a.ncols() {
            sum += a[(row, inner)] * b[(inner, column)];
        }
        *element = sum;
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, ShapeBuilder, s};
    use proptest::prelude::*;

    use super::*;

    /// Small whole numbers: every product and sum is exact, so any order of summing must give the same result.
    fn filled(rows: usize, columns: usize, column_major: bool, salt: usize) -> Array2<f32> {
        let shape = (rows, columns).set_f(column_major);
        Array2::from_shape_fn(shape, |(i, j)| ((i * 7 + j * 13 + i * j + salt) % 17) as f32 - 8.0)
    }

    proptest! {
        #[test]
        fn agrees_with_three_loops_for_any_strides(
            rows in 0_usize..40, columns in 0_usize..40, inner in 0_usize..70,
            orders in any::<[bool; 3]>(), add in any::<bool>(), gap in 1_usize..3,
        ) {
            let a = filled(rows, inner * gap, orders[0], 1);
            let b = filled(inner, columns * gap, orders[1], 2);
            let (a, b) = (a.slice(s![.., ..;gap]), b.slice(s![.., ..;gap]));
            let mut c = filled(rows, columns * gap, orders[2], 3);
            let mut expected = c.clone();
            product(c.slice_mut(s![.., ..;gap]), a, b, add);
            product_plain(expected.slice_mut(s![.., ..;gap]), a, b, add);
            prop_assert_eq!(c, expected);
        }
    }

    #[test]
    #[should_panic(expected = "x")]
    fn refuses_dimensions_that_do_not_agree() {
        let (a, b) = (filled(2, 3, false, 0), filled(4, 2, false, 0));
        product(filled(2, 2, false, 0).view_mut(), a.view(), b.view(), false);
    }
}
