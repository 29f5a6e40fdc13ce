//! Pooling over windows that do not overlap.

use super::elementwise::zip;
use crate::nn::gate::Gate;
use crate::nn::real::Real;
use crate::nn::simd::vectorised;

/// Mean or maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nn) enum PoolKind {
    Average,
    Maximum,
}

/// The sizes of a pooling layer.
#[derive(Clone, Copy, Debug)]
pub(in crate::nn) struct PoolShape {
    pub(in crate::nn) kind: PoolKind,
    /// Height and width of the input.
    pub(in crate::nn) input: [usize; 2],
    pub(in crate::nn) channels: usize,
    /// Height and width of the output.
    pub(in crate::nn) out: [usize; 2],
    /// Height, width and stride of the window.
    pub(in crate::nn) window: usize,
}

impl PoolShape {
    fn input_len(&self) -> usize {
        self.input[0] * self.input[1] * self.channels
    }

    fn output_len(&self) -> usize {
        self.out[0] * self.out[1] * self.channels
    }

    fn scale<T: Real>(&self) -> T {
        T::from_f64(1.0 / (self.window * self.window) as f64)
    }

    /// Pools each sample of `input` into `output`.
    pub(in crate::nn) fn forward<T: Real>(&self, input: &[T], output: &mut [T]) {
        forward(*self, input, output);
    }

    #[inline(always)]
    fn forward_all<T: Real>(&self, input: &[T], output: &mut [T]) {
        let line = self.out[1] * self.channels;
        let images = input.chunks_exact(self.input_len());
        for (image, output) in images.zip(output.chunks_exact_mut(self.output_len())) {
            for (y, output) in output.chunks_exact_mut(line).enumerate() {
                let from = y * self.window * self.input[1] * self.channels;
                let lines = &image[from..from + self.window * self.input[1] * self.channels];
                match self.kind {
                    PoolKind::Average if self.window == 2 => {
                        let scale = self.scale::<T>();
                        self.combine_four(lines, output, |a, b, c, d| (a + b + c + d) * scale);
                    }
                    PoolKind::Average => {
                        self.reduce(lines, output, |sum, value| sum + value);
                        let scale = self.scale::<T>();
                        output.iter_mut().for_each(|sum| *sum *= scale);
                    }
                    PoolKind::Maximum if self.window == 2 => {
                        self.combine_four(lines, output, |a, b, c, d| larger(larger(larger(a, b), c), d));
                    }
                    PoolKind::Maximum => self.reduce(lines, output, larger),
                }
            }
        }
    }

