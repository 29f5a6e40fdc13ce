//! Trains and prunes a network on MNIST; `cargo xtask demo` starts it.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use prune_mnist::demo::{Arguments, Console, run};

fn main() -> ExitCode {
    let mut out = io::stdout();
    match run(&Arguments::parse(), &mut Console::new(&mut out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
