//! Pruning of files as people have them: it takes known weights, along their true axes, under the masks in the file.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;

use common::*;
use half::{bf16, f16};
use prune_core::testing::generators::ValueKind;
use prune_core::{Mask, NmPattern};
use safetensors::Dtype;

const HALF: [&str; 4] = ["--method", "unstr_unified_local", "--density", "0.5"];
const TWO_OF_FOUR: [&str; 4] = ["--method", "str_unified_local", "--pattern", "2:4"];

fn floats(shape: &[usize], seed: u64) -> Tensor {
    tensor(Dtype::F32, shape, ValueKind::Uniform, seed)
}

fn halves(shape: &[usize], seed: u64) -> Tensor {
    tensor(Dtype::F16, shape, ValueKind::Uniform, seed)
}

/// The tensors after `apply` on a model.
fn applied(at: &Path, more: &[&str]) -> Tensors {
    ok(at, &[&["apply", "m.safetensors", "-o", "out.safetensors", "--force"], more].concat());
    read(&at.join("out.safetensors"))
}

fn zeros(tensor: &Tensor) -> usize {
    let size = tensor.dtype.bitsize() / 8;
    tensor.bytes.chunks(size).filter(|value| value.iter().all(|&byte| byte == 0)).count()
}

/// True if every group of four along an axis has two zeros.
fn two_of_four(tensor: &Tensor, axis: usize) -> bool {
    let kept: Vec<bool> = tensor.bytes.chunks(4).map(|value| value != [0; 4]).collect();
    let counts = Mask::from_bools(&tensor.shape, &kept).unwrap();
    counts.pattern_counts(NmPattern::new(2, 4).unwrap(), axis as isize).unwrap().over == 0
}

/// A mask that does not fit its weight is an error. The weight is not pruned as if it had no mask.
#[test]
fn a_mask_of_another_shape_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (stem, mask) in [("fc.weight", [4, 8]), ("rnn.weight_hh_l0", [8, 4])] {
        let (held, beside) = (format!("{stem}_orig"), format!("{stem}_mask"));
        let model = [(held.as_str(), floats(&[8, 8], 1)), (beside.as_str(), floats(&mask, 2))];
        write(&at.join("m.safetensors"), &tensors(model));
        let error = fails(at, 2, &[&["apply", "m.safetensors", "-o", "out.safetensors"], &HALF[..]].concat());
        let why = format!("`{held}` has shape [8, 8], but the mask beside it {mask:?}");
        assert!(error.contains(&why) && !at.join("out.safetensors").exists(), "{error}");
    }
}

#[test]
fn nothing_is_pruned_that_is_no_weight() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let others = [
        ("l.scales", halves(&[2, 64], 1)),
        ("model.layers.0.mlp.gate_proj.weight_scale_inv", floats(&[4, 4], 2)),
        ("h.0.attn.bias", floats(&[1, 1, 8, 8], 3)),
        ("wte.weight", floats(&[10, 8], 4)),
        ("model.layers.0.block_sparse_moe.gate.weight", floats(&[4, 8], 5)),
        ("some.table", floats(&[4, 8], 6)),
        ("conv.weight_g", floats(&[8, 1, 1], 7)),
        ("gn.parametrizations.weight.original0", floats(&[8, 1, 1], 8)),
    ];
    let weights = [
        ("model.layers.1.mlp.gate_proj.weight", floats(&[8, 8], 10)),
        ("conv.weight_v", floats(&[8, 4, 3], 11)),
        ("gn.parametrizations.weight.original1", floats(&[8, 4, 3], 12)),
        ("encoder.mask_downscaling.0.weight", floats(&[4, 1, 2, 2], 13)),
    ];
    let all: Tensors =
        others.iter().chain(&weights).map(|(name, tensor)| ((*name).to_owned(), tensor.clone())).collect();
    write(&at.join("m.safetensors"), &all);
    let out = applied(at, &HALF);
    for (name, tensor) in &others {
        assert_eq!(&out[*name], tensor, "{name}");
    }
    for (name, tensor) in &weights {
        assert_eq!(zeros(&out[*name]), tensor.shape.iter().product::<usize>() / 2, "{name}");
    }
    // Each layer is named with its reason, in the text and in the report.
    let text = ok(at, &[&["apply", "m.safetensors", "-o", "o2.safetensors", "--report", "r.json"], &HALF[..]].concat());
    assert!(text.contains("left dense, unknown name (--also GLOB prunes them): `some.table`\n"), "{text}");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(at.join("r.json")).unwrap()).unwrap();
    let left: Vec<&str> =
        report["left_dense"].as_array().unwrap().iter().map(|left| left["layer"].as_str().unwrap()).collect();
    assert!(others.iter().all(|(name, _)| left.contains(name)) && left.len() == others.len(), "{left:?}");
}

