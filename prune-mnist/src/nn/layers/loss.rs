//! Softmax and cross-entropy.

use crate::nn::real::Real;

/// The share of one sample in a batch's figures.
#[derive(Clone, Copy, Debug)]
pub(in crate::nn) struct SampleLoss {
    /// Cross-entropy in nats.
    pub(in crate::nn) loss: f64,
    /// True if the largest output, the first of equals, is the label's.
    pub(in crate::nn) correct: bool,
}

/// The loss of one sample; if `gradient` is given, it receives `scale` times the gradient by the logits.
///
/// The largest logit is subtracted first, so that no exponential overflows. A NaN makes the loss NaN.
///
/// # Panics
/// If `label` is not an index of `logits`.
pub(in crate::nn) fn cross_entropy<T: Real>(
    logits: &[T],
    label: u8,
    scale: T,
    gradient: Option<&mut [T]>,
) -> SampleLoss {
    let label = usize::from(label);
    let mut best = 0;
    for (class, &logit) in logits.iter().enumerate() {
        if logit > logits[best] || logits[best].is_nan() {
            best = class;
        }
    }
    let largest = logits[best];
    let sum = logits.iter().fold(T::zero(), |sum, &logit| sum + (logit - largest).exp());
    if let Some(gradient) = gradient {
        for (class, (gradient, &logit)) in gradient.iter_mut().zip(logits).enumerate() {
            let target = if class == label { T::one() } else { T::zero() };
            *gradient = ((logit - largest).exp() / sum - target) * scale;
        }
    }
    SampleLoss { loss: sum.ln().to_f64() - (logits[label] - largest).to_f64(), correct: best == label }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logits_lose_the_logarithm_of_the_classes() {
        let mut gradient = [0.0_f64; 4];
        let sample = cross_entropy(&[3.0; 4], 0, 2.0, Some(&mut gradient));
        assert!((sample.loss - 4.0_f64.ln()).abs() < 1e-12 && sample.correct);
        assert_eq!(gradient, [-1.5, 0.5, 0.5, 0.5]);
        assert!(!cross_entropy(&[3.0_f64; 4], 1, 1.0, None).correct);
    }

    #[test]
    fn huge_logits_neither_overflow_nor_vanish() {
        let sample = cross_entropy(&[1e30_f32, 0.0, -1e30], 0, 1.0, None);
        assert_eq!(sample.loss, 0.0);
        assert_eq!(cross_entropy(&[1000.0_f32, 0.0], 1, 1.0, None).loss, 1000.0);
    }

    #[test]
    fn nan_shows_in_the_loss() {
        assert!(cross_entropy(&[f32::NAN, 0.0], 1, 1.0, None).loss.is_nan());
        assert!(cross_entropy(&[0.0, f32::NAN], 0, 1.0, None).loss.is_nan());
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let logits = [0.3_f64, -1.2, 2.0, 0.1];
        let mut gradient = [0.0; 4];
        cross_entropy(&logits, 3, 1.0, Some(&mut gradient));
        for class in 0..4 {
            let at = |step: f64| {
                let mut moved = logits;
                moved[class] += step;
                cross_entropy(&moved, 3, 1.0, None).loss
            };
            assert!((gradient[class] - (at(1e-5) - at(-1e-5)) / 2e-5).abs() < 1e-9);
        }
    }
}
