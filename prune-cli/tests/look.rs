//! The commands that only look: inspect, check, schedule, completions, help.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{bools, f32s, fails, mixed, ok, prune, run, tensor, tensors, write};
use proptest::prelude::*;
use prune_core::testing::generators::ValueKind;
use prune_core::{Mask, NmPattern};
use safetensors::Dtype;

#[test]
fn inspect_shows_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let values = [1.0, 0.0, 2.0, 0.0, 0.0, -0.0, 3.0, 4.0, 5.0, 6.0, 0.0, 0.0];
    let weights = tensors([
        ("fc.bias", f32s(&[3], &[1.0, 0.0, 2.0])),
        ("fc.weight", f32s(&[3, 4], &values)),
        ("ids", tensor(Dtype::I64, &[2], ValueKind::Uniform, 1)),
        ("lm_head.weight", f32s(&[1, 2], &[1.0, 2.0])),
    ]);
    write(&at.join("m"), &weights);
    assert_eq!(
        ok(at, &["inspect", "m"]),
        "\
m: 4 tensors in 1 file, 380 bytes
layer            type  shape  elements  non-zero  density  patterns      inputs  left dense
ids              I64   2             2         -        -                        type
fc.bias          F32   3             3         2   66.67%                        rank below 2
fc.weight        F32   3x4          12         6   50.00%  2:4 (axis 1)  1
lm_head.weight   F32   1x2           2         2  100.00%                        projection to a vocabulary
prunable layers                     12         6   50.00%
all parameters                      17        10   58.82%
"
    );
    let json: serde_json::Value = serde_json::from_str(&ok(at, &["inspect", "m", "--json"])).unwrap();
    assert_eq!(json["tensors"][2]["patterns"], serde_json::json!([{ "pattern": "2:4", "axis": 1 }]));
    assert_eq!(json["all"], serde_json::json!({ "elements": 17, "non_zero": 10 }));
    let classes: Vec<&str> = json["tensors"].as_array().unwrap().iter().map(|t| t["class"].as_str().unwrap()).collect();
    assert_eq!(classes, ["other", "other", "weight", "other"]);
    assert_eq!((&json["tensors"][2]["input_axes"], &json["tensors"][2]["axes_told_by"]), (&[1].into(), &"bias".into()));
    assert!(json["tensors"][3]["entry"].as_str().unwrap().contains("lm_head"), "{json}");
}

