//! Every method on files against the same method in a training loop: for any weights and events, the masks are equal.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::cell::Cell;

use common::{Beside, Tensor, Tensors, fails, ok, oracle_with, read, run, tensor, write};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use prune_core::testing::generators::ValueKind;
use prune_schedule::Totals;
use safetensors::Dtype;
use serde_json::Value;

const DTYPES: [Dtype; 4] = [Dtype::F32, Dtype::F64, Dtype::F16, Dtype::BF16];

/// Layers with their biases. All names are known to be prunable weights.
const NAMES: [&str; 4] = ["fc1.weight", "conv.weight", "out.weight", "Dense_0-kernel"];

/// Events with the density `D`. The text after `|` goes to the training loop only: it writes out the default that files
/// have.
const EVENTS: [&str; 32] = [
    "'method': 'unstr_unified_local', 'density': D",
    "'method': 'unstr_global', 'density': D",
    "'method': 'unstr_global', 'density': D, 'score': 'random', 'seed': 3",
    "'method': 'unstr_unified_local', 'density': D, 'score': 'random'",
    "'method': 'unstr_global', 'density': D, 'score': 'snip'",
    "'method': 'unstr_unified_local', 'density': D, 'score': 'saliency'",
    "'method': 'unstr_unified_local', 'density': D, 'score': 'wanda'",
    "'method': 'unstr_unified_local', 'density': D, 'score': 'wanda', 'ranking': 'layer'",
    "'method': 'unstr_global', 'density': D, 'score': 'given'",
    "'method': 'unstr_unified_local', 'density': D, 'ranking': 'output'",
    "'method': 'unstr_unified_local', 'density': D, 'ranking': 'output', 'axis': -1",
    "'method': 'unstr_unified_local', 'density': D, 'ranking': 'output', 'axis': 'reduction'",
    "'method': 'unstr_local', 'density': {'fc1.weight': D, 'fc1.bias': D}",
    "'method': 'unstr_global', 'density': D, 'distribution': 'erk'",
    "'method': 'unstr_global', 'density': D, 'distribution': 'uniform', 'max_density': 0.9",
    "'method': 'unstr_global', 'density': D, 'distribution': 'global_l2'",
    "'method': 'unstr_global', 'density': D, 'distribution': 'global_l2', 'score': 'snip'",
    "'method': 'unstr_global', 'density': D, 'distribution': 'global_l2', 'score': 'given'",
    "'method': 'unstr_global', 'density': D, 'min_density': 0.02, 'max_density': {'fc1.weight': 0.8}",
    "'method': 'str_unified_local', 'pattern': '2:4', 'axis': 'reduction'",
    "'method': 'str_unified_local', 'pattern': '2:3'|, 'axis': 'reduction'",
    "'method': 'str_local', 'pattern': {'fc1.weight': '1:2', 'Dense_0-kernel': '2:4'}|, 'axis': 'reduction'",
    "'method': 'str_unified_local', 'pattern': '1:3', 'axis': -1, 'score': 'snip'",
    "'method': 'str_global', 'pattern': '2:5', 'score': 'random'",
    "'method': 'block_unified_local', 'density': D, 'block': (2, 3)",
    "'method': 'block_global', 'density': D, 'block': (2, 2), 'pool': 'max', 'score': 'saliency'",
    "'method': 'block_global', 'density': D, 'block': (3, 1), 'axes': (0, 1), 'max_density': 0.95",
    "'method': 'channel_unified_local', 'density': D, 'bias': True",
    "'method': 'channel_unified_local', 'density': D, 'norm': 1, 'axis': 1",
    "'method': 'channel_global', 'density': D, 'norm': 'inf', 'bias': True",
    "'method': 'channel_global', 'density': D, 'norm': 2, 'min_density': 0.05",
    "'method': 'channel_local', 'density': {'fc1.weight': D}, 'bias': True",
];