    /// The common case of a window of 2 x 2, in one pass over the four values. `combine` has the order of `reduce`.
    #[inline(always)]
    fn combine_four<T: Real>(&self, lines: &[T], output: &mut [T], combine: impl Fn(T, T, T, T) -> T) {
        let channels = self.channels;
        let (upper, lower) = lines.split_at(self.input[1] * channels);
        let pairs = upper.chunks_exact(2 * channels).zip(lower.chunks_exact(2 * channels));
        for (output, (upper, lower)) in output.chunks_exact_mut(channels).zip(pairs) {
            let ((a, b), (c, d)) = (upper.split_at(channels), lower.split_at(channels));
            for ((((output, &a), &b), &c), &d) in output.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *output = combine(a, b, c, d);
            }
        }
    }

    /// Combines the values of each window, from its first row to its last.
    #[inline(always)]
    fn reduce<T: Real>(&self, lines: &[T], output: &mut [T], combine: impl Fn(T, T) -> T) {
        let channels = self.channels;
        for (tap_y, line) in lines.chunks_exact(self.input[1] * channels).enumerate() {
            let windows = line.chunks_exact(self.window * channels);
            for (output, window) in output.chunks_exact_mut(channels).zip(windows) {
                for (tap_x, values) in window.chunks_exact(channels).enumerate() {
                    if tap_y == 0 && tap_x == 0 {
                        output.copy_from_slice(values);
                    } else {
                        zip(output, values, |output, value| *output = combine(*output, value));
                    }
                }
            }
        }
    }

    /// Writes the gradient of one sample's input to `input_gradient`, closed by `gate` line by line while the line
    /// is in the cache.
    ///
    /// The gradient of a maximum goes to the first of equal values, in row-major order.
    pub(in crate::nn) fn backward<T: Real>(
        &self,
        input: &[T],
        output: &[T],
        output_gradient: &[T],
        input_gradient: &mut [T],
        gate: Gate<'_, T>,
    ) {
        backward(*self, input, output, output_gradient, input_gradient, gate);
    }

    #[inline(always)]
    fn backward_one<T: Real>(
        &self,
        input: &[T],
        output: &[T],
        output_gradient: &[T],
        input_gradient: &mut [T],
        gate: Gate<'_, T>,
    ) {
        let (line, out_line) = (self.input[1] * self.channels, self.out[1] * self.channels);
        let (windows, rest) = input_gradient.split_at_mut(self.out[0] * self.window * line);
        for (y, target) in windows.chunks_exact_mut(self.window * line).enumerate() {
            let out = y * out_line..(y + 1) * out_line;
            let gradient = &output_gradient[out.clone()];
            match self.kind {
                PoolKind::Average => self.spread(gradient, target),
                PoolKind::Maximum => {
                    let input = &input[y * self.window * line..(y + 1) * self.window * line];
                    if self.window == 2 {
                        self.send_to_maximum_of_four(input, &output[out], gradient, target);
                    } else {
                        self.send_to_maximum(input, &output[out], gradient, target);
                    }
                }
            }
            gate.close(y * self.window * line, target);
        }
        rest.fill(T::zero());
    }

    /// Writes a share of the gradient of one line of windows to each input: to the first row of inputs, and from
    /// there to the others.
    #[inline(always)]
    fn spread<T: Real>(&self, gradient: &[T], target: &mut [T]) {
        let (channels, scale) = (self.channels, self.scale::<T>());
        let (first, others) = target.split_at_mut(self.input[1] * channels);
        let (windows, rest) = first.split_at_mut(self.out[1] * self.window * channels);
        for (gradient, window) in gradient.chunks_exact(channels).zip(windows.chunks_exact_mut(self.window * channels))
        {
            for target in window.chunks_exact_mut(channels) {
                zip(target, gradient, |target, gradient| *target = gradient * scale);
            }
        }
        rest.fill(T::zero());
        others.chunks_exact_mut(first.len()).for_each(|other| other.copy_from_slice(first));
    }

    /// The same as [`send_to_maximum`](Self::send_to_maximum) for the common window of 2 x 2. It chooses among the
    /// four values without a branch, because the choice is random and a processor would guess it wrong.
    #[inline(always)]
    fn send_to_maximum_of_four<T: Real>(&self, input: &[T], maxima: &[T], gradient: &[T], target: &mut [T]) {
        let (channels, line, pair) = (self.channels, self.input[1] * self.channels, 2 * self.channels);
        let (upper, lower) = input.split_at(line);
        let (upper_target, lower_target) = target.split_at_mut(line);
        let used = self.out[1] * pair;
        upper_target[used..].fill(T::zero());
        lower_target[used..].fill(T::zero());
        let inputs = upper.chunks_exact(pair).zip(lower.chunks_exact(pair));
        let targets = upper_target.chunks_exact_mut(pair).zip(lower_target.chunks_exact_mut(pair));
        let outputs = maxima.chunks_exact(channels).zip(gradient.chunks_exact(channels));
        for ((maxima, gradient), ((upper, lower), (upper_target, lower_target))) in outputs.zip(inputs.zip(targets)) {
            let (inputs, targets) = ([upper, lower], [upper_target, lower_target]);
            match channels {
                LANES.. => send_in_runs::<T, LANES>(maxima, gradient, inputs, targets),
                4.. => send_in_runs::<T, 4>(maxima, gradient, inputs, targets),
                _ => send_in_runs::<T, 1>(maxima, gradient, inputs, targets),
            }
        }
    }

    /// Writes the gradient of each window of one line to the first of its largest inputs, and zero to the others.
    #[inline(always)]
    fn send_to_maximum<T: Real>(&self, input: &[T], maxima: &[T], gradient: &[T], target: &mut [T]) {
        let (channels, line) = (self.channels, self.input[1] * self.channels);
        target.fill(T::zero());
        for x in 0..self.out[1] {
            for channel in 0..channels {
                let out = x * channels + channel;
                let first = x * self.window * channels + channel;
                let taps = (0..self.window * self.window)
                    .map(|tap| first + tap / self.window * line + tap % self.window * channels);
                // A NaN is equal to nothing: no gradient passes, and the loss is NaN already.
                if let Some(index) = taps.into_iter().find(|&index| input[index] == maxima[out]) {
                    target[index] = gradient[out];
                }
            }
        }
    }
}

