//! Pruned files hold what a training loop's pruner makes of the same weights, bit for bit, and every other byte as it was.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;

use common::{
    Tensors, bools, entries, f32s, fails, mixed, ok, oracle, read, read_sharded, tensor, tensors, write, write_sharded,
};
use proptest::prelude::*;
use prune_core::testing::generators::Kind;
use safetensors::Dtype;

/// Where the safetensors crate finds the data of a file.
fn header(path: &std::path::Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[..8 + len].to_vec()
}

const KINDS: [Kind; 3] = [Kind::Uniform, Kind::Tied, Kind::Equal];

/// Each as arguments, and as a strategy for the pruner.
const METHODS: [(&[&str], &str); 10] = [
    (&["--method", "unstr_global", "--density", "0.5"], "{0: {'method': 'unstr_global', 'density': 0.5}}"),
    (&["--method", "unstr_global", "--sparsity", "0.9"], "{0: {'method': 'unstr_global', 'sparsity': 0.9}}"),
    (
        &["--method", "unstr_unified_local", "--density", "0.3"],
        "{0: {'method': 'unstr_unified_local', 'density': 0.3}}",
    ),
    (
        &["--method", "str_unified_local", "--pattern", "2:4"],
        "{0: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 1}}",
    ),
    (
        &["--method", "str_unified_local", "--pattern", "1:4", "--axis", "0"],
        "{0: {'method': 'str_unified_local', 'pattern': '1:4', 'axis': 0}}",
    ),
    (
        &["--method", "str_unified_local", "--pattern", "3:7", "--axis", "-1"],
        "{0: {'method': 'str_unified_local', 'pattern': '3:7', 'axis': -1}}",
    ),
    (
        &["--method", "str_unified_local", "--pattern", "2:4", "--axis", "reduction"],
        "{0: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 'reduction'}}",
    ),
    (&["--method", "str_global", "--pattern", "2:4"], "{0: {'method': 'str_global', 'pattern': '2:4'}}"),
    (&["--method", "str_global", "--pattern", "5:1000"], "{0: {'method': 'str_global', 'pattern': '5:1000'}}"),
    (
        &["--method", "unstr_global", "--density", "0.5", "--exclude", "a*", "--include", "*.weight"],
        "{0: {'method': 'unstr_global', 'density': 0.5, 'exclude': 'a*'}}",
    ),
];

#[test]
fn every_method_agrees_with_the_pruner() {
    let folder = tempfile::tempdir().unwrap();
    let (model, out) = (folder.path().join("model.safetensors"), folder.path().join("out.safetensors"));
    for kind in KINDS {
        let weights = mixed(kind);
        write(&model, &weights);
        for (arguments, strategy) in METHODS {
            let all = [&["apply", "model.safetensors", "-o", "out.safetensors", "--force"], arguments].concat();
            ok(folder.path(), &all);
            assert_eq!(read(&out), oracle(&weights, strategy), "{kind:?} {arguments:?}");
            assert_eq!(header(&out), header(&model));
        }
    }
}

#[test]
fn masks_alone_are_those_of_the_pruned_file() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, _) in METHODS {
        // No weight is zero, so that the masks can be read from the pruned file.
        let weights: Tensors = mixed(Kind::Uniform).into_iter().filter(|(name, _)| name != "empty.weight").collect();
        write(&folder.path().join("model.safetensors"), &weights);
        ok(folder.path(), &[&["apply", "model.safetensors", "-o", "out.safetensors", "--force"], arguments].concat());
        ok(folder.path(), &[&["mask", "model.safetensors", "-o", "masks.safetensors", "--force"], arguments].concat());
        let masks = read(&folder.path().join("masks.safetensors"));
        let pruned = read(&folder.path().join("out.safetensors"));
        assert!(masks.len() >= 3);
        for (name, mask) in &masks {
            let out = &pruned[name];
            assert_eq!((mask.dtype, &mask.shape), (Dtype::BOOL, &out.shape));
            let size = out.dtype.bitsize() / 8;
            for (i, (element, &kept)) in out.bytes.chunks(size).zip(&mask.bytes).enumerate() {
                let magnitude = element[..size - 1].iter().any(|&b| b != 0) || element[size - 1] & 0x7F != 0;
                let before = &weights[name].bytes[i * size..][..size];
                assert!(kept == 1 || !magnitude, "{name} {i}");
                assert!(kept == 0 || before == element, "{name} {i}");
            }
        }
        // Applied as they are, they give the same file.
        let again =
            ["apply", "model.safetensors", "-o", "again.safetensors", "--force", "--masks", "masks.safetensors"];
        ok(folder.path(), &again);
        assert_eq!(read(&folder.path().join("again.safetensors")), pruned);
        ok(folder.path(), &["check", "again.safetensors", "--masks", "masks.safetensors"]);
    }
}

