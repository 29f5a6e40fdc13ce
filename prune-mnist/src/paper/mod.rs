//! The published MNIST tables, reproduced: `cargo xtask paper`.
//!
//! ```text
//! Arguments -> tables -> Settings of every run -> queue -> Outcome of each (cached) -> text, runs.csv, pictures
//! ```
//!
//! A run trains a network from its seed, or goes on from the dense network that several runs share, and is read on the
//! test set once, after its last epoch. Nothing is chosen here by what the test set said: settings were chosen on 5,000
//! images set aside from the training set (`--validate`) and are written down in `recipe`.
//!
//! # How it is laid out
//! - `recipe`, `settings`: how networks are trained, and one run as a value whose digest is its name in the cache.
//! - `train`, `control`, `lottery`, `compacted`: one run. `cache`, `queue`: each only once, as many at a time as there are cores.
//! - `outcome`, `stats`: what a run has shown, and what several have.
//! - `published`: other people's figures, each with its source. `tables/`: a file a table.
//! - `picture/`: what is drawn. `csv`: every run as a row. `args`, `program`, `error`: the command.

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