#[test]
fn a_file_without_weights_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let packed = [
        ("l.qweight", tensor(Dtype::I32, &[8, 64], ValueKind::Uniform, 1)),
        ("l.qzeros", tensor(Dtype::I32, &[2, 8], ValueKind::Uniform, 2)),
        ("l.scales", halves(&[2, 64], 3)),
        ("norm.weight", halves(&[64], 4)),
    ];
    write(&at.join("m.safetensors"), &tensors(packed));
    let error = fails(at, 2, &[&["apply", "m.safetensors", "-o", "out.safetensors"], &HALF[..]].concat());
    assert!(error.contains("no layer is selected: left dense are `l.scales (scale of a quantised layer)`"), "{error}");
    assert_eq!(entries(at), ["m.safetensors"]);
}

#[test]
fn patterns_narrow_also_adds_and_all_adds_everything() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let names = ["fc.weight", "table", "lm_head.weight"];
    let model: Tensors = names.iter().map(|name| ((*name).to_owned(), floats(&[4, 8], 1))).collect();
    write(&at.join("m.safetensors"), &model);
    let pruned = |more: &[&str]| {
        let out = applied(at, &[&HALF[..], more].concat());
        names.map(|name| out[name] != model[name])
    };
    assert_eq!(pruned(&[]), [true, false, false]);
    assert_eq!(pruned(&["--also", "tab*"]), [true, true, false]);
    assert_eq!(pruned(&["--also", "*", "--include", "tab*"]), [false, true, false]);
    assert_eq!(pruned(&["--all"]), [true; 3]);
    assert_eq!(pruned(&["--all", "--exclude", "tab*"]), [true, false, true]);
    let error = |more: &[&str]| fails(at, 2, &[&["apply", "m.safetensors", "-o", "x"], &HALF[..], more].concat());
    let said = error(&["--include", "tab*"]);
    assert!(said.contains("matches no prunable layer; `table` is of an unknown name: add it with --also"), "{said}");
    let said = error(&["--also", "lm*"]);
    assert!(said.contains("`lm_head.weight` is left dense: projection to a vocabulary"), "{said}");
    // A table prunes exactly the layers that it names.
    let table = "{0: {'method': 'unstr_local', 'density': {'lm_head.weight': 0.5, 'table': 0.5}}}";
    let text = ok(at, &["apply", "m.safetensors", "-o", "out.safetensors", "--force", "--strategy", table]);
    let warning =
        "layer `lm_head.weight` is pruned because it is named, though its name says projection to a vocabulary";
    assert!(text.contains(warning) && !text.contains("`table` is pruned because"), "{text}");
}

