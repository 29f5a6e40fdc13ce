//! Prunes each layer of a network alone and shows the accuracy left; `cargo xtask sensitivity` starts it.

use std::process::ExitCode;

use clap::Parser as _;
use prune_mnist::run::start;
use prune_mnist::sensitivity::{SensitivityArguments, SensitivityError, run};

fn main() -> ExitCode {
    let arguments = SensitivityArguments::parse();
    start("ends at once", SensitivityError::exit_code, |console, interrupt| run(&arguments, console, interrupt))
}
