//! Strategies from the command line: the order of events, one epoch, and axes.

use std::fs;

use prune_core::testing::generators::ValueKind;
use safetensors::Dtype;

use crate::KINDS;
use crate::common::{entries, fails, mixed, ok, oracle, read, tensor, tensors, write};

#[test]
fn strategies_are_applied_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let strategies = [
        "{1: {'method': 'unstr_unified_local', 'density': 0.5}, 3: {'method': 'unstr_global', 'density': 0.2}}",
        "{0: {'method': 'unstr_unified_local', 'density': 0.6}, 2: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 0},
          5: {'method': 'unstr_global', 'density': 0.1}}",
        "{1: {'method': 'str_unified_local', 'pattern': '2:4'}, 2: {'method': 'str_global', 'pattern': '1:4'}}",
        "{1: {'method': 'unstr_local', 'density': {'a.weight': 0.5, 'norm.bias': 0.25}},
          2: {'method': 'str_local', 'pattern': {'d.weight': '1:3'}},
          4: {'method': 'unstr_global', 'density': 0.4, 'include': '*.weight', 'exclude': ['b*']}}",
    ];
    for kind in KINDS {
        let weights = mixed(kind);
        write(&folder.path().join("model.safetensors"), &weights);
        for strategy in strategies {
            fs::write(folder.path().join("strategy.py"), strategy).unwrap();
            for given in [strategy, "strategy.py"] {
                let arguments = ["apply", "model.safetensors", "-o", "out.safetensors", "--force", "--strategy", given];
                ok(folder.path(), &arguments);
                let out = read(&folder.path().join("out.safetensors"));
                // Without an axis, files take that of the inputs, and a training loop takes the last.
                let trained = strategy.replace("'pattern': '2:4'}", "'pattern': '2:4', 'axis': 1}");
                assert!(out == oracle(&weights, &trained), "{kind:?} {strategy}");
            }
        }
    }
    assert_eq!(entries(folder.path()), ["model.safetensors", "out.safetensors", "strategy.py"]);
}

#[test]
fn one_epoch_of_a_strategy() {
    let folder = tempfile::tempdir().unwrap();
    let weights = mixed(ValueKind::Uniform);
    write(&folder.path().join("model.safetensors"), &weights);
    let strategy =
        "{1: {'method': 'unstr_global', 'density': 0.5}, '4..=6': {'method': 'unstr_global', 'density': 0.25},
        -1: {'method': 'unstr_global', 'density': 0.2}}";
    for (epoch, density) in [("1", "0.5"), ("5", "0.25"), ("9", "0.2")] {
        let arguments = ["apply", "model.safetensors", "-o", "out.safetensors", "--force", "--strategy", strategy];
        ok(folder.path(), &[&arguments[..], &["--epoch", epoch]].concat());
        let want = oracle(&weights, &format!("{{0: {{'method': 'unstr_global', 'density': {density}}}}}"));
        assert_eq!(read(&folder.path().join("out.safetensors")), want, "{epoch}");
    }
    let arguments = ["apply", "model.safetensors", "-o", "x.safetensors", "--strategy", strategy];
    let error = fails(folder.path(), 2, &arguments);
    assert!(error.contains("the event at 4..=6 happens at the end of each") && error.contains("--epoch"), "{error}");
    let error = fails(folder.path(), 2, &[&arguments[..], &["--epoch", "0"]].concat());
    assert!(error.contains("no event at epoch 0; its events are at 1, 4..=6, -1"), "{error}");
}

/// Events of a strategy have the axis that a single method would have, unless they name another.
#[test]
fn the_axis_of_a_strategy() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m"), &tensors([("conv.weight", tensor(Dtype::F32, &[8, 12, 3, 5], ValueKind::Uniform, 1))]));
    let pruned = |arguments: &[&str]| {
        ok(at, &[&["apply", "m", "-o", "out", "--force"], arguments].concat());
        read(&at.join("out"))
    };
    let method = ["--method", "str_unified_local", "--pattern", "2:4", "--axis"];
    let along = |axis: &str| pruned(&[&method[..], &[axis]].concat());
    let open = "{0: {'method': 'str_unified_local', 'pattern': '2:4'}}";
    let written = "{0: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 3}}";
    assert_eq!(pruned(&["--strategy", open]), along("1"));
    assert_eq!(pruned(&["--strategy", open]), pruned(&method[..4]));
    assert_eq!(pruned(&["--strategy", open, "--axis", "0"]), along("0"));
    assert_eq!(pruned(&["--strategy", open, "--axis", "-1"]), along("3"));
    assert_eq!(pruned(&["--strategy", written]), along("3"));
    // A written -1 is the last axis; it does not mean that none was written.
    let last = "{0: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': -1}}";
    assert_eq!(pruned(&["--strategy", last]), along("3"));
    assert_ne!(along("3"), along("1"));
    for strategy in [written, last, "{0: {'method': 'unstr_global', 'density': 0.5}}"] {
        let error = fails(at, 2, &["apply", "m", "-o", "x", "--strategy", strategy, "--axis", "0"]);
        assert!(error.contains("leave --axis out"), "{error}");
    }
    let axis = |arguments: &[&str]| {
        let text = ok(at, &[&["schedule", open, "--model", "m"], arguments].concat());
        let line = text.lines().find(|line| line.contains("conv.weight")).unwrap();
        line.split_whitespace().nth(4).unwrap().to_owned()
    };
    assert_eq!([axis(&[]), axis(&["--axis", "0"])], ["1", "0"]);
    let told = |arguments: &[&str]| {
        let text = ok(at, &[&["apply", "m", "-o", "out", "--force"], &method[..4], arguments].concat());
        text.lines().find(|line| line.starts_with("by default")).map(str::to_owned)
    };
    let unset = "by default: the axis is that of the inputs; weights are what the table of names says";
    assert_eq!(told(&[]).as_deref(), Some(unset));
    let all = "by default: weights are the layers of rank 2 or more";
    assert_eq!(told(&["--axis", "0", "--all"]).as_deref(), Some(all));
    fails(at, 2, &["schedule", open, "--axis", "0"]);
}
