//! Refusals: requests and companion files that do not fit. Also the layers that stay dense.

use prune_core::testing::generators::ValueKind;
use safetensors::Dtype;

use crate::common::{Tensors, bools, entries, f32s, fails, mixed, ok, read, tensor, tensors, write};

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
            tensors([("a.weight", tensor(Dtype::I64, &[1, 2], ValueKind::Uniform, 1))]),
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
        names.iter().map(|name| ((*name).to_owned(), tensor(Dtype::F32, &[4, 4], ValueKind::Uniform, 3))).collect();
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
    // A table names its layers, so even a head is pruned.
    let table = "{0: {'method': 'unstr_local', 'density': {'lm_head.weight': 0.5}}}";
    ok(folder.path(), &["apply", "model.safetensors", "-o", "out.safetensors", "--force", "--strategy", table]);
    assert!(read(&folder.path().join("out.safetensors"))["lm_head.weight"] != weights["lm_head.weight"]);
}

#[test]
fn requests_that_do_not_fit_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut weights = mixed(ValueKind::Uniform);
    weights.insert("vector".to_owned(), tensor(Dtype::F32, &[8], ValueKind::Uniform, 1));
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

/// A NaN in a layer that nothing ranks is not blamed when a selection fails.
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
