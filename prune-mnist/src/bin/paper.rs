//! Reproduces published tables on MNIST; `cargo xtask paper` starts it.

use std::process::ExitCode;

use clap::Parser as _;
use prune_mnist::paper::{PaperArguments, PaperError, run};
use prune_mnist::run::start;

fn main() -> ExitCode {
    let arguments = PaperArguments::parse();
    let otherwise = "ends at once; finished runs are kept all the same";
    start(otherwise, PaperError::exit_code, |console, interrupt| run(&arguments, console, interrupt))
}