#[test]
fn a_check_says_layer_by_layer_and_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = tensors([
        ("a.weight", f32s(&[2, 4], &[1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0, 4.0])),
        ("b.weight", f32s(&[2, 4], &[1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0])),
    ]);
    write(&at.join("m"), &weights);
    let output = run(at, &["check", "m", "--pattern", "2:4"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "\
2:4: at most 2 of every 4 are not zero
layer     holds  found
a.weight  yes    0 of 2 groups along axis 1 have more
b.weight  NO     1 of 2 groups along axis 1 have more
it does not hold in 1 place
"
    );
    ok(at, &["check", "m", "--pattern", "2:4", "--include", "a*"]);
    ok(at, &["check", "m", "--pattern", "1:2", "--axis", "0", "--include", "b*"]);
    assert_eq!(run(at, &["check", "m", "--pattern", "1:2", "--axis", "0", "--include", "a*"]).status.code(), Some(1));
    ok(at, &["check", "m", "--density", "0.5"]);
    assert_eq!(run(at, &["check", "m", "--density", "0.4"]).status.code(), Some(1));
    let text = ok(at, &["check", "m", "--sparsity", "0.55", "--together"]);
    assert!(text.contains("all layers  yes    7 of 16 are not zero, 7 may be"), "{text}");
    assert_eq!(run(at, &["check", "m", "--density", "0.4", "--together"]).status.code(), Some(1));

    let kept = [true, false, true, false, false, false, true, true];
    write(&at.join("masks"), &tensors([("a.weight", bools(&[2, 4], &kept))]));
    ok(at, &["check", "m", "--masks", "masks"]);
    write(
        &at.join("masks"),
        &tensors([("a.weight", bools(&[2, 4], &[false; 8])), ("b.weight", bools(&[2, 4], &[true; 8]))]),
    );
    let output = run(at, &["check", "m", "--masks", "masks", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["layers"][0]["found"], "4 of 8 are outside the mask and not zero");
    assert_eq!((&json["layers"][1]["holds"], &json["holds"]), (&true.into(), &false.into()));
    // Multiplying by a mask leaves -0.0, which counts as zero; NaN does not.
    write(&at.join("masks"), &tensors([("a.weight", bools(&[1, 2], &[false, false]))]));
    write(&at.join("m"), &tensors([("a.weight", f32s(&[1, 2], &[-0.0, 0.0]))]));
    ok(at, &["check", "m", "--masks", "masks"]);
    write(&at.join("m"), &tensors([("a.weight", f32s(&[1, 2], &[-0.0, f32::NAN]))]));
    let text = String::from_utf8(run(at, &["check", "m", "--masks", "masks"]).stdout).unwrap();
    assert!(text.contains("1 of 2 are outside the mask and not zero"), "{text}");
    fails(at, 2, &["check", "m"]);
    fails(at, 2, &["check", "m", "--pattern", "2:4", "--density", "0.5"]);
    let quiet = run(at, &["check", "m", "--masks", "masks", "--quiet"]);
    assert!(quiet.status.code() == Some(1) && quiet.stdout.is_empty());
}

#[test]
fn what_is_applied_checks() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for kind in [ValueKind::Uniform, ValueKind::Tied, ValueKind::Equal] {
        write(&at.join("m"), &mixed(kind));
        for (axis, pattern) in [("1", "2:4"), ("0", "1:4"), ("-1", "3:7")] {
            let method = ["--method", "str_unified_local", "--pattern", pattern, "--axis", axis];
            ok(at, &[&["apply", "m", "-o", "out", "--force"], &method[..]].concat());
            ok(at, &["check", "out", "--pattern", pattern, "--axis", axis]);
        }
        ok(at, &["apply", "m", "-o", "out", "--force", "--method", "unstr_unified_local", "--density", "0.3"]);
        ok(at, &["check", "out", "--density", "0.3"]);
        ok(at, &["apply", "m", "-o", "out", "--force", "--method", "unstr_global", "--density", "0.3"]);
        ok(at, &["check", "out", "--density", "0.3", "--together"]);
    }
}

#[test]
fn schedule_shows_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(
        &at.join("m"),
        &tensors([("a.weight", tensor(Dtype::F32, &[4, 6], ValueKind::Uniform, 1)), ("b", f32s(&[2], &[1.0, 2.0]))]),
    );
    let strategy =
        "{5: {'method': 'unstr_global', 'sparsity': 0.5}, 7: {'method': 'str_unified_local', 'pattern': '1:4'}}";
    assert_eq!(
        ok(at, &["schedule", strategy, "--model", "m"]),
        "\
epoch  method             layers                        reaches                      how
5      unstr_global       all prunable layers together  keeps 50%, removes 50%
7      str_unified_local  each prunable layer           1:4: keeps 25%, removes 75%

epoch  layer            shape  class   axis  asked  of
5      a.weight         4x6    weight               24
5      selected layers                          12  24
7      a.weight         4x6    weight     1      8  24
7      selected layers                           8  24
left dense, rank below 2: `b`
warning: epoch 7: nothing tells the axes of `a.weight`: outputs are taken to lie on axis 0; --axis says otherwise
"
    );
    let json: serde_json::Value = serde_json::from_str(&ok(at, &["schedule", strategy, "--json"])).unwrap();
    assert_eq!(json[0]["method"], "unstr_global");
    let error = fails(at, 2, &["schedule", "{5: {'method': 'unstr_globl', 'sparsity': 0.9}}"]);
    assert!(error.contains("did you mean `unstr_global`?"), "{error}");
    let error = fails(at, 2, &["schedule", "{5: {'method': 'unstr_local', 'density': {'x': 0.5}}}", "--model", "m"]);
    assert!(error.contains("epoch 5: there is no layer `x`"), "{error}");
}

