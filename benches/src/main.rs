//! The cost of masks: every figure is a ratio to something measured beside it, in the same rounds.
//!
//! Started by `cargo xtask bench`.

mod inputs;
mod machine;
mod measure;
mod peers;
mod reading;
mod rows;
mod show;
mod size;
mod training;

use std::process::ExitCode;

use clap::Parser;
use peak_alloc::PeakAlloc;
use prune_core::InstructionSet;

use crate::size::{SIZES, Size};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Time masks against reading the same memory, and print ratios beside what they should be.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
pub(crate) struct Args {
    /// Elements of the large tensors; without it a row for each of 100, 16, 4 and 1 million.
    #[arg(long)]
    size: Option<usize>,
    /// Rounds in which each row and what it is compared with are timed, in turns.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Only rows whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Also at one thread and on each instruction set of this machine.
    #[arg(long)]
    all: bool,
    /// Epochs of training in place of masks.
    #[arg(long)]
    training: bool,
    /// Also what numpy and torch take for the same work, in a throw-away Python environment (needs python3 and PyPI).
    #[arg(long)]
    peers: bool,
    /// Write the table to benches/record/ as well.
    #[arg(long)]
    save: bool,
}

impl Args {
    /// The sizes that each tensor is timed at.
    fn sizes(&self) -> Vec<Size> {
        self.size.map_or_else(|| SIZES.to_vec(), |elements| vec![Size { elements, label: "" }])
    }

    /// The size of rows that have only one.
    fn largest(&self) -> usize {
        self.size.unwrap_or(SIZES[0].elements)
    }

    /// The size of one of a hundred layers.
    fn layer(&self) -> usize {
        self.size.map_or(1_000_000, |size| (size / 100).max(1000))
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    if args.size.is_some_and(|size| size < 100_000) || args.rounds == 0 {
        return Err("--size must be at least 100000 and --rounds at least 1".to_owned());
    }
    let mut page = show::Page::new(args.save, if args.training { "-training" } else { "-masks" })?;
    page.line(&machine::describe(args));
    if args.training {
        training::run(args, &mut page)?;
    } else {
        page.section("All threads, best instruction set", rows::all(args));
    }
    if args.all && !args.training {
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(|error| error.to_string())?;
        one.install(|| page.section("One thread", rows::all(args)));
        for set in InstructionSet::available() {
            InstructionSet::limit(Some(set));
            page.section(&format!("All threads, {set}"), rows::all(args));
        }
        InstructionSet::limit(None);
    }
    if args.peers {
        page.line(&peers::run(args)?);
    }
    page.finish()
}
