//! Input that is refused, and external data.

use std::fs;

use prune_onnx::{Model, ModelBuilder};
use serde_json::Value;

use crate::common::{f32s, ok, tensors, write};
use crate::{constant, graph, place, refused, weights};

#[test]
fn bad_input_is_refused_and_nothing_written() {
    let folder = place();
    let at = folder.path();
    let ask = |more: &[&'static str]| [&["shrink", "model.onnx", "-o", "s.onnx"], more].concat();
    for density in ["0", "1.5", "-1", "NaN", "x"] {
        let message = refused(at, &ask(&["--density", density]), 2);
        assert!(message.contains("--density"), "{message}");
    }
    assert!(refused(at, &ask(&[]), 2).contains("--density"));
    assert!(refused(at, &ask(&["--density", "0.5", "--multiple", "0"]), 2).contains("from 1 on"));
    assert!(refused(at, &ask(&["--density", "0.5", "--include", "fc3.*"]), 2).contains("matches no weight"));
    let message = refused(at, &ask(&["--keep-macs", "0.5"]), 2);
    assert!(message.contains("such as --input x=1x3"), "{message}");
    assert!(refused(at, &ask(&["--keep-macs", "0.5", "--input", "x=1x4"]), 2).contains("the model states batchx3"));
    assert!(refused(at, &ask(&["--keep-macs", "0.5", "--input", "z=1x3"]), 2).contains("the model's inputs are `x`"));
    assert!(refused(at, &ask(&["--keep-macs", "0.5", "--input", "x=1x0"]), 2).contains("image=1x3x640x640"));
    assert!(refused(at, &ask(&["--keep-params", "0.01"]), 2).contains("parameters"));
    let message = refused(at, &["shrink", "model.onnx", "-o", "model.onnx", "--density", "0.5", "--force"], 2);
    assert!(message.contains("is the model itself"), "{message}");
    assert!(refused(at, &["shrink", "gone.onnx", "-o", "s.onnx", "--density", "0.5"], 3).contains("gone.onnx"));
    let kept = ["shrink", "model.onnx", "-o", "s.onnx", "--density", "0.5", "--kept", "s.onnx"];
    assert!(refused(at, &kept, 2).contains("is the output itself"));
    fs::write(at.join("s.onnx"), "mine").unwrap();
    assert!(refused(at, &ask(&["--density", "0.5"]), 2).contains("--force"));
    assert_eq!(fs::read(at.join("s.onnx")).unwrap(), b"mine");
    // Not ONNX.
    write(&at.join("model.onnx"), &tensors([("a", f32s(&[1], &[1.0]))]));
    let message = refused(at, &ask(&["--density", "0.5", "--force"]), 2);
    assert!(message.contains("model.onnx: not an ONNX model: the file is safetensors"), "{message}");
    fs::write(at.join("model.onnx"), &ModelBuilder::new(8, 17).finish(&graph(false))[..200]).unwrap();
    assert!(refused(at, &ask(&["--density", "0.5", "--force"]), 2).contains("not a whole ONNX model"));
}

#[test]
fn data_outside_of_the_model_goes_to_a_file_beside_the_output() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("model.onnx"), ModelBuilder::new(8, 17).finish(&graph(true))).unwrap();
    let ask = ["shrink", "model.onnx", "-o", "s.onnx", "--density", "0.5"];
    let message = refused(at, &ask, 2);
    assert!(message.contains("external data `w.bin`: is not there"), "{message}");
    let [first, ..] = weights();
    let data: Vec<u8> = [9.0f32, 9.0].iter().chain(&first).flat_map(|value| value.to_le_bytes()).collect();
    fs::write(at.join("w.bin"), &data).unwrap();
    fs::write(at.join("s.onnx.data"), "mine").unwrap();
    let message = refused(at, &[&ask[..], &["--force"]].concat(), 2);
    assert!(message.contains("s.onnx.data exists"), "{message}");
    fs::remove_file(at.join("s.onnx.data")).unwrap();
    let report = ok(at, &[&ask[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&report).unwrap();
    let bytes = |name: &str| fs::metadata(at.join(name)).unwrap().len();
    assert_eq!(report["bytes_before"], bytes("model.onnx") + bytes("w.bin"));
    assert_eq!(report["bytes_after"], bytes("s.onnx") + bytes("s.onnx.data"));
    assert_eq!(bytes("s.onnx.data"), 48);
    let small = Model::read(&at.join("s.onnx")).unwrap();
    assert_eq!(constant(&small, "fc1.weight").1, first[12..].iter().map(|&value| f64::from(value)).collect::<Vec<_>>());
    // Nothing is removed: the model is the same, and its data are copied.
    fs::create_dir(at.join("copy")).unwrap();
    ok(at, &["shrink", "model.onnx", "-o", "copy/model.onnx", "--density", "1"]);
    assert!(fs::read(at.join("copy/w.bin")).unwrap() == data);
    assert!(fs::read(at.join("copy/model.onnx")).unwrap() == fs::read(at.join("model.onnx")).unwrap());
    ok(at, &["shrink", "model.onnx", "-o", "beside.onnx", "--density", "1"]);
    assert!(!at.join("beside.onnx.data").exists());
}