/// Shapes, types and kinds of values of a model's layers.
type Layers = Vec<(Vec<usize>, usize, bool, u64)>;

fn layers() -> impl Strategy<Value = Layers> {
    let layer = (prop::collection::vec(1usize..9, 2..4), 0usize..4, any::<bool>(), 1u64..1000);
    prop::collection::vec(layer, NAMES.len())
}

fn kind(tied: bool) -> ValueKind {
    if tied { ValueKind::Tied } else { ValueKind::Uniform }
}

/// A model of these layers. The first layer has a bias, and the last is a kernel.
fn model(layers: &Layers) -> (Tensors, Beside) {
    let mut model = Tensors::new();
    let mut beside = Beside::default();
    for (name, (shape, dtype, tied, seed)) in NAMES.iter().zip(layers) {
        let shape = if *name == "conv.weight" {
            [&shape[..], &[2, 2][..4 - shape.len()]].concat()
        } else {
            shape[..2].to_vec()
        };
        model.insert((*name).to_owned(), tensor(DTYPES[*dtype], &shape, kind(*tied), *seed));
        let outputs = if name.ends_with("kernel") { 1 } else { 0 };
        let mut inputs = shape.clone();
        inputs.remove(outputs);
        beside.inputs.insert((*name).to_owned(), norms(&inputs, *seed));
        if *name == "fc1.weight" || *name == "Dense_0-kernel" {
            let bias = name.replace("weight", "bias").replace("kernel", "bias");
            model.insert(bias, tensor(Dtype::F32, &[shape[outputs]], kind(*tied), seed + 1));
        }
    }
    for (name, about) in &model {
        let other = |dtype, seed| tensor(dtype, &about.shape, ValueKind::Uniform, seed);
        beside.gradients.insert(name.clone(), other(Dtype::F32, 7 + about.shape.len() as u64));
        beside.scores.insert(name.clone(), other(Dtype::BF16, 70 + about.shape.len() as u64));
    }
    (model, beside)
}

/// Norms, which are not negative.
fn norms(shape: &[usize], seed: u64) -> Tensor {
    let len: usize = shape.iter().product();
    let values: Vec<f32> = (0..len as u64).map(|i| ((i * 5 + seed) % 7) as f32).collect();
    common::f32s(shape, &values)
}

fn run_on_files(folder: &std::path::Path, model: &Tensors, beside: &Beside, strategy: &str) -> std::process::Output {
    for (file, tensors) in [
        ("model.safetensors", model),
        ("gradients.safetensors", &beside.gradients),
        ("inputs.safetensors", &beside.inputs),
        ("scores.safetensors", &beside.scores),
    ] {
        write(&folder.join(file), tensors);
    }
    let mut arguments = vec!["apply", "model.safetensors", "-o", "out.safetensors", "--force", "--strategy", strategy];
    arguments.extend(["--report", "report.json"]);
    // Only files that an event looks at are given, since others are refused.
    for (scores, option, file) in [
        (&["saliency", "snip"][..], "--gradients", "gradients.safetensors"),
        (&["wanda"], "--inputs", "inputs.safetensors"),
        (&["given"], "--scores", "scores.safetensors"),
    ] {
        if scores.iter().any(|score| strategy.contains(score)) {
            arguments.extend([option, file]);
        }
    }
    run(folder, &arguments)
}

/// The command's report has the same figures as the pruner's.
fn same_figures(found: &Value, expected: &Totals) -> Result<(), TestCaseError> {
    let expected = serde_json::to_value(expected).unwrap();
    for figure in ["elements", "asked", "kept", "non_zero", "closed", "newly_pruned", "ties", "short_groups"] {
        prop_assert_eq!(&found[figure], &expected[figure], "{}", figure);
    }
    // Sums over files are made part by part, so they may differ in the last digits.
    match (found["norm_kept"].as_f64(), expected["norm_kept"].as_f64()) {
        (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-12, "norm {found}, not {expected}"),
        (found, expected) => prop_assert_eq!(found, expected, "norm kept"),
    }
    Ok(())
}

