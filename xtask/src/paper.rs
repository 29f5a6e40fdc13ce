//! `cargo xtask paper`: reproduces published tables on MNIST.

use std::ffi::OsString;
use std::process::Command;

use crate::cargo::{release_command, root, run_in_place};

/// Builds and runs the tables in release mode with `arguments`. The record of each run names the commit.
///
/// # Errors
///
/// A sentence if cargo cannot be started, or if a signal ended it.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    let mut command = release_command(&["--package", "prune-mnist", "--bin", "paper"], arguments);
    if let Some(commit) = commit() {
        command.env("PRUNE_COMMIT", commit);
    }
    run_in_place(command, "the tables")
}

/// The current commit, with a `+` if files were changed or added since. `None` outside a repository.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root()).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "HEAD"])?;
    let changed = git(&["status", "--porcelain"])?;
    Some(if changed.is_empty() { commit } else { format!("{commit}+") })
}
