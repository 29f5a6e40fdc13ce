//! `cargo xtask bench`: what masks cost, as ratios to reading memory.

use std::ffi::OsString;

use crate::cargo::{release, succeeded};

/// Builds and runs the benches in release mode with `arguments`.
///
/// # Errors
///
/// A sentence where they did not succeed.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    let what = "the benches";
    succeeded(release(&["--package", "prune-bench"], arguments, what)?, what)
}