/// Longer than what is read at once, so that ties and groups go over the ends of parts; and over shards.
#[test]
fn layers_longer_than_a_part_and_shards() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [Kind::Uniform, Kind::Tied] {
        let weights = tensors([
            ("long.weight", tensor(Dtype::F32, &[3, 700_001], kind, 1)),
            ("wide.weight", tensor(Dtype::BF16, &[2, 6, 100_003], kind, 2)),
            ("z.weight", tensor(Dtype::F64, &[1001, 11], kind, 3)),
        ]);
        write_sharded(&folder.path().join("model"), &weights);
        for (arguments, strategy) in &METHODS[..8] {
            ok(folder.path(), &[&["apply", "model", "-o", "out", "--force"], *arguments].concat());
            let got = read_sharded(&folder.path().join("out"));
            let want = oracle(&weights, strategy);
            for (name, tensor) in &want {
                assert!(got[name] == *tensor, "{kind:?} {arguments:?} {name}");
            }
        }
        for name in ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] {
            assert_eq!(header(&folder.path().join("out").join(name)), header(&folder.path().join("model").join(name)));
        }
        let index = "model.safetensors.index.json";
        let read = |from: &str| fs::read(folder.path().join(from).join(index)).unwrap();
        assert_eq!(read("out"), read("model"));
    }
}

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
                // Where no axis is written it is that of the inputs on files, and the last in a training loop.
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
    let weights = mixed(Kind::Uniform);
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

#[test]
fn scores_rank_and_masks_in_force_only_close() {
    let folder = tempfile::tempdir().unwrap();
    let weights = tensors([
        ("a.weight", f32s(&[2, 4], &[9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0])),
        ("b.weight", f32s(&[1, 4], &[1.0, 1.0, 1.0, 1.0])),
    ]);
    write(&folder.path().join("model.safetensors"), &weights);
    let scores = tensors([
        ("a.weight", f32s(&[2, 4], &[-9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, f32::INFINITY])),
        ("b.weight", f32s(&[1, 4], &[7.0, -0.0, 0.0, 8.0])),
    ]);
    write(&folder.path().join("scores.safetensors"), &scores);
    let call = ["apply", "model.safetensors", "-o", "out.safetensors", "--force", "--scores", "scores.safetensors"];
    ok(folder.path(), &[&call[..], &["--method", "unstr_global", "--density", "0.25"]].concat());
    let out = read(&folder.path().join("out.safetensors"));
    assert_eq!(out["a.weight"], f32s(&[2, 4], &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0]));
    assert_eq!(out["b.weight"], f32s(&[1, 4], &[1.0, 0.0, 0.0, 1.0]));
    ok(folder.path(), &[&call[..], &["--method", "str_unified_local", "--pattern", "1:2"]].concat());
    let out = read(&folder.path().join("out.safetensors"));
    assert_eq!(out["a.weight"], f32s(&[2, 4], &[0.0, 8.0, 0.0, 6.0, 0.0, 4.0, 0.0, 2.0]));
    assert_eq!(out["b.weight"], f32s(&[1, 4], &[1.0, 0.0, 0.0, 1.0]));

    // Under masks in force, of which one closes the best of a group and the other is not there.
    let alive = [true, true, true, false, true, true, false, false];
    write(&folder.path().join("masks.safetensors"), &tensors([("a.weight", bools(&[2, 4], &alive))]));
    let masked = [&call[..], &["--masks", "masks.safetensors"]].concat();
    let text = ok(folder.path(), &[&masked[..], &["--method", "str_unified_local", "--pattern", "1:2"]].concat());
    assert!(text.contains("short groups"), "{text}");
    let out = read(&folder.path().join("out.safetensors"));
    assert_eq!(out["a.weight"], f32s(&[2, 4], &[0.0, 8.0, 7.0, 0.0, 0.0, 4.0, 0.0, 0.0]));
    ok(folder.path(), &[&masked[..], &["--method", "unstr_global", "--density", "0.5"]].concat());
    let out = read(&folder.path().join("out.safetensors"));
    assert_eq!(out["a.weight"], f32s(&[2, 4], &[0.0, 8.0, 7.0, 0.0, 5.0, 4.0, 0.0, 0.0]));
    let error = fails(folder.path(), 2, &[&masked[..], &["--method", "unstr_global", "--density", "0.9"]].concat());
    assert!(error.contains("11 elements are asked for (keeps 90%, removes 10%), but only 9 are alive"), "{error}");
    let error =
        fails(folder.path(), 2, &[&masked[..], &["--method", "unstr_unified_local", "--density", "0.9"]].concat());
    assert!(error.contains("layer `a.weight`: 7 elements are asked for"), "{error}");
}

