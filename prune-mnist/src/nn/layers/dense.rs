//! Fully connected layers.
//!
//! A dense kernel can be large (3136 x 256 in the CNN) against a batch of 128, so a gradient for each part of the
//! batch would cost more to add up than to compute. These layers therefore take the whole batch at once, and cut the
//! output into parts for the threads. Each part is one product over fixed columns (or rows), and no sum ever crosses
//! a part. The parts depend on the shapes alone.

use ndarray::parallel::prelude::*;
use ndarray::{ArrayView2, ArrayViewMut2, Axis, s};

use super::elementwise::{add_bias, add_rows};
use crate::nn::gate::{Gates, close};
use crate::nn::product::product;
use crate::nn::real::Real;
use crate::nn::storage::Order;

/// The approximate number of columns of an output that one thread computes at a time: enough for the product to reach
/// its speed, few enough that the threads share even a layer of 300.
const OUTPUT_PART: usize = 64;

/// The approximate number of rows of a kernel's gradient that one thread computes at a time.
const KERNEL_PART: usize = 392;

/// Below this number of multiply-adds a layer is computed in one piece: waking a second thread takes longer.
const WORTH_SHARING: usize = 1 << 18;

/// Writes relu(`input` x `kernel` + `bias`) to `output`; the relu is optional.
pub(in crate::nn) fn forward<T: Real>(
    kernel: ArrayView2<'_, T>,
    bias: &[T],
    relu: bool,
    input: ArrayView2<'_, T>,
    mut output: ArrayViewMut2<'_, T>,
) {
    let part = part_of(OUTPUT_PART, kernel.ncols(), input.nrows() * kernel.len());
    output.axis_chunks_iter_mut(Axis(1), part).into_par_iter().enumerate().for_each(|(index, mut output)| {
        let columns = index * part..index * part + output.ncols();
        product(output.view_mut(), input, kernel.slice(s![.., columns.clone()]), false);
        let bias = &bias[columns];
        for mut row in output.rows_mut() {
            // A part of a row of a row-major matrix is contiguous.
            if let Some(row) = row.as_slice_mut() {
                add_bias(row, bias, relu, &mut []);
            }
        }
    });
}

/// Writes the gradients of kernel and bias, and that of the input if one is asked for, closed by the gate of each
/// sample.
pub(in crate::nn) fn backward<T: Real>(
    kernel: ArrayView2<'_, T>,
    input: ArrayView2<'_, T>,
    output_gradient: ArrayView2<'_, T>,
    (kernel_gradient, order): (ArrayViewMut2<'_, T>, Order),
    input_gradient: Option<(ArrayViewMut2<'_, T>, &Gates<'_, T>)>,
) {
    let work = input.nrows() * kernel.len();
    rayon::join(
        || backward_kernel(input, output_gradient, kernel_gradient, order, work),
        || {
            if let Some((input_gradient, gates)) = input_gradient {
                backward_input(kernel, output_gradient, input_gradient, gates, work);
            }
        },
    );
}

/// Writes the sums of the gradient's rows to `bias_gradient`.
pub(in crate::nn) fn backward_bias<T: Real>(output_gradient: &[T], bias_gradient: &mut [T]) {
    bias_gradient.fill(T::zero());
    add_rows(bias_gradient, output_gradient);
}

/// Cuts parts along the slowest axis in memory, so that each part is one run of memory.
fn backward_kernel<T: Real>(
    input: ArrayView2<'_, T>,
    output_gradient: ArrayView2<'_, T>,
    mut kernel_gradient: ArrayViewMut2<'_, T>,
    order: Order,
    work: usize,
) {
    match order {
        Order::RowMajor => {
            let part = part_of(KERNEL_PART, kernel_gradient.nrows(), work);
            let parts = kernel_gradient.axis_chunks_iter_mut(Axis(0), part).into_par_iter().enumerate();
            parts.for_each(|(index, gradient)| {
                let inputs = index * part..index * part + gradient.nrows();
                product(gradient, input.slice(s![.., inputs]).t(), output_gradient, false);
            });
        }
        Order::ColumnMajor => {
            let part = part_of(OUTPUT_PART, kernel_gradient.ncols(), work);
            let parts = kernel_gradient.axis_chunks_iter_mut(Axis(1), part).into_par_iter().enumerate();
            parts.for_each(|(index, gradient)| {
                let outputs = index * part..index * part + gradient.ncols();
                product(gradient, input.t(), output_gradient.slice(s![.., outputs]), false);
            });
        }
    }
}

fn backward_input<T: Real>(
    kernel: ArrayView2<'_, T>,
    output_gradient: ArrayView2<'_, T>,
    mut input_gradient: ArrayViewMut2<'_, T>,
    gates: &Gates<'_, T>,
    work: usize,
) {
    let part = part_of(KERNEL_PART, kernel.nrows(), work);
    let parts = input_gradient.axis_chunks_iter_mut(Axis(1), part).into_par_iter().enumerate();
    parts.for_each(|(index, mut gradient)| {
        let start = index * part;
        let inputs = start..start + gradient.ncols();
        product(gradient.view_mut(), output_gradient, kernel.slice(s![inputs, ..]).t(), false);
        for (sample, mut row) in gradient.rows_mut().into_iter().enumerate() {
            if let Some(row) = row.as_slice_mut() {
                close(gates(sample), start, row);
            }
        }
    });
}

/// The length of the parts into which `size` is cut for `work` multiply-adds: about `target` each, an even number of
/// parts, since at least two threads share, and a multiple of the vector length.
fn part_of(target: usize, size: usize, work: usize) -> usize {
    let parts = (size / target) & !1;
    if work < WORTH_SHARING || parts == 0 { size } else { size.div_ceil(parts).next_multiple_of(16).min(size) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_even_in_number_and_in_size() {
        let parts = |target, size: usize| size.div_ceil(part_of(target, size, WORTH_SHARING));
        assert_eq!(part_of(OUTPUT_PART, 300, WORTH_SHARING), 80);
        assert_eq!(parts(OUTPUT_PART, 300), 4);
        assert_eq!(parts(OUTPUT_PART, 256), 4);
        assert_eq!(parts(OUTPUT_PART, 10), 1);
        assert_eq!(parts(KERNEL_PART, 3136), 8);
        assert_eq!(parts(KERNEL_PART, 784), 2);
        assert_eq!(part_of(KERNEL_PART, 3136, WORTH_SHARING - 1), 3136);
    }
}