/// One event with a density, or two, one after the other.
type Asked = (Layers, usize, Option<usize>, f64);

/// Compares files with the pruner's tensors and reports. If the pruner refuses, the command must refuse in the same
/// words. Returns true if the pruner accepted the strategy.
fn files_as_training(folder: &std::path::Path, (layers, first, second, density): Asked) -> Result<bool, TestCaseError> {
    let event = |which: usize, density: f64| EVENTS[which].replace(": D", &format!(": {density}"));
    let given = |which: usize| EVENTS[which].contains("given");
    // Magnitudes are not ranked beside scores.
    let second = second.filter(|&second| given(first) == given(second) && !given(first));
    let mut written = format!("{{0: {{{}}}", event(first, density));
    if let Some(second) = second {
        written += &format!(", 1: {{{}}}", event(second, density / 4.0));
    }
    written += "}";
    let strategy = written.replace("|, 'axis': 'reduction'", "");
    let (model, beside) = model(&layers);
    let output = run_on_files(folder, &model, &beside, &strategy);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match oracle_with(&model, &written.replace('|', ""), &beside) {
        Ok((expected, reports)) => {
            prop_assert!(output.status.success(), "{strategy}\n{said}");
            let found = read(&folder.join("out.safetensors"));
            for (name, tensor) in &expected {
                prop_assert_eq!(&found[name].bytes, &tensor.bytes, "{} of {}", name, strategy);
            }
            let found: Value = serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap();
            let events = found["events"].as_array().unwrap();
            prop_assert_eq!(events.len(), reports.len());
            for (event, expected) in events.iter().zip(&reports) {
                let about = |error| TestCaseError::fail(format!("{error}: {strategy}\n{event}\n{expected}"));
                same_figures(&event["selected"], &expected.selected).map_err(about)?;
                prop_assert_eq!(&event["unchanged"], expected.unchanged, "{}", strategy);
                let layers = event["layers"].as_array().unwrap();
                prop_assert_eq!(layers.len(), expected.layers.len());
                for layer in &expected.layers {
                    let found = layers.iter().find(|found| found["layer"] == layer.layer.as_str()).unwrap();
                    same_figures(found, &layer.counts).map_err(about)?;
                    prop_assert_eq!(&found["axis"], &serde_json::to_value(layer.axis).unwrap());
                }
            }
            Ok(true)
        }
        Err(error) => {
            prop_assert_eq!(output.status.code(), Some(2), "{}\n{}\n{}", strategy, error, said);
            prop_assert_eq!(said.trim_end(), format!("error: {error}"), "{}", strategy);
            Ok(false)
        }
    }
}

#[test]
fn files_get_the_masks_and_figures_of_a_training_loop() {
    let density = (2u32..=19).prop_map(|twentieths| f64::from(twentieths) / 20.0);
    let asked = (layers(), 0..EVENTS.len(), prop::option::of(0..EVENTS.len()), density);
    let config = ProptestConfig { cases: 300, source_file: Some(file!()), ..ProptestConfig::default() };
    let (made, refused) = (Cell::new(0), Cell::new(0));
    let tested = TestRunner::new(config).run(&asked, |asked| {
        let folder = tempfile::tempdir().unwrap();
        let count = if files_as_training(folder.path(), asked)? { &made } else { &refused };
        count.set(count.get() + 1);
        Ok(())
    });
    if let Err(failed) = tested {
        panic!("{failed}");
    }
    let (made, refused) = (made.get(), refused.get());
    assert!(made > 2 * refused, "{made} were made, {refused} refused");
}

