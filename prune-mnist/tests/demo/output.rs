//! The output and the files, and the errors if they cannot be written.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use prune_mnist::demo::FILES;

use crate::{Place, check_files, names, tensors, tiny};

#[test]
fn every_model_and_backend_writes_the_same_kind_of_files() {
    for model in ["mlp", "cnn"] {
        let written = ["ndarray", "nalgebra"].map(|backend| {
            let place = Place::new();
            let text = place.succeeds(&["--model", model, "--backend", backend, "--epochs", "3", "--out", "out"]);
            check_files(&place.out(), 3);
            for part in [
                "40 training and 16 test images",
                backend,
                "strategy     the default, scaled to 3 epochs",
                "2:4: keeps 50%, removes 50%",
                "train loss",
                "right after",
                "an epoch after the event of epoch 1",
                "an epoch after the event of epoch 2",
                "pruned / twin",
                "multiply-adds an image",
                "bytes as packed mask + kept values",
                "revivals (weights and momentum)",
                "wrote metrics.jsonl",
            ] {
                assert!(text.contains(part), "{part}\n{text}");
            }
            ["model.safetensors", "masks.safetensors"].map(|file| tensors(&place.out().join(file)))
        });
        assert_eq!(written[0], written[1]);
        let [weights, masks] = &written[0];
        let kernels: Vec<_> = weights.iter().filter(|(name, ..)| name.ends_with("-kernel")).collect();
        assert_eq!(
            masks.iter().map(|(name, ..)| name).collect::<Vec<_>>(),
            kernels.iter().map(|k| &k.0).collect::<Vec<_>>()
        );
        let conv = weights.iter().any(|(name, shape, _)| name == "Conv_1-kernel" && shape[..] == [3, 3, 32, 64]);
        assert_eq!(conv, model == "cnn");
    }
}

#[test]
fn activation_pruning_is_told_and_can_be_left_out() {
    let run = |arguments: &[&str]| {
        let place = Place::new();
        let text = place.succeeds(&[&["--epochs", "1", "--out", "out"], arguments].concat());
        (text, fs::read(place.out().join("model.safetensors")).unwrap())
    };
    let (with, pruned) = run(&[]);
    assert!(with.contains("to density 0.9 after the relu of Conv_0, to 2:4 after the relu of Conv_1"), "{with}");
    assert!(with.contains("no effect: ") && with.contains("% were already zero"), "{with}");
    assert!(with.contains("average pooling 2x2 then undoes the pattern"), "{with}");
    let (without, dense) = run(&["--no-act-pruning"]);
    assert!(without.contains("activations are left dense"), "{without}");
    assert!(!without.contains("were already zero"), "{without}");
    assert!(pruned != dense);
    let (mlp, _) = run(&["--model", "mlp"]);
    assert!(mlp.contains("no place where activations are pruned"), "{mlp}");
}

#[test]
fn equal_options_write_equal_files() {
    let run = |threads: &str| {
        let place = Place::new();
        place.succeeds(&["--epochs", "2", "--threads", threads]);
        FILES.map(|file| fs::read(place.out().join(file)).unwrap())
    };
    let (one, two) = (run("1"), run("2"));
    for (index, file) in FILES.iter().enumerate() {
        assert!(one[index] == two[index], "{file}");
    }
}

#[test]
fn output_folders_that_cannot_be_written_are_named() {
    let place = Place::new();
    fs::write(place.0.path().join("file"), "mine").unwrap();
    fs::create_dir_all(place.0.path().join("taken/curves.png")).unwrap();
    for (out, part) in [
        ("file", "`file` is a file, not a folder"),
        ("file/below", "cannot write `file/below`"),
        ("taken", "`taken/curves.png` is a folder"),
        #[cfg(target_os = "linux")]
        ("/proc/prune", "cannot write `/proc/prune`"),
    ] {
        let message = place.fails(&["--model", "mlp", "--epochs", "1", "--out", out], 1);
        assert!(message.contains("--out: ") && message.contains(part), "{message}");
    }
    assert_eq!(fs::read_to_string(place.0.path().join("file")).unwrap(), "mine");
    assert_eq!(names(&place.0.path().join("taken")), BTreeSet::from(["curves.png".to_owned()]));
}

/// A limit on the size of files simulates a full disk: the write fails in its middle.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_what_was_there() {
    let place = Place::new();
    let full = |out: &str| {
        let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\"";
        let mut command = assert_cmd::Command::new("sh");
        command.current_dir(place.0.path()).args(["-c", script, env!("CARGO_BIN_EXE_demo"), "--data"]).arg(tiny());
        command.args(["--model", "mlp", "--epochs", "1", "--threads", "1", "--out", out]).output().unwrap()
    };
    fs::create_dir(place.0.path().join("old")).unwrap();
    for file in FILES {
        fs::write(place.0.path().join("old").join(file), "old").unwrap();
    }
    for out in ["old", "out"] {
        let output = full(out);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("--out: cannot write") && stderr.contains("checkpoint.safetensors"), "{stderr}");
    }
    assert!(!place.out().exists());
    assert_eq!(names(&place.0.path().join("old")), FILES.map(str::to_owned).into());
    assert!(FILES.iter().all(|file| fs::read(place.0.path().join("old").join(file)).unwrap() == b"old"));
}

#[test]
fn a_reader_that_goes_away_costs_no_file() {
    // A reader that reads nothing, and one that reads three lines, like `head -3`.
    for lines in [0, 3] {
        let place = Place::new();
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_demo"))
            .current_dir(place.0.path())
            .args(["--model", "mlp", "--epochs", "3", "--data"])
            .arg(tiny())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let read = BufReader::new(child.stdout.take().unwrap()).lines().take(lines).count();
        assert_eq!(read, lines);
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert!(child.wait().unwrap().success(), "{stderr}");
        assert_eq!(stderr, "");
        check_files(&place.out(), 3);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_printed_is_an_error() {
    let place = Place::new();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_demo"))
        .current_dir(place.0.path())
        .args(["--model", "mlp", "--epochs", "1", "--data"])
        .arg(tiny())
        .stdout(fs::File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: cannot print: "));
    assert!(!place.out().exists());
}
