//! Repeats the draw of the bundled sample from the full set.
//!
//! `cargo run --release -p prune-mnist --bin mnist-sample` writes the four gzipped IDX files into
//! `prune-mnist/data/sample` and prints the hashes that `src/data/sample.rs` records. If nothing has changed, it
//! writes the bytes that are already there.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use flate2::{Compression, GzBuilder};
use prune_mnist::data::{DataError, DataSource, MnistFile, Sha256, sample};
use prune_mnist::files::{WriteError, write_whole};

/// Draws the bundled sample from the full MNIST set.
#[derive(Parser)]
struct Arguments {
    /// The full set: `full` (as `cargo xtask mnist` stores it) or a folder of its IDX files.
    #[arg(long, default_value_t = DataSource::Full)]
    data: DataSource,
    /// The seed of the draw.
    #[arg(long, default_value_t = sample::SEED)]
    seed: u64,
    /// The folder to write into [default: this crate's data/sample].
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), DataError> {
    let full = arguments.data.load()?;
    println!("from {full}");
    let files = sample::files(&full, arguments.seed, sample::TRAIN_LEN, sample::TEST_LEN);
    let out =
        arguments.out.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join("sample"));
    fs::create_dir_all(&out).map_err(|source| DataError::Write { path: out.clone(), source })?;
    for (file, plain) in MnistFile::ALL.into_iter().zip(&files) {
        let name = format!("{file}.gz");
        let packed = gzipped(plain).map_err(|source| DataError::Write { path: out.join(&name), source })?;
        write_whole(&out, &[(&name, &packed)])
            .map_err(|WriteError { path, source }| DataError::Write { path, source })?;
        println!("{}  {file}  {} bytes gzipped", Sha256::of(plain), packed.len());
    }
    Ok(())
}

/// The gzip header holds no time and no system, so the same sample gives the same file.
fn gzipped(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}
