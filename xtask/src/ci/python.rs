//! `cargo xtask ci python`: installs the wheel as a user would, and checks its types and tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::cargo::{finish, root};

/// The packages that the tests need beside the wheel, at the versions of the last run. A warning fails a test, and new
/// versions bring new warnings. torch is not among them, since its wheel is larger than all others together.
const NEEDS: &[&str] = &[
    "pytest==9.2.0",
    "numpy==2.4.6",
    "ml_dtypes==0.6.0",
    "jax[cpu]==0.10.2",
    "flax==0.12.8",
    "optax==0.2.8",
    "mypy==2.4.1",
];

/// Installs the package in an environment of its own and checks it there. `PYTHON` names the interpreter; the default
/// is `python3`.
///
/// # Errors
///
/// A sentence that names the check.
pub(super) fn run() -> Result<(), String> {
    let (package, environment) = (root().join("adapters/prune-python"), root().join("adapters/target/python"));
    let python = interpreter_in(&environment);
    let maker = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    step("environment", Command::new(maker).args(["-m", "venv", "--clear"]).arg(&environment))?;
    step("what the tests need", pip(&python).args(NEEDS))?;
    // This is the page's command. Cargo builds the wheel within adapters/target, in release mode.
    step("wheel", pip(&python).arg("--verbose").arg(&package))?;
    // Outside of the sources, so that the tests import the installed package.
    let typed = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.arg("-m").args(arguments).arg("--config-file").arg(package.join("pyproject.toml"));
        command
    };
    step("types of the package", typed(&["mypy", "--package", "prune_rs"]).current_dir(&environment))?;
    let typed_use = package.join("tests/typed.py");
    step("types of its use", typed(&["mypy"]).arg(typed_use).current_dir(&environment))?;
    let stubs = ["-m", "mypy.stubtest", "prune_rs._native", "--allowlist"];
    let allowed = package.join("tests/stubtest.txt");
    step("stubs against the module", Command::new(&python).args(stubs).arg(allowed).current_dir(&environment))?;
    let tests = ["-m", "pytest", "-q", "-m", "not torch", "-p", "no:cacheprovider"];
    step("tests", Command::new(&python).args(tests).current_dir(package))
}

/// The interpreter of an environment.
fn interpreter_in(environment: &Path) -> PathBuf {
    environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

fn pip(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--disable-pip-version-check"]);
    command
}

fn step(name: &str, command: &mut Command) -> Result<(), String> {
    let started = Instant::now();
    eprintln!("== {name}: {command:?}");
    finish(command, name)?;
    eprintln!("== {name}: passed in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}
