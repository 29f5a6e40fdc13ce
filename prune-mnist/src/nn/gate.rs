//! The part of a gradient that passes back through the element-wise part of a stage.
//!
//! A relu passes the gradient where its output is positive, an activation pruning where it kept the element. Both
//! work in place on the stage's output, in either order, and a pruner writes zero over elements that it does not
//! keep. So after a relu, the final output is positive exactly where both let the gradient pass, and the mask need
//! not be read again. If that output is not kept for the backward pass, its signs are.
//! `pruned_activations_gate_the_gradient` in the tests of the network checks that against finite differences.

use super::real::Real;
use super::simd::vectorised;

/// Decides, for one sample, which elements of a gradient pass.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gate<'a, T> {
    /// Everything passes.
    Open,
    /// Elements that are positive in this output pass.
    Positive(&'a [T]),
    /// Elements that were positive when these signs were noted pass.
    Noted(&'a [u8]),
    /// Elements that this packed mask keeps pass: bit i of the words, lowest bit first, is element i.
    Kept(&'a [u64]),
}

/// The gate of each sample of an output.
pub(super) type Gates<'g, T> = dyn Fn(usize) -> Gate<'g, T> + Sync + 'g;

impl<T: Real> Gate<'_, T> {
    /// Writes zero over the elements of `gradient` that do not pass; its first element is element `start` of the
    /// sample.
    #[inline(always)]
    pub(super) fn close(self, start: usize, gradient: &mut [T]) {
        match self {
            Self::Open => {}
            Self::Positive(output) => {
                for (gradient, &output) in gradient.iter_mut().zip(&output[start..]) {
                    *gradient = if output > T::zero() { *gradient } else { T::zero() };
                }
            }
            Self::Noted(signs) => {
                for (gradient, &sign) in gradient.iter_mut().zip(&signs[start..]) {
                    *gradient = if sign != 0 { *gradient } else { T::zero() };
                }
            }
            Self::Kept(words) => {
                for (index, gradient) in (start..).zip(gradient) {
                    if words[index / 64] >> (index % 64) & 1 == 0 {
                        *gradient = T::zero();
                    }
                }
            }
        }
    }
}

vectorised! {
    /// Notes which elements of `values` are positive, as 1 or 0. It takes a byte for each element, because packing
    /// bits is slower than writing the few more bytes.
    pub(super) fn note_signs<'a, T>(values: &'a [T], signs: &'a mut [u8]) {
        note_signs_inline(values, signs);
    }
}

/// The same as [`note_signs`], to be inlined into another loop.
#[inline(always)]
pub(super) fn note_signs_inline<T: Real>(values: &[T], signs: &mut [u8]) {
    for (sign, &value) in signs.iter_mut().zip(values) {
        *sign = u8::from(value > T::zero());
    }
}

vectorised! {
    /// [`Gate::close`] with the widest vectors.
    pub(super) fn close<'a, T>(gate: Gate<'a, T>, start: usize, gradient: &'a mut [T]) {
        gate.close(start, gradient);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gate_passes_what_it_should() {
        let mut gradient = [1.0_f32, 2.0, 3.0];
        Gate::Open.close(0, &mut gradient);
        assert_eq!(gradient, [1.0, 2.0, 3.0]);
        Gate::Positive(&[9.0, 0.0, 1.0, -1.0]).close(1, &mut gradient);
        assert_eq!(gradient, [0.0, 2.0, 0.0]);
        let mut gradient = [1.0_f64; 4];
        Gate::Kept(&[1 << 63, 0b101]).close(62, &mut gradient);
        assert_eq!(gradient, [0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn noted_signs_pass_what_the_values_pass() {
        let output = [0.5_f32, 0.0, -0.0, -1.0, f32::NAN, f32::INFINITY, 1e-30, 0.0, 2.0];
        let mut signs = [7; 9];
        note_signs(&output, &mut signs);
        for start in 0..9 {
            let (mut by_signs, mut by_values) = ([1.0_f32; 9], [1.0_f32; 9]);
            close(Gate::Noted(&signs), start, &mut by_signs[start..]);
            Gate::Positive(&output).close(start, &mut by_values[start..]);
            assert_eq!(by_signs, by_values);
        }
        assert_eq!(signs, [1, 0, 0, 0, 0, 1, 1, 0, 1]);
    }
}