/// Groups run along the inputs, in whatever order a framework stores the axes.
#[test]
fn groups_run_along_true_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let layers: [(&str, &[usize], usize); 9] = [
        ("h.0.attn.c_attn.weight", &[16, 48], 0),
        ("h.0.mlp.c_fc.weight", &[16, 64], 0),
        ("h.0.mlp.c_proj.weight", &[64, 16], 0),
        ("model.layers.0.self_attn.q_proj.weight", &[16, 16], 1),
        ("params/Conv_0/kernel", &[3, 3, 8, 12], 2),
        ("params/attention/query/kernel", &[16, 4, 8], 0),
        ("params/attention/out/kernel", &[4, 8, 16], 0),
        ("layer.dense.weight", &[12, 20], 1),
        ("conv.weight", &[8, 4, 3, 3], 1),
    ];
    let model: Tensors =
        layers.iter().enumerate().map(|(i, (name, shape, _))| ((*name).to_owned(), floats(shape, i as u64))).collect();
    write(&at.join("m.safetensors"), &model);
    let out = applied(at, &TWO_OF_FOUR);
    for (name, _, axis) in layers {
        assert!(two_of_four(&out[name], axis), "{name}");
    }
    // `check` looks along the same axis as `apply`, and says which.
    let text = ok(at, &["check", "out.safetensors", "--pattern", "2:4"]);
    assert!(text.contains("0 of 192 groups along axis 0 have more"), "{text}");
    // A written axis is taken as it is.
    let out = applied(at, &[&TWO_OF_FOUR[..], &["--axis", "-1"]].concat());
    assert!(layers.iter().all(|(name, shape, _)| two_of_four(&out[*name], shape.len() - 1)));
}

/// One name may have two orders of axes: the kind of model in config.json decides. The command says which layers it
/// will prune and why, before it writes.
#[test]
fn a_schedule_says_what_layers_are() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let model = [("h.0.attn.c_attn.weight", floats(&[16, 48], 1)), ("wte.weight", floats(&[10, 16], 2))];
    write(&at.join("m.safetensors"), &tensors(model));
    let event = "{0: {'method': 'str_unified_local', 'pattern': '2:4'}}";
    let text = ok(at, &["schedule", event, "--model", "m.safetensors", "--all", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let told = |row: usize| {
        let row = &json["rows"][row];
        (row["class"].to_string(), row["input_axes"].to_string(), row["axis"].to_string(), row["entry"] != "")
    };
    let all = |class: &str, inputs: &str, axis: &str, entry| (class.into(), inputs.into(), axis.into(), entry);
    assert_eq!(told(0), all("\"weight\"", "[0]", "0", true));
    assert_eq!(told(1), all("\"other\"", "[]", "1", true));
    assert_eq!(told(2), all("\"\"", "[]", "null", false));
}

#[test]
fn the_kind_of_model_decides_before_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m.safetensors"), &tensors([("transformer.h.0.attn.c_attn.weight", floats(&[24, 16], 1))]));
    let name = "transformer.h.0.attn.c_attn.weight";
    for (kind, axis) in [("gpt_bigcode", 1), ("gpt2", 0)] {
        fs::write(at.join("config.json"), format!("\u{feff}{{\"model_type\": \"{kind}\", \"eps\": NaN}}")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&ok(at, &["inspect", "m.safetensors", "--json"])).unwrap();
        let of = &json["tensors"][0];
        assert_eq!((&of["input_axes"], &of["axes_told_by"]), (&[axis].into(), &"model type".into()), "{kind}");
        assert!(two_of_four(&applied(at, &TWO_OF_FOUR)[name], axis), "{kind}");
    }
}

#[test]
fn a_bias_tells_where_outputs_are_and_nothing_is_guessed_without() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let up = floats(&[8, 4, 2, 2], 1);
    write(&at.join("m.safetensors"), &tensors([("up.weight", up.clone()), ("up.bias", floats(&[4], 2))]));
    assert!(two_of_four(&applied(at, &TWO_OF_FOUR)["up.weight"], 0));
    write(&at.join("m.safetensors"), &tensors([("up.weight", up)]));
    let error = fails(at, 2, &[&["apply", "m.safetensors", "-o", "x"], &TWO_OF_FOUR[..]].concat());
    assert!(error.contains("layer `up.weight`: nothing tells which of its 4 axes is that of its inputs"), "{error}");
    let error = fails(at, 2, &["check", "m.safetensors", "--pattern", "2:4"]);
    assert!(error.contains("write `axis` as an index"), "{error}");
    assert!(two_of_four(&applied(at, &[&TWO_OF_FOUR[..], &["--axis", "0"]].concat())["up.weight"], 0));
    applied(at, &HALF);
}

