//! Runs that prune channels: `small.onnx`, and the same network from scratch.

use std::collections::BTreeSet;
use std::fs;

use prune_mnist::demo::{FILES, SCRATCH_FILE, SMALL_FILE};

use crate::{Place, names};

const CHANNELS: &str = "{1: {'method': 'channel_unified_local', 'density': 0.25, 'exclude': 'Dense_2-kernel'}}";

fn with(more: &[&str]) -> BTreeSet<String> {
    FILES.iter().chain(more).map(|name| (*name).to_owned()).collect()
}

#[test]
fn channels_are_taken_out_alike_on_both_backends_and_after_a_resume() {
    let method = ["--method", "small", "--epochs", "2"];
    let written = ["ndarray", "nalgebra"].map(|backend| {
        let place = Place::new();
        let text = place.succeeds(&[&method[..], &["--backend", backend]].concat());
        let cells: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        for row in [
            "closed channels taken out; both with activations left dense model.onnx small.onnx small / model",
            // 12, 24 and 96 channels are left of 32, 64 and 256.
            "parameters 824,458 116,698 14.15%",
            "multiply-adds an image 4,643,840 706,560 15.21%",
        ] {
            assert!(cells.contains(&row.split_whitespace().collect()), "{row}\n{text}");
        }
        for part in
            ["microseconds an image, our own", "all 16 predictions are the same", "model.onnx, small.onnx into out"]
        {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(names(&place.out()), with(&[SMALL_FILE]));
        fs::read(place.out().join(SMALL_FILE)).unwrap().len()
    });
    assert_eq!(written[0], written[1], "both backends leave a network of the same size");
    let place = Place::new();
    place.succeeds(&["--method", "small", "--epochs", "1"]);
    // The file of the first part is of a network with less training.
    place.completes(&["--resume", "--epochs", "2"]);
    let whole = fs::read(place.out().join(SMALL_FILE)).unwrap();
    place.completes(&["--resume"]);
    assert!(whole == fs::read(place.out().join(SMALL_FILE)).unwrap(), "a run that is complete gives the same again");
}

#[test]
fn the_small_network_is_trained_from_scratch_on_demand() {
    let run = ["--model", "mlp", "--method", "channel", "--epochs", "2"];
    let place = Place::new();
    let text = place.succeeds(&[&run[..], &["--from-scratch"]].concat());
    assert!(text.contains("from scratch, 150, 50, 10 channels a layer, trained as long: test accuracy "), "{text}");
    assert!(text.contains("wrote scratch.onnx into out"), "{text}");
    assert_eq!(names(&place.out()), with(&[SMALL_FILE, SCRATCH_FILE]));
    let read = |name: &str| fs::read(place.out().join(name)).unwrap();
    let (small, scratch) = (read(SMALL_FILE), read(SCRATCH_FILE));
    assert!(small != scratch && small.len() == scratch.len(), "other weights in the same places");
    // Like the rest, it follows from the seed, and it is no part of the checkpoint.
    place.completes(&["--resume"]);
    assert_eq!(names(&place.out()), with(&[SMALL_FILE]));
    place.completes(&["--resume", "--from-scratch"]);
    assert!(read(SMALL_FILE) == small && read(SCRATCH_FILE) == scratch);
    // A run without channels removes both files, which would be of another network.
    place.succeeds(&["--model", "mlp", "--epochs", "1"]);
    assert_eq!(names(&place.out()), with(&[]));
}

#[test]
fn what_leaves_no_small_network_is_told() {
    let place = Place::new();
    let text = place.succeeds(&["--model", "mlp", "--strategy", CHANNELS, "--epochs", "2"]);
    assert!(text.contains("no small.onnx: channels were closed, but not their biases"), "{text}");
    assert!(text.contains("'bias': True"), "{text}");
    assert_eq!(names(&place.out()), with(&[]));
    let whole = CHANNELS.replace("0.25", "1.0, 'bias': True");
    let text = place.succeeds(&["--model", "mlp", "--strategy", &whole, "--epochs", "2"]);
    assert!(text.contains("no small.onnx: the masks close no whole channel"), "{text}");

    let place = Place::new();
    let message = place.fails(&["--from-scratch"], 2);
    assert!(message.contains("--from-scratch: the strategy prunes no channels"), "{message}");
    let message = place.fails(&["--model", "mlp", "--strategy", CHANNELS, "--from-scratch"], 2);
    assert!(message.contains("prunes channels without their biases ('bias': True closes them too)"), "{message}");
}
