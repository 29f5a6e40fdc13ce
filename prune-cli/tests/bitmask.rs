//! The packed format: packing and expanding are exact, and parts that contradict each other are refused.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;

use common::{
    Tensor, Tensors, entries, f32s, fails, mixed, ok, read, read_sharded, tensor, tensors, write, write_sharded,
};
use proptest::prelude::*;
use prune_core::testing::generators::ValueKind;
use safetensors::{Dtype, SafeTensors};

const HALF: [&str; 4] = ["--method", "unstr_unified_local", "--density", "0.5"];

fn i64s(shape: &[usize], values: &[i64]) -> Tensor {
    Tensor { dtype: Dtype::I64, shape: shape.to_vec(), bytes: values.iter().flat_map(|x| x.to_le_bytes()).collect() }
}

fn u8s(shape: &[usize], values: &[u8]) -> Tensor {
    Tensor { dtype: Dtype::U8, shape: shape.to_vec(), bytes: values.to_vec() }
}

/// Packs and expands `m`. The result must be what `apply` writes without packing, byte for byte; if nothing became
/// smaller, packing writes that itself. The data never take more bytes than dense. If the file is larger all the same,
/// the report says so.
fn there_and_back(at: &Path, method: &[&str]) {
    ok(at, &[&["apply", "m", "-o", "dense", "--force"], method].concat());
    let text = ok(at, &[&["apply", "m", "-o", "packed", "--force", "--format", "bitmask"], method].concat());
    let bytes = |name: &str| fs::read(at.join(name)).unwrap();
    let data = |name: &str| read(&at.join(name)).values().map(|tensor| tensor.bytes.len()).sum::<usize>();
    assert!(data("packed") <= data("dense"), "{method:?}");
    assert_eq!(text.contains("larger than the model"), bytes("packed").len() > bytes("dense").len(), "{text}");
    if read(&at.join("packed")).keys().any(|name| name.ends_with(".bitmask")) {
        ok(at, &["expand", "packed", "-o", "expanded", "--force"]);
        assert!(bytes("dense") == bytes("expanded"), "{method:?}");
    } else {
        assert!(bytes("dense") == bytes("packed"), "{method:?}");
    }
}

#[test]
fn the_layout_is_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // The bit of -0.0 is set. The value is kept though it is the smallest, since the density is 1.
    let values =
        [0.0, 1.5, -0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.5, /* row */ 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.5, 0.0];
    let weights = tensors([("fc.weight", f32s(&[2, 9], &values)), ("fc.bias", f32s(&[2], &[1.0, 0.0]))]);
    write(&at.join("m"), &weights);
    there_and_back(at, &["--method", "unstr_global", "--density", "1"]);
    let packed = read(&at.join("packed"));
    assert_eq!(
        packed.keys().collect::<Vec<_>>(),
        ["fc.bias", "fc.bitmask", "fc.compressed", "fc.row_offsets", "fc.shape"]
    );
    assert_eq!(packed["fc.shape"], i64s(&[2], &[2, 9]));
    assert_eq!(packed["fc.compressed"], f32s(&[4], &[1.5, -0.0, 2.5, 3.5]));
    assert_eq!(packed["fc.bitmask"], u8s(&[2, 2], &[0b110, 1, 0b1000_0000, 0]));
    assert_eq!(packed["fc.row_offsets"], i64s(&[2], &[0, 3]));
    let bytes = fs::read(at.join("packed")).unwrap();
    let metadata = SafeTensors::read_metadata(&bytes).unwrap().1;
    let config = &metadata.metadata().as_ref().unwrap()["quantization_config"];
    let config: serde_json::Value = serde_json::from_str(config).unwrap();
    assert_eq!(config["quant_method"], "compressed-tensors");
    assert_eq!(config["sparsity_config"]["format"], "sparse-bitmask");
    assert_eq!(config["sparsity_config"]["targets"], serde_json::json!(["fc"]));
    assert_eq!(read(&at.join("expanded")), weights);
}