/// A mask of 0 and 1 in a given type.
fn mask_of(dtype: Dtype, shape: &[usize], kept: &[bool]) -> Tensor {
    let one = match dtype {
        Dtype::F32 => 1f32.to_le_bytes().to_vec(),
        Dtype::F64 => 1f64.to_le_bytes().to_vec(),
        Dtype::F16 => f16::ONE.to_le_bytes().to_vec(),
        Dtype::BF16 => bf16::ONE.to_le_bytes().to_vec(),
        _ => vec![1],
    };
    let bytes = kept.iter().flat_map(|&kept| if kept { one.clone() } else { vec![0; one.len()] }).collect();
    Tensor { dtype, shape: shape.to_vec(), bytes }
}

/// The elements of a mask that are 1, in any type.
fn kept_of(mask: &Tensor) -> Vec<bool> {
    mask.bytes.chunks(mask.dtype.bitsize() / 8).map(|value| value.iter().any(|&byte| byte != 0)).collect()
}

/// The tensors that torch.nn.utils.prune saves: `weight_orig` is the weight, and `weight_mask` its mask in force.
#[test]
fn a_mask_beside_its_weight_is_in_force_and_only_closes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let kept: Vec<bool> = (0..64).map(|i| i * 7 % 10 < 6).collect();
    let count = kept.iter().filter(|kept| **kept).count();
    for (stem, dtype) in [
        ("fc.weight", Dtype::F32),
        ("fc.weight", Dtype::F16),
        ("fc.weight", Dtype::BF16),
        ("fc.weight", Dtype::F64),
        ("fc.weight", Dtype::U8),
        ("fc.weight", Dtype::BOOL),
        ("rnn.weight_hh_l0", Dtype::F32),
    ] {
        let (orig, mask) = (format!("{stem}_orig"), format!("{stem}_mask"));
        let model: Tensors = [
            (orig.clone(), floats(&[8, 8], 1)),
            (mask.clone(), mask_of(dtype, &[8, 8], &kept)),
            ("fc.bias".to_owned(), floats(&[8], 2)),
            ("next.weight".to_owned(), floats(&[8, 8], 3)),
        ]
        .into();
        write(&at.join("m.safetensors"), &model);
        let twice = "{0: {'method': 'unstr_unified_local', 'density': 0.55}, \
                      1: {'method': 'unstr_unified_local', 'density': 0.5}}";
        for how in [&HALF[..], &["--strategy", twice], &["--method", "unstr_global", "--density", "0.5"]] {
            let out = applied(at, how);
            let new = kept_of(&out[&mask]);
            assert!(new.iter().zip(&kept).all(|(new, old)| !new || *old), "{stem} {dtype:?} {how:?}");
            assert_eq!(out[&mask], mask_of(dtype, &[8, 8], &new));
            if how[1] != "unstr_global" {
                assert_eq!(new.iter().filter(|kept| **kept).count(), 32);
            }
            let values = out[&orig].bytes.chunks(4).zip(model[&orig].bytes.chunks(4)).zip(&new);
            values.for_each(|((after, before), kept)| assert_eq!(after, if *kept { before } else { &[0; 4] }));
        }
        // A layer that no event selects stays as it is, to the byte.
        let out = applied(at, &[&HALF[..], &["--include", "next*"]].concat());
        assert_eq!((&out[&orig], &out[&mask]), (&model[&orig], &model[&mask]));
        // A weight with a mask: a density above the alive fraction is refused, counts respect the mask, and the mask is
        // no layer.
        let error =
            fails(at, 2, &["apply", "m.safetensors", "-o", "x", "--method", "unstr_unified_local", "--density", "0.9"]);
        assert!(error.contains(&format!("only {count} are alive")), "{error}");
        let json: serde_json::Value = serde_json::from_str(&ok(at, &["inspect", "m.safetensors", "--json"])).unwrap();
        let of = |name: &str| json["tensors"].as_array().unwrap().iter().find(|t| t["layer"] == *name).unwrap().clone();
        assert_eq!((&of(&orig)["non_zero"], &of(&orig)["class"]), (&count.into(), &"weight".into()), "{stem}");
        assert_eq!(of(&mask)["class"], "other");
        let named = format!("{{0: {{'method': 'unstr_local', 'density': {{'{mask}': 0.5}}}}}}");
        let error = fails(at, 2, &["apply", "m.safetensors", "-o", "x", "--strategy", &named]);
        assert!(dtype == Dtype::U8 || error.contains("is the mask of"), "{error}");
    }
}

