//! `cargo xtask mnist`: fetches the full MNIST set into `data/mnist`.
//!
//! It starts `mnist-fetch` of `prune-mnist` through cargo, so that this crate stays free of TLS and gzip.

use std::ffi::OsString;

use crate::cargo::{release, succeeded};

/// Builds and runs `mnist-fetch` in release mode with `arguments`, in the caller's working folder.
///
/// # Errors
///
/// A sentence if cargo cannot be started or `mnist-fetch` did not succeed. `mnist-fetch` has then said why itself.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    let program = ["--package", "prune-mnist", "--features", "fetch", "--bin", "mnist-fetch"];
    let what = "fetching the full MNIST set";
    succeeded(release(&program, arguments, what)?, what)
}
