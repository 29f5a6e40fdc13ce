//! Convolution, compared with the plain definition.

#![allow(clippy::unwrap_used, reason = "tests")]
use ndarray::Array2;
use proptest::prelude::*;

use super::*;

fn shape(input: [usize; 2], channels: usize, features: usize, kernel: [usize; 2], same: bool) -> ConvShape {
    let out = if same { input } else { [input[0] + 1 - kernel[0], input[1] + 1 - kernel[1]] };
    let before = if same { [(kernel[0] - 1) / 2, (kernel[1] - 1) / 2] } else { [0, 0] };
    ConvShape { input, channels, out, features, kernel, before }
}

/// Visits (output index, kernel index, input index) of every multiply-add, straight from the definition.
fn for_each_tap(shape: &ConvShape, mut visit: impl FnMut(usize, usize, usize)) {
    let ([height, width], [kernel_height, kernel_width]) = (shape.input, shape.kernel);
    for y in 0..shape.out[0] {
        for x in 0..shape.out[1] {
            for ky in 0..kernel_height {
                for kx in 0..kernel_width {
                    let (iy, ix) = ((y + ky) as isize, (x + kx) as isize);
                    let (iy, ix) = (iy - shape.before[0] as isize, ix - shape.before[1] as isize);
                    if iy < 0 || ix < 0 || iy >= height as isize || ix >= width as isize {
                        continue;
                    }
                    for c in 0..shape.channels {
                        for f in 0..shape.features {
                            let output = (y * shape.out[1] + x) * shape.features + f;
                            let tap = (ky * kernel_width + kx) * shape.channels + c;
                            let input = (iy as usize * width + ix as usize) * shape.channels + c;
                            visit(output, tap * shape.features + f, input);
                        }
                    }
                }
            }
        }
    }
}

/// Small whole numbers, so that sums are exact in any order.
fn values(len: usize, salt: usize) -> Vec<f64> {
    (0..len).map(|i| ((i * 31 + i / 7 + salt) % 13) as f64 - 6.0).collect()
}

proptest! {
    #[test]
    fn all_three_passes_follow_the_definition(
        input in [1_usize..9, 1_usize..9], channels in 1_usize..4, features in 1_usize..5,
        kernel in [1_usize..6, 1_usize..6], same in any::<bool>(), samples in 1_usize..20,
    ) {
        prop_assume!(same || (kernel[0] <= input[0] && kernel[1] <= input[1]));
        let shape = shape(input, channels, features, kernel, same);
        let (in_len, out_len) = (shape.input_len(), shape.output_len());
        let (x, dy) = (values(samples * in_len, 1), values(samples * out_len, 2));
        let kernel = Array2::from_shape_vec((shape.taps(), features), values(shape.taps() * features, 3)).unwrap();
        let mut scratch = vec![f64::NAN; shape.unrolled_len()];

        let mut y = vec![f64::NAN; samples * out_len];
        shape.forward(kernel.view(), &x, &mut y, &mut scratch);
        let (mut dkernel, mut dbias) = (Array2::zeros(kernel.dim()), vec![0.0; features]);
        shape.backward_parameters(&x, &dy, dkernel.view_mut(), &mut dbias, &mut scratch);
        let mut dx = vec![f64::NAN; x.len()];
        shape.backward_input(kernel.t(), &dy, &mut dx, &mut scratch);

        let weights = kernel.as_slice().unwrap();
        let mut expected_y = vec![0.0; y.len()];
        let (mut expected_dx, mut expected_dkernel) = (vec![0.0; x.len()], vec![0.0; weights.len()]);
        for sample in 0..samples {
            for_each_tap(&shape, |output, weight, input| {
                let (output, input) = (sample * out_len + output, sample * in_len + input);
                expected_y[output] += weights[weight] * x[input];
                expected_dkernel[weight] += dy[output] * x[input];
                expected_dx[input] += dy[output] * weights[weight];
            });
        }
        let expected_dbias: Vec<f64> =
            (0..features).map(|f| dy.iter().skip(f).step_by(features).sum()).collect();
        prop_assert_eq!(y, expected_y);
        prop_assert_eq!(dkernel.as_slice().unwrap(), expected_dkernel);
        prop_assert_eq!(dbias, expected_dbias);
        prop_assert_eq!(dx, expected_dx);
    }
}
