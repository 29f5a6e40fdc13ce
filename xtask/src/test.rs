//! `cargo xtask test`: every test of the workspace.

use std::ffi::OsString;

use crate::cargo::{cargo, finish};

/// Runs unit tests, laws, doc tests and the pages; `arguments` go to `cargo test`.
///
/// # Errors
///
/// A sentence where a test failed.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    finish(cargo(["test", "--workspace", "--features", "prune-mnist/fetch"]).args(arguments), "the tests")
}
