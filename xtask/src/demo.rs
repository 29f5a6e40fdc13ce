//! `cargo xtask demo`: train, prune and show.

use std::ffi::OsString;

use crate::cargo::{cargo, finish};

/// Builds and runs the demo in release mode with `arguments`, in the caller's working folder.
///
/// # Errors
///
/// A sentence where it did not succeed; the demo has then said why itself.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    let mut command = cargo(["run", "--quiet", "--release", "--package", "prune-mnist", "--bin", "demo", "--"]);
    finish(command.args(arguments), "the demo")
}
