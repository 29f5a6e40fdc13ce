//! The same work by numpy and torch, in a Python environment that is thrown away.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use half::bf16;

use crate::reading;
use crate::size::Size;

/// Makes the environment, runs the peers' script in it, and returns its table.
pub(crate) fn run(args: &crate::Args) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("cannot make a temporary folder: {error}"))?;
    let environment = folder.path().join("environment");
    eprintln!("installing numpy and torch for the comparison");
    finish(Command::new("python3").arg("-m").arg("venv").arg(&environment))?;
    let python = environment.join("bin/python");
    finish(Command::new(&python).args(["-m", "pip", "install", "--quiet", "numpy", "torch"]))?;
    let script = if args.training { "peers_training.py" } else { "peers.py" };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    // Ratios are to our own reading of as much memory, measured here: torch's integer sum is far slower.
    let milliseconds = |time: Duration| (time.as_secs_f64() * 1e3).to_string();
    let readings = args.sizes().into_iter().flat_map(|Size { elements, .. }| {
        let single = milliseconds(reading::time(elements, 1.0f32, args.rounds));
        let half = milliseconds(reading::time(elements, bf16::ONE, args.rounds));
        [elements.to_string(), single, half]
    });
    let output = Command::new(&python)
        .arg(script)
        .args(readings)
        .output()
        .map_err(|error| format!("cannot start {}: {error}", python.display()))?;
    if !output.status.success() {
        return Err(format!("the comparison failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn finish(command: &mut Command) -> Result<(), String> {
    let status =
        command.status().map_err(|error| format!("cannot start {}: {error}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed ({status})", command.get_program().display())) }
}
