//! The workspace's own commands: `cargo xtask VERB`. One file a verb.
//!
//! This crate has no dependencies, because everyone compiles it first; the heavy programs are started through cargo, in
//! release mode.

mod bench;
mod cargo;
mod ci;
mod demo;
mod mnist;
mod test;

use std::ffi::OsString;
use std::process::ExitCode;

/// A verb, what it is for, and what carries it out.
type Verb = (&'static str, &'static str, fn(Vec<OsString>) -> Result<(), String>);

const VERBS: &[Verb] = &[
    ("demo", "train a network on MNIST, prune it by a strategy, show what was gained (demo --help)", demo::run),
    ("test", "run every test of the workspace: units, laws, documentation, README", test::run),
    ("mnist", "fetch the full MNIST set into data/mnist (mnist --help)", |arguments| mnist::run(arguments)),
    ("bench", "time masks against reading memory (bench --help)", bench::run),
    ("ci", "run exactly what CI runs, cheapest checks first", ci::run),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let verb = arguments.next().unwrap_or_default();
    let verb = verb.to_string_lossy();
    if matches!(&*verb, "" | "help" | "-h" | "--help") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some((_, _, run)) = VERBS.iter().find(|(name, ..)| *name == verb) else {
        eprint!("error: there is no verb `{verb}`\n\n{}", help());
        return ExitCode::from(2);
    };
    match run(arguments.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut text = "usage: cargo xtask VERB [OPTIONS]\n\n".to_owned();
    for (name, what, _) in VERBS {
        text += &format!("  {name:<8} {what}\n");
    }
    text
}
