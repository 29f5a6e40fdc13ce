//! Reproduces published tables on MNIST; `cargo xtask paper` starts it.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use prune_mnist::paper::{PaperArguments, PaperError, run};
use prune_mnist::run::{Console, Interrupt};

fn main() -> ExitCode {
    let arguments = PaperArguments::parse();
    let mut out = io::stdout();
    let mut console = Console::new(&mut out);
    let interrupt = Interrupt::on_ctrl_c().unwrap_or_else(|error| {
        console.warning(format_args!("Ctrl-C ends at once ({error}); finished runs are kept all the same"));
        Interrupt::default()
    });
    match run(&arguments, &mut console, &interrupt) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let kind = if matches!(error, PaperError::Interrupted) { "" } else { "error: " };
            let _ = writeln!(io::stderr(), "{kind}{error}");
            ExitCode::from(error.exit_code())
        }
    }
}
