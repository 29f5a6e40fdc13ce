//! Convolution with stride 1: the input is unrolled and multiplied with the kernel as a matrix.
//!
//! For one output pixel the unrolled row holds the inputs under the kernel, in the order (row, column, channel) of an
//! HWIO kernel's rows. Then
//!
//! ```text
//! output = unrolled x kernel      kernel gradient = unrolled^T x output gradient
//! unrolled gradient = output gradient x kernel^T, whose rows are added back to the inputs they came from
//! ```
//!
//! 1. A few samples are unrolled at a time, so that the unrolled matrix stays in the second-level cache between being
//!    written and being multiplied. It is never kept for the backward pass, since making it again costs less than
//!    reading it back from memory.
//! 2. In NHWC the inputs under one kernel row are contiguous, so unrolling copies runs of (kernel width x channels)
//!    values. With one channel those runs would be 3 values long. That matrix is unrolled tap by tap instead, whole
//!    image rows at a time, and the product gets a transposed view.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::elementwise::{add_rows, copy, zip};
use crate::nn::product::product;
use crate::nn::real::Real;
use crate::nn::simd::vectorised;

/// Rows of the unrolled matrix for one product: with fewer rows the product does not reach its speed, with many more
/// the matrix falls out of the cache.
const UNROLLED_ROWS: usize = 256;

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub(in crate::nn) struct ConvShape {
    /// Height and width of the input.
    pub(in crate::nn) input: [usize; 2],
    /// Input channels.
    pub(in crate::nn) channels: usize,
    /// Height and width of the output.
    pub(in crate::nn) out: [usize; 2],
    /// Output channels.
    pub(in crate::nn) features: usize,
    /// Height and width of the kernel.
    pub(in crate::nn) kernel: [usize; 2],
    /// Zeros above and to the left of the input.
    pub(in crate::nn) before: [usize; 2],
}

impl ConvShape {
    fn pixels(&self) -> usize {
        self.out[0] * self.out[1]
    }

    fn input_len(&self) -> usize {
        self.input[0] * self.input[1] * self.channels
    }

    fn output_len(&self) -> usize {
        self.pixels() * self.features
    }

