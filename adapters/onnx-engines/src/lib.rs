//! Runs ONNX models in inference engines that share no code with `prune-onnx`.
//!
//! The tests of this crate hold shrunk networks to what the whole network gives with every removed slice at zero, both in one
//! engine, in f32. How far two equal networks may differ there is not guessed: it is measured, as what the engine itself makes
//! of the whole network with and without its own optimisations.

mod outcome;
mod rten_engine;

pub use outcome::{Distance, Outcome, compare};
pub use rten_engine::{EngineError, Program};
