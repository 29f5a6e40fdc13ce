//! Pooling, compared with the plain definition.

use super::*;

fn shape(kind: PoolKind, input: [usize; 2], channels: usize, window: usize) -> PoolShape {
    PoolShape { kind, input, channels, out: [input[0] / window, input[1] / window], window }
}

/// Few different numbers, so that many windows hold their maximum more than once, with zeros of both signs, and NaN.
fn image(len: usize) -> Vec<f32> {
    let value = |i: usize| match (i * 2_654_435_761) >> 9 & 15 {
        0 => -0.0,
        1 => 0.0,
        2 if i.is_multiple_of(5) => f32::NAN,
        3 => f32::NEG_INFINITY,
        other => other as f32 - 9.0,
    };
    (0..len).map(value).collect()
}

#[test]
fn a_maximum_of_four_agrees_with_the_general_walk() {
    for (input, channels) in [([4, 6], 3), ([5, 7], 20), ([2, 2], 1), ([6, 5], 50), ([24, 24], 20)] {
        let shape = shape(PoolKind::Maximum, input, channels, 2);
        let image = image(shape.input_len());
        let gradient: Vec<f32> = (0..shape.output_len()).map(|i| (i as f32 * 0.7).sin()).collect();
        let (mut fast, mut fast_gradient) = (vec![0.5; gradient.len()], vec![f32::NAN; image.len()]);
        shape.forward(&image, &mut fast);
        shape.backward(&image, &fast, &gradient, &mut fast_gradient, Gate::Open);
        let (mut plain, mut plain_gradient) = (vec![0.5; gradient.len()], vec![0.0; image.len()]);
        let (line, out_line) = (2 * input[1] * channels, shape.out[1] * channels);
        for y in 0..shape.out[0] {
            let (place, out) = (y * line..(y + 1) * line, y * out_line..(y + 1) * out_line);
            shape.reduce(&image[place.clone()], &mut plain[out.clone()], larger);
            let target = &mut plain_gradient[place.clone()];
            shape.send_to_maximum(&image[place], &plain[out.clone()], &gradient[out], target);
        }
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&fast), bits(&plain));
        assert_eq!(bits(&fast_gradient), bits(&plain_gradient));
        assert!(fast.iter().any(|value| value.is_nan()) || fast.len() < 30);
    }
}

#[test]
fn the_mean_of_four_agrees_with_the_general_walk() {
    for (input, channels) in [([4, 6], 3), ([5, 7], 2), ([2, 2], 1), ([6, 5], 16)] {
        let shape = shape(PoolKind::Average, input, channels, 2);
        let image: Vec<f32> = (0..shape.input_len()).map(|i| (i as f32 * 0.7).sin()).collect();
        let mut fast = vec![f32::NAN; shape.output_len()];
        shape.forward(&image, &mut fast);
        let mut plain = vec![f32::NAN; shape.output_len()];
        for (y, output) in plain.chunks_exact_mut(shape.out[1] * channels).enumerate() {
            let from = y * 2 * input[1] * channels;
            shape.reduce(&image[from..from + 2 * input[1] * channels], output, |a, b| a + b);
            output.iter_mut().for_each(|sum| *sum *= 0.25);
        }
        assert_eq!(fast, plain);
    }
}

#[test]
fn a_window_of_three_and_what_it_leaves_out() {
    let shape = shape(PoolKind::Average, [4, 3], 1, 3);
    let image: Vec<f64> = (0..12).map(f64::from).collect();
    let mut output = [0.0];
    shape.forward(&image, &mut output);
    assert!((output[0] - 4.0_f64).abs() < 1e-12);
    let mut gradient = [f64::NAN; 12];
    shape.backward(&image, &output, &[9.0], &mut gradient, Gate::Open);
    assert!(gradient[..9].iter().all(|g| (g - 1.0).abs() < 1e-12));
    assert_eq!(gradient[9..], [0.0; 3]);
}

#[test]
fn a_maximum_sends_its_gradient_to_one_place() {
    let shape = shape(PoolKind::Maximum, [2, 5], 1, 2);
    let image = [1.0_f64, 3.0, 2.0, 2.0, 9.0, 3.0, 0.0, 2.0, 2.0, 9.0];
    let mut output = [0.0; 2];
    shape.forward(&image, &mut output);
    assert_eq!(output, [3.0, 2.0]);
    let mut gradient = [f64::NAN; 10];
    shape.backward(&image, &output, &[5.0, 7.0], &mut gradient, Gate::Open);
    assert_eq!(gradient, [0.0, 5.0, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn nan_is_a_maximum_wherever_it_lies() {
    let shape = shape(PoolKind::Maximum, [2, 2], 1, 2);
    for place in 0..4 {
        let mut image = [1.0_f32; 4];
        image[place] = f32::NAN;
        let mut output = [0.0];
        shape.forward(&image, &mut output);
        assert!(output[0].is_nan());
    }
}
