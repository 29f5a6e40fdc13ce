//! The states from which a run resumes, and those that it refuses: settings, data, checkpoints, epochs.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use prune_mnist::demo::FILES;

use crate::{Place, check_files, names, tiny};

pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";
const STRATEGY: &str = "{1: {'method': 'unstr_global', 'density': 0.3}}";

impl Place {
    /// Starts the demo here without waiting for it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        command.current_dir(self.0.path()).args(arguments);
        if !arguments.contains(&"--resume") {
            command.args(["--batch-size", "16", "--data"]).arg(tiny());
        }
        if !arguments.contains(&"--threads") {
            command.args(["--threads", "1"]);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// A run of very many epochs, killed after the row of epoch `epochs` was printed.
    fn killed_after(epochs: u64) -> Self {
        let place = Self::new();
        let mut child = place.start(&["--model", "mlp", "--epochs", "5000", "--strategy", STRATEGY]);
        wait_for_row(&mut child, epochs);
        child.kill().unwrap();
        child.wait().unwrap();
        place
    }

    /// Resumes with `arguments`, which must fail with `code` and change no file of the folder. Returns the error
    /// text.
    fn refuses(&self, arguments: &[&str], code: i32) -> String {
        let content = |file: &String| fs::read(self.out().join(file)).unwrap();
        let files: Vec<_> = names(&self.out()).into_iter().filter(|name| !name.ends_with(".tmp")).collect();
        let before: Vec<_> = files.iter().map(content).collect();
        let output = self.start(arguments).wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && !stderr.contains("panicked"), "{arguments:?}: {stderr}");
        assert_eq!(names(&self.out()).into_iter().collect::<Vec<_>>(), files);
        assert!(files.iter().map(content).collect::<Vec<_>>() == before, "{arguments:?}");
        stderr
    }

    pub(crate) fn completes(&self, arguments: &[&str]) -> String {
        let output = self.start(arguments).wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn files(&self) -> [Vec<u8>; FILES.len()] {
        FILES.map(|file| fs::read(self.out().join(file)).unwrap())
    }

    fn learning_rates(&self) -> Vec<f64> {
        let text = fs::read_to_string(self.out().join("metrics.jsonl")).unwrap();
        let rate = |line| serde_json::from_str::<serde_json::Value>(line).unwrap()["learning_rate"].as_f64().unwrap();
        text.lines().map(rate).collect()
    }
}

/// Reads until the row of this epoch or a later one. The rest is then dropped, which stops no run.
pub(crate) fn wait_for_row(child: &mut Child, epoch: u64) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // A row has a number and a loss, so no line of the strategy is taken for one.
    let row_of = |line: &str| {
        let mut fields = line.split_whitespace();
        let epoch = fields.next()?.parse::<u64>().ok()?;
        fields.next()?.parse::<f64>().ok().map(|_| epoch)
    };
    let is_there = |line: String| row_of(&line).is_some_and(|of| of >= epoch);
    assert!(lines.map_while(Result::ok).any(is_there), "the run has ended before epoch {epoch}");
}

#[test]
fn settings_that_must_not_change_are_refused_by_name() {
    let place = Place::killed_after(2);
    for (arguments, parts) in [
        (&["--model", "cnn"][..], &["--model is cnn now and was mlp", "leave out --model"][..]),
        (&["--backend", "nalgebra"], &["--backend is nalgebra now and was ndarray"]),
        (&["--lr", "0.05"], &["--lr is 0.05 now and was 0.1"]),
        (&["--momentum", "0"], &["--momentum is 0 now and was 0.9"]),
        (&["--weight-decay", "0.1"], &["--weight-decay is 0.1 now and was 0"]),
        (&["--batch-size", "17"], &["--batch-size is 17 now and was 16"]),
        (&["--seed", "1"], &["--seed is 1 now and was 0"]),
        (&["--no-act-pruning"], &["--no-act-pruning is given now and was left out"]),
        (&["--strategy", "{2: {'method': 'unstr_global', 'density': 0.3}}"], &["--strategy is {2: ", "and was {1: "]),
        (
            &["--seed", "1", "--lr", "0.2", "--epochs", "6000"],
            &["--seed is 1 now and was 0, --lr is 0.2 now and was 0.1", "leave out --seed, --lr"],
        ),
        (&["--epochs", "1"], &["is in epoch", "after --epochs 1: raise --epochs to "]),
    ] {
        let message = place.refuses(&[&["--resume"], arguments].concat(), 2);
        for part in parts {
            assert!(message.contains(part), "{arguments:?}: no `{part}` in {message}");
        }
    }
    // An option given with its old value is no change; nor is another name for the same data.
    let copied = place.0.path().join("copied");
    fs::create_dir(&copied).unwrap();
    for file in fs::read_dir(tiny()).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), copied.join(file.file_name())).unwrap();
    }
    let same = ["--resume", "--lr", "1e-1", "--model", "mlp", "--strategy", STRATEGY, "--data", "copied"];
    let mut child = place.start(&same);
    wait_for_row(&mut child, 200);
    child.kill().unwrap();
    child.wait().unwrap();
    // Other data under that name is a change.
    let labels = copied.join("t10k-labels-idx1-ubyte");
    let mut bytes = fs::read(&labels).unwrap();
    bytes[8] = (bytes[8] + 1) % 10;
    fs::write(&labels, bytes).unwrap();
    let message = place.refuses(&["--resume"], 1);
    for part in ["t10k-labels-idx1-ubyte of `copied` is not what the run", "SHA-256", "name the same data with --data"]
    {
        assert!(message.contains(part), "{message}");
    }
    fs::remove_dir_all(&copied).unwrap();
    assert!(place.refuses(&["--resume"], 1).contains("copied"));
}

