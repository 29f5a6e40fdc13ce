//! `cargo xtask ci`: what CI runs, and nothing else, cheapest checks first.

use std::ffi::OsString;
use std::time::Instant;

use crate::cargo::{cargo, finish};

/// What downloads the full MNIST set: a feature, so that the demo builds without it.
const FETCH: &str = "prune-mnist/fetch";

/// What is checked: a name and the arguments of cargo.
const CHECKS: &[(&str, &[&str])] = &[
    ("format", &["fmt", "--all", "--check"]),
    ("lints", &["clippy", "--workspace", "--all-targets", "--features", FETCH, "--", "--deny", "warnings"]),
    // Compiled and not run: running it compiles the core and its laws once more, which is a tenth of all the time.
    ("core alone, without threads or serde", &["check", "--package", "prune-core", "--no-default-features"]),
    (
        "adapters without threads",
        &["check", "--package", "prune-ndarray", "--package", "prune-nalgebra", "--no-default-features"],
    ),
    ("tests", &["test", "--workspace", "--features", FETCH]),
    ("benches, once each, against their oracles", &["test", "--workspace", "--features", FETCH, "--bench", "*"]),
    ("documentation", &["doc", "--workspace", "--no-deps"]),
];

/// What `--help` says.
pub(crate) const HELP: &str = "\
usage: cargo xtask ci

Format, lints, tests, benches once against their oracles, documentation; stops at the first that fails. It takes no
options. Exit code: 0 all passed, 1 otherwise.
";

/// Runs every check and stops at the first that fails.
///
/// # Errors
///
/// A sentence naming the check.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    if let Some(unknown) = arguments.first() {
        return Err(format!("ci takes no options, but `{}` was given", unknown.display()));
    }
    for (name, arguments) in CHECKS {
        let started = Instant::now();
        eprintln!("== {name}: cargo {}", arguments.join(" "));
        finish(cargo(*arguments).env("RUSTDOCFLAGS", "--deny warnings"), name)?;
        eprintln!("== {name}: passed in {:.0} s", started.elapsed().as_secs_f64());
    }
    Ok(())
}
