//! Tools for tests: generated networks of each operator and whole ones, a naive evaluator in f64, and operators without one statement.
//!
//! They are behind a feature, so that the tests of this crate and those in inference engines run the same networks.

pub mod cases;
pub mod eval;
pub mod harness;
pub mod net;
pub mod networks;

pub use crate::analysis::faults::{statements, without};
