//! Bias, relu and sums over rows.

use crate::nn::gate::note_signs_inline;
use crate::nn::real::Real;
use crate::nn::simd::vectorised;

/// A short row is repeated to this number of values. A row is only as long as a layer has channels, too short for a
/// loop to reach its speed; a few hundred values are enough.
const REPEATED: usize = 1024;

vectorised! {
    /// Adds `bias` to each row of `values` (whose width is that of `bias`), and with `relu` takes the positive part.
    /// If `signs` has an element for each value, it receives the signs as [`note_signs`](crate::nn::gate::note_signs)
    /// notes them; it may be empty.
    ///
    /// NaN stays NaN, so that a diverged run is seen. A negative zero becomes zero under relu.
    pub(in crate::nn) fn add_bias<'a, T>(values: &'a mut [T], bias: &'a [T], relu: bool, signs: &'a mut [u8]) {
        let mut repeated = [T::zero(); REPEATED];
        let bias = match (REPEATED / bias.len()).min(values.len() / bias.len()) {
            0 | 1 => bias,
            times => {
                let repeated = &mut repeated[..times * bias.len()];
                repeated.chunks_exact_mut(bias.len()).for_each(|row| row.copy_from_slice(bias));
                &*repeated
            }
        };
        for (index, values) in values.chunks_mut(bias.len()).enumerate() {
            if relu {
                zip(values, bias, |value, bias| *value = positive(*value + bias));
            } else {
                zip(values, bias, |value, bias| *value += bias);
            }
            if !signs.is_empty() {
                note_signs_inline(values, &mut signs[index * bias.len()..]);
            }
        }
    }
}

vectorised! {
    /// Takes the positive part of every element.
    pub(in crate::nn) fn relu<'a, T>(values: &'a mut [T]) {
        for value in values {
            *value = positive(*value);
        }
    }
}

vectorised! {
    /// Adds the rows of `values` to `sums`. The order of the additions depends on the lengths alone.
    pub(in crate::nn) fn add_rows<'a, T>(sums: &'a mut [T], values: &'a [T]) {
        let mut repeated = [T::zero(); REPEATED];
        let times = (REPEATED / sums.len()).min(values.len() / sums.len());
        if times > 1 {
            let repeated = &mut repeated[..times * sums.len()];
            for rows in values.chunks(repeated.len()) {
                zip(repeated, rows, |sum, value| *sum += value);
            }
            repeated.chunks_exact(sums.len()).for_each(|row| zip(sums, row, |sum, value| *sum += value));
        } else {
            values.chunks_exact(sums.len()).for_each(|row| zip(sums, row, |sum, value| *sum += value));
        }
    }
}

/// Copies a run of a few dozen values, in pieces of a fixed length that are moved in registers: calling the library's
/// copy would take longer than copying. The last piece begins early if the length is no multiple.
#[inline(always)]
pub(super) fn copy<T: Real>(to: &mut [T], from: &[T]) {
    match to.len() {
        16.. => copy_in_pieces::<T, 16>(to, from),
        4.. => copy_in_pieces::<T, 4>(to, from),
        _ => copy_in_pieces::<T, 1>(to, from),
    }
}

#[inline(always)]
fn copy_in_pieces<T: Real, const N: usize>(to: &mut [T], from: &[T]) {
    let from = &from[..to.len()];
    let mut next = 0;
    while next < to.len() {
        let start = next.min(to.len() - N);
        next = start + N;
        let mut piece = [T::zero(); N];
        piece.copy_from_slice(&from[start..next]);
        to[start..next].copy_from_slice(&piece);
    }
}

/// Calls `work` for the elements of `a` and `b` in pairs.
#[inline(always)]
pub(super) fn zip<T: Real>(a: &mut [T], b: &[T], work: impl Fn(&mut T, T)) {
    for (a, &b) in a.iter_mut().zip(b) {
        work(a, b);
    }
}

#[inline(always)]
fn positive<T: Real>(value: T) -> T {
    if value <= T::zero() { T::zero() } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relu_keeps_nan_and_drops_negative_zero() {
        let mut values = [-1.0_f32, -0.0, 0.0, 2.0, f32::NAN, f32::INFINITY];
        relu(&mut values);
        assert_eq!(values[..4], [0.0, 0.0, 0.0, 2.0]);
        assert!(values[1].is_sign_positive() && values[4].is_nan() && values[5].is_infinite());
        let mut rows = [1.0_f32, -3.0, f32::NAN, 0.0];
        add_bias(&mut rows, &[1.0, 2.0], true, &mut []);
        assert_eq!((rows[0], rows[1], rows[3]), (2.0, 0.0, 2.0));
        assert!(rows[2].is_nan());
    }

    #[test]
    fn short_runs_are_copied_whole() {
        let from: Vec<f32> = (0..130).map(|i| i as f32).collect();
        for length in 0..130 {
            let mut to = vec![-1.0; length];
            copy(&mut to, &from[..length]);
            assert_eq!(to, from[..length]);
        }
    }

    #[test]
    fn bias_relu_and_signs_in_one_pass() {
        for (rows, width) in [(1, 1), (3, 7), (64, 5), (700, 3), (130, 32), (2, 600), (3, 1500)] {
            let values: Vec<f32> = (0..rows * width).map(|i| (i as f32 * 0.9).sin()).collect();
            let bias: Vec<f32> = (0..width).map(|i| (i as f32).cos() * 0.3).collect();
            let plain: Vec<f32> = values.iter().zip(bias.iter().cycle()).map(|(value, bias)| value + bias).collect();
            let (mut fast, mut signs) = (values.clone(), vec![7; values.len()]);
            add_bias(&mut fast, &bias, false, &mut []);
            assert_eq!(fast, plain);
            let mut fast = values;
            add_bias(&mut fast, &bias, true, &mut signs);
            for ((fast, plain), sign) in fast.iter().zip(plain).zip(signs) {
                assert_eq!((*fast, sign), (plain.max(0.0), u8::from(plain > 0.0)));
            }
        }
    }

    #[test]
    fn rows_are_summed_by_column() {
        for (rows, width) in [(0, 3), (1, 1), (3, 7), (700, 3), (130, 32), (2, 600), (3, 1500)] {
            let mut sums = vec![1.0_f64; width];
            let values: Vec<f64> = (0..rows * width).map(|i| (i % 11) as f64).collect();
            add_rows(&mut sums, &values);
            for (column, sum) in sums.iter().enumerate() {
                assert_eq!(*sum, 1.0 + values.iter().skip(column).step_by(width).sum::<f64>());
            }
        }
    }
}