#[test]
fn every_type_and_rank_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for kind in [ValueKind::Uniform, ValueKind::Tied, ValueKind::Equal] {
        let mut weights = mixed(kind);
        weights.insert("longer.weight".to_owned(), tensor(Dtype::F32, &[3, 700_001], kind, 1));
        weights.insert("wide.weight".to_owned(), tensor(Dtype::BF16, &[2, 1_300_003], kind, 1));
        weights.insert("other-kernel".to_owned(), tensor(Dtype::F32, &[8, 8], kind, 1));
        write(&at.join("m"), &weights);
        there_and_back(at, &HALF);
        there_and_back(at, &["--method", "str_unified_local", "--pattern", "2:4"]);
        let text = ok(at, &[&["apply", "m", "-o", "packed", "--force", "--format", "bitmask"], &HALF[..]].concat());
        assert!(text.contains("kept dense in the file: `empty.weight`, `other-kernel`; packed are"), "{text}");
    }
}

#[test]
fn shards_and_configurations() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_sharded(&at.join("m"), &mixed(ValueKind::Uniform));
    fs::write(at.join("m/config.json"), "{\"model_type\": \"bert\"}\n").unwrap();
    ok(at, &[&["apply", "m", "-o", "dense"], &HALF[..]].concat());
    ok(at, &[&["apply", "m", "-o", "packed", "--format", "bitmask"], &HALF[..]].concat());
    assert_eq!(entries(&at.join("packed")), entries(&at.join("m")));
    let json = |path: &str| -> serde_json::Value { serde_json::from_slice(&fs::read(at.join(path)).unwrap()).unwrap() };
    let config = json("packed/config.json");
    assert_eq!(config["model_type"], "bert");
    assert_eq!(config["quantization_config"]["sparsity_config"]["format"], "sparse-bitmask");
    assert_eq!(
        json("packed/model.safetensors.index.json")["weight_map"]["a.compressed"],
        "model-00001-of-00002.safetensors"
    );
    ok(at, &["inspect", "packed"]);
    ok(at, &["expand", "packed", "-o", "expanded"]);
    assert_eq!(read_sharded(&at.join("expanded")), read_sharded(&at.join("dense")));
    for name in ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] {
        assert!(fs::read(at.join("expanded").join(name)).unwrap() == fs::read(at.join("dense").join(name)).unwrap());
    }
    for name in ["config.json", "model.safetensors.index.json"] {
        assert_eq!(
            fs::read(at.join("expanded").join(name)).unwrap(),
            fs::read(at.join("m").join(name)).unwrap(),
            "{name}"
        );
    }
    assert_eq!(entries(at), ["dense", "expanded", "m", "packed"]);
}

#[test]
fn at_a_tenth_of_f32_it_is_a_seventh_of_the_size() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m"), &tensors([("fc.weight", tensor(Dtype::F32, &[1024, 1024], ValueKind::Uniform, 1))]));
    let call = ["apply", "m", "-o", "packed", "--format", "bitmask", "--method", "unstr_global", "--density", "0.1"];
    let text = ok(at, &call);
    let [dense, packed] = ["m", "packed"].map(|name| fs::metadata(at.join(name)).unwrap().len() as f64);
    assert!(packed / dense < 0.14 && packed / dense > 0.13, "{}", packed / dense);
    // 10% of the values, and 0.469 bits an element for their places.
    assert!(text.contains("(13.34%; the entropy bound is 469.63 KiB, 11.47%)"), "{text}");
}

#[test]
fn a_part_that_is_named_like_a_tensor_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m"), &tensors([("a.weight", f32s(&[1, 2], &[1.0, 2.0])), ("a.shape", f32s(&[1], &[1.0]))]));
    let call = [&["apply", "m", "-o", "out", "--format", "bitmask"], &HALF[..]].concat();
    let error = fails(at, 2, &call);
    assert!(error.contains("the model has a tensor `a.shape`"), "{error}");
    assert_eq!(entries(at), ["m"]);
}

