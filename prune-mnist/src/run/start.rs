//! The start and the end of every program.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use super::{Console, INTERRUPTED, Interrupt};

/// Runs `work` with standard output and Ctrl-C. Turns its error into a message and the exit code that `code` returns.
/// `otherwise` tells the user the effect of Ctrl-C if the system does not report it.
pub fn start<E: Display>(
    otherwise: &str,
    code: impl Fn(&E) -> u8,
    work: impl FnOnce(&mut Console<'_>, &Interrupt) -> Result<(), E>,
) -> ExitCode {
    let mut out = io::stdout();
    let mut console = Console::new(&mut out);
    let interrupt = Interrupt::on_ctrl_c().unwrap_or_else(|error| {
        console.warning(format_args!("Ctrl-C {otherwise} ({error})"));
        Interrupt::default()
    });
    let Err(error) = work(&mut console, &interrupt) else { return ExitCode::SUCCESS };
    let code = code(&error);
    // A run that the user stops is no error.
    let kind = if code == INTERRUPTED { "" } else { "error: " };
    // If this fails, there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{kind}{error}");
    ExitCode::from(code)
}
