//! Options that several programs have.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::nn::ModelSpec;

/// The most epochs of a run. It catches typing errors, and is far above what MNIST needs.
pub const MOST_EPOCHS: u64 = 100_000;

/// The networks to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelChoice {
    /// LeNet-300-100.
    Mlp,
    /// The original project's network.
    Cnn,
}

impl ModelChoice {
    /// The network's description.
    #[must_use]
    pub fn spec(self) -> ModelSpec {
        match self {
            Self::Mlp => ModelSpec::mlp(),
            Self::Cnn => ModelSpec::cnn(),
        }
    }
}

/// The backends to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendChoice {
    /// Row-major arrays of each parameter's rank.
    Ndarray,
    /// Column-major matrices and vectors.
    Nalgebra,
}

impl BackendChoice {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ndarray => "ndarray",
            Self::Nalgebra => "nalgebra",
        }
    }
}

/// Reads a number that `fits`; otherwise asks for one that is `wanted`.
pub(crate) fn number(text: &str, fits: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if fits(value) => Ok(value),
        _ => Err(format!("write {wanted}")),
    }
}

/// Reads a learning rate.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    number(text, |value| value.is_finite() && value > 0.0, "a finite number above 0, such as 0.1")
}
