//! The demo as a program: its output and files, and the errors of mistakes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod bad_input;
mod kill;
mod output;
mod resume;
mod small;
mod strategies;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
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

/// A place to run in, with a folder `out` that does not exist yet.
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

    /// Runs the demo, which must fail with `code`; returns its error text.
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
    // Pruned weights are zero in the saved file.
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
