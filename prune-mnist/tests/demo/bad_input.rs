//! Errors other than those of the strategy: options, data, a run that diverges.

use std::fs;

use prune_mnist::data::MnistFile;

use crate::{Place, tiny};

#[test]
fn options_out_of_range_are_named() {
    let place = Place::new();
    for (arguments, parts) in [
        (&["--epochs", "0"][..], &["--epochs", "0"][..]),
        (&["--epochs", "-1"], &["--epochs"]),
        (&["--batch-size", "0"], &["--batch-size", "0"]),
        (&["--lr", "NaN"], &["--lr", "NaN", "a finite number above 0"]),
        (&["--lr", "-0.1"], &["--lr", "a finite number above 0"]),
        (&["--momentum", "1.5"], &["--momentum", "below 1"]),
        (&["--weight-decay", "inf"], &["--weight-decay", "finite"]),
        (&["--threads", "0"], &["--threads"]),
        (&["--model", "resnet"], &["--model", "mlp", "cnn"]),
        (&["--backend", "torch"], &["--backend", "ndarray", "nalgebra"]),
        (&["--sparsity", "0.5"], &["--sparsity"]),
        (
            &["--epochs", "5", "--strategy", "{10: {'method': 'unstr_global', 'density': 0.5}}"],
            &["epoch 10", "after epoch 5", "--epochs", "move the event"],
        ),
        (&["--method", "riggl"], &["--method", "riggl", "rigl"]),
        (&["--method", "rigl", "--strategy", "{}"], &["--method", "--strategy"]),
        (&["--density", "0.5"], &["--method"]),
        (&["--method", "snip", "--density", "1.5"], &["--density", "0 < d <= 1"]),
        (&["--model", "mlp", "--method", "2:4", "--density", "0.5"], &["--density", "`2:4` has a pattern"]),
        (
            &[
                "--model",
                "mlp",
                "--epochs",
                "2",
                "--strategy",
                "{'100..=900 steps': {'method': 'unstr_global', 'density': 0.5, 'schedule': 'cubic'}}",
            ],
            &["step 900", "after step 6 (3 an epoch)", "--epochs to 300"],
        ),
        (
            &["--strategy", "{4000000000: {'method': 'unstr_global', 'density': 0.5}}"],
            &["epoch 4000000000", "at most 100000"],
        ),
    ] {
        let message = place.fails(arguments, 2);
        for part in parts {
            assert!(message.contains(part), "{arguments:?}: no `{part}` in {message}");
        }
    }
}

#[test]
fn bad_data_is_named() {
    let place = Place::new();
    let message = |data: &str| {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_demo"));
        let output = command.current_dir(place.0.path()).args(["--model", "mlp", "--data", data]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(!place.out().exists());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(message("nowhere").contains("nowhere"));
    fs::create_dir(place.0.path().join("cut")).unwrap();
    for file in MnistFile::ALL {
        let bytes = fs::read(tiny().join(file.to_string())).unwrap();
        fs::write(place.0.path().join("cut").join(file.to_string()), &bytes[..bytes.len() - 3]).unwrap();
    }
    assert!(message("cut").contains("train-images-idx3-ubyte"));
}

#[test]
fn a_diverged_run_writes_nothing_and_names_the_flags() {
    for model in ["mlp", "cnn"] {
        let place = Place::new();
        let message = place.fails(&["--model", model, "--lr", "1000", "--epochs", "20"], 1);
        for part in ["has diverged", "--lr (now 1000)", "--momentum (now 0.9)", "--batch-size (now 16)"] {
            assert!(message.contains(part), "{message}");
        }
    }
}

#[test]
fn help_explains_every_option() {
    let place = Place::new();
    let text = place.succeeds(&["--help"]);
    for option in [
        "--model",
        "--backend",
        "--strategy",
        "--epochs",
        "--data",
        "--lr",
        "--momentum",
        "--weight-decay",
        "--batch-size",
        "--threads",
        "--seed",
        "--out",
        "--resume",
        "--no-act-pruning",
    ] {
        assert!(text.contains(option), "{option}");
    }
    assert!(text.contains("cargo xtask demo"));
}