#[test]
fn there_must_be_a_checkpoint_and_it_must_be_whole() {
    let place = Place::new();
    let message = place.fails(&["--resume"], 2);
    assert!(message.contains("--resume: there is no checkpoint.safetensors in `out`"), "{message}");
    let place = Place::killed_after(2);
    let file = place.out().join(CHECKPOINT);
    let bytes = fs::read(&file).unwrap();
    for (content, part) in [
        (bytes[..bytes.len() / 2].to_vec(), "is cut or altered"),
        (Vec::new(), "is cut or altered"),
        ([&bytes[..bytes.len() - 1], &[bytes[bytes.len() - 1] ^ 1]].concat(), "its SHA-256 is not that of its content"),
    ] {
        fs::write(&file, content).unwrap();
        let message = place.refuses(&["--resume"], 1);
        assert!(message.contains(part) && message.contains("`out/checkpoint.safetensors`"), "{message}");
    }
}

#[test]
fn a_new_run_spares_one_that_is_not_complete() {
    let place = Place::killed_after(2);
    let message = place.refuses(&["--model", "mlp", "--epochs", "1"], 2);
    for part in
        ["`out/checkpoint.safetensors` is of a run that is not complete", "of 5000 epochs", "add --resume", "--out"]
    {
        assert!(message.contains(part), "{message}");
    }
    // A complete checkpoint is replaced, and so is one from which nothing can resume.
    let run = ["--model", "mlp", "--epochs", "2"];
    let place = Place::new();
    assert!(!place.completes(&run).contains("begins anew"));
    let files = place.files();
    let text = place.completes(&[&run[..], &["--seed", "3"]].concat());
    assert!(text.contains("is of a run that is complete: this one begins anew"), "{text}");
    assert!(place.files() != files);
    fs::write(place.out().join(CHECKPOINT), "half a").unwrap();
    let output = place.start(&run).wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && stderr.contains("warning: checkpoint `out/checkpoint.safetensors` is cut"),
        "{stderr}"
    );
    assert!(place.files() == files);
}

#[test]
fn a_complete_run_has_nothing_left_to_train_and_more_epochs_train_on() {
    let place = Place::new();
    place.completes(&["--model", "mlp", "--epochs", "7"]);
    let files = place.files();
    // Lost results are written again.
    fs::remove_file(place.out().join("model.safetensors")).unwrap();
    let text = place.completes(&["--resume"]);
    assert!(text.contains("all 7 epochs are done: there is nothing left to train"), "{text}");
    assert!(text.contains("pruned / twin") && place.files() == files);

    // The default strategy stays at epochs 2 and 4, and is not scaled to 4 and 8.
    let text = place.completes(&["--resume", "--epochs", "14"]);
    assert!(text.contains("--epochs was 7 and is 14: the strategy keeps its epochs"), "{text}");
    check_files(&place.out(), 14);
    let rates = place.learning_rates();
    let expected = |epoch: usize, epochs: f64| 0.1 * (1.0 - epoch as f64 / epochs);
    for (epoch, rate) in rates.iter().enumerate() {
        let expected = expected(epoch, if epoch < 7 { 7.0 } else { 14.0 });
        assert!((rate - expected).abs() < 1e-12, "epoch {}: {rate}, not {expected}", epoch + 1);
    }
    let metrics = fs::read_to_string(place.out().join("metrics.jsonl")).unwrap();
    let events = metrics.lines().map(|line| line.contains("test_accuracy_before_event")).collect::<Vec<_>>();
    assert_eq!(events.iter().enumerate().filter(|(_, event)| **event).map(|(i, _)| i + 1).collect::<Vec<_>>(), [2, 4]);
    // It is a run of 14 epochs now.
    let text = place.completes(&["--resume"]);
    assert!(text.contains("all 14 epochs are done"), "{text}");
}

#[test]
fn fewer_epochs_end_earlier_but_not_before_an_event() {
    let place = Place::new();
    let strategy = "{500: {'method': 'unstr_global', 'density': 0.3}}";
    let mut child = place.start(&["--model", "mlp", "--epochs", "5000", "--strategy", strategy]);
    wait_for_row(&mut child, 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let message = place.refuses(&["--resume", "--epochs", "499"], 2);
    assert!(message.contains("an event at epoch 500, but training ends after epoch 499"), "{message}");

    let place = Place::killed_after(2);
    place.completes(&["--resume", "--epochs", "300"]);
    check_files(&place.out(), 300);
    assert!((place.learning_rates()[299] - 0.1 / 300.0).abs() < 1e-12);
}
