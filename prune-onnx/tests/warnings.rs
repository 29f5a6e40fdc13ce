//! Warnings about models that may differ from their originals.

use prune_onnx::testing::harness::{drawn_removal, parse};
use prune_onnx::testing::net::{Built, Net};
use prune_onnx::{AnalysisOptions, Edits, Warning, analyse};

/// A hidden layer. With `listed`, its constants are also inputs, as in files of some exporters.
fn network(opset: i64, version: i64, listed: bool) -> Vec<u8> {
    let mut net = if listed { Net::new(2, opset).listed() } else { Net::new(2, opset) };
    let x = net.input(&[2, 3]);
    let (w, v) = (net.weight(&[3, 6]), net.weight(&[6, 4]));
    let h = net.node("MatMul", &[&x, &w], &[]);
    let y = net.node("MatMul", &[&h, &v], &[]);
    let Built { mut bytes, .. } = net.finish(&[&y]);
    // The version of the format comes first: a key and one byte.
    assert_eq!(bytes[0], 8);
    bytes[1] = version as u8;
    bytes
}

fn warnings(bytes: Vec<u8>) -> Vec<Warning> {
    let model = parse(bytes);
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let removal = drawn_removal(&analysis, 1);
    assert!(!removal.is_empty());
    assert_eq!(analysis.warnings(&Edits::new()), []);
    analysis.warnings(&analysis.edits(&removal).expect("edits"))
}

#[test]
fn cut_defaults_are_named() {
    let found = warnings(network(13, 8, true));
    let [Warning::Defaults { names }] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(names.len(), 2);
    let text = found[0].to_string();
    assert!(text.starts_with("inputs whose default values were cut: `"), "{text}");
    assert!(names.iter().all(|name| text.contains(name.as_str())), "{text}");
    // In version 3 every constant is also an input, and none is a default. Otherwise, constants are not inputs.
    assert_eq!(warnings(network(13, 3, true)), []);
    assert_eq!(warnings(network(13, 8, false)), []);
}

#[test]
fn operators_newer_than_those_known_are_told() {
    assert_eq!(warnings(network(28, 8, false)), []);
    let found = warnings(network(29, 8, false));
    assert_eq!(found, [Warning::Opset { version: 29, newest: 28 }]);
    assert!(found[0].to_string().contains("version 29 of ONNX's operators; versions up to 28 are known"));
}