#[test]
fn companions_must_fit() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("model.safetensors"), &tensors([("a.weight", f32s(&[1, 2], &[1.0, 2.0]))]));
    let cases = [
        (tensors([("a.weigth", f32s(&[1, 2], &[1.0, 2.0]))]), "has no layer `a.weigth`; did you mean `a.weight`?"),
        (tensors([("a.weight", f32s(&[2, 1], &[1.0, 2.0]))]), "`a.weight` has shape [2, 1], but [1, 2] in the model"),
        (tensors([("a.weight", bools(&[1, 2], &[true, false]))]), "are of type BOOL; write f32, f64, f16 or bf16"),
        (Tensors::new(), "there are no scores for layer `a.weight`"),
    ];
    for (scores, why) in cases {
        write(&folder.path().join("scores.safetensors"), &scores);
        let error = fails(
            folder.path(),
            2,
            &[
                "mask",
                "model.safetensors",
                "-o",
                "x",
                "--scores",
                "scores.safetensors",
                "--method",
                "unstr_global",
                "--density",
                "0.5",
            ],
        );
        assert!(error.contains(why), "{error}");
    }
    let mut odd = bools(&[1, 2], &[true, false]);
    odd.bytes[1] = 2;
    let cases = [
        (
            tensors([("a.weight", tensor(Dtype::I64, &[1, 2], Kind::Uniform, 1))]),
            "the mask of `a.weight` is of type I64; masks are BOOL, U8, F16, BF16, F32 and F64",
        ),
        (tensors([("a.weight", odd)]), "the mask `a.weight` has 2 at [0, 1]; masks are of 0 and 1"),
        (tensors([("a.weight", f32s(&[1, 2], &[0.5, 1.0]))]), "the mask `a.weight` has 0.5 at [0, 0]"),
    ];
    for (masks, why) in cases {
        write(&folder.path().join("masks.safetensors"), &masks);
        let error = fails(folder.path(), 2, &["apply", "model.safetensors", "-o", "x", "--masks", "masks.safetensors"]);
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(entries(folder.path()), ["masks.safetensors", "model.safetensors", "scores.safetensors"]);
}