/// The number of channels that [`send_in_runs`] takes together: those of one vector, or two.
const LANES: usize = 16;

/// Sends the gradient of one window of 2 x 2 to its maximum, in each of at least `N` channels. `N` channels are read
/// before any is written, so the compiler sees that no value it reads changes in between. The last run begins early
/// if the channels are no multiple, and writes some of the values again.
#[inline(always)]
fn send_in_runs<T: Real, const N: usize>(
    maxima: &[T],
    gradient: &[T],
    [upper, lower]: [&[T]; 2],
    [upper_target, lower_target]: [&mut [T]; 2],
) {
    let channels = maxima.len();
    let mut next = 0;
    while next < channels {
        let start = next.min(channels - N);
        next = start + N;
        let (left, right) = (start..start + N, channels + start..channels + start + N);
        let (maximum, gradient): ([T; N], [T; N]) = (run(&maxima[left.clone()]), run(&gradient[left.clone()]));
        let (a, b): ([T; N], [T; N]) = (run(&upper[left.clone()]), run(&upper[right.clone()]));
        let (c, d): ([T; N], [T; N]) = (run(&lower[left.clone()]), run(&lower[right.clone()]));
        let mut to = [[T::zero(); N]; 4];
        for i in 0..N {
            // A NaN is equal to nothing, as in the general walk.
            let is = [a[i] == maximum[i], b[i] == maximum[i], c[i] == maximum[i], d[i] == maximum[i]];
            let only_if = |is: bool| if is { gradient[i] } else { T::zero() };
            to[0][i] = only_if(is[0]);
            to[1][i] = only_if(is[1] & !is[0]);
            to[2][i] = only_if(is[2] & !(is[0] | is[1]));
            to[3][i] = only_if(is[3] & !(is[0] | is[1] | is[2]));
        }
        upper_target[left.clone()].copy_from_slice(&to[0]);
        upper_target[right.clone()].copy_from_slice(&to[1]);
        lower_target[left].copy_from_slice(&to[2]);
        lower_target[right].copy_from_slice(&to[3]);
    }
}

/// The `N` values of `values` as an array.
#[inline(always)]
fn run<T: Real, const N: usize>(values: &[T]) -> [T; N] {
    let mut run = [T::zero(); N];
    run.copy_from_slice(values);
    run
}

vectorised! {
    fn forward<'a, T>(shape: PoolShape, input: &'a [T], output: &'a mut [T]) {
        shape.forward_all(input, output);
    }
}

vectorised! {
    fn backward<'a, T>(
        shape: PoolShape,
        input: &'a [T],
        output: &'a [T],
        output_gradient: &'a [T],
        input_gradient: &'a mut [T],
        gate: Gate<'a, T>,
    ) {
        shape.backward_one(input, output, output_gradient, input_gradient, gate);
    }
}

/// The larger of two values; NaN wins, so that a diverged run is seen.
#[inline(always)]
fn larger<T: Real>(a: T, b: T) -> T {
    if b > a || b.is_nan() { b } else { a }
}

#[cfg(test)]
mod tests;
