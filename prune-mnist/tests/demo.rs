//! The demo as a program: what it prints and writes, and how each mistake fails.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::OnceLock;

use prune_mnist::data::{DataSource, MnistFile, Split, idx};
use prune_mnist::demo::FILES;
use safetensors::{Dtype, SafeTensors};
use tempfile::TempDir;

/// A folder of IDX files with few images, kept until the tests end.
fn tiny() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let made = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let sample = DataSource::Sample.load().unwrap();
        let files = |split: Split| [idx::write_images(split.images()), idx::write_labels(split.labels())];
        let contents = [files(sample.train.head(40)), files(sample.test.head(16))].concat();
        for (file, bytes) in MnistFile::ALL.into_iter().zip(contents) {
            fs::write(folder.path().join(file.to_string()), bytes).unwrap();
        }
        folder
    });
    made.path()
}

/// A place to run in, with a folder `out` that is not there yet.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn out(&self) -> PathBuf {
        self.0.path().join("out")
    }

    /// Runs the demo here, on few images and with one thread, since the tests run side by side.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_demo"));
        command.current_dir(self.0.path()).arg("--data").arg(tiny());
        for [option, value] in [["--threads", "1"], ["--batch-size", "16"]] {
            if !arguments.contains(&option) {
                command.args([option, value]);
            }
        }
        command.args(arguments).output().unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the demo to fail with `code`; gives back what it said.
    fn fails(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") || stderr.contains("\nerror: "), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("backtrace"), "{arguments:?}: {stderr}");
        assert!(!self.out().exists(), "{arguments:?} left the output folder");
        stderr
    }
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Names, shapes and types of the tensors in a file.
fn tensors(path: &Path) -> Vec<(String, Vec<usize>, Dtype)> {
    let bytes = fs::read(path).unwrap();
    let read = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<_> =
        read.iter().map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec(), tensor.dtype())).collect();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    tensors
}

fn check_files(out: &Path, epochs: usize) {
    assert_eq!(names(out), FILES.map(str::to_owned).into());
    let metrics = fs::read_to_string(out.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count(), epochs);
    for (index, line) in metrics.lines().enumerate() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["epoch"], index as u64 + 1);
        assert_eq!(record["revivals"], 0);
        for field in ["train_loss", "train_accuracy", "test_loss", "test_accuracy", "density"] {
            assert!(record[field].as_f64().unwrap() >= 0.0, "{field}");
        }
        let densities = record["layer_densities"].as_object().unwrap();
        assert!(densities.values().all(|density| (0.0..=1.0).contains(&density.as_f64().unwrap())));
        assert_eq!(densities.len(), tensors(&out.join("model.safetensors")).len());
    }
    let png = fs::read(out.join("curves.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    let svg = fs::read_to_string(out.join("curves.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    // What is not kept is zero in the weights as saved.
    let (model, masks) =
        (fs::read(out.join("model.safetensors")).unwrap(), fs::read(out.join("masks.safetensors")).unwrap());
    let (model, masks) = (SafeTensors::deserialize(&model).unwrap(), SafeTensors::deserialize(&masks).unwrap());
    for (name, mask) in masks.iter() {
        let values = model.tensor(name).unwrap();
        assert_eq!((mask.shape(), mask.dtype(), values.dtype()), (values.shape(), Dtype::BOOL, Dtype::F32));
        for (value, &kept) in values.data().chunks(4).zip(mask.data()) {
            assert!(kept == 1 || (kept == 0 && value == [0; 4]), "{name}");
        }
    }
}

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

/// The strategies of jax_pruning's README, as they stand there; the last two are its two schedules, which it gives in
/// words.
const README: [&str; 6] = [
    "pruning_strategy = {1: {'method': 'unstr_global', 
                        'prune_rate_pattern':0.9
                        } 
                    }",
    "pruning_strategy = {10: {'method': 'str_unified_local', 
                        'prune_rate_pattern': (2, 4)
                        }
                    }",
    "pruning_strategy = {10: {'method': 'str_unified_local', 
                        'prune_rate_pattern': (2, 4)
                        },
                    20: {'method': 'str_unified_local',
                         'prune_rate_pattern': (1, 4)
                         }
                    }",
    "pruning_strategy = {10: {'method': 'unstr_unified_local', 
                        'prune_rate_pattern': {'Dense_0-kernel': 0.9,
                                               'Dense_1-kernel': 0.8,
                                               }
                        }
                    }",
    "{10: {'method': 'unstr_global', 'prune_rate_pattern': 0.9}, 20: {'method': 'unstr_global', 'prune_rate_pattern': 0.8},
      30: {'method': 'unstr_global', 'prune_rate_pattern': 0.7}, 40: {'method': 'unstr_global', 'prune_rate_pattern': 0.6},
      50: {'method': 'unstr_global', 'prune_rate_pattern': 0.5}, 60: {'method': 'unstr_global', 'prune_rate_pattern': 0.4},
      70: {'method': 'unstr_global', 'prune_rate_pattern': 0.3}, 80: {'method': 'unstr_global', 'prune_rate_pattern': 0.2},
      90: {'method': 'unstr_global', 'prune_rate_pattern': 0.1}}",
    "{50: {'method': 'str_unified_local', 'prune_rate_pattern': (2, 4)}}",
];

