//! `cargo xtask bench`: what masks cost, as ratios to reading memory.

use std::ffi::OsString;

use crate::cargo::{cargo, finish};

/// Builds and runs the benches in release mode with `arguments`.
///
/// # Errors
///
/// A sentence where they did not succeed.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    let mut command = cargo(["run", "--quiet", "--release", "--package", "prune-bench", "--"]);
    finish(command.args(arguments), "the benches")
}