/// A packed tensor as compressed-tensors would write it.
fn packed() -> Tensors {
    tensors([
        ("a.shape", i64s(&[2], &[2, 9])),
        ("a.compressed", f32s(&[3], &[1.0, 2.0, 3.0])),
        ("a.bitmask", u8s(&[2, 2], &[1, 1, 2, 0])),
        ("a.row_offsets", i64s(&[2], &[0, 2])),
    ])
}

#[test]
fn files_of_others_are_expanded() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("p"), &packed());
    let text = ok(at, &["expand", "p", "-o", "out"]);
    assert!(text.contains("out: 1 layers expanded"), "{text}");
    let mut values = [0.0; 18];
    (values[0], values[8], values[10]) = (1.0, 2.0, 3.0);
    assert_eq!(read(&at.join("out")), tensors([("a.weight", f32s(&[2, 9], &values))]));
    let error = fails(at, 2, &["expand", "out", "-o", "x"]);
    assert!(error.contains("has no packed tensors"), "{error}");
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let cases = [
        ("a.shape", i64s(&[2], &[-2, 9]), "has a negative length"),
        ("a.shape", i64s(&[2], &[0, 9]), "which is empty or overflows"),
        ("a.shape", i64s(&[2], &[i64::MAX, i64::MAX]), "which is empty or overflows"),
        ("a.shape", i64s(&[1, 2], &[2, 9]), "is no shape"),
        ("a.shape", i64s(&[0], &[]), "is no shape"),
        ("a.shape", i64s(&[2], &[2, 17]), "is U8 of shape [2, 2], where U8 of [2, 3] is needed"),
        ("a.bitmask", u8s(&[4], &[1, 1, 2, 0]), "is U8 of shape [4], where U8 of [2, 2] is needed"),
        ("a.bitmask", u8s(&[2, 2], &[1, 3, 2, 0]), "has bits past the end of a row"),
        ("a.bitmask", u8s(&[2, 2], &[3, 1, 2, 0]), "contradicts the bitmask"),
        ("a.row_offsets", i64s(&[2], &[0, 1]), "contradicts the bitmask"),
        ("a.row_offsets", i64s(&[2], &[1, 3]), "contradicts the bitmask"),
        ("a.row_offsets", i64s(&[2], &[i64::MIN, i64::MAX]), "contradicts the bitmask"),
        ("a.row_offsets", i64s(&[3], &[0, 2, 3]), "where I64 of [2] is needed"),
        ("a.compressed", f32s(&[2], &[1.0, 2.0]), "has 2 values, but the bitmask has 3 bits"),
        ("a.compressed", f32s(&[3, 1], &[1.0, 2.0, 3.0]), "where floats along one axis are needed"),
        ("a.compressed", i64s(&[3], &[1, 2, 3]), "where floats along one axis are needed"),
        ("a.weight", f32s(&[1], &[1.0]), "stands beside the tensor that it would become"),
    ];
    for (name, tensor, why) in cases {
        let mut file = packed();
        file.insert(name.to_owned(), tensor);
        write(&at.join("p"), &file);
        let error = fails(at, 2, &["expand", "p", "-o", "out"]);
        assert!(error.contains(why), "{name}: {error}");
        assert_eq!(entries(at), ["p"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_small_tensor_comes_back(
        shape in prop::collection::vec(0usize..20, 1..4),
        dtype in prop::sample::select(vec![Dtype::F32, Dtype::F64, Dtype::F16, Dtype::BF16]),
        seed: u64,
        density in 0.01f64..1.0,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let weights = tensors([("a.weight", tensor(dtype, &shape, ValueKind::Tied, seed)), ("b.weight", f32s(&[1, 1], &[1.0]))]);
        write(&folder.path().join("m"), &weights);
        there_and_back(folder.path(), &["--method", "unstr_global", "--density", &density.to_string()]);
    }
}

#[test]
fn packed_files_are_expanded_first() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m"), &mixed(ValueKind::Uniform));
    let half = ["--method", "unstr_global", "--density", "0.5"];
    let text = ok(at, &[&["apply", "m", "-o", "packed", "--format", "bitmask"], &half[..]].concat());
    let told = "kept dense in the file: `empty.weight`; packed are tensors with axes and elements whose names end in `.weight`";
    assert!(text.contains(told), "{text}");
    for arguments in [
        &[&["apply", "packed", "-o", "x"], &half[..]].concat(),
        &[&["mask", "packed", "-o", "x"], &half[..]].concat(),
        &vec!["check", "packed", "--density", "0.5"],
    ] {
        let error = fails(at, 2, arguments);
        assert!(error.contains("is packed as a bitmask") && error.contains("`prune expand`"), "{error}");
    }
    ok(at, &["expand", "packed", "-o", "dense"]);
    ok(at, &["check", "dense", "--density", "0.5", "--together"]);
}

/// The block in `config.json` about a packed folder.
fn described(at: &Path, folder: &str) -> serde_json::Value {
    let text = fs::read_to_string(at.join(folder).join("config.json")).unwrap();
    let plain =
        text.trim_start_matches('\u{feff}').replace("NaN", "0").replace("-Infinity", "0").replace("Infinity", "0");
    serde_json::from_str::<serde_json::Value>(&plain).unwrap()["quantization_config"]["sparsity_config"].clone()
}

/// The block states the true sparsity and structure, whatever made the zeros; the sparsity is that of all numbers in
/// the model.
#[test]
fn the_block_says_what_is_really_zero() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("m")).unwrap();
    fs::write(at.join("m/config.json"), "{\"model_type\": \"llama\"}").unwrap();
    let pattern = |i: usize| [1.0, 0.0, if i % 8 < 4 { -0.0 } else { 2.0 }, 0.0][i % 4];
    let weights = |bias: &[f32]| {
        tensors([
            ("a.weight", f32s(&[32, 32], &(0..1024).map(pattern).collect::<Vec<_>>())),
            ("a.bias", f32s(&[bias.len()], bias)),
        ])
    };
    let all = ["--method", "unstr_global", "--density", "1"];
    let pack = |to: &str, method: &[&str]| {
        ok(at, &[&["apply", "m", "-o", to, "--format", "bitmask"], method].concat());
        described(at, to)
    };
    write(&at.join("m/model.safetensors"), &weights(&[1.0; 1024]));
    let block = pack("one", &all);
    // 128 of every 1024 are -0.0, which is zero. No number of the bias is zero.
    assert_eq!((&block["global_sparsity"], &block["sparsity_structure"]), (&(640.0 / 2048.0).into(), &"2:4".into()));
    let block = pack("two", &["--method", "unstr_global", "--density", "0.25"]);
    assert_eq!(block["global_sparsity"], 768.0 / 2048.0);
    // One group of four with three values rules out 2:4. So does a last axis whose length is no multiple of four.
    let dense = |i: usize| if i < 3 { 1.0 } else { pattern(i) };
    let other = tensors([("a.weight", f32s(&[32, 32], &(0..1024).map(dense).collect::<Vec<_>>()))]);
    write(&at.join("m/model.safetensors"), &other);
    assert_eq!(pack("three", &all)["sparsity_structure"], "unstructured");
    let ragged = tensors([("a.weight", f32s(&[64, 18], &(0..1152).map(pattern).collect::<Vec<_>>()))]);
    write(&at.join("m/model.safetensors"), &ragged);
    assert_eq!(pack("four", &all)["sparsity_structure"], "unstructured");
}

