//! The workspace's own commands: `cargo xtask VERB`. There is one file for each verb.
//!
//! This crate has no dependencies, because everyone compiles it first. It starts the heavy programs through cargo, in
//! release mode.

mod bench;
mod cargo;
mod ci;
mod demo;
mod mnist;
mod paper;
mod sensitivity;
mod test;

use std::ffi::OsString;
use std::process::ExitCode;

/// A verb of the command line.
struct Verb {
    name: &'static str,
    /// Its purpose, in a line.
    what: &'static str,
    /// The text of `--help`; `None` if the program that it starts prints its own.
    help: Option<&'static str>,
    run: fn(Vec<OsString>) -> Result<(), String>,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "demo",
        what: "train a network on MNIST, prune it by a strategy, show what was gained",
        help: None,
        run: demo::run,
    },
    Verb {
        name: "test",
        what: "run every test of the workspace: units, laws, documentation, README",
        help: Some(test::HELP),
        run: test::run,
    },
    Verb { name: "mnist", what: "fetch the full MNIST set into data/mnist", help: None, run: mnist::run },
    Verb {
        name: "sensitivity",
        what: "prune each layer of a network alone, show what is left of its accuracy",
        help: None,
        run: sensitivity::run,
    },
    Verb { name: "paper", what: "reproduce published tables on MNIST", help: None, run: paper::run },
    Verb { name: "bench", what: "time masks against reading memory", help: None, run: bench::run },
    Verb { name: "ci", what: "run exactly what CI runs, cheapest checks first", help: Some(ci::HELP), run: ci::run },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let verb = arguments.next().unwrap_or_default();
    let verb = verb.to_string_lossy();
    if matches!(&*verb, "" | "help" | "-h" | "--help") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(verb) = VERBS.iter().find(|known| known.name == verb) else {
        eprint!("error: there is no verb `{verb}`\n\n{}", help());
        return ExitCode::from(2);
    };
    let arguments: Vec<OsString> = arguments.collect();
    if let (Some(help), true) = (verb.help, arguments.iter().any(|argument| argument == "-h" || argument == "--help")) {
        print!("cargo xtask {}: {}\n\n{help}", verb.name, verb.what);
        return ExitCode::SUCCESS;
    }
    match (verb.run)(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut text = "usage: cargo xtask VERB [OPTIONS]\n\n".to_owned();
    for Verb { name, what, .. } in VERBS {
        text += &format!("  {name:<11} {what}\n");
    }
    text + "\ncargo xtask VERB --help says more.\n"
}