    /// Rows of the kernel as a matrix: inputs under it.
    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.channels
    }

    /// Number of weights.
    pub(in crate::nn) fn weights(&self) -> usize {
        self.taps() * self.features
    }

    /// The number of samples unrolled at once. It depends on the shape alone, so sums are always cut in the same
    /// places.
    pub(in crate::nn) fn group(&self) -> usize {
        (UNROLLED_ROWS / self.pixels()).max(1)
    }

    /// Length of the scratch that the passes need.
    pub(in crate::nn) fn unrolled_len(&self) -> usize {
        self.group() * self.pixels() * self.taps()
    }

    /// Writes the convolution of `input`, before the bias, to `output`.
    pub(in crate::nn) fn forward<T: Real>(
        &self,
        kernel: ArrayView2<'_, T>,
        input: &[T],
        output: &mut [T],
        unrolled: &mut [T],
    ) {
        let inputs = input.chunks(self.group() * self.input_len());
        for (input, output) in inputs.zip(output.chunks_mut(self.group() * self.output_len())) {
            let count = input.len() / self.input_len();
            let unrolled = self.unroll(input, count, unrolled);
            product(rows_mut(output, self.features), unrolled, kernel, false);
        }
    }

    /// Adds the gradients of kernel and bias to `kernel_gradient` and `bias_gradient`.
    pub(in crate::nn) fn backward_parameters<T: Real>(
        &self,
        input: &[T],
        output_gradient: &[T],
        mut kernel_gradient: ArrayViewMut2<'_, T>,
        bias_gradient: &mut [T],
        unrolled: &mut [T],
    ) {
        let inputs = input.chunks(self.group() * self.input_len());
        for (input, gradient) in inputs.zip(output_gradient.chunks(self.group() * self.output_len())) {
            let count = input.len() / self.input_len();
            let unrolled = self.unroll(input, count, unrolled);
            product(kernel_gradient.view_mut(), unrolled.t(), rows(gradient, self.features), true);
            add_rows(bias_gradient, gradient);
        }
    }

    /// Writes the gradient of the input to `input_gradient`. The kernel is given transposed, (features x taps),
    /// because the product needs it contiguous that way.
    pub(in crate::nn) fn backward_input<T: Real>(
        &self,
        transposed: ArrayView2<'_, T>,
        output_gradient: &[T],
        input_gradient: &mut [T],
        unrolled: &mut [T],
    ) {
        let gradients = output_gradient.chunks(self.group() * self.output_len());
        for (gradient, input_gradient) in gradients.zip(input_gradient.chunks_mut(self.group() * self.input_len())) {
            let count = input_gradient.len() / self.input_len();
            let unrolled = &mut unrolled[..count * self.pixels() * self.taps()];
            product(rows_mut(unrolled, self.taps()), rows(gradient, self.features), transposed, false);
            fold(*self, unrolled, input_gradient);
        }
    }

    /// The squares of the inputs under each tap of the kernel, summed over the output pixels of one sample in their
    /// order; outside the image they count as zero. A tap is (row, column, channel), as in a row of an HWIO kernel.
    pub(in crate::nn) fn tap_squares<T: Real>(&self, image: &[T]) -> Vec<f64> {
        let mut squares = vec![0.0; self.taps()];
        let run = self.kernel[1] * self.channels;
        for pixel in 0..self.pixels() {
            for (tap_y, sums) in squares.chunks_exact_mut(run).enumerate() {
                if let Some(ConvRun { from, first, end }) = self.run(pixel, tap_y) {
                    let values = &image[from..from + end - first];
                    sums[first..end]
                        .iter_mut()
                        .zip(values)
                        .for_each(|(sum, value)| *sum += Real::to_f64(*value).powi(2));
                }
            }
        }
        squares
    }

    /// The unrolled matrix of `count` samples, (pixels x taps), built in `scratch`.
    fn unroll<'a, T: Real>(&self, input: &[T], count: usize, scratch: &'a mut [T]) -> ArrayView2<'a, T> {
        let scratch = &mut scratch[..count * self.pixels() * self.taps()];
        if self.channels == 1 {
            unroll_by_tap(*self, input, count, scratch);
            rows(scratch, count * self.pixels()).reversed_axes()
        } else {
            unroll_by_pixel(*self, input, scratch);
            rows(scratch, self.taps())
        }
    }

    /// Unrolls one row for each tap, for inputs of one channel.
    #[inline(always)]
    fn unroll_by_tap<T: Real>(&self, input: &[T], count: usize, unrolled: &mut [T]) {
        let ([height, width], [out_height, out_width]) = (self.input, self.out);
        let rows = unrolled.chunks_exact_mut(count * self.pixels());
        for (tap, row) in rows.enumerate() {
            let (tap_y, tap_x) = (tap / self.kernel[1], tap % self.kernel[1]);
            let images = input.chunks_exact(height * width);
            for (image, row) in images.zip(row.chunks_exact_mut(out_height * out_width)) {
                // Output columns whose input column, x + tap_x - before, is inside.
                let (first, end) = inside(self.before[1], tap_x, width, out_width);
                for (y, line) in row.chunks_exact_mut(out_width).enumerate() {
                    match (y + tap_y).checked_sub(self.before[0]).filter(|&y| y < height) {
                        Some(input_y) if first < end => {
                            let from = input_y * width + first + tap_x - self.before[1];
                            line[..first].fill(T::zero());
                            copy(&mut line[first..end], &image[from..from + end - first]);
                            line[end..].fill(T::zero());
                        }
                        _ => line.fill(T::zero()),
                    }
                }
            }
        }
    }

    /// Unrolls one row for each pixel.
    #[inline(always)]
    fn unroll_by_pixel<T: Real>(&self, input: &[T], unrolled: &mut [T]) {
        let run = self.kernel[1] * self.channels;
        let images = input.chunks_exact(self.input_len());
        for (image, unrolled) in images.zip(unrolled.chunks_exact_mut(self.pixels() * self.taps())) {
            for (pixel, row) in unrolled.chunks_exact_mut(self.taps()).enumerate() {
                for (tap_y, part) in row.chunks_exact_mut(run).enumerate() {
                    match self.run(pixel, tap_y) {
                        Some(ConvRun { from, first, end }) => {
                            part[..first].fill(T::zero());
                            copy(&mut part[first..end], &image[from..from + end - first]);
                            part[end..].fill(T::zero());
                        }
                        None => part.fill(T::zero()),
                    }
                }
            }
        }
    }

    /// Adds each row of an unrolled gradient to the inputs it was unrolled from; the inverse walk of `unroll_by_pixel`.
    #[inline(always)]
    fn fold<T: Real>(&self, unrolled: &[T], input_gradient: &mut [T]) {
        input_gradient.fill(T::zero());
        let run = self.kernel[1] * self.channels;
        let images = input_gradient.chunks_exact_mut(self.input_len());
        for (image, unrolled) in images.zip(unrolled.chunks_exact(self.pixels() * self.taps())) {
            for (pixel, row) in unrolled.chunks_exact(self.taps()).enumerate() {
                for (tap_y, part) in row.chunks_exact(run).enumerate() {
                    if let Some(ConvRun { from, first, end }) = self.run(pixel, tap_y) {
                        let sums = &mut image[from..from + end - first];
                        zip(sums, &part[first..end], |sum, value| *sum += value);
                    }
                }
            }
        }
    }

    /// The inputs under row `tap_y` of the kernel at output pixel `pixel`, or `None` if that row is outside.
    #[inline(always)]
    fn run(&self, pixel: usize, tap_y: usize) -> Option<ConvRun> {
        let [height, width] = self.input;
        let (y, x) = (pixel / self.out[1], pixel % self.out[1]);
        let input_y = (y + tap_y).checked_sub(self.before[0]).filter(|&y| y < height)?;
        let first = self.before[1].saturating_sub(x).min(self.kernel[1]);
        let end = (width + self.before[1]).saturating_sub(x).min(self.kernel[1]);
        let from = (input_y * width + x + first).checked_sub(self.before[1])? * self.channels;
        (first < end).then_some(ConvRun { from, first: first * self.channels, end: end * self.channels })
    }
}

