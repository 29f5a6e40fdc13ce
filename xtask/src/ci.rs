//! `cargo xtask ci`: exactly the checks that CI runs, cheapest first.

mod python;

use std::ffi::OsString;
use std::time::Instant;

use crate::cargo::{cargo_in, finish};

/// The feature that downloads the full MNIST set. The demo builds without it.
const FETCH: &str = "prune-mnist/fetch";

/// A check: a name and the arguments of cargo.
type Check = (&'static str, &'static [&'static str]);

/// The checks of this workspace.
const CHECKS: &[Check] = &[
    ("format", &["fmt", "--all", "--check"]),
    ("lints", &["clippy", "--workspace", "--all-targets", "--features", FETCH, "--", "--deny", "warnings"]),
    // It is compiled but not run: a run would compile the core and its laws once more, a tenth of the whole time.
    ("core alone, without threads or serde", &["check", "--package", "prune-core", "--no-default-features"]),
    ("files without ONNX", &["check", "--package", "prune-files"]),
    (
        "adapters without threads",
        &["check", "--package", "prune-ndarray", "--package", "prune-nalgebra", "--no-default-features"],
    ),
    // The packages are not built, since that would build every crate once more.
    ("packages of the published crates", PACKAGE),
    ("tests", &["test", "--workspace", "--features", FETCH]),
    ("benches, once each, against their oracles", &["test", "--workspace", "--features", FETCH, "--bench", "*"]),
    ("documentation", &["doc", "--workspace", "--no-deps"]),
];

/// Packages all published crates. It asks no registry: by then, everything that they need is on this machine.
const PACKAGE: &[&str] = &[
    "package",
    "--workspace",
    "--exclude",
    "prune-mnist",
    "--exclude",
    "prune-bench",
    "--exclude",
    "xtask",
    "--no-verify",
    "--allow-dirty",
    "--offline",
];

/// The checks of the workspace in `adapters/`.
const ADAPTERS: &[Check] = &[
    // Packages are listed by name: `--all` would also format the crates of this workspace that they depend on.
    ("format", FORMAT_ADAPTERS),
    ("lints", &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]),
    ("tests", &["test", "--workspace"]),
    ("benches, once each", &["test", "--workspace", "--bench", "*"]),
    ("documentation", &["doc", "--package", "prune-candle", "--package", "prune-burn", "--no-deps"]),
];

/// Checks the format of every member of the workspace in `adapters/`.
const FORMAT_ADAPTERS: &[&str] = &[
    "fmt",
    "--check",
    "--package",
    "onnx-engines",
    "--package",
    "prune-candle",
    "--package",
    "prune-burn",
    "--package",
    "prune-python",
];

/// The environment of every check. The Python module is built without an interpreter, and linked to none. Nothing is kept
/// for a second build of the same crates, since a second build needs gigabytes and CI never makes one.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("RUSTDOCFLAGS", "--deny warnings"),
    ("PYO3_NO_PYTHON", "1"),
    ("PYO3_BUILD_EXTENSION_MODULE", "1"),
    ("CARGO_INCREMENTAL", "0"),
];

/// The text of `--help`.
pub(crate) const HELP: &str = "\
usage: cargo xtask ci [adapters|python]

Without a word: the workspace. Format, lints, packages, tests, benches once against their oracles, documentation.
With `adapters`: the workspace in adapters/, which is heavy to build and apart. Format, lints, tests, benches once, documentation.
With `python`: the Python package, installed as a user does in an environment of its own. Types, stubs, tests but for those
that need torch. PYTHON names the interpreter, python3 without it.
CI runs the three, one after the other. Each stops at the first check that fails. Exit code: 0 all passed, 1 otherwise.
";

/// Runs every check and stops at the first one that fails.
///
/// # Errors
///
/// A sentence that names the check, or the word that is not known.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), String> {
    match arguments.as_slice() {
        [] => timed(|| all("", CHECKS)),
        [word] if word == "adapters" => timed(|| all("adapters", ADAPTERS)),
        [word] if word == "python" => timed(python::run),
        [word] => Err(format!("ci checks the workspace, `adapters` or `python`, but `{}` was given", word.display())),
        _ => Err(format!("ci takes at most one word, but {} were given", arguments.len())),
    }
}

/// Runs the checks of the workspace in a folder.
fn all(folder: &str, checks: &[Check]) -> Result<(), String> {
    for &(name, arguments) in checks {
        let started = Instant::now();
        eprintln!("== {name}: cargo {}", arguments.join(" "));
        let cargo = &mut cargo_in(folder, arguments);
        finish(cargo.envs(ENVIRONMENT), name)?;
        eprintln!("== {name}: passed in {:.0} s", started.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Runs checks and says how long all of them took.
fn timed(run: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let started = Instant::now();
    run()?;
    eprintln!("== all: passed in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::cargo::root;
    use std::fs;

    #[test]
    fn the_format_of_every_adapter_is_checked() {
        let named: Vec<&str> = FORMAT_ADAPTERS.iter().copied().filter(|word| !word.starts_with('-')).skip(1).collect();
        assert_eq!(members("adapters"), named);
    }

    /// The members of the workspace in a folder, as its manifest lists them.
    fn members(folder: &str) -> Vec<String> {
        let workspace = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let members = workspace.split_once("members = [").unwrap().1.split_once(']').unwrap().0;
        members.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// Cargo also packages a crate without these, and at most warns.
    #[test]
    fn published_crates_say_what_they_are_and_the_others_are_not_packaged() {
        let members = members("");
        assert!(members.iter().any(|member| member == "prune-core"), "{members:?}");
        for member in members {
            let folder = root().join(&member);
            let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
            let value = |key: &str| {
                let line = manifest.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='));
                line.map(|value| value.trim().trim_matches('"'))
            };
            let left_out = PACKAGE.windows(2).any(|pair| pair[0] == "--exclude" && Some(pair[1]) == value("name"));
            assert_eq!(value("publish") == Some("false"), left_out, "{member}: `publish = false` and --exclude");
            if left_out {
                continue;
            }
            assert!(value("description").is_some_and(|text| text.len() > 10), "{member}: description");
            for key in ["license", "readme", "repository", "rust-version", "keywords", "categories"] {
                assert_eq!(value(&format!("{key}.workspace")), Some("true"), "{member}: {key}");
            }
            for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
                assert!(folder.join(licence).is_file(), "{member}: {licence}");
            }
        }
    }
}
