//! The methods and densities to which a layer is pruned.

use std::fmt;
use std::str::FromStr;

use prune_core::{Density, NmPattern};
use prune_schedule::{Event, Scope, Strategy, StrategyError};

/// The method of pruning a layer: `unstructured`, or a pattern such as `2:4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoalMethod {
    /// The largest weights of the whole layer, to each density.
    Unstructured,
    /// The N largest of every M along the last axis.
    Nm(NmPattern),
}

impl FromStr for GoalMethod {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "unstructured" => Ok(Self::Unstructured),
            pattern => pattern
                .parse()
                .map(Self::Nm)
                .map_err(|error| format!("write `unstructured`, or a pattern such as 2:4 ({error})")),
        }
    }
}

/// The target to which one measurement prunes a layer.
///
/// # Examples
/// ```
/// use prune_mnist::sensitivity::Goal;
///
/// let density = Goal::Density(prune_core::Density::new(0.02)?);
/// assert_eq!((density.to_string(), density.method()), ("0.02".to_owned(), "unstructured".to_owned()));
/// assert_eq!(Goal::Nm("2:4".parse()?).density().get(), 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The largest weights of the whole layer.
    Density(Density),
    /// The N largest of every M along the last axis.
    Nm(NmPattern),
}

impl Goal {
    /// The goals of each method in turn: every density for the unstructured one, a pattern for itself. No goal
    /// appears twice.
    #[must_use]
    pub fn all(methods: &[GoalMethod], densities: &[Density]) -> Vec<Self> {
        let mut goals = Vec::new();
        let of = |method: &GoalMethod| match *method {
            GoalMethod::Unstructured => densities.iter().copied().map(Self::Density).collect(),
            GoalMethod::Nm(pattern) => vec![Self::Nm(pattern)],
        };
        for goal in methods.iter().flat_map(of) {
            if !goals.contains(&goal) {
                goals.push(goal);
            }
        }
        goals
    }

    /// The density, apart from rounding.
    #[must_use]
    pub fn density(self) -> Density {
        match self {
            Self::Density(density) => density,
            Self::Nm(pattern) => pattern.density(),
        }
    }

    /// The method: `unstructured`, or the pattern.
    #[must_use]
    pub fn method(self) -> String {
        match self {
            Self::Density(_) => "unstructured".to_owned(),
            Self::Nm(pattern) => pattern.to_string(),
        }
    }

    /// The strategy that prunes one layer to this goal, before training.
    ///
    /// # Errors
    ///
    /// Errors of the strategy.
    pub fn strategy(self, layer: &str) -> Result<Strategy, StrategyError> {
        let event = match self {
            Self::Density(density) => Event::unstructured(Scope::local([(layer, density)]))?,
            Self::Nm(pattern) => Event::n_m(Scope::local([(layer, pattern)]))?,
        };
        Strategy::new([(0, event)])
    }
}

/// Shows the heading of a column: `0.05`, `2:4`.
impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Density(density) => write!(f, "{}", density.get()),
            Self::Nm(pattern) => write!(f, "{pattern}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn goals_follow_methods_and_none_comes_twice() {
        let densities = [1.0, 0.5, 0.5].map(|density| Density::new(density).unwrap());
        let methods: Vec<GoalMethod> =
            ["1:4", "unstructured", "1:4"].iter().map(|text| text.parse().unwrap()).collect();
        let goals = Goal::all(&methods, &densities);
        assert_eq!(goals.iter().map(Goal::to_string).collect::<Vec<_>>(), ["1:4", "1", "0.5"]);
        let message = "magnitude".parse::<GoalMethod>().unwrap_err();
        assert!(message.starts_with("write `unstructured`, or a pattern such as 2:4 ("), "{message}");
        assert!("4:2".parse::<GoalMethod>().is_err());
    }

    #[test]
    fn strategies_name_their_layer_alone() {
        let text = Goal::Nm("2:4".parse().unwrap()).strategy("Dense_0-kernel").unwrap().to_python();
        assert!(text.contains("str_local") && text.contains("'Dense_0-kernel'") && text.contains("(2, 4)"), "{text}");
        let text = Goal::Density(Density::new(0.02).unwrap()).strategy("Conv_1-kernel").unwrap().to_python();
        assert!(text.contains("unstr_local") && text.contains("'Conv_1-kernel': 0.02"), "{text}");
    }
}
