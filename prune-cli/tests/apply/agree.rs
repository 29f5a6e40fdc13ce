//! Every method, strategy and score gives what the pruner gives.

use std::fs;

use proptest::prelude::*;
use prune_core::testing::generators::ValueKind;
use safetensors::Dtype;

use crate::KINDS;
use crate::common::{
    Tensors, bools, f32s, fails, mixed, ok, oracle, read, read_sharded, tensor, tensors, write, write_sharded,
};

/// The header of a file, up to where its data begin, as the safetensors crate reads it.
fn header(path: &std::path::Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[..8 + len].to_vec()
}

/// Each method as arguments, and as a strategy for the pruner.
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
                let kind = if *seed == 0 { ValueKind::Tied } else { ValueKind::Uniform };
                (format!("layer{i}.weight"), tensor(dtypes[*dtype], shape, kind, *seed))
            })
            .collect();
        weights.insert("always.weight".to_owned(), tensor(Dtype::F32, &[5, 3], ValueKind::Tied, 1));
        let first = format!("'method': 'unstr_global', 'density': {density}");
        let second = match which {
            0 => format!("'method': 'unstr_global', 'density': {}", density / 2.0),
            1 => format!("'method': 'unstr_unified_local', 'density': {}", density / 1000.0),
            2 => "'method': 'str_global', 'pattern': '1:100'".to_owned(),
            _ => format!("'method': 'str_unified_local', 'pattern': '{n}:{m}', 'axis': {axis}"),
        };
        // The second event alone, and after the first if it asks for no more than that leaves.
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

#[test]
fn masks_alone_are_those_of_the_pruned_file() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, _) in METHODS {
        // No weight is zero, so that the masks can be read from the pruned file.
        let weights: Tensors =
            mixed(ValueKind::Uniform).into_iter().filter(|(name, _)| name != "empty.weight").collect();
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
        // The same masks, applied as they are, give the same file.
        let again =
            ["apply", "model.safetensors", "-o", "again.safetensors", "--force", "--masks", "masks.safetensors"];
        ok(folder.path(), &again);
        assert_eq!(read(&folder.path().join("again.safetensors")), pruned);
        ok(folder.path(), &["check", "again.safetensors", "--masks", "masks.safetensors"]);
    }
}

/// Weights longer than one read, and spread over shards, so that ties and groups cross the ends of parts.
#[test]
fn layers_longer_than_a_part_and_shards() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [ValueKind::Uniform, ValueKind::Tied] {
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

    // Masks in force: one closes the best element of a group, and the other layer has none.
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
fn threads_do_not_change_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    let weights = tensors([("a.weight", tensor(Dtype::F32, &[1500, 1501], ValueKind::Tied, 1))]);
    write(&folder.path().join("model.safetensors"), &weights);
    for (arguments, _) in &METHODS[..5] {
        let mut outs = Vec::new();
        for threads in ["1", "2", "7"] {
            let call =
                [&["apply", "model.safetensors", "-o", "out.safetensors", "--force", "--quiet"], *arguments].concat();
            let output =
                crate::common::prune(folder.path()).env("RAYON_NUM_THREADS", threads).args(call).output().unwrap();
            assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
            outs.push(fs::read(folder.path().join("out.safetensors")).unwrap());
        }
        assert!(outs[0] == outs[1] && outs[0] == outs[2], "{arguments:?}");
    }
}
