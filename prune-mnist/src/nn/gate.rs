//! What the element-wise part of a stage lets back through.
//!
//! A relu passes the gradient where its output is positive, an activation pruning where it kept the element. Both work
//! in place on the stage's output, in either order, and a pruner writes zero over what it does not keep. So where a
//! relu took part, the final output is positive exactly where both let through, and the mask need not be read again.
//! `pruned_activations_gate_the_gradient` in the tests of the network checks that against finite differences.

use super::real::Real;

/// Decides, for one sample, which elements of a gradient pass.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gate<'a, T> {
    /// Everything passes.
    Open,
    /// What is positive in this output passes.
    Positive(&'a [T]),
    /// What this packed mask keeps passes: bit i of the words, lowest bit first, is element i.
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
            Self::Kept(words) => {
                for (offset, gradient) in gradient.iter_mut().enumerate() {
                    let index = start + offset;
                    if words[index / 64] >> (index % 64) & 1 == 0 {
                        *gradient = T::zero();
                    }
                }
            }
        }
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
}
