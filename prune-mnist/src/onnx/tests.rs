#![allow(clippy::unwrap_used, reason = "tests")]
use std::path::Path;

use prune_onnx::{Edits, Model, TensorPlace};

use super::*;
use crate::nn::{Initialisation, ModelSpec, NalgebraParams, NdarrayParams, Network, ParamSet as _, initial_parameters};

fn parse(bytes: Vec<u8>) -> Model {
    Model::parse(bytes, Path::new(".")).unwrap()
}

#[test]
fn a_network_is_read_back_as_it_was_written() {
    for spec in [ModelSpec::mlp(), ModelSpec::cnn(), ModelSpec::lenet5()] {
        let specs = spec.parameters().unwrap();
        let params: NdarrayParams<f32> = initial_parameters(&specs, Initialisation::HeNormal, 3);
        let columns: NalgebraParams<f32> = initial_parameters(&specs, Initialisation::HeNormal, 3);
        let bytes = write(&spec, &params).unwrap();
        assert!(bytes == write(&spec, &columns).unwrap(), "both backends write the same file");
        let (read_spec, read_params) = read(&spec, &parse(bytes)).unwrap();
        assert_eq!((&read_spec, &read_params), (&spec, &params));
    }
}

#[test]
fn a_shrunk_file_is_a_smaller_network() {
    let spec = ModelSpec::mlp();
    let mut params: NdarrayParams<f32> = initial_parameters(&spec.parameters().unwrap(), Initialisation::HeNormal, 3);
    // Neuron 4 of the first layer gives 0 for every input.
    for (row, value) in params.values_mut(0).iter_mut().enumerate() {
        *value = if row % 300 == 4 { 0.0 } else { *value };
    }
    let model = parse(write(&spec, &params).unwrap());
    let place = |name: &str| {
        let at = model.graph().initializers().iter().position(|tensor| tensor.name() == name).unwrap();
        TensorPlace::Initializer(at)
    };
    let kept: Vec<usize> = (0..300).filter(|&neuron| neuron != 4).collect();
    let mut edits = Edits::new();
    edits.keep(place("Dense_0-kernel"), 1, kept.clone());
    edits.keep(place("Dense_0-bias"), 0, kept.clone());
    let half = {
        let mut bytes = Vec::new();
        model.write(&edits, &mut bytes, None).unwrap();
        parse(bytes)
    };
    let refused = read(&spec, &half).unwrap_err().to_string();
    assert_eq!(refused, "`Dense_1-kernel` has the shape [300, 100], and the layers before it leave [299, 100]");
    edits.keep(place("Dense_1-kernel"), 0, kept);
    let mut bytes = Vec::new();
    model.write(&edits, &mut bytes, None).unwrap();
    let (small_spec, small) = read(&spec, &parse(bytes)).unwrap();
    assert_eq!(small_spec.parameters().unwrap()[0].shape, [784, 299]);
    let images: Vec<f32> = (0..4 * 784).map(|at| (at % 11) as f32 / 11.0).collect();
    let logits = |spec: &ModelSpec, params: &NdarrayParams<f32>| {
        let mut network = Network::<f32>::new(spec, 4).unwrap();
        network.score_batch(params, &images, &[0; 4]).unwrap();
        network.logits().to_vec()
    };
    let (whole, small) = (logits(&spec, &params), logits(&small_spec, &small));
    let worst = whole.iter().zip(&small).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-5, "{worst}");
}

#[test]
fn a_file_of_another_network_is_refused() {
    let spec = ModelSpec::mlp();
    let params: NdarrayParams<f32> = initial_parameters(&spec.parameters().unwrap(), Initialisation::HeNormal, 3);
    let model = parse(write(&spec, &params).unwrap());
    let refused = read(&ModelSpec::cnn(), &model).unwrap_err().to_string();
    assert_eq!(refused, "there is no parameter `Conv_0-kernel`, which cnn has");
    let refused = write(&ModelSpec::cnn(), &params).unwrap_err().to_string();
    assert_eq!(refused, "there is no parameter `Conv_0-kernel`, which cnn has");
}
