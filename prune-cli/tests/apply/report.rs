//! The report of a run.

use std::fs;

use prune_core::testing::generators::ValueKind;
use safetensors::Dtype;

use crate::common::{f32s, fails, mixed, ok, tensor, tensors, write};

#[test]
fn the_report_has_every_number() {
    let folder = tempfile::tempdir().unwrap();
    let weights = tensors([
        ("a.weight", f32s(&[2, 4], &[9.0, 8.0, 7.0, 6.0, 1.0, 1.0, 1.0, 1.0])),
        ("b.weight", f32s(&[1, 4], &[1.0, 0.5, 0.25, 0.1])),
        ("ids", tensor(Dtype::I64, &[2], ValueKind::Uniform, 1)),
    ]);
    write(&folder.path().join("m.safetensors"), &weights);
    let call =
        ["apply", "m.safetensors", "-o", "out.safetensors", "--report", "report.json", "--method", "unstr_global"];
    let text = ok(folder.path(), &[&call[..], &["--density", "0.5"]].concat());
    assert_eq!(
        text,
        "\
unstr_global, keeps 50%, removes 50%
layer            type  shape  asked  kept  of  density  newly pruned  ties  norm kept
a.weight         F32   2x4              6   8   75.00%             2     4     99.15%
b.weight         F32   1x4              0   4    0.00%             4     1      0.00%
selected layers                   6     6  12   50.00%             6     5     98.59%
by default: weights are what the table of names says
warning: layer `b.weight`: none of its 4 elements is kept

all parameters: 6 of 12 kept (50.00%)
carried over, of types that are not pruned: `ids (I64)`
out.safetensors: 288 bytes before, 288 bytes after
"
    );
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["events"][0]["selected"]["asked"], 6);
    assert_eq!(report["events"][0]["layers"][0]["kept"], 6);
    assert_eq!(report["events"][0]["layers"][0]["norm_kept"], 232.0 / 234.0);
    assert_eq!(report["bytes_before"], report["bytes_after"]);
    assert_eq!(report["ranked_by"], "magnitude");
    assert_eq!(report["events"][0]["defaults"], serde_json::json!({"weights": "names"}));
    let error = fails(folder.path(), 2, &[&call[..], &["--density", "0.5"]].concat());
    assert!(error.contains("report.json exists"), "{error}");
    let text = ok(
        folder.path(),
        &["apply", "m.safetensors", "-o", "n.safetensors", "--method", "str_unified_local", "--pattern", "2:4"],
    );
    assert!(text.contains("axis") && text.starts_with("str_unified_local, 2:4: keeps 50%, removes 50%"), "{text}");
}

#[test]
fn an_event_that_changes_nothing_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m"), &mixed(ValueKind::Uniform));
    let text = ok(at, &["apply", "m", "-o", "out", "--method", "unstr_global", "--density", "1"]);
    assert!(text.starts_with("unstr_global, keeps 100%, removes 0%: unchanged\n"), "{text}");
    let twice = "{0: {'method': 'unstr_global', 'density': 0.5}, 1: {'method': 'unstr_global', 'density': 0.5}}";
    let text = ok(at, &["apply", "m", "-o", "out", "--force", "--strategy", twice]);
    let said: Vec<bool> =
        text.lines().filter(|line| line.starts_with("epoch")).map(|line| line.ends_with(": unchanged")).collect();
    assert_eq!(said, [false, true], "{text}");
}