#[test]
fn embeddings_and_heads_are_left_dense_unless_all() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["model.embed_tokens.weight", "h.wte.weight", "h.wpe.weight", "lm_head.weight", "fc.weight"];
    let weights: Tensors =
        names.iter().map(|name| ((*name).to_owned(), tensor(Dtype::F32, &[4, 4], Kind::Uniform, 3))).collect();
    write(&folder.path().join("model.safetensors"), &weights);
    let call = ["apply", "model.safetensors", "-o", "out.safetensors", "--force", "--method", "unstr_unified_local"];
    let text = ok(folder.path(), &[&call[..], &["--density", "0.5"]].concat());
    assert!(
        text.contains("left dense, projection to a vocabulary: `lm_head.weight`\n") && text.contains("`h.wte.weight`"),
        "{text}"
    );
    let out = read(&folder.path().join("out.safetensors"));
    assert!(names[..4].iter().all(|name| out[*name] == weights[*name]) && out["fc.weight"] != weights["fc.weight"]);
    let text = ok(folder.path(), &[&call[..], &["--density", "0.5", "--all"]].concat());
    assert!(!text.contains("left dense"), "{text}");
    let out = read(&folder.path().join("out.safetensors"));
    assert!(names.iter().all(|name| out[*name] != weights[*name]));
    let error = fails(folder.path(), 2, &[&call[..], &["--density", "0.5", "--include", "*embed*"]].concat());
    assert!(error.contains("the pattern `*embed*` of --include matches no prunable layer; `model.embed_tokens.weight` is left dense: embedding"), "{error}");
    // A table names its layers, so it means them.
    let table = "{0: {'method': 'unstr_local', 'density': {'lm_head.weight': 0.5}}}";
    ok(folder.path(), &["apply", "model.safetensors", "-o", "out.safetensors", "--force", "--strategy", table]);
    assert!(read(&folder.path().join("out.safetensors"))["lm_head.weight"] != weights["lm_head.weight"]);
}

#[test]
fn requests_that_do_not_fit_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut weights = mixed(Kind::Uniform);
    weights.insert("vector".to_owned(), tensor(Dtype::F32, &[8], Kind::Uniform, 1));
    write(&folder.path().join("model.safetensors"), &weights);
    let cases: [(&[&str], &str); 21] = [
        (&["--method", "unstr_global"], "needs --density or --sparsity"),
        (&["--method", "unstr_global", "--pattern", "2:4"], "needs --density or --sparsity"),
        (&["--method", "str_unified_local", "--density", "0.5"], "needs --pattern N:M"),
        (&["--method", "unstr_global", "--density", "0.5", "--axis", "1"], "has neither here"),
        (&["--method", "str_global", "--pattern", "2:4", "--axis", "1"], "along no axis"),
        (&["--method", "str_unified_local", "--pattern", "2:4", "--axis", "2"], "axis 2 does not exist in shape"),
        (&["--method", "unstr_global", "--density", "1.5"], "outside 0 < d <= 1"),
        (&["--method", "unstr_global", "--sparsity", "1"], "outside 0 <= s < 1"),
        (&["--method", "str_unified_local", "--pattern", "4:2"], "not N:M"),
        (&["--method", "unstr_global", "--density", "0.5", "--include", "ids"], "matches no prunable layer"),
        (&["--method", "unstr_global", "--density", "0.5", "--exclude", "b.weigth"], "did you mean `b.weight`?"),
        (&["--method", "unstr_global", "--density", "0.5", "--exclude", "*"], "no layer is selected"),
        (&["--strategy", "{}"], "no events"),
        (&["--strategy", "{0: {'method': 'unstr_local', 'density': {'a.weigth': 0.5}}}"], "did you mean `a.weight`?"),
        (&["--strategy", "{0: {'method': 'unstr_local', 'density': {'ids': 0.5}}}"], "is of type I64"),
        (&["--strategy", "{0: {'method': 'unstr_global', 'density': 0.5, 'reopen': 'random'}}"], "nothing trains here"),
        (
            &["--strategy", "{0: {'method': 'unstr_global', 'density': 0.5, 'score': 'snip'}}"],
            "the score `snip` needs --gradients",
        ),
        (&["--strategy", "{0: {'method': 'unstr_global', 'density': 0.5, 'score': 'given'}}"], "needs --scores"),
        (&["--strategy", "{1: {'method': 'set', 'decay': 'constant'}}"], "`set` moves what masks keep"),
        (&["--strategy", "{2: {'method': 'unstr_global', 'density': 0.5, 'rewind': 0}}"], "which a checkpoint has not"),
        (&["--strategy", "{'5 steps': {'method': 'unstr_global', 'density': 0.5}}"], "counted in steps"),
    ];
    for (arguments, why) in cases {
        let error =
            fails(folder.path(), 2, &[&["apply", "model.safetensors", "-o", "out.safetensors"], arguments].concat());
        assert!(error.contains(why), "{arguments:?}: {error}");
    }
    let error = fails(folder.path(), 2, &["apply", "model.safetensors", "-o", "out.safetensors"]);
    assert!(error.contains("say what is done"), "{error}");
    let error = fails(folder.path(), 3, &["apply", "model.safetensors", "-o", "x", "--strategy", "nowhere.py"]);
    assert!(error.contains("cannot read nowhere.py"), "{error}");
    assert_eq!(entries(folder.path()), ["model.safetensors"]);
}

