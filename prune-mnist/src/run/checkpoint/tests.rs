//! Tests of the file alone: it returns its content, and no other file passes for it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use super::*;
use crate::data::{DataSource, Dataset, Origin};
use crate::nn::{Layer, ModelSpec, NalgebraParams, NdarrayParams, Optimiser as _};
use crate::run::choice::{BackendChoice, ModelChoice};
use crate::train::{Backend, Session, Settings};

const STRATEGY: &str = "{1: {'method': 'unstr_global', 'density': 0.3}, 2: {'method': 'unstr_global', 'density': 0.5, 'reopen': \
                        'gradient'}, '3..=4': {'method': 'unstr_global', 'density': 0.2}}";
const EPOCHS: u64 = 4;

/// Forty images to train on, in three steps.
fn data() -> Dataset {
    let sample = DataSource::Sample.load().unwrap();
    let (train, test) = (sample.train.head(40), sample.test.head(16));
    Dataset { train, test, origin: Origin::Made, files: sample.files }
}

/// Small enough to alter each byte of its checkpoint.
fn tiny() -> ModelSpec {
    ModelSpec::new("tiny", [28, 28, 1], vec![Layer::Dense { features: 4 }, Layer::Relu, Layer::Dense { features: 10 }])
}

/// Methods with a state of their own between steps, each with the number of stops, after steps and ends of epochs.
const METHODS: [(&str, u64); 4] = [
    (
        "{0: {'method': 'unstr_global', 'density': 0.2, 'score': 'random', 'distribution': 'erk'},
          '2..=9 steps': {'method': 'rigl', 'every': 2}}",
        6 * 4 + EPOCHS,
    ),
    (
        "{'1..=11 steps': {'method': 'unstr_global', 'density': 0.2, 'schedule': 'cubic', 'every': 3},
          4: {'method': 'unstr_global', 'density': 0.1, 'score': 'saliency'}}",
        6 * 4 + EPOCHS,
    ),
    ("{'2..=3': {'method': 'unstr_global', 'density': 0.2, 'straight_through': True}}", 3 + 6 * 3 + EPOCHS),
    (
        "{2: {'method': 'unstr_global', 'density': 0.3, 'rewind': 1},
          3: {'method': 'unstr_unified_local', 'density': 0.1, 'score': 'wanda'}}",
        6 + 6 * 2 + EPOCHS,
    ),
];

fn session<'d, P: Backend>(spec: &ModelSpec, data: &'d Dataset) -> Session<'d, P> {
    session_of(spec, data, STRATEGY)
}

fn session_of<'d, P: Backend>(spec: &ModelSpec, data: &'d Dataset, strategy: &str) -> Session<'d, P> {
    let settings = Settings { epochs: EPOCHS, lr: 0.1, momentum: 0.9, weight_decay: 5e-4, batch_size: 16, seed: 1 };
    Session::new(spec, data, settings, strategy.parse().unwrap(), &[]).unwrap()
}

fn settings(data: &Dataset) -> RunSettings {
    settings_of(data, STRATEGY)
}

fn settings_of(data: &Dataset, strategy: &str) -> RunSettings {
    RunSettings {
        model: ModelChoice::Mlp,
        backend: BackendChoice::Ndarray,
        data: "sample".to_owned(),
        data_sha256: data.files.each_ref().map(|file| file.sha256.to_string()),
        seed: 0,
        lr: 0.3,
        momentum: 0.9,
        weight_decay: 0.0,
        batch_size: 128,
        no_act_pruning: false,
        strategy: strategy.parse().unwrap(),
        strategy_origin: "--strategy".to_owned(),
        epochs: EPOCHS,
    }
}

/// The checkpoint of a run of [`tiny`] that was stopped after `steps` steps.
fn stopped(data: &Dataset, steps: usize) -> Vec<u8> {
    let mut session = session::<NdarrayParams<f32>>(&tiny(), data);
    session.start().unwrap();
    for _ in 0..steps {
        let _ = session.epoch(&mut |_, _| ControlFlow::Break(())).unwrap();
    }
    encode(&settings(data), &session).unwrap()
}

fn read(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(CHECKPOINT_FILE), bytes).unwrap();
    Checkpoint::read(folder.path())
}

/// Abandons the run after each step and resumes it from its checkpoint alone.
fn goes_on_from_each_step<P: Backend + std::fmt::Debug + PartialEq>(strategy: &str, expected_stops: u64) {
    let (data, spec) = (data(), ModelSpec::mlp());
    let settings = settings_of(&data, strategy);
    let mut whole = session_of::<P>(&spec, &data, strategy);
    whole.start().unwrap();
    for _ in 0..EPOCHS {
        assert!(whole.epoch(&mut |_, _| ControlFlow::Continue(())).unwrap().is_continue());
    }
    let mut broken = session_of::<P>(&spec, &data, strategy);
    broken.start().unwrap();
    let mut stops = 0;
    while broken.history.epochs.len() < EPOCHS as usize {
        let _ = broken.epoch(&mut |_, _| ControlFlow::Break(())).unwrap();
        let bytes = encode(&settings, &broken).unwrap();
        let checkpoint = read(&bytes).unwrap();
        assert_eq!(*checkpoint.settings(), settings);
        let mut next = session_of::<P>(&spec, &data, strategy);
        checkpoint.restore(&mut next).unwrap();
        assert!(encode(&settings, &next).unwrap() == bytes);
        broken = next;
        stops += 1;
    }
    // Three steps of each network (the twin's from the first event on), and the end of each epoch.
    assert_eq!(stops, expected_stops, "{strategy}");
    assert_eq!(broken.history, whole.history);
    assert_eq!(broken.pruner, whole.pruner);
    for (broken, whole) in
        [(&broken.pruned, &whole.pruned), (broken.twin.as_ref().unwrap(), whole.twin.as_ref().unwrap())]
    {
        assert_eq!(broken.params, whole.params);
        assert_eq!(broken.optimiser.buffers(), whole.optimiser.buffers());
    }
}

