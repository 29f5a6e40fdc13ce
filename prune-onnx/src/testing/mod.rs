//! Tools for tests: generated networks for each operator, whole networks, a naive evaluator in f64, and operators that
//! drop one statement.
//!
//! A feature enables them, so that the tests of this crate and those in inference engines run the same networks.

pub mod cases;
pub mod eval;
pub mod harness;
pub mod net;
pub mod networks;

pub use crate::analysis::faults::{statements, without};