#[test]
fn help_and_completions() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for command in ["inspect", "apply", "mask", "check", "expand", "schedule", "completions"] {
        let help = ok(at, &[command, "--help"]);
        assert!(help.contains(&format!("prune {command} ")) && help.contains("Example"), "{help}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(ok(at, &["completions", shell]).contains("inspect"));
    }
    fails(at, 2, &["aply"]);
}

/// Colours appear only where they are wanted, and bars never in a pipe.
#[test]
fn nothing_but_text_in_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("m"), &mixed(ValueKind::Uniform));
    let call = ["apply", "m", "-o", "out", "--method", "unstr_global", "--density", "0.5"];
    let output = run(folder.path(), &call);
    assert!(!output.stdout.contains(&0x1b) && output.stderr.is_empty());
    // NO_COLOR wins even over forced colours.
    for (variables, coloured) in
        [(&[("CLICOLOR_FORCE", "1")][..], true), (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false)]
    {
        let mut command = prune(folder.path());
        let output = command.envs(variables.iter().copied()).args(["check", "m", "--density", "0.1"]).output().unwrap();
        assert_eq!(output.stdout.contains(&0x1b), coloured, "{variables:?}");
    }
}

/// A reader that closes the pipe early is no failure.
#[cfg(unix)]
#[test]
fn a_pipe_that_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("m"), &mixed(ValueKind::Uniform));
    let line =
        format!("'{}' inspect m | true; exit ${{PIPESTATUS[0]}}", assert_cmd::cargo::cargo_bin("prune").display());
    let output = std::process::Command::new("bash").current_dir(folder.path()).args(["-c", &line]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The patterns shown are those that a count over the mask of non-zeros finds.
    #[test]
    fn patterns_hold_where_they_are_counted(
        shape in prop::collection::vec(1usize..10, 2..4),
        axis in any::<prop::sample::Index>(),
        zeros in 0u32..8,
        (n, m) in (1usize..6, 1usize..6).prop_map(|(a, b)| (a.min(b), a.max(b))),
        seed: u32,
    ) {
        let axis = axis.index(shape.len());
        let len: usize = shape.iter().product();
        let hash = |i: usize| (i as u32 ^ seed).wrapping_mul(0x9E37_79B9).rotate_left(13).wrapping_mul(0x85EB_CA6B) >> 16;
        let values: Vec<f32> = (0..len).map(|i| if hash(i) % 8 < zeros { 0.0 } else { 1.0 }).collect();
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("m"), &tensors([("a.weight", f32s(&shape, &values))]));
        let mask = Mask::from_bools(&shape, &values.iter().map(|&value| value != 0.0).collect::<Vec<_>>()).unwrap();
        let holds = |n, m, axis: usize| mask.pattern_counts(NmPattern::new(n, m).unwrap(), axis as isize).unwrap().over == 0;
        let output = run(folder.path(), &["check", "m", "--pattern", &format!("{n}:{m}"), "--axis", &axis.to_string()]);
        prop_assert_eq!(output.status.success(), holds(n, m, axis));

        let json: serde_json::Value = serde_json::from_str(&ok(folder.path(), &["inspect", "m", "--json"])).unwrap();
        let mut expected = Vec::new();
        for (axis, &lane) in shape.iter().enumerate() {
            let mut implied = usize::MAX;
            for m in [2usize, 4, 8, 16, 32].into_iter().filter(|&m| m <= lane) {
                implied = implied.saturating_mul(2).min(m);
                let least = (1..=m).find(|&n| holds(n, m, axis)).unwrap();
                if mask.kept_len() > 0 && least < implied {
                    expected.push(serde_json::json!({ "pattern": format!("{least}:{m}"), "axis": axis }));
                    implied = least;
                }
            }
        }
        prop_assert_eq!(json["tensors"][0]["patterns"].as_array().unwrap(), &expected);
    }
}