#[test]
fn a_run_goes_on_from_each_of_its_steps_on_ndarray() {
    goes_on_from_each_step::<NdarrayParams<f32>>(STRATEGY, 3 + 3 * 6 + EPOCHS);
    METHODS.iter().for_each(|(strategy, stops)| goes_on_from_each_step::<NdarrayParams<f32>>(strategy, *stops));
}

#[test]
fn a_run_goes_on_from_each_of_its_steps_on_nalgebra() {
    goes_on_from_each_step::<NalgebraParams<f32>>(STRATEGY, 3 + 3 * 6 + EPOCHS);
    METHODS.iter().for_each(|(strategy, stops)| goes_on_from_each_step::<NalgebraParams<f32>>(strategy, *stops));
}

#[test]
fn a_checkpoint_that_is_cut_anywhere_is_refused() {
    let bytes = stopped(&data(), 5);
    assert!(read(&bytes).is_ok());
    for len in (0..bytes.len()).step_by(97).chain([8, bytes.len() - 1]) {
        let message = read(&bytes[..len]).unwrap_err().to_string();
        assert!(message.contains("is cut or altered"), "{len} bytes: {message}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(read(&longer).unwrap_err().to_string().contains("is cut or altered"));
}

#[test]
fn a_checkpoint_with_any_bit_altered_is_refused() {
    let bytes = stopped(&data(), 5);
    let header = 8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    assert!(header > 1000 && bytes.len() > 40_000);
    // Every byte of the header, and some of each tensor.
    for (place, index) in (0..header).chain((header..bytes.len()).step_by(211)).enumerate() {
        let mut altered = bytes.clone();
        altered[index] ^= 1 << (place % 8);
        assert!(read(&altered).is_err(), "byte {index} of {}", bytes.len());
    }
}

/// The bytes of a file with this metadata and no tensor.
fn with_metadata(key: &str, text: &str) -> Vec<u8> {
    let none: [(&str, crate::run::tensors::StoredTensor); 0] = [];
    safetensors::serialize(none, Some([(key.to_owned(), text.to_owned())].into())).unwrap()
}

#[test]
fn other_files_and_later_versions_are_named() {
    let message = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    let later = format!("{{\"format\": \"{FORMAT}\", \"version\": 2, \"what\": [1]}}");
    let later = message(&with_metadata(METADATA, &later));
    assert!(later.contains("has version 2, and this program reads up to version 1: go on with the program"), "{later}");
    for bytes in
        [with_metadata("format", "pt"), with_metadata(METADATA, "{\"format\": \"something else\", \"version\": 1}")]
    {
        assert!(message(&bytes).contains("no checkpoint of the demo"), "{}", message(&bytes));
    }
    let without_digest = with_metadata(METADATA, &format!("{{\"format\": \"{FORMAT}\", \"version\": 1}}"));
    assert!(message(&without_digest).contains("is cut or altered"), "{}", message(&without_digest));
    let absent = Checkpoint::read(Path::new("nowhere")).unwrap_err().to_string();
    assert!(
        absent.contains("no checkpoint.safetensors in `nowhere`") && absent.contains("leave out --resume"),
        "{absent}"
    );
}

#[test]
fn another_model_is_named() {
    let data = data();
    let checkpoint = read(&stopped(&data, 5)).unwrap();
    let mut other = session::<NdarrayParams<f32>>(&ModelSpec::mlp(), &data);
    let error = checkpoint.restore(&mut other).unwrap_err();
    assert!(matches!(error, CheckpointError::Unfit { .. }));
    let message = error.to_string();
    assert!(
        message.contains("`pruned/weights/Dense_0-kernel` is F32 of shape [784, 4], not F32 of shape [784, 300]"),
        "{message}"
    );
}

/// A checkpoint of version 1, which a program left: a network with two neurons in the middle of its second epoch.
const VERSION_1: &[u8] = include_bytes!("../../../tests/fixtures/checkpoint-v1.safetensors");

fn two_neurons() -> ModelSpec {
    ModelSpec::new("tiny", [28, 28, 1], vec![Layer::Dense { features: 2 }, Layer::Relu, Layer::Dense { features: 10 }])
}

#[test]
fn a_checkpoint_of_version_1_is_read_and_written_as_ever() {
    let data = data();
    let checkpoint = read(VERSION_1).unwrap();
    assert_eq!((checkpoint.epoch(), checkpoint.steps(), checkpoint.last_epoch()), (1, 1, 2));
    assert_eq!(*checkpoint.settings(), settings(&data));
    checkpoint.check_data(&checkpoint.data().unwrap(), &data).unwrap();
    let mut session = session::<NdarrayParams<f32>>(&two_neurons(), &data);
    checkpoint.restore(&mut session).unwrap();
    session.check("tiny").unwrap();
    assert!(session.twin.is_some() && session.history.events.len() == 1);
    assert!(encode(checkpoint.settings(), &session).unwrap() == VERSION_1);
    // The run goes on from there.
    for _ in 1..EPOCHS {
        assert!(session.epoch(&mut |_, _| ControlFlow::Continue(())).unwrap().is_continue());
    }
    assert_eq!(session.revivals().unwrap(), 0);
}
