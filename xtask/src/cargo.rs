//! Starts cargo, and through it the programs of the workspace.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal as _, stderr};
use std::path::Path;
use std::process::{Command, ExitStatus};

/// Cargo on this workspace. The working folder stays the caller's.
pub(crate) fn cargo<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    cargo_in("", arguments)
}

/// Cargo on the workspace in a folder below this one.
pub(crate) fn cargo_in<A: AsRef<OsStr>>(folder: &str, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut arguments = arguments.into_iter();
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    if let Some(verb) = arguments.next() {
        command.arg(verb);
    }
    command.arg("--manifest-path").arg(root().join(folder).join("Cargo.toml")).args(arguments);
    command
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The command that builds and runs a program in release mode. `program` names it in cargo's options, and `arguments`
/// are for the program itself. On a terminal cargo shows the build, which takes minutes the first time; elsewhere only
/// the program prints.
pub(crate) fn release_command(program: &[&str], arguments: Vec<OsString>) -> Command {
    release_command_in("", program, arguments)
}

/// [`release_command`], of the workspace in a folder below this one.
pub(crate) fn release_command_in(folder: &str, program: &[&str], arguments: Vec<OsString>) -> Command {
    let mut command = cargo_in(folder, ["run", "--release"]);
    if !stderr().is_terminal() {
        command.arg("--quiet");
    }
    command.args(program).arg("--").args(arguments);
    command
}

/// Runs [`release_command`] to its end.
///
/// # Errors
///
/// A sentence if cargo cannot be started. `what` says what was tried.
pub(crate) fn release(program: &[&str], arguments: Vec<OsString>, what: &str) -> Result<ExitStatus, String> {
    status(&mut release_command(program, arguments), what)
}

/// Becomes a [`release_command`]. If the program or its build fails, it has said why itself, and this process ends with
/// its exit code.
///
/// On Unix this process becomes the program. Ctrl-C then goes to the program alone, and the shell waits until it has
/// saved.
///
/// # Errors
///
/// A sentence if cargo cannot be started, or if a signal ended it. `what` says what was tried.
#[cfg(unix)]
pub(crate) fn run_in_place(mut command: Command, what: &str) -> Result<(), String> {
    use std::os::unix::process::CommandExt as _;

    let error = command.exec();
    Err(format!("{what}: cannot start {}: {error}", command.get_program().display()))
}

/// As on Unix, but this process waits for the program.
#[cfg(not(unix))]
pub(crate) fn run_in_place(mut command: Command, what: &str) -> Result<(), String> {
    let status = status(&mut command, what)?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => Err(format!("{what} did not end by itself ({status})")),
    }
}

/// Runs a command to its end.
///
/// # Errors
///
/// A sentence if it cannot be started or did not succeed. `what` says what was tried.
pub(crate) fn finish(command: &mut Command, what: &str) -> Result<(), String> {
    succeeded(status(command, what)?, what)
}

/// An error that says that `what` failed, unless the command succeeded.
pub(crate) fn succeeded(status: ExitStatus, what: &str) -> Result<(), String> {
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})")) }
}

fn status(command: &mut Command, what: &str) -> Result<ExitStatus, String> {
    command.status().map_err(|error| format!("{what}: cannot start {}: {error}", command.get_program().display()))
}
