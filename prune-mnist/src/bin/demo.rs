//! Trains and prunes a network on MNIST; `cargo xtask demo` starts it.

use std::process::ExitCode;

use prune_mnist::demo::{Arguments, DemoError, run};
use prune_mnist::run::start;

fn main() -> ExitCode {
    let arguments = Arguments::from_command_line();
    let otherwise = "ends at once, without saving; the checkpoint of each epoch remains";
    start(otherwise, DemoError::exit_code, |console, interrupt| run(&arguments, console, interrupt))
}