#[test]
fn what_packing_makes_larger_stays_dense_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let method = ["--method", "unstr_global", "--density", "0.1"];
    let conv = tensor(Dtype::F16, &[16, 16, 3, 3], ValueKind::Uniform, 1);
    write(&at.join("m"), &tensors([("conv.weight", conv.clone())]));
    let text = ok(at, &[&["apply", "m", "-o", "out", "--format", "bitmask"], &method[..]].concat());
    assert!(text.contains("kept dense in the file, since packed they are larger: `conv.weight`\n"), "{text}");
    assert!(!text.contains("warning"), "{text}");
    ok(at, &[&["apply", "m", "-o", "dense"], &method[..]].concat());
    assert_eq!(fs::read(at.join("out")).unwrap(), fs::read(at.join("dense")).unwrap());

    // In the folder, one shard is packed whole; of the other, only the tensors that become smaller.
    let fc = tensor(Dtype::F32, &[64, 64], ValueKind::Uniform, 2);
    write_sharded(&at.join("f"), &tensors([("a.weight", conv), ("b.weight", fc)]));
    fs::write(at.join("f/config.json"), "{}").unwrap();
    ok(at, &[&["apply", "f", "-o", "packed", "--format", "bitmask"], &method[..]].concat());
    ok(at, &[&["apply", "f", "-o", "plain"], &method[..]].concat());
    assert_eq!(described(at, "packed")["targets"], serde_json::json!(["b"]));
    let shard = |folder: &str, name: &str| fs::read(at.join(folder).join(name)).unwrap();
    let [one, two] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    assert_eq!(shard("packed", one), shard("plain", one));
    assert!(shard("packed", two).len() < shard("plain", two).len());
    ok(at, &["expand", "packed", "-o", "expanded"]);
    for name in [one, two, "config.json", "model.safetensors.index.json"] {
        assert_eq!(shard("expanded", name), shard("plain", name), "{name}");
    }
}

