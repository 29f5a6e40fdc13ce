//! Bias, relu and sums over rows.

use crate::nn::real::Real;

/// Adds `bias` to each row of `values` (whose width is that of `bias`), and with `relu` takes the positive part.
///
/// NaN stays NaN, so that a diverged run is seen. A negative zero becomes zero under relu.
#[inline(always)]
pub(in crate::nn) fn add_bias<T: Real>(values: &mut [T], bias: &[T], relu: bool) {
    for row in values.chunks_exact_mut(bias.len()) {
        if relu {
            for (value, &bias) in row.iter_mut().zip(bias) {
                *value = positive(*value + bias);
            }
        } else {
            for (value, &bias) in row.iter_mut().zip(bias) {
                *value += bias;
            }
        }
    }
}

/// Takes the positive part of every element.
#[inline(always)]
pub(in crate::nn) fn relu<T: Real>(values: &mut [T]) {
    for value in values {
        *value = positive(*value);
    }
}

#[inline(always)]
fn positive<T: Real>(value: T) -> T {
    if value <= T::zero() { T::zero() } else { value }
}

/// Adds the rows of `values` to `sums`, from the first row to the last.
#[inline(always)]
pub(in crate::nn) fn add_rows<T: Real>(sums: &mut [T], values: &[T]) {
    for row in values.chunks_exact(sums.len()) {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
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
        add_bias(&mut rows, &[1.0, 2.0], true);
        assert_eq!((rows[0], rows[1], rows[3]), (2.0, 0.0, 2.0));
        assert!(rows[2].is_nan());
    }

    #[test]
    fn rows_are_summed_by_column() {
        let mut sums = [1.0_f64, 0.0];
        add_rows(&mut sums, &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(sums, [5.0, 6.0]);
    }
}
