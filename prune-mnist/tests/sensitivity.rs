//! The sensitivity scan as a program, on the bundled sample.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

fn program(binary: &str, folder: &Path, arguments: &[&str]) -> Output {
    assert_cmd::Command::new(binary).current_dir(folder).args(arguments).output().unwrap()
}

fn scan(folder: &Path, arguments: &[&str]) -> String {
    let output = program(env!("CARGO_BIN_EXE_sensitivity"), folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn rows(folder: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(folder.join("sensitivity.csv")).unwrap().deserialize().map(Result::unwrap).collect()
}

#[test]
fn the_scan_of_a_trained_network_is_whole() {
    let root = tempfile::tempdir().unwrap();
    let printed = scan(root.path(), &["--epochs", "1", "--method", "unstructured,2:4", "--out", "a"]);
    let out = root.path().join("a");
    let rows_of = rows(&out);
    assert_eq!(rows_of.len(), 3 * 9);
    let number = |row: &BTreeMap<String, String>, field: &str| row[field].parse::<f64>().unwrap();
    let dense = number(&rows_of[0], "dense_accuracy_percent");
    assert!(dense > 85.0, "{dense}");
    assert!(printed.contains(&format!("accuracy     {dense:.2}% of 2,000 test images")), "{printed}");
    for (layer, weights) in [("Dense_0-kernel", 235_200.0), ("Dense_1-kernel", 30_000.0), ("Dense_2-kernel", 1000.0)] {
        let own: Vec<_> = rows_of.iter().filter(|row| row["layer"] == layer).collect();
        let densities: Vec<&str> = own.iter().map(|row| row["density"].as_str()).collect();
        assert_eq!(densities, ["1", "0.5", "0.3", "0.2", "0.1", "0.05", "0.02", "0.01", "0.5"]);
        // Density 1 changes nothing, even after other layers have been pruned and restored.
        assert_eq!(number(own[0], "accuracy_percent"), dense, "{layer}");
        for row in &own {
            // With 2:4, lanes of 10 features end with a group of two, which keeps both.
            let kept = if row["method"] == "2:4" && layer == "Dense_2-kernel" {
                600.0
            } else {
                (number(row, "density") * weights).round()
            };
            assert_eq!((number(row, "kept"), number(row, "weights")), (kept, weights), "{row:?}");
            assert_eq!(number(row, "images"), 2000.0);
        }
        // The table and the file agree.
        let line = printed.lines().find(|line| line.starts_with(layer)).unwrap();
        let printed: Vec<&str> = line.split_whitespace().skip(2).collect();
        let stored: Vec<String> = own.iter().map(|row| format!("{:.2}", number(row, "accuracy_percent"))).collect();
        assert_eq!(printed, stored);
    }
    let first = rows_of.iter().find(|row| row["layer"] == "Dense_0-kernel" && row["density"] == "0.01").unwrap();
    assert!(number(first, "accuracy_percent") < dense - 5.0, "a hundredth of the first layer is not enough");
    let svg = fs::read_to_string(out.join("sensitivity.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("Dense_1-kernel") && svg.contains("2:4"));
    assert!(fs::read(out.join("sensitivity.png")).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
    let files: Vec<_> = fs::read_dir(&out).unwrap().collect();
    assert_eq!(files.len(), 3);

    // The same again, on one thread.
    scan(root.path(), &["--epochs", "1", "--method", "unstructured,2:4", "--out", "b", "--threads", "1"]);
    for file in ["sensitivity.csv", "sensitivity.svg", "sensitivity.png"] {
        assert!(fs::read(out.join(file)).unwrap() == fs::read(root.path().join("b").join(file)).unwrap(), "{file}");
    }
}

#[test]
fn the_dense_twin_of_a_checkpoint_is_scanned() {
    let root = tempfile::tempdir().unwrap();
    let strategy = "{1: {'method': 'unstr_global', 'density': 0.02}}";
    let demo = ["--model", "mlp", "--epochs", "2", "--strategy", strategy, "--out", "run"];
    let output = program(env!("CARGO_BIN_EXE_demo"), root.path(), &demo);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let checkpoint = root.path().join("run/checkpoint.safetensors");
    let before = fs::read(&checkpoint).unwrap();
    let metrics = fs::read_to_string(root.path().join("run/metrics.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    let twin = 100.0 * last["twin"]["test_accuracy"].as_f64().unwrap();
    for backend in ["ndarray", "nalgebra"] {
        let arguments = ["--checkpoint", "run", "--backend", backend, "--density", "1,0.02", "--out", backend];
        let printed = scan(root.path(), &arguments);
        assert!(printed.contains("the dense one of `run/checkpoint.safetensors` after epoch 2"), "{printed}");
        let rows = rows(&root.path().join(backend));
        assert_eq!(rows.len(), 6);
        let accuracy = |row: &BTreeMap<String, String>| row["accuracy_percent"].parse::<f64>().unwrap();
        // The same arithmetic as in the demo, except for the order of nalgebra's sums.
        let close = if backend == "ndarray" { 1e-9 } else { 0.2 };
        assert!((accuracy(&rows[0]) - twin).abs() < close, "{} {twin}", accuracy(&rows[0]));
        assert!(accuracy(&rows[1]) < accuracy(&rows[0]));
    }
    assert!(fs::read(&checkpoint).unwrap() == before, "the checkpoint is only read");
}

#[test]
fn mistakes_are_told_and_leave_nothing() {
    let root = tempfile::tempdir().unwrap();
    for (arguments, code, said) in [
        (vec!["--density", "0"], 2, "--density"),
        (vec!["--method", "3"], 2, "--method"),
        (vec!["--checkpoint", "absent"], 1, "absent"),
        (vec!["--checkpoint", "absent", "--seed", "3"], 2, "--seed"),
        (vec!["--data", "nowhere"], 1, "nowhere"),
        (vec!["--lr", "1e30", "--epochs", "1"], 1, "lower --lr"),
    ] {
        let output = program(env!("CARGO_BIN_EXE_sensitivity"), root.path(), &arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(said), "{arguments:?}: {stderr}");
        assert!(!root.path().join("out").exists(), "{arguments:?}");
    }
}
