//! Under construction.

pub mod data;
pub mod nn;
pub mod rng;
