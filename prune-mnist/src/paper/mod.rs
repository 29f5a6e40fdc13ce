//! The published MNIST tables, reproduced: `cargo xtask paper`.
//!
//! ```text
//! Arguments -> tables -> Settings of every run -> queue -> RunOutcome of each (cached) -> text, runs.csv, pictures
//! ```
//!
//! A run trains a network from its seed, or goes on from the dense network that several runs share. It is tested on
//! the test set once, after its last epoch. The test set decides no setting: settings were chosen on 5,000 images set
//! aside from the training set (`--validate`) and are written down in `recipe`.
//!
//! # Layout
//! - `recipe`, `settings`: the training of networks, and one run as a value whose digest is its name in the cache.
//! - `train`, `control`, `lottery`, `compacted`: one run. `cache`, `queue`: each run only once, one for each core at
//!   a time.
//! - `outcome`, `stats`: the result of one run, and of several.
//! - `published`: other people's figures, each with its source. `tables/`: one file for each table.
//! - `picture/`: the pictures. `csv`: every run as a row. `args`, `program`, `error`: the command.

mod args;
mod cache;
mod compacted;
mod control;
mod csv;
mod data;
mod error;
mod lottery;
mod outcome;
mod picture;
mod program;
mod published;
mod queue;
mod recipe;
mod settings;
mod stats;
mod tables;
#[cfg(test)]
mod tests;
mod train;

pub use self::args::PaperArguments;
pub use self::error::PaperError;
pub use self::program::run;
