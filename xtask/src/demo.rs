//! `cargo xtask demo`: train, prune and show.

use std::ffi::OsString;

/// Builds and runs the demo in release mode with `arguments`, in the caller's working folder. Where the demo (or its build)
/// fails, it has said why itself, and this process ends with its exit code.
///
/// On Unix this process becomes the demo: Ctrl-C is then the demo's alone, and nobody is back at the shell before it has saved.
///
/// # Errors
///
/// A sentence where cargo cannot be started, or a signal ended it.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    run_in_place(&["--package", "prune-mnist", "--bin", "demo"], arguments)
}

#[cfg(unix)]
fn run_in_place(program: &[&str], arguments: Vec<OsString>) -> Result<(), String> {
    use std::os::unix::process::CommandExt as _;

    let mut command = crate::cargo::release_command(program, arguments);
    let error = command.exec();
    Err(format!("the demo: cannot start {}: {error}", command.get_program().display()))
}

#[cfg(not(unix))]
fn run_in_place(program: &[&str], arguments: Vec<OsString>) -> Result<(), String> {
    let status = crate::cargo::release(program, arguments, "the demo")?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => Err(format!("the demo did not end by itself ({status})")),
    }
}
