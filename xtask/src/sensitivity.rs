//! `cargo xtask sensitivity`: the accuracy that is left if one layer alone is pruned.

use std::ffi::OsString;

use crate::cargo::{release_command, run_in_place};

/// Builds and runs the scan in release mode with `arguments`, in the caller's working folder.
///
/// # Errors
///
/// A sentence if cargo cannot be started, or if a signal ended it.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    run_in_place(release_command(&["--package", "prune-mnist", "--bin", "sensitivity"], arguments), "the scan")
}
