//! How much each layer can lose: `cargo xtask sensitivity`.
//!
//! One layer at a time is pruned by magnitude to a range of densities, all others stay dense, nothing is retrained, and the
//! accuracy on the test images is measured. Layers whose accuracy falls late can be given less of a budget, as in Han et
//! al. 2015 (figure 6) and Li et al. 2017; it says nothing of what retraining would win back.
//!
//! ```text
//! SensitivityArguments -> network (trained, or of a checkpoint) -> scan -> Scan -> table, sensitivity.csv, pictures
//! ```
//!
//! - `args`, `error`: what was asked for, and what is refused. `goal`: what a layer is pruned to.
//! - `network`: where the dense network comes from. `scan`: the measurements.
//! - `show`, `picture`: what comes out. `program`: the command.

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
pub use self::goal::{Goal, Method};
pub use self::program::{FILES, run};
pub use self::scan::{LayerScan, Measured, Scan, scan};