vectorised! {
    fn unroll_by_tap<'a, T>(shape: ConvShape, input: &'a [T], count: usize, unrolled: &'a mut [T]) {
        shape.unroll_by_tap(input, count, unrolled);
    }
}

vectorised! {
    fn unroll_by_pixel<'a, T>(shape: ConvShape, input: &'a [T], unrolled: &'a mut [T]) {
        shape.unroll_by_pixel(input, unrolled);
    }
}

vectorised! {
    fn fold<'a, T>(shape: ConvShape, unrolled: &'a [T], input_gradient: &'a mut [T]) {
        shape.fold(unrolled, input_gradient);
    }
}

/// The part of the image under one row of the kernel.
struct ConvRun {
    /// Index of the first value within the image.
    from: usize,
    /// Part of the kernel's row, in values, that lies inside.
    first: usize,
    end: usize,
}

/// The output positions `first..end` of `out` at which position + `tap` - `before` lies within 0..`size`.
#[inline(always)]
fn inside(before: usize, tap: usize, size: usize, out: usize) -> (usize, usize) {
    (before.saturating_sub(tap).min(out), (size + before).saturating_sub(tap).min(out))
}

/// `values` as a row-major matrix of `columns` columns.
fn rows<T>(values: &[T], columns: usize) -> ArrayView2<'_, T> {
    crate::nn::storage::row_major(values, columns)
}

fn rows_mut<T>(values: &mut [T], columns: usize) -> ArrayViewMut2<'_, T> {
    crate::nn::storage::row_major_mut(values, columns)
}

#[cfg(test)]
mod tests;
