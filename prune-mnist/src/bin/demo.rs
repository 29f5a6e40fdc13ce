//! Trains and prunes a network on MNIST; `cargo xtask demo` starts it.

use std::io;
use std::process::ExitCode;

use prune_mnist::demo::{Arguments, DemoError, run};
use prune_mnist::run::{Console, Interrupt};

fn main() -> ExitCode {
    let arguments = Arguments::from_command_line();
    let mut out = io::stdout();
    let mut console = Console::new(&mut out);
    let interrupt = Interrupt::on_ctrl_c().unwrap_or_else(|error| {
        console.warning(format_args!("Ctrl-C will not save ({error}); the checkpoint of each epoch remains"));
        Interrupt::default()
    });
    match run(&arguments, &mut console, &interrupt) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let kind = if matches!(error, DemoError::Interrupted { .. }) { "" } else { "error: " };
            eprintln!("{kind}{error}");
            ExitCode::from(error.exit_code())
        }
    }
}
