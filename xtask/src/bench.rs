//! `cargo xtask bench`: the cost of masks, as ratios to the time of reading memory.

use std::ffi::OsString;

use crate::cargo::{release, succeeded};

/// Builds and runs the benches in release mode with `arguments`.
///
/// # Errors
///
/// A sentence if they did not succeed.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    let what = "the benches";
    succeeded(release(&["--package", "prune-bench"], arguments, what)?, what)
}