/// `config.json` as Python and Windows write it is read, and `expand` gives it back to the byte.
#[test]
fn configurations_keep_every_byte() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = tensors([("a.weight", tensor(Dtype::F32, &[64, 64], ValueKind::Uniform, 2))]);
    fs::create_dir(at.join("m")).unwrap();
    write(&at.join("m/model.safetensors"), &weights);
    for (i, config) in [
        "\u{feff}{\"rope\": Infinity, \"z\": 1,\"a\":NaN}",
        "{\r\n    \"min\": -Infinity,\r\n    \"b\": [1,\r\n2]\r\n}\r\n",
        "{\"quantization_config\": {\"quant_method\": \"compressed-tensors\", \"sparsity_config\": {\"x\": 1}}, \"a\": 1}",
        "{}\n",
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(at.join("m/config.json"), config).unwrap();
        let (packed, expanded) = (format!("packed{i}"), format!("expanded{i}"));
        ok(at, &[&["apply", "m", "-o", &packed, "--format", "bitmask"], &HALF[..]].concat());
        assert_eq!(described(at, &packed)["format"], "sparse-bitmask");
        ok(at, &["expand", &packed, "-o", &expanded]);
        assert_eq!(fs::read_to_string(at.join(expanded).join("config.json")).unwrap(), config);
    }
    // A folder without one gets none; the files themselves then say that they are packed.
    fs::remove_file(at.join("m/config.json")).unwrap();
    ok(at, &[&["apply", "m", "-o", "bare", "--format", "bitmask"], &HALF[..]].concat());
    assert_eq!(entries(&at.join("bare")), ["model.safetensors"]);
    let bytes = fs::read(at.join("bare/model.safetensors")).unwrap();
    let metadata = SafeTensors::read_metadata(&bytes).unwrap().1;
    assert!(metadata.metadata().as_ref().unwrap()["quantization_config"].contains("sparse-bitmask"));
    ok(at, &["expand", "bare", "-o", "back"]);
    assert_eq!(entries(&at.join("back")), ["model.safetensors"]);
    // A `config.json` that is no configuration is refused before anything is written.
    for (config, why) in [(&b"[1]"[..], "`{` is due at byte 0"), (b"\xff\xfe{\0}\0", "it is not UTF-8")] {
        fs::write(at.join("m/config.json"), config).unwrap();
        let error = fails(at, 2, &[&["apply", "m", "-o", "x", "--format", "bitmask"], &HALF[..]].concat());
        assert!(error.contains("m/config.json: this is no configuration") && error.contains(why), "{error}");
        assert!(!at.join("x").exists());
    }
}
