//! `cargo xtask demo`: train, prune and show.

use std::ffi::OsString;

use crate::cargo::release;

/// Builds and runs the demo in release mode with `arguments`, in the caller's working folder. Where the demo (or its build)
/// fails, it has said why itself, and this process ends with its exit code.
///
/// # Errors
///
/// A sentence where cargo cannot be started, or a signal ended it.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    let status = release(&["--package", "prune-mnist", "--bin", "demo"], arguments, "the demo")?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => Err(format!("the demo did not end by itself ({status})")),
    }
}
