//! `cargo xtask test`: every test of the workspace.

use std::ffi::OsString;

use crate::cargo::{cargo, finish};

/// What `--help` says.
pub(crate) const HELP: &str = "\
usage: cargo xtask test [OPTIONS OF cargo test]

For example `cargo xtask test --package prune-core`, or `cargo xtask test NAME` for tests whose name holds NAME.
Exit code: 0 all passed, 1 otherwise.
";

/// Runs unit tests, laws, doc tests and the pages; `arguments` go to `cargo test`.
///
/// # Errors
///
/// A sentence where a test failed.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    finish(cargo(["test", "--workspace", "--features", "prune-mnist/fetch"]).args(arguments), "the tests")
}
