//! Starting cargo.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// Cargo, on this workspace; the caller's working folder stays.
pub(crate) fn cargo<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut arguments = arguments.into_iter();
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    if let Some(verb) = arguments.next() {
        command.arg(verb);
    }
    command.arg("--manifest-path").arg(root().join("Cargo.toml")).args(arguments);
    command
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Runs a command to its end.
///
/// # Errors
///
/// A sentence where it cannot be started or did not succeed; `what` says what was tried.
pub(crate) fn finish(command: &mut Command, what: &str) -> Result<(), String> {
    let status = command
        .status()
        .map_err(|error| format!("{what}: cannot start {}: {error}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})")) }
}
