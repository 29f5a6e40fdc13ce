//! `cargo xtask demo`: trains, prunes and shows the result.

use std::ffi::OsString;

use crate::cargo::{release_command, release_command_in, run_in_place};

/// Backends whose crates are in `adapters/`. Each has a demonstration of its own.
const ADAPTERS: &[(&str, &str)] = &[("candle", "prune-candle"), ("burn", "prune-burn")];

/// Backends that the demo itself knows.
const DEMO: &[&str] = &["ndarray", "nalgebra"];

/// Builds and runs the demo in release mode with `arguments`, in the caller's working folder. With `--backend candle`
/// or `--backend burn` it runs the example of that adapter, which gets the other arguments.
///
/// # Errors
///
/// A sentence if the backend is unknown, if cargo cannot be started, or if a signal ended it.
pub(crate) fn run(mut arguments: Vec<OsString>) -> Result<(), String> {
    if let Some(package) = take_adapter(&mut arguments) {
        let example = ["--package", package, "--example", "mnist"];
        return run_in_place(release_command_in("adapters", &example, arguments), "the example");
    }
    must_be_known(&arguments)?;
    run_in_place(release_command(&["--package", "prune-mnist", "--bin", "demo"], arguments), "the demo")
}

/// Refuses a backend that neither the demo nor an adapter has.
fn must_be_known(arguments: &[OsString]) -> Result<(), String> {
    let apart = arguments.windows(2).filter(|pair| pair[0] == "--backend").map(|pair| pair[1].to_string_lossy());
    let joined = arguments.iter().filter_map(|argument| argument.to_str()?.strip_prefix("--backend="));
    let known: Vec<&str> = DEMO.iter().copied().chain(ADAPTERS.iter().map(|&(name, _)| name)).collect();
    match apart.chain(joined.map(Into::into)).find(|backend| !known.contains(&backend.as_ref())) {
        Some(other) => Err(format!("there is no backend `{other}`; there are {}", known.join(", "))),
        None => Ok(()),
    }
}

/// Takes `--backend` out of the arguments where it names an adapter; the adapter's package.
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
    fn a_backend_that_nobody_has_is_refused_with_all_that_there_are() {
        let refused = |arguments: &[&str]| must_be_known(&arguments.iter().map(Into::into).collect::<Vec<_>>()).err();
        let why = "there is no backend `candl`; there are ndarray, nalgebra, candle, burn";
        for wrong in [&["--epochs", "2", "--backend", "candl"][..], &["--backend=candl"]] {
            assert_eq!(refused(wrong).as_deref(), Some(why), "{wrong:?}");
        }
        for right in [&["--backend", "nalgebra"][..], &["--backend=ndarray"], &["--epochs", "2"], &["--backend"]] {
            assert_eq!(refused(right), None, "{right:?}");
        }
    }

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