#[test]
fn a_nan_is_named_by_layer_and_index() {
    let folder = tempfile::tempdir().unwrap();
    let mut long = vec![1.0f32; 1_200_000];
    long[1_100_003] = f32::NAN;
    long[1_150_000] = f32::NAN;
    let weights = tensors([
        ("a.weight", f32s(&[2, 2], &[1.0, 2.0, 3.0, 4.0])),
        ("b.weight", f32s(&[1200, 1000], &long)),
        ("c.weight", f32s(&[1, 1], &[f32::NAN])),
    ]);
    write(&folder.path().join("model.safetensors"), &weights);
    let methods: [&[&str]; 5] = [
        &["--method", "unstr_global", "--density", "0.5"],
        &["--method", "unstr_unified_local", "--density", "0.5"],
        &["--method", "str_unified_local", "--pattern", "2:4"],
        &["--method", "str_unified_local", "--pattern", "2:4", "--axis", "0"],
        &["--method", "str_global", "--pattern", "2:4"],
    ];
    for method in methods {
        let error =
            fails(folder.path(), 2, &[&["apply", "model.safetensors", "-o", "out.safetensors"], method].concat());
        assert!(error.contains("layer `b.weight`: the score at [1100, 3] is NaN"), "{method:?}: {error}");
    }
    assert_eq!(entries(folder.path()), ["model.safetensors"]);
    // A layer that is left out is not examined.
    let call = ["apply", "model.safetensors", "-o", "out.safetensors", "--include", "a*", "--method", "unstr_global"];
    ok(folder.path(), &[&call[..], &["--density", "0.5"]].concat());
}

#[test]
fn threads_do_not_change_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    let weights = tensors([("a.weight", tensor(Dtype::F32, &[1500, 1501], Kind::Tied, 1))]);
    write(&folder.path().join("model.safetensors"), &weights);
    for (arguments, _) in &METHODS[..5] {
        let mut outs = Vec::new();
        for threads in ["1", "2", "7"] {
            let call =
                [&["apply", "model.safetensors", "-o", "out.safetensors", "--force", "--quiet"], *arguments].concat();
            let output = common::prune(folder.path()).env("RAYON_NUM_THREADS", threads).args(call).output().unwrap();
            assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
            outs.push(fs::read(folder.path().join("out.safetensors")).unwrap());
        }
        assert!(outs[0] == outs[1] && outs[0] == outs[2], "{arguments:?}");
    }
}