#[test]
fn an_axis_that_is_not_written_is_that_of_the_inputs() {
    let (model, beside) = model(&vec![(vec![5, 8], 0, false, 3); 4]);
    let folder = tempfile::tempdir().unwrap();
    let event = "{0: {'method': 'str_unified_local', 'pattern': '2:4'}}";
    assert!(run_on_files(folder.path(), &model, &beside, event).status.success());
    let found = read(&folder.path().join("out.safetensors"));
    let written = "{0: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 'reduction'}}";
    assert_eq!(found, oracle_with(&model, written, &beside).unwrap().0);
}

/// An option that only training can follow is refused by name, and the preview refuses it too.
#[test]
fn training_is_refused_by_name() {
    let (model, _) = model(&vec![(vec![5, 8], 0, false, 3); 4]);
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("model.safetensors"), &model);
    for (event, why) in [
        ("0: {'method': 'unstr_global', 'density': 0.5, 'reopen': 'random'}", "epoch 0: `reopen` opens weights"),
        ("1: {'method': 'unstr_global', 'density': 0.5, 'rewind': 0}", "epoch 1: `rewind` goes back"),
        ("3: {'method': 'set', 'decay': 'constant'}", "epoch 3: `set` moves what masks keep while a model trains"),
        ("3: {'method': 'rigl', 'decay': 'constant'}", "epoch 3: `rigl` moves what masks keep while a model trains"),
    ] {
        let strategy = format!("{{{event}}}");
        let said =
            fails(folder.path(), 2, &["apply", "model.safetensors", "-o", "x.safetensors", "--strategy", &strategy]);
        assert!(said.contains(why), "{said}");
        assert!(fails(folder.path(), 2, &["schedule", &strategy, "--model", "model.safetensors"]).contains(why));
    }
    // The refusal gives the time as the strategy writes it: in steps, not epochs.
    let square = common::tensors([("fc1.weight", tensor(Dtype::F32, &[4, 4], ValueKind::Uniform, 1))]);
    write(&folder.path().join("square.safetensors"), &square);
    for (event, why) in [
        ("'100..=700 steps': {'method': 'rigl', 'decay': 'constant'", "step 100..=700: `rigl` moves what masks keep"),
        (
            "'7 steps': {'method': 'unstr_global', 'density': 0.5, 'include': ['no']",
            "step 7: the pattern `no` of `include`",
        ),
        (
            "'7 steps': {'method': 'str_unified_local', 'pattern': '2:4'",
            "step 7: nothing tells the axes of `fc1.weight`",
        ),
    ] {
        let strategy = format!("{{{event}}}}}");
        let output = run(folder.path(), &["schedule", &strategy, "--model", "square.safetensors"]);
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
        assert!(said.contains(why), "{said}");
    }
    let through = "{'1..=2': {'method': 'unstr_global', 'density': 0.5, 'straight_through': True}}";
    let said = fails(
        folder.path(),
        2,
        &["apply", "model.safetensors", "-o", "x.safetensors", "--strategy", through, "--epoch", "1"],
    );
    assert!(said.contains("`straight_through` is for training"), "{said}");
}

#[test]
fn evidence_that_is_missing_is_asked_for() {
    let (model, beside) = model(&vec![(vec![5, 8], 0, false, 3); 4]);
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("model.safetensors"), &model);
    let apply = |score: &str, more: &[&str]| {
        let strategy = format!("{{0: {{'method': 'unstr_unified_local', 'density': 0.5, 'score': '{score}'}}}}");
        let arguments = ["apply", "model.safetensors", "-o", "x.safetensors", "--strategy", strategy.as_str()];
        fails(folder.path(), 2, &[&arguments[..], more].concat())
    };
    assert!(apply("snip", &[]).contains("the score `snip` needs --gradients"));
    assert!(apply("wanda", &[]).contains("the score `wanda` needs --inputs"));
    assert!(apply("given", &[]).contains("the score `given` needs --scores"));
    let mut some = beside.gradients.clone();
    some.remove("out.weight");
    write(&folder.path().join("some.safetensors"), &some);
    let said = apply("saliency", &["--gradients", "some.safetensors"]);
    assert!(said.contains("there are no gradients for layer `out.weight`"), "{said}");
    write(&folder.path().join("square.safetensors"), &model);
    let said = apply("wanda", &["--inputs", "square.safetensors"]);
    assert!(said.contains("without the axis of its outputs"), "{said}");
}

