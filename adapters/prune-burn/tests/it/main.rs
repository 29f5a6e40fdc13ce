//! The adapter on modules of burn. All tests are one program, since burn takes long to link.

#![allow(clippy::unwrap_used, reason = "tests")]

mod conformance;
mod equal;
mod example;
mod in_force;
mod in_time;
mod learner;
mod listing;
mod nets;
mod refused;
mod resuming;
mod sparse_training;
mod within_module;