#[test]
fn the_original_readmes_strategies_run_unchanged_on_both_backends() {
    for backend in ["ndarray", "nalgebra"] {
        for (strategy, epochs) in README.into_iter().zip([4, 13, 23, 13, 93, 53]) {
            let place = Place::new();
            let common =
                ["--backend", backend, "--model", "mlp", "--strategy", strategy, "--out", "out", "--lr", "0.01"];
            place.succeeds(&common);
            check_files(&place.out(), epochs);
        }
    }
}

#[test]
fn the_original_readmes_first_strategies_run_on_its_own_network() {
    for backend in ["ndarray", "nalgebra"] {
        for (strategy, epochs) in [(README[0], 4), (README[3], 13)] {
            let place = Place::new();
            place.succeeds(&["--backend", backend, "--strategy", strategy, "--out", "out", "--lr", "0.01"]);
            check_files(&place.out(), epochs);
        }
    }
}

#[test]
fn strategies_come_from_files_and_in_every_form() {
    let place = Place::new();
    let event = "method = \"unstr_global\"\ndensity = 0.5\n";
    fs::write(place.0.path().join("strategy.toml"), format!("[1]\n{event}")).unwrap();
    let text = place.succeeds(&["--model", "mlp", "--strategy", "strategy.toml", "--epochs", "2", "--out", "out"]);
    assert!(text.contains("strategy file `strategy.toml`"), "{text}");
    let from_file = fs::read(place.out().join("masks.safetensors")).unwrap();
    for strategy in [r#"{"1": {"method": "unstr_global", "density": 0.5}}"#, &format!("[1]\n{event}")] {
        place.succeeds(&["--model", "mlp", "--strategy", strategy, "--epochs", "2", "--out", "out"]);
        assert_eq!(fs::read(place.out().join("masks.safetensors")).unwrap(), from_file);
    }
}

