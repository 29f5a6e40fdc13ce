//! Files beside the weights in a model's folder, and folders of many files.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;

use common::{entries, f32s, fails, mixed, ok, oracle, read, read_sharded, tensors, write, write_sharded};
use prune_core::testing::generators::ValueKind;

const HALF: [&str; 4] = ["--method", "unstr_global", "--density", "0.5"];
const STRATEGY: &str = "{0: {'method': 'unstr_global', 'density': 0.5}}";

fn apply<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["apply"], arguments, &HALF].concat()
}

fn put(at: &Path, path: &str, text: &str) {
    let path = at.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The paths of all files and empty folders below a folder.
fn texts(at: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for name in entries(at) {
        let path = at.join(&name);
        if path.is_dir() {
            found.extend(texts(&path).into_iter().map(|inner| format!("{name}/{inner}")));
            if entries(&path).is_empty() {
                found.push(format!("{name}/"));
            }
        } else {
            found.push(name);
        }
    }
    found
}

#[test]
fn everything_goes_along_or_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = mixed(ValueKind::Uniform);
    write_sharded(&at.join("m"), &weights);
    let along = [
        "config.json",
        "modeling_x.py",
        "configuration_x.py",
        "qwen.tiktoken",
        "vocab.bpe",
        "tokenizer.model",
        "LICENSE",
        ".gitattributes",
        "1_Pooling/config.json",
        "assets/deep/er/picture.png",
        "sub/words.index.json",
        "voices/a.npy",
    ];
    let left = [
        "pytorch_model.bin",
        "pytorch_model-00001-of-00002.bin",
        "pytorch_model.bin.index.json",
        "tf_model.h5",
        "flax_model.msgpack",
        "m-Q4.gguf",
        "consolidated.00.pth",
        "consolidated.safetensors",
        "onnx/model.onnx",
        "original/deep/consolidated.01.pth",
        "sub/broken.safetensors.index.json",
        "fp16.safetensors",
        ".git/config",
    ];
    for path in along.iter().chain(&left) {
        put(&at.join("m"), path, path);
    }
    put(&at.join("m"), "config.json", "{}");
    write_sharded(&at.join("m/2_Dense"), &weights);
    fs::create_dir(at.join("m/empty")).unwrap();
    // A temporary file of another command, or one that was left behind.
    put(&at.join("m"), ".prune-cli-0123456789abcdef.tmp", "x");
    let shards =
        ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"];
    let mut want: Vec<String> = along.iter().chain(&shards).map(|&path| path.to_owned()).collect();
    want.extend(shards.iter().map(|path| format!("2_Dense/{path}")));
    want.push("empty/".to_owned());
    want.sort();
    for (command, out) in [
        (apply(&["m", "-o", "new"]), "new"),
        (apply(&["m/model.safetensors.index.json", "-o", "other"]), "other"),
        (apply(&["m", "-o", "packed", "--format", "bitmask"]), "packed"),
        (vec!["expand", "packed", "-o", "dense"], "dense"),
        (apply(&["m", "--in-place"]), "m"),
    ] {
        let text = ok(at, &command);
        let mut found = texts(&at.join(out));
        found.sort();
        assert_eq!(found, want, "{out}");
        for path in along.iter().filter(|path| **path != "config.json") {
            assert_eq!(fs::read_to_string(at.join(out).join(path)).unwrap(), *path, "{out}");
        }
        assert_eq!(read_sharded(&at.join(out).join("2_Dense")), weights);
        if out != "dense" {
            for path in left.iter().filter(|path| **path != ".git/config") {
                assert!(text.contains(&format!("`{path}`")), "{path}: {text}");
            }
            assert!(text.contains("`.git/`"), "{text}");
        }
        let unpruned =
            "copied as they are, not pruned: `2_Dense/model-00001-of-00002.safetensors`, `2_Dense/model-00002";
        assert!(text.contains(unpruned), "{text}");
    }
    assert_eq!(read_sharded(&at.join("m")), oracle(&weights, STRATEGY));
    for path in left {
        assert_eq!(fs::read_to_string(at.join("m.old-1").join(path)).unwrap(), path);
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_sharded(&at.join("m"), &mixed(ValueKind::Uniform));
    put(at, "elsewhere/code.py", "pass");
    symlink("../elsewhere/code.py", at.join("m/code.py")).unwrap();
    symlink("../elsewhere", at.join("m/more")).unwrap();
    symlink("nowhere", at.join("m/gone.json")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at.join("m/pipe")).status().unwrap().success());
    let text = ok(at, &apply(&["m", "-o", "out"]));
    assert!(text.contains("links that lead nowhere): `gone.json`"), "{text}");
    assert!(text.contains("neither files nor folders): `pipe`"), "{text}");
    assert!(fs::symlink_metadata(at.join("out/code.py")).unwrap().is_file());
    assert_eq!(fs::read(at.join("out/more/code.py")).unwrap(), b"pass");
    // Through the link, the output would lie in a folder that is copied.
    let error = fails(at, 2, &apply(&["m", "-o", "elsewhere/out"]));
    assert!(error.contains("elsewhere/out lies in m/more, which goes along"), "{error}");
    for (link, to) in [("m/loop", "."), ("m/loop", "loop"), ("elsewhere/loop", "../m"), ("m/loop", "../../")] {
        symlink(to, at.join(link)).unwrap();
        let error = fails(at, 2, &apply(&["m", "-o", "new"]));
        assert!(error.contains("loop"), "{error}");
        fs::remove_file(at.join(link)).unwrap();
        assert_eq!(entries(at), ["elsewhere", "m", "out"]);
    }
    ok(at, &apply(&["m", "-o", "new"]));
}

