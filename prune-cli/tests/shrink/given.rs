//! Neurons that masks close, and neurons without effect.

use std::fs;

use prune_onnx::{Model, ModelBuilder};
use serde_json::Value;

use crate::common::{Tensors, bools, f32s, ok, tensors, write};
use crate::{constant, network, outputs, place, refused, weights};

#[test]
fn masks_take_out_what_they_close_whole() {
    let folder = place();
    let at = folder.path();
    let closed = |neurons: &[usize]| {
        let kept: Vec<bool> = (0..24).map(|at| !neurons.contains(&(at / 3))).collect();
        tensors([("fc1.weight", bools(&[8, 3], &kept))])
    };
    write(&at.join("masks.safetensors"), &closed(&[2, 5]));
    let ask = ["shrink", "model.onnx", "-o", "s.onnx", "--masks", "masks.safetensors"];
    let text = ok(at, &ask);
    assert!(text.contains("8 classes in 1 families, 6 kept"), "{text}");
    let small = Model::read(&at.join("s.onnx")).unwrap();
    assert_eq!(constant(&small, "fc2.weight").0, [2, 6]);
    // No mask closes the biases, -0.5 and 0.25, and they go.
    assert!(text.contains("warning: channels that the masks close lose values"), "{text}");
    assert!(text.contains("outputs may change: `fc1.bias` 2; train with 'bias': True"), "{text}");
    let json = |masks: &Tensors| {
        write(&at.join("masks.safetensors"), masks);
        let report = ok(at, &[&ask[..], &["--force", "--json"]].concat());
        serde_json::from_str::<Value>(&report).unwrap()
    };
    assert!(json(&closed(&[2, 5]))["warnings"][0].as_str().unwrap().contains("`fc1.bias` 2"));
    // The bias of neuron 4 is 0.
    assert_eq!(json(&closed(&[4]))["warnings"], Value::Null);
    let mut with_bias = closed(&[2, 5]);
    with_bias.extend(tensors([("fc1.bias", bools(&[8], &[0, 1, 2, 3, 4, 5, 6, 7].map(|at| at != 2 && at != 5)))]));
    assert_eq!(json(&with_bias)["warnings"], Value::Null);
    fs::remove_file(at.join("s.onnx")).unwrap();

    write(&at.join("masks.safetensors"), &closed(&[0, 1, 2, 3, 4, 5, 6, 7]));
    let message = refused(at, &ask, 2);
    assert!(
        message.contains("masks.safetensors: every index of axis 0 of `fc1.weight`")
            && message.contains("keep at least one"),
        "{message}"
    );
    write(&at.join("masks.safetensors"), &closed(&[]));
    let message = refused(at, &ask, 2);
    assert!(message.contains("masks.safetensors: "), "{message}");
    write(&at.join("masks.safetensors"), &tensors([("fc1.wieght", bools(&[8, 3], &[true; 24]))]));
    let message = refused(at, &ask, 2);
    assert!(message.contains("`fc1.wieght`") && message.contains("`fc1.weight`"), "{message}");
    write(&at.join("masks.safetensors"), &tensors([("fc1.weight", bools(&[3, 8], &[true; 24]))]));
    assert!(refused(at, &ask, 2).contains("[3, 8]"));
    write(&at.join("masks.safetensors"), &tensors([("fc1.weight", f32s(&[8, 3], &[1.0; 24]))]));
    assert!(refused(at, &ask, 2).contains("masks are BOOL"));
}

#[test]
fn what_has_no_effect_goes_and_the_outputs_stay() {
    let folder = place();
    let at = folder.path();
    let ask = ["shrink", "model.onnx", "-o", "s.onnx", "--dead"];
    assert!(ok(at, &ask).contains("nothing was removed"));
    let [mut first, mut bias, mut second, second_bias] = weights();
    // Nothing reads neuron 1; neuron 6 is always zero.
    (second[1], second[8 + 1]) = (0.0, 0.0);
    first[18..21].fill(0.0);
    bias[6] = 0.0;
    let graph = network(&[first, bias, second, second_bias], false);
    fs::write(at.join("model.onnx"), ModelBuilder::new(8, 17).finish(&graph)).unwrap();
    let text = ok(at, &[&ask[..], &["--force"]].concat());
    assert!(text.contains("8 classes in 1 families, 6 kept"), "{text}");
    let [model, small] = ["model.onnx", "s.onnx"].map(|name| Model::read(&at.join(name)).unwrap());
    let x = [1.0, -2.0, 0.5];
    assert_eq!(outputs(&model, &x), outputs(&small, &x));
    assert_eq!(constant(&small, "fc2.weight").0, [2, 6]);
}

#[test]
fn constants_go_into_biases_unless_a_checkpoint_is_cut_alike() {
    let folder = place();
    let at = folder.path();
    let [mut first, mut bias, second, second_bias] = weights();
    // Neuron 4 is 0.5 for any input.
    first[12..15].fill(0.0);
    bias[4] = 0.5;
    let graph = network(&[first, bias, second.clone(), second_bias.clone()], false);
    fs::write(at.join("model.onnx"), ModelBuilder::new(8, 17).finish(&graph)).unwrap();
    let ask = ["shrink", "model.onnx", "-o", "s.onnx", "--dead"];
    let text = ok(at, &ask);
    assert!(text.contains("8 classes in 1 families, 7 kept"), "{text}");
    assert!(text.contains("added to the biases of their readers: 1"), "{text}");
    let [model, small] = ["model.onnx", "s.onnx"].map(|name| Model::read(&at.join(name)).unwrap());
    let x = [1.0, -2.0, 0.5];
    for (before, after) in outputs(&model, &x).iter().zip(outputs(&small, &x)) {
        assert!((before - after).abs() < 1e-5, "{before} and {after}");
    }
    for (output, bias) in constant(&small, "fc2.bias").1.iter().enumerate() {
        assert_eq!(*bias as f32, second_bias[output] + 0.5 * second[8 * output + 4]);
    }
    let text = ok(at, &[&ask[..], &["--force", "--kept", "kept.json"]].concat());
    assert!(text.contains("nothing was removed"), "{text}");
    assert!(text.contains("would lack the new biases: 1"), "{text}");
}
