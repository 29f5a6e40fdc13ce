//! Prunes each layer of a network alone and shows the accuracy left; `cargo xtask sensitivity` starts it.

use std::io;
use std::process::ExitCode;

use clap::Parser as _;
use prune_mnist::run::{Console, Interrupt};
use prune_mnist::sensitivity::{SensitivityArguments, SensitivityError, run};

fn main() -> ExitCode {
    let arguments = SensitivityArguments::parse();
    let mut out = io::stdout();
    let mut console = Console::new(&mut out);
    let interrupt = Interrupt::on_ctrl_c().unwrap_or_else(|error| {
        console.warning(format_args!("Ctrl-C ends at once ({error})"));
        Interrupt::default()
    });
    match run(&arguments, &mut console, &interrupt) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let kind = if matches!(error, SensitivityError::Interrupted) { "" } else { "error: " };
            eprintln!("{kind}{error}");
            ExitCode::from(error.exit_code())
        }
    }
}