#[test]
fn a_mask_beside_its_weight_holds_nothing_but_0_and_1() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut mask = [1.0; 8];
    mask[6] = 0.25;
    let model = tensors([("fc.weight_orig", floats(&[2, 4], 1)), ("fc.weight_mask", f32s(&[2, 4], &mask))]);
    write(&at.join("m.safetensors"), &model);
    let error = fails(at, 2, &[&["apply", "m.safetensors", "-o", "x"], &HALF[..]].concat());
    assert!(error.contains("the mask `fc.weight_mask` has 0.25 at [1, 2]; masks are of 0 and 1"), "{error}");
    assert_eq!(entries(at), ["m.safetensors"]);
}

#[test]
fn a_mask_of_a_type_that_no_mask_has_is_named_with_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mask = Tensor { dtype: Dtype::I64, shape: vec![2, 4], bytes: vec![0; 64] };
    let weights = [("a.weight", floats(&[2, 4], 1)), ("fc.weight_mask", mask), ("fc.weight_orig", floats(&[2, 4], 2))];
    write_sharded(&at.join("m"), &tensors(weights));
    let error = fails(at, 2, &[&["apply", "m", "-o", "x"], &HALF[..]].concat());
    let said = "model-00002-of-00002.safetensors: the mask `fc.weight_mask` is of type I64; masks are BOOL";
    assert!(error.contains(said), "{error}");
    assert_eq!(entries(at), ["m"]);
}

#[test]
fn masks_in_a_file_may_be_of_any_type_and_meet_those_beside_weights() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let own: Vec<bool> = (0..32).map(|i| i % 3 != 0).collect();
    let given: Vec<bool> = (0..32).map(|i| i % 2 == 0).collect();
    let both: Vec<bool> = own.iter().zip(&given).map(|(own, given)| *own && *given).collect();
    let model = tensors([
        ("a.weight_orig", floats(&[4, 8], 1)),
        ("a.weight_mask", mask_of(Dtype::F32, &[4, 8], &own)),
        ("b.weight", floats(&[4, 8], 2)),
    ]);
    write(&at.join("m.safetensors"), &model);
    for dtype in [Dtype::BOOL, Dtype::U8, Dtype::F16, Dtype::BF16, Dtype::F32, Dtype::F64] {
        let masks = ["a.weight_orig", "b.weight"].map(|name| (name, mask_of(dtype, &[4, 8], &given)));
        write(&at.join("masks.safetensors"), &tensors(masks));
        let out = applied(at, &["--masks", "masks.safetensors"]);
        assert_eq!(out["a.weight_mask"], mask_of(Dtype::F32, &[4, 8], &both), "{dtype:?}");
        for (name, kept) in [("a.weight_orig", &both), ("b.weight", &given)] {
            let values = out[name].bytes.chunks(4).zip(model[name].bytes.chunks(4)).zip(kept);
            values.for_each(|((after, before), kept)| assert_eq!(after, if *kept { before } else { &[0; 4] }));
        }
        ok(at, &["check", "out.safetensors", "--masks", "masks.safetensors"]);
    }
}