/// Evidence that no event looks at is refused by its option, before anything is made.
#[test]
fn evidence_without_use_is_refused_by_name() {
    let (model, beside) = model(&vec![(vec![5, 8], 0, false, 3); 4]);
    let folder = tempfile::tempdir().unwrap();
    let masks = model.iter().map(|(name, about)| {
        let kept = vec![true; about.shape.iter().product()];
        (name.clone(), common::bools(&about.shape, &kept))
    });
    for (file, tensors) in
        [("m", &model), ("scores", &beside.scores), ("gradients", &beside.gradients), ("inputs", &beside.inputs)]
    {
        write(&folder.path().join(file), tensors);
    }
    write(&folder.path().join("masks"), &masks.collect());
    let before = common::entries(folder.path());
    let by = |score: &str| format!("{{0: {{'method': 'unstr_unified_local', 'density': 0.5, 'score': '{score}'}}}}");
    for (score, file) in [
        ("magnitude", "gradients"),
        ("magnitude", "inputs"),
        ("random", "scores"),
        ("snip", "inputs"),
        ("wanda", "gradients"),
        ("wanda", "scores"),
        ("given", "gradients"),
    ] {
        let (option, strategy) = (format!("--{file}"), by(score));
        for command in ["apply", "mask"] {
            let said = fails(folder.path(), 2, &[command, "m", "-o", "x", "--strategy", &strategy, &option, file]);
            assert!(said.contains(&format!("no event looks at {option}; leave it out")), "{score}: {said}");
        }
    }
    for file in ["scores", "gradients", "inputs"] {
        let option = format!("--{file}");
        let said = fails(folder.path(), 2, &["apply", "m", "-o", "x", "--masks", "masks", &option, file]);
        assert!(said.contains("say what is done: --method"), "{said}");
        let said = fails(folder.path(), 2, &["mask", "m", "-o", "x", "--from-zeros", &option, file]);
        assert!(said.contains("cannot be used with"), "{said}");
    }
    assert_eq!(common::entries(folder.path()), before);
}

/// The preview makes the same checks of a checkpoint as `apply`: counts of channels, of outputs and of all blocks
/// together, and densities that do not rise.
#[test]
fn the_preview_counts_as_applying_does() {
    let model = common::tensors([("fc1.weight", tensor(Dtype::F32, &[5, 9], ValueKind::Uniform, 1))]);
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("model.safetensors"), &model);
    let asked = |event: &str| {
        let strategy = format!("{{0: {{{event}}}}}");
        let text = ok(folder.path(), &["schedule", &strategy, "--model", "model.safetensors", "--json"]);
        let preview: Value = serde_json::from_str(&text).unwrap();
        let rows = preview["rows"].as_array().unwrap();
        (rows[0]["asked"].as_u64(), rows[1]["asked"].as_u64())
    };
    assert_eq!(asked("'method': 'channel_unified_local', 'density': 0.5"), (Some(27), Some(27)));
    assert_eq!(asked("'method': 'unstr_unified_local', 'density': 0.5, 'ranking': 'output'"), (Some(25), Some(25)));
    assert_eq!(asked("'method': 'block_global', 'density': 0.5, 'block': (1, 3)"), (None, Some(24)));
    let rises = "{0: {'method': 'unstr_global', 'density': 0.1}, 1: {'method': 'unstr_global', 'density': 0.5}}";
    let said = fails(folder.path(), 2, &["schedule", rises, "--model", "model.safetensors"]);
    assert!(said.contains("epoch 1") && said.contains("23 elements are asked for"), "{said}");
}
