//! Schedules of the learning rate.

/// The learning rate of step `step` of `steps`, counted from 0: `start` at first, falling linearly to 0.
///
/// The step that would have rate 0 is the one after the last.
///
/// # Examples
/// ```
/// use prune_mnist::nn::linear_rate;
///
/// assert_eq!(linear_rate(0.1, 0, 4), 0.1);
/// assert_eq!(linear_rate(0.1, 2, 4), 0.05);
/// assert_eq!(linear_rate(0.1, 4, 4), 0.0);
/// ```
#[must_use]
pub fn linear_rate(start: f64, step: u64, steps: u64) -> f64 {
    if step >= steps {
        return 0.0;
    }
    start * ((steps - step) as f64 / steps as f64)
}

/// The learning rate of step `step` of `steps`, counted from 0: `start` at first, falling to 0 along half a cosine
/// (Loshchilov and Hutter 2017, without their restarts).
///
/// The step that would have rate 0 is the one after the last.
///
/// # Examples
/// ```
/// use prune_mnist::nn::cosine_rate;
///
/// assert_eq!(cosine_rate(0.1, 0, 4), 0.1);
/// assert!((cosine_rate(0.1, 2, 4) - 0.05).abs() < 1e-12);
/// assert_eq!(cosine_rate(0.1, 4, 4), 0.0);
/// ```
#[must_use]
pub fn cosine_rate(start: f64, step: u64, steps: u64) -> f64 {
    if step >= steps {
        return 0.0;
    }
    let share = step as f64 / steps as f64;
    start * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
}
