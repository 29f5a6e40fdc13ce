//! One network in the engine: whole with zeros, and shrunk.

use prune_onnx::testing::eval::T;
use prune_onnx::testing::harness::{drawn_removal, inputs, parse, shrunk, went_through, zeroed_model};
use prune_onnx::testing::net::Built;
use prune_onnx::{AnalysisOptions, Model, analyse};

use crate::{EngineError, Program};

/// The allowed difference of a shrunk network, as a multiple of the noise.
const ALLOWED: f64 = 4.0;

/// The result for a network.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Nothing was removed, or nothing through the operators in question.
    NothingRemoved,
    /// The engine does not run the whole network. The text is its reason.
    NotRun(String),
    /// The engine runs the whole network, but not the shrunk one, or gives outputs of other shapes. The text says why.
    Broken(String),
    /// The engine ran both.
    Ran(Distance),
}

/// The distance between the outputs of a shrunk network and those of the whole one with zeros.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// The largest difference between two elements; infinite if one is NaN and the other is not.
    pub difference: f64,
    /// The largest difference that the engine's own optimisations make to the whole network.
    pub noise: f64,
    /// The largest magnitude among the outputs of the whole network; infinite if one is NaN.
    pub largest: f64,
}

impl Distance {
    /// True if the noise explains the difference: it is at most 4 times as large. The noise counts as at least one unit
    /// in the last place of the largest output, because many networks offer nothing to optimise and have
    /// a noise of 0. Outputs that are not finite prove nothing, so they do not pass.
    ///
    /// ```
    /// let near = onnx_engines::Distance { difference: 3e-7, noise: 1e-7, largest: 0.5 };
    /// assert!(near.is_noise());
    /// assert!(!onnx_engines::Distance { difference: 5e-7, ..near }.is_noise());
    /// assert!(!onnx_engines::Distance { largest: f64::INFINITY, ..near }.is_noise());
    /// ```
    pub fn is_noise(&self) -> bool {
        self.largest.is_finite() && self.difference <= ALLOWED * self.noise.max(self.largest * f64::from(f32::EPSILON))
    }
}

/// Removes random classes from a network, and compares.
///
/// # Panics
///
/// If `prune-onnx` refuses the network.
pub fn compare(built: &Built, seed: u64, operators: &[&str]) -> Outcome {
    let model = parse(built.bytes.clone());
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let removal = drawn_removal(&analysis, seed);
    if removal.is_empty() || !went_through(&analysis, &removal, operators) {
        return Outcome::NothingRemoved;
    }
    let x = inputs(built, seed);
    // The outputs with the engine's optimisations, and those without.
    let run = |model: &Model| -> Result<[Vec<T>; 2], EngineError> {
        Ok([Program::load(model, true)?.run(&x)?, Program::load(model, false)?.run(&x)?])
    };
    let whole = match run(&zeroed_model(&analysis, &removal)) {
        Ok(whole) => whole,
        Err(error) => return Outcome::NotRun(error.to_string()),
    };
    let small = match run(&shrunk(&analysis, &removal)) {
        Ok(small) => small,
        Err(error) => return Outcome::Broken(error.to_string()),
    };
    let shapes = |outputs: &[T]| outputs.iter().map(|t| t.dims.clone()).collect::<Vec<_>>();
    if shapes(&small[0]) != shapes(&whole[0]) {
        return Outcome::Broken(format!("shapes {:?} instead of {:?}", shapes(&small[0]), shapes(&whole[0])));
    }
    Outcome::Ran(Distance {
        difference: far(&small[0], &whole[0]).max(far(&small[1], &whole[1])),
        noise: far(&whole[0], &whole[1]),
        largest: whole[1].iter().flat_map(|t| &t.data).fold(0.0, |far, &v| farther(far, v.abs())),
    })
}

/// The largest difference between two elements of outputs with the same shapes.
fn far(left: &[T], right: &[T]) -> f64 {
    let pairs = left.iter().zip(right).flat_map(|(a, b)| a.data.iter().zip(&b.data));
    pairs.fold(0.0, |far: f64, (a, b)| {
        let difference = if a == b || a.is_nan() && b.is_nan() { 0.0 } else { (a - b).abs() };
        farther(far, difference)
    })
}

/// The larger one; infinite for NaN.
fn farther(far: f64, other: f64) -> f64 {
    if other.is_nan() { f64::INFINITY } else { far.max(other) }
}
