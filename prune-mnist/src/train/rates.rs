//! The learning rate of each step.

use crate::nn::{cosine_rate, linear_rate};

/// The path of the learning rate over a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// The same at every step.
    Constant,
    /// Falls linearly to 0.
    Linear,
    /// Falls to 0 along half a cosine.
    Cosine,
}

/// The learning rates of a phase of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// The rate of the first step.
    pub start: f64,
    /// The path from there.
    pub course: Course,
    /// Epochs that were trained before the phase.
    pub after: u64,
    /// Epochs of the phase.
    pub epochs: u64,
}

impl Rates {
    /// The rate of a step of an epoch of `steps` steps; epochs count from 1, steps from 0.
    #[must_use]
    pub fn at(&self, epoch: u64, step: u64, steps: u64) -> f64 {
        let (done, all) = (epoch.saturating_sub(self.after + 1) * steps + step, self.epochs * steps);
        match self.course {
            Course::Constant => self.start,
            Course::Linear => linear_rate(self.start, done, all),
            Course::Cosine => cosine_rate(self.start, done, all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_begins_with_its_rate_wherever_it_begins() {
        let rates = |course, after| Rates { start: 0.1, course, after, epochs: 2 };
        for course in [Course::Constant, Course::Linear, Course::Cosine] {
            assert_eq!(rates(course, 0).at(1, 0, 5), 0.1);
            assert_eq!(rates(course, 7).at(8, 0, 5), 0.1);
            assert_eq!(rates(course, 7).at(9, 3, 5), rates(course, 0).at(2, 3, 5));
        }
        assert_eq!(rates(Course::Linear, 0).at(2, 0, 5), 0.05);
        assert_eq!(rates(Course::Cosine, 0).at(2, 3, 5), cosine_rate(0.1, 8, 10));
        assert_eq!(rates(Course::Constant, 0).at(2, 4, 5), 0.1);
    }
}
