//! The statistics of several runs.

/// Mean and spread of a figure over seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) mean: f64,
    /// The sample's standard deviation (n - 1); none for a single run.
    pub(super) sd: Option<f64>,
    pub(super) n: usize,
}

/// A mean paired difference up to this many points is "no worse".
pub(super) const NO_WORSE: f64 = 0.10;

impl Summary {
    /// The summary of at least one figure; of none, NaN.
    pub(super) fn of(values: &[f64]) -> Self {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, sd: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()), n }
    }

    /// The summary of the differences between runs and their twins, pair by pair.
    pub(super) fn of_pairs(values: &[f64], twins: &[f64]) -> Self {
        debug_assert_eq!(values.len(), twins.len(), "every run has its twin");
        Self::of(&values.iter().zip(twins).map(|(value, twin)| value - twin).collect::<Vec<_>>())
    }

    /// True if these differences in error count as no worse.
    pub(super) fn is_no_worse(&self) -> bool {
        // Rounding changes a difference of two errors in percent by far less than a hundredth of a point.
        self.mean <= NO_WORSE + 1e-9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_textbook() {
        let summary = Summary::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!((summary.mean, summary.n), (5.0, 8));
        assert!(summary.sd.is_some_and(|sd| (sd - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12));
        assert_eq!(Summary::of(&[1.5]), Summary { mean: 1.5, sd: None, n: 1 });
        assert!(Summary::of(&[]).mean.is_nan());
    }

    #[test]
    fn no_worse_is_a_paired_difference_of_a_tenth_of_a_point() {
        assert!(Summary::of_pairs(&[1.6, 1.5], &[1.5, 1.4]).is_no_worse());
        assert!(!Summary::of_pairs(&[1.62, 1.5], &[1.5, 1.4]).is_no_worse());
        assert!(Summary::of_pairs(&[1.0], &[1.4]).is_no_worse());
        assert!(!Summary::of(&[f64::NAN]).is_no_worse());
    }
}
