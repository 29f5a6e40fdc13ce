//! `cargo xtask demo`: trains, prunes and shows the result.

use std::ffi::OsString;

use crate::cargo::{release_command, release_command_in, run_in_place};

/// Backends whose crates are in `adapters/`. Each has a demonstration of its own.
const ADAPTERS: &[(&str, &str)] = &[("candle", "prune-candle"), ("burn", "prune-burn")];

/// Builds and runs the demo in release mode with `arguments`, in the caller's working folder. `--backend candle` and
/// `--backend burn` run the example of that adapter instead, with the other arguments.
///
/// # Errors
///
/// A sentence if cargo cannot be started, or if a signal ended it.
pub(crate) fn run(mut arguments: Vec<OsString>) -> Result<(), String> {
    if let Some(package) = take_adapter(&mut arguments) {
        let example = ["--package", package, "--example", "mnist"];
        return run_in_place(release_command_in("adapters", &example, arguments), "the example");
    }
    run_in_place(release_command(&["--package", "prune-mnist", "--bin", "demo"], arguments), "the demo")
}

/// If `--backend` names an adapter, takes it out of the arguments and returns the adapter's package.
fn take_adapter(arguments: &mut Vec<OsString>) -> Option<&'static str> {
    ADAPTERS.iter().find_map(|&(backend, package)| {
        let apart = arguments.windows(2).position(|pair| pair[0] == "--backend" && pair[1] == backend);
        let joined = arguments.iter().position(|argument| *argument == *format!("--backend={backend}"));
        let taken = apart.map(|at| at..at + 2).or(joined.map(|at| at..at + 1))?;
        arguments.drain(taken);
        Some(package)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_are_taken_and_the_rest_stays() {
        for (given, package, left) in [
            (&["--backend", "candle", "--epochs", "2"][..], Some("prune-candle"), &["--epochs", "2"][..]),
            (&["--out", "x", "--backend=burn"], Some("prune-burn"), &["--out", "x"]),
            (&["--backend", "nalgebra"], None, &["--backend", "nalgebra"]),
            (&["candle"], None, &["candle"]),
        ] {
            let mut arguments: Vec<OsString> = given.iter().map(Into::into).collect();
            assert_eq!(take_adapter(&mut arguments), package, "{given:?}");
            assert_eq!(arguments, left, "{given:?}");
        }
    }
}
