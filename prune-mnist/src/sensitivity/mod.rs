//! The share that each layer can lose: `cargo xtask sensitivity`.
//!
//! One layer at a time is pruned by magnitude to a range of densities, while all others stay dense. Nothing is
//! retrained, and the accuracy on the test images is measured. Layers whose accuracy falls late can be given less of
//! a budget, as in Han et al. 2015 (figure 6) and Li et al. 2017. The scan does not show how much retraining would
//! win back.
//!
//! ```text
//! SensitivityArguments -> network (trained, or of a checkpoint) -> scan -> Scan -> table, sensitivity.csv, pictures
//! ```
//!
//! - `args`, `error`: the options, and the inputs that are refused. `goal`: the methods and densities.
//! - `network`: the source of the dense network. `scan`: the measurements.
//! - `show`, `picture`: the results. `program`: the command.

mod args;
mod error;
mod goal;
mod network;
mod picture;
mod program;
mod scan;
mod show;

pub use self::args::{ScanModel, SensitivityArguments};
pub use self::error::SensitivityError;
pub use self::goal::{Goal, GoalMethod};
pub use self::program::{FILES, run};
pub use self::scan::{LayerScan, Measurement, Scan, scan};
