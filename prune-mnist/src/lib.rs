//! An MLP and a CNN on real MNIST, trained and pruned end to end on either tensor backend.
//!
//! The programs are [`demo`] (`cargo xtask demo`), which shows all of it together, [`paper`] (`cargo xtask paper`),
//! which reproduces published tables, and [`sensitivity`] (`cargo xtask sensitivity`), which prunes each layer alone.
//!
//! # Map
//!
//! A room is a folder or file. It uses only rooms above it, and no program uses another program.
//! `xtask/tests/rooms.rs` checks this.
//!
//! ```text
//! words, rng, files         numbers as they are printed; random numbers; files that appear whole or not at all
//! data/                     MNIST: the bundled sample, the full set, and fetching it
//! nn/                       networks, their passes, optimisers, activation pruning, on either backend
//! onnx/                     networks as ONNX files, and back
//! picture/                  pictures as SVG and PNG
//! train/                    one step and one loop for all programs; a network beside its dense twin
//! run/                      output folder, checkpoint, console, Ctrl-C, threads
//! demo/ paper/ sensitivity/ the programs: options, their plan, their output
//! ```

pub mod data;
pub mod demo;
pub mod files;
pub mod nn;
pub mod onnx;
pub mod paper;
mod picture;
pub mod rng;
pub mod run;
pub mod sensitivity;
pub mod train;
mod words;

/// The pages of the project, run as tests here because this crate depends on both backends.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    mod readme {}

    #[doc = include_str!("../../docs/migration.md")]
    mod migration {}

    #[doc = include_str!("../../docs/demo.md")]
    mod demo {}

    #[doc = include_str!("../../docs/checkpoints.md")]
    mod checkpoints {}

    #[doc = include_str!("../../docs/shrinking.md")]
    mod shrinking {}

    #[doc = include_str!("../../docs/speed.md")]
    mod speed {}
}
