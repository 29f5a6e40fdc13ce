//! `cargo xtask test`: every test of the workspace.

use std::ffi::OsString;

use crate::cargo::{cargo, finish, root};

/// The text of `--help`.
pub(crate) const HELP: &str = "\
usage: cargo xtask test [OPTIONS OF cargo test]

For example `cargo xtask test --package prune-core`, or `cargo xtask test NAME` for tests whose name holds NAME.
Without options, the tests that need the full MNIST set run as well where `cargo xtask mnist` has stored it.
Exit code: 0 all passed, 1 otherwise.
";

/// Runs unit tests, laws, doc tests and the pages. `arguments` go to `cargo test`.
///
/// # Errors
///
/// A sentence if a test failed.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    let everything = arguments.is_empty();
    let tests = ["test", "--workspace", "--features", "prune-mnist/fetch"];
    finish(cargo(tests).args(arguments), "the tests")?;
    if !everything {
        return Ok(());
    }
    if !root().join("data/mnist").is_dir() {
        eprintln!("the tests of the full MNIST set were left out: `cargo xtask mnist` fetches it");
        return Ok(());
    }
    // The whole workspace again, since one package alone would be built with other features.
    finish(cargo(tests).args(["--tests", "--", "--ignored"]), "the tests of the full MNIST set")
}