#[test]
fn the_report_has_every_number() {
    let folder = tempfile::tempdir().unwrap();
    let weights = tensors([
        ("a.weight", f32s(&[2, 4], &[9.0, 8.0, 7.0, 6.0, 1.0, 1.0, 1.0, 1.0])),
        ("b.weight", f32s(&[1, 4], &[1.0, 0.5, 0.25, 0.1])),
        ("ids", tensor(Dtype::I64, &[2], Kind::Uniform, 1)),
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Small layers of any shape and type under any two events.
    #[test]
    fn any_small_model_agrees_with_the_pruner(
        shapes in prop::collection::vec((prop::collection::vec(0usize..9, 0..5), 0usize..4, 0u64..3), 1..5),
        density in 0.05f64..1.0,
        (n, m) in (1usize..6, 1usize..6).prop_map(|(a, b)| (a.min(b), a.max(b))),
        axis in prop::sample::select(vec![-2isize, -1, 0, 1]),
        which in 0usize..4,
    ) {
        let dtypes = [Dtype::F32, Dtype::F64, Dtype::F16, Dtype::BF16];
        let mut weights: Tensors = shapes
            .iter()
            .enumerate()
            .map(|(i, (shape, dtype, seed))| {
                let kind = if *seed == 0 { Kind::Tied } else { Kind::Uniform };
                (format!("layer{i}.weight"), tensor(dtypes[*dtype], shape, kind, *seed))
            })
            .collect();
        weights.insert("always.weight".to_owned(), tensor(Dtype::F32, &[5, 3], Kind::Tied, 1));
        let first = format!("'method': 'unstr_global', 'density': {density}");
        let second = match which {
            0 => format!("'method': 'unstr_global', 'density': {}", density / 2.0),
            1 => format!("'method': 'unstr_unified_local', 'density': {}", density / 1000.0),
            2 => "'method': 'str_global', 'pattern': '1:100'".to_owned(),
            _ => format!("'method': 'str_unified_local', 'pattern': '{n}:{m}', 'axis': {axis}"),
        };
        // An event alone, and after another where it asks for no more than that leaves.
        let alone = format!("{{1: {{{second}}}}}");
        let both = format!("{{1: {{{first}}}, 2: {{{second}}}}}");
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("model.safetensors"), &weights);
        for strategy in if which == 0 || which == 2 { vec![&alone, &both] } else { vec![&alone] } {
            if which == 2 && strategy == &both && density < 0.2 {
                continue;
            }
            ok(folder.path(), &["apply", "model.safetensors", "-o", "out.safetensors", "--force", "--strategy", strategy]);
            prop_assert_eq!(read(&folder.path().join("out.safetensors")), oracle(&weights, strategy), "{}", strategy);
        }
    }
}

/// Events of a strategy have the axis that a single method would have, unless they say another.
#[test]
fn the_axis_of_a_strategy() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m"), &tensors([("conv.weight", tensor(Dtype::F32, &[8, 12, 3, 5], Kind::Uniform, 1))]));
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
    // A written -1 is the last axis, and no sign that nothing was written.
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

#[test]
fn an_event_that_changes_nothing_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m"), &mixed(Kind::Uniform));
    let text = ok(at, &["apply", "m", "-o", "out", "--method", "unstr_global", "--density", "1"]);
    assert!(text.starts_with("unstr_global, keeps 100%, removes 0%: unchanged\n"), "{text}");
    let twice = "{0: {'method': 'unstr_global', 'density': 0.5}, 1: {'method': 'unstr_global', 'density': 0.5}}";
    let text = ok(at, &["apply", "m", "-o", "out", "--force", "--strategy", twice]);
    let said: Vec<bool> =
        text.lines().filter(|line| line.starts_with("epoch")).map(|line| line.ends_with(": unchanged")).collect();
    assert_eq!(said, [false, true], "{text}");
}

/// A NaN in a layer that nothing ranks is not what stopped a selection.
#[test]
fn the_nan_that_is_named_is_one_that_is_ranked() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let nan = [1.0, f32::NAN, 3.0, 4.0];
    write(&at.join("m"), &tensors([("a.weight", f32s(&[1, 4], &nan)), ("b.weight", f32s(&[1, 4], &nan))]));
    write(&at.join("masks"), &tensors([("a.weight", bools(&[1, 4], &[true; 4]))]));
    let command = ["apply", "m", "-o", "x", "--masks", "masks", "--include", "b.weight", "--method", "str_global"];
    let error = fails(at, 2, &[&command[..], &["--pattern", "2:4"]].concat());
    assert!(error.contains("`b.weight`") && !error.contains("a.weight"), "{error}");
}