#[test]
fn an_output_inside_the_input_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_sharded(&at.join("m"), &mixed(ValueKind::Uniform));
    fs::create_dir(at.join("m/sub")).unwrap();
    for out in ["m/out", "m/sub", "m/sub/out", "./m/../m/out"] {
        for model in ["m", "m/model.safetensors.index.json"] {
            let error = fails(at, 2, &apply(&[model, "-o", out, "--force"]));
            assert!(error.contains("lies in the folder of the model"), "{error}");
        }
    }
    let error = fails(&at.join("m"), 2, &apply(&[".", "-o", "out"]));
    assert!(error.contains("lies in the folder of the model"), "{error}");
    let error = fails(at, 2, &[&["mask", "m", "-o", "m/masks.safetensors"], &HALF[..]].concat());
    assert!(error.contains("lies in the folder of the model"), "{error}");
    assert_eq!(entries(&at.join("m")).len(), 4);
    // Next to a model that is one file, there is room.
    write(&at.join("m/one.safetensors"), &mixed(ValueKind::Uniform));
    ok(at, &apply(&["m/one.safetensors", "-o", "m/out.safetensors"]));
    let error = fails(at, 2, &apply(&["m/one.safetensors", "-o", "m/deep/"]));
    assert!(error.contains("m/deep/ names a folder"), "{error}");
}

/// A name that ends in a separator is a folder's, and a folder is written.
#[test]
fn a_folder_may_be_named_with_a_separator() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_sharded(&at.join("m"), &mixed(ValueKind::Uniform));
    ok(at, &apply(&["m/", "-o", "out/"]));
    ok(at, &apply(&["m/", "-o", "out/", "--force"]));
    ok(at, &apply(&["m/", "--in-place"]));
    assert_eq!(entries(at), ["m", "m.old-1", "out", "out.old-1"]);
}

/// All shards that are missing are named at once, with the index that lists them.
#[test]
fn missing_shards_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("s01.safetensors"), &tensors([("t01.weight", f32s(&[1, 1], &[1.0]))]));
    let map: serde_json::Map<String, serde_json::Value> =
        (1..=30).map(|i| (format!("t{i:02}.weight"), format!("s{i:02}.safetensors").into())).collect();
    let index = serde_json::json!({ "weight_map": map }).to_string();
    fs::write(at.join("model.safetensors.index.json"), index).unwrap();
    let error = fails(at, 2, &["inspect", "."]);
    assert!(error.contains("model.safetensors.index.json: the index names 30 shards, of which 29 are not"), "{error}");
    assert!((2..=30).all(|i| error.contains(&format!("`s{i:02}.safetensors`"))), "{error}");
}

/// More shards than a process may have files open, in each way of writing.
#[cfg(unix)]
#[test]
fn two_hundred_shards_under_a_limit_of_open_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("m")).unwrap();
    let mut all = common::Tensors::new();
    let mut map = serde_json::Map::new();
    for i in 0..200u8 {
        let (name, file) = (format!("l{i:03}.weight"), format!("model-{i:05}-of-00200.safetensors"));
        let shard =
            tensors([(name.as_str(), f32s(&[2, 8], &[0, 1, 2, 3].map(|k| f32::from(i) + k as f32 / 8.0).repeat(4)))]);
        write(&at.join("m").join(&file), &shard);
        map.insert(name, file.into());
        all.extend(shard);
    }
    let index = serde_json::json!({ "weight_map": map }).to_string();
    fs::write(at.join("m/model.safetensors.index.json"), index).unwrap();
    let prune = assert_cmd::cargo::cargo_bin("prune");
    let limited = |arguments: &str| {
        let line = format!("ulimit -n 100; exec '{}' {arguments}", prune.display());
        let output = std::process::Command::new("sh").current_dir(at).args(["-c", &line]).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let read_all = |out: &str| {
        let files = entries(&at.join(out)).into_iter().filter(|name| name.ends_with(".safetensors"));
        files.flat_map(|name| read(&at.join(out).join(name))).collect::<common::Tensors>()
    };
    let half = HALF.join(" ");
    limited("inspect m");
    limited(&format!("mask m -o masks {half}"));
    // Scores of as many shards, too.
    limited(&format!("apply m -o out {half} --scores m"));
    limited(&format!("apply m -o packed {half} --format bitmask"));
    limited("expand packed -o dense");
    limited(&format!("apply m --in-place --masks masks {half}"));
    let want = oracle(&all, STRATEGY);
    for out in ["out", "dense", "m"] {
        assert!(read_all(out) == want, "{out}");
    }
    limited("check m --density 0.5 --together");
}
