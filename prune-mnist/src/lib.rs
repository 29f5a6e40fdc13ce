//! An MLP and a CNN on real MNIST, trained and pruned end to end on either tensor backend.
//!
//! [`data`] reads MNIST, [`nn`] holds the networks and their training, [`rng`] its random numbers, and [`demo`] the
//! program that shows all of it together (`cargo xtask demo`). [`sensitivity`] prunes each layer alone
//! (`cargo xtask sensitivity`), and [`paper`] reproduces published tables (`cargo xtask paper`). [`onnx`] writes
//! networks as ONNX files.

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
}
