//! Runs ONNX models in inference engines that share no code with `prune-onnx`.
//!
//! The tests of this crate compare shrunk networks with whole ones that have zeros in every removed slice, both in the
//! same engine, in f32. The difference between two equal networks is not guessed but measured: the engine runs the
//! whole network with and without its own optimisations.

mod outcome;
mod rten_engine;

pub use outcome::{Distance, Outcome, compare};
pub use rten_engine::{EngineError, Program};
