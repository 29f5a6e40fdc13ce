//! `cargo xtask mnist`: fetches the full MNIST set into `data/mnist`.
//!
//! Starts `mnist-fetch` of `prune-mnist` through cargo, so that this crate stays free of TLS and gzip.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// Builds and runs `mnist-fetch` in release mode with `arguments`, in the caller's working folder.
///
/// # Errors
///
/// A sentence when cargo cannot be started or `mnist-fetch` did not succeed; it has then said why itself.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<(), String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("Cargo.toml");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(&cargo)
        .args(["run", "--release", "--package", "prune-mnist", "--features", "fetch"])
        .args(["--bin", "mnist-fetch", "--manifest-path"])
        .arg(manifest)
        .arg("--")
        .args(arguments)
        .status()
        .map_err(|error| format!("cannot start `{}`: {error}", cargo.display()))?;
    if status.success() { Ok(()) } else { Err(format!("the full MNIST set was not fetched ({status})")) }
}