#[test]
fn every_strategy_mistake_is_named() {
    let place = Place::new();
    let deep = format!("{{1: {}", "[".repeat(100));
    for (strategy, parts) in [
        ("", &["--strategy: the strategy is empty"][..]),
        ("   {", &["line 1", "`{`"]),
        (&deep, &["nested more than 32 deep"]),
        (
            "{1: {'method': 'unstr_globl', 'density': 0.5}}",
            &["epoch 1", "`unstr_globl`", "did you mean `unstr_global`?"],
        ),
        (
            "{1: {'method': 'unstr_global', 'dens': 0.5}}",
            &["epoch 1", "unknown field `dens`", "did you mean `density`?"],
        ),
        ("{1: {'method': 'unstr_global', 'density': 1.5}}", &["epoch 1", "1.5", "0 < d <= 1"]),
        ("{1: {'method': 'unstr_global', 'density': 0}}", &["epoch 1", "0 < d <= 1"]),
        ("{1: {'method': 'unstr_global', 'density': '2:4'}}", &["epoch 1", "density"]),
        ("{1: {'method': 'unstr_global', 'density': 0.5, 'sparsity': 0.5}}", &["epoch 1", "`density`", "`sparsity`"]),
        ("{1: {'method': 'unstr_global'}}", &["epoch 1", "needs one of"]),
        ("{1: {'density': 0.5}}", &["epoch 1", "no `method`"]),
        ("{1: {'method': 'str_unified_local', 'pattern': (4, 2)}}", &["epoch 1", "4:2"]),
        ("{1: {'method': 'str_unified_local', 'pattern': (0, 4)}}", &["epoch 1", "0:4"]),
        ("{1: {'method': 'str_unified_local', 'pattern': (2, 4), 'axis': 7}}", &["epoch 1", "axis 7"]),
        ("{1: {'method': 'str_global', 'pattern': (2, 4), 'axis': 0}}", &["epoch 1", "`axis`"]),
        ("{1: {'method': 'unstr_local', 'density': 0.5}}", &["epoch 1", "unstr_unified_local"]),
        ("{1: {'method': 'unstr_global', 'density': {'Dense_0-kernel': 0.5}}}", &["epoch 1", "unstr_local"]),
        (
            "{1: {'method': 'unstr_local', 'density': {'Dense_0-kernl': 0.5}}}",
            &["epoch 1", "`Dense_0-kernl`", "`Dense_0-kernel`"],
        ),
        ("{1: {'method': 'unstr_global', 'density': 0.5, 'include': ['Conv*']}}", &["epoch 1", "Conv*"]),
        (
            "{1: {'method': 'unstr_global', 'density': 0.5}, 1: {'method': 'unstr_global', 'density': 0.4}}",
            &["epoch 1", "twice"],
        ),
        (
            "{'1..=3': {'method': 'unstr_global', 'density': 0.5}, 2: {'method': 'unstr_global', 'density': 0.4}}",
            &["epoch 2", "1..=3"],
        ),
        ("{'first': {'method': 'unstr_global', 'density': 0.5}}", &["`first` is not an epoch"]),
        ("{-2: {'method': 'unstr_global', 'density': 0.5}}", &["-2"]),
        (
            "{1: {'method': 'unstr_global', 'density': 0.1}, 2: {'method': 'unstr_global', 'density': 0.9}}",
            &["epoch 2", "are alive", "`reopen`", "fraction removed"],
        ),
    ] {
        let message = place.fails(&["--model", "mlp", "--strategy", strategy], 2);
        for part in parts {
            assert!(message.contains(part), "{strategy}: no `{part}` in {message}");
        }
    }
}

#[test]
fn strategies_that_are_no_text_are_named() {
    let place = Place::new();
    let at = |name: &str| place.0.path().join(name);
    fs::create_dir(at("folder")).unwrap();
    fs::write(at("latin.py"), b"{1: {'method': '\xe9'}}").unwrap();
    fs::write(at("deep.py"), "{1: ".to_owned() + &"(".repeat(1_000_000)).unwrap();
    fs::write(at("long.py"), "{1: {'method': 'unstr_global', 'density': 0.5}, ".to_owned() + &" ".repeat(5_000_000))
        .unwrap();
    for (name, part) in [
        ("missing.py", "there is no file `missing.py`"),
        ("folder", "`folder` is a folder"),
        ("latin.py", "`latin.py` is not UTF-8 text (byte 16)"),
        ("deep.py", "strategy file `deep.py`: line 1, column"),
        ("long.py", "strategy file `long.py`: line 1, column"),
    ] {
        let message = place.fails(&["--model", "mlp", "--strategy", name], 2);
        assert!(message.contains(part), "{name}: {message}");
        assert!(message.len() < 1000, "{name}: a message of {} bytes", message.len());
    }
}

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
fn an_event_at_the_last_epoch_is_warned_of() {
    let place = Place::new();
    let strategy = "{2: {'method': 'unstr_global', 'density': 0.5}}";
    let output = place.run(&["--model", "mlp", "--epochs", "2", "--strategy", strategy]);
    assert!(output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("warning: the event at epoch 2") && stderr.contains("--epochs 5"), "{stderr}");
    // Standard error is no terminal here, so there is no progress bar in it.
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("nothing is fine-tuned"));
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

/// A limit on the size of files stands for a full disk: the write fails in its middle.
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
        assert!(stderr.contains("--out: cannot write") && stderr.contains("model.safetensors"), "{stderr}");
    }
    assert!(!place.out().exists());
    assert_eq!(names(&place.0.path().join("old")), FILES.map(str::to_owned).into());
    assert!(FILES.iter().all(|file| fs::read(place.0.path().join("old").join(file)).unwrap() == b"old"));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let place = Place::new();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_demo"))
        .current_dir(place.0.path())
        .args(["--model", "mlp", "--epochs", "3", "--data"])
        .arg(tiny())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(child.wait().unwrap().success(), "{stderr}");
    assert_eq!(stderr, "");
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
        "--no-act-pruning",
    ] {
        assert!(text.contains(option), "{option}");
    }
    assert!(text.contains("cargo xtask demo"));
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
