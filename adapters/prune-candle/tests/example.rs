//! The example runs, and its files are as sparse as it says, by the same check as `prune check`.

#![allow(clippy::unwrap_used, reason = "tests")]

#[allow(dead_code, unreachable_pub, reason = "its `main` reads a command line")]
#[path = "../examples/mnist.rs"]
mod mnist;

use prune_files::{Filter, Want, Watch, check};

#[test]
fn its_files_are_as_sparse_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    mnist::compare(&mnist::Arguments { epochs: 1, out: folder.path().to_owned() }).unwrap();
    let holds = |file: &str, want: Want| {
        let report = check(&folder.path().join(file), &want, &Filter::default(), &Watch::default()).unwrap();
        assert!(!report.layers.is_empty());
        report.holds
    };
    let pattern = || Want::Pattern { pattern: "2:4".parse().unwrap(), axis: None };
    let density = || Want::Density { density: "0.1".parse().unwrap(), together: true };
    assert!(holds("2of4.safetensors", pattern()));
    assert!(holds("rigl.safetensors", density()));
    // The check can fail: the dense twin passes neither.
    assert!(!holds("dense.safetensors", pattern()) && !holds("dense.safetensors", density()));
}
