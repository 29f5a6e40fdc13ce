//! Files as people have them: other formats, pipes, sparse checkpoints. Also figures of what was really written.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use common::{bools, entries, f32s, fails, ok, prune, read, run, tensor, tensors, write, write_sharded};
use prune_core::testing::generators::ValueKind;
use safetensors::Dtype;

const HALF: [&str; 4] = ["--method", "unstr_unified_local", "--density", "0.5"];

/// Zeros of both signs among other values: within each four, the index decides.
fn half_zero(len: usize) -> Vec<f32> {
    (0..len).map(|i| [1.0 + i as f32, 0.0, -2.0 - i as f32, -0.0][i % 4]).collect()
}

fn report(at: &Path, arguments: &[&str]) -> serde_json::Value {
    ok(at, &[arguments, &["--force", "--report", "report.json"]].concat());
    serde_json::from_slice(&fs::read(at.join("report.json")).unwrap()).unwrap()
}

#[test]
fn newly_pruned_counts_what_was_not_zero() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // The same without -0.0, since writing zeros changes that.
    let clean: Vec<f32> = half_zero(64).into_iter().map(|value| value + 0.0).collect();
    write(&at.join("m"), &tensors([("fc.weight", f32s(&[8, 8], &clean))]));
    for density in ["0.5", "0.7"] {
        let call = ["apply", "m", "-o", "out", "--method", "unstr_unified_local", "--density", density];
        let json = report(at, &call);
        let counts = &json["events"][0]["selected"];
        let closed = if density == "0.5" { 32 } else { 19 };
        assert_eq!((&counts["newly_pruned"], &counts["closed"]), (&0.into(), &closed.into()));
        assert_eq!((&json["byte_identical"], &json["events"][0]["unchanged"]), (&true.into(), &false.into()));
        assert_eq!(json["all"]["newly_pruned"], 0);
        assert_eq!(fs::read(at.join("out")).unwrap(), fs::read(at.join("m")).unwrap());
        let text = ok(at, &[&call[..], &["--force"]].concat());
        assert!(text.ends_with(", byte-identical to the model's weights\n"), "{text}");
        assert!(text.contains("newly pruned  closed"), "{text}");
    }
    // An event that keeps fewer elements than are not zero.
    let json = report(at, &["apply", "m", "-o", "out", "--method", "unstr_unified_local", "--density", "0.25"]);
    let counts = &json["events"][0]["selected"];
    assert_eq!((&counts["newly_pruned"], &counts["closed"]), (&16.into(), &48.into()));
    assert_eq!(json["byte_identical"], false);
}

/// A -0.0 outside a mask does not count as newly pruned, though its byte changes.
#[test]
fn byte_identical_is_said_only_where_it_is_so() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let values = half_zero(64);
    write(&at.join("m"), &tensors([("fc.weight", f32s(&[8, 8], &values))]));
    let json = report(at, &[&["apply", "m", "-o", "out"], &HALF[..]].concat());
    assert_eq!((&json["all"]["newly_pruned"], &json["byte_identical"]), (&0.into(), &false.into()));
    assert_ne!(fs::read(at.join("out")).unwrap(), fs::read(at.join("m")).unwrap());
    // Masks applied as they are: they close only elements that are zero already.
    let kept: Vec<bool> = values.iter().map(|value| *value != 0.0).collect();
    write(&at.join("masks"), &tensors([("fc.weight", bools(&[8, 8], &kept))]));
    let json = report(at, &["apply", "m", "-o", "out", "--masks", "masks"]);
    assert_eq!((&json["events"][0]["unchanged"], &json["byte_identical"]), (&true.into(), &false.into()));
    let json = report(at, &["apply", "out", "-o", "again", "--masks", "masks"]);
    assert_eq!((&json["events"][0]["unchanged"], &json["byte_identical"]), (&true.into(), &true.into()));
    // Weights outside masks in force are overwritten even if they are not zero.
    write(&at.join("dense"), &tensors([("fc.weight", f32s(&[8, 8], &[1.0; 64]))]));
    let json = report(at, &["apply", "dense", "-o", "out", "--masks", "masks"]);
    assert_eq!((&json["events"][0]["unchanged"], &json["all"]["newly_pruned"]), (&false.into(), &32.into()));
    // The same happens under the first of two events, which closes nothing more, and in a layer that the event leaves
    // alone.
    let half = "'method': 'unstr_unified_local', 'density': 0.5";
    let twice = format!("{{0: {{{half}}}, 1: {{{half}}}}}");
    let json = report(at, &["apply", "dense", "-o", "out", "--masks", "masks", "--strategy", &twice]);
    let of = |event: usize| (&json["events"][event]["unchanged"], &json["events"][event]["selected"]["closed"]);
    assert_eq!([of(0), of(1)], [(&false.into(), &0.into()), (&true.into(), &0.into())]);
    let other = tensors([("fc.weight", f32s(&[8, 8], &[1.0; 64])), ("other.weight", f32s(&[2, 2], &[1.0; 4]))]);
    write(&at.join("two"), &other);
    let all = ["--method", "unstr_unified_local", "--density", "1", "--exclude", "fc.*"];
    let json = report(at, &[&["apply", "two", "-o", "out", "--masks", "masks"], &all[..]].concat());
    assert_eq!(json["events"][0]["unchanged"], false);
    // Masks applied as they are report the norm of all elements; an event reports that of the elements that masks in
    // force keep.
    let json = report(at, &["apply", "dense", "-o", "out", "--masks", "masks"]);
    assert_eq!(json["events"][0]["selected"]["norm_kept"], 0.5);
    let json = report(at, &["apply", "dense", "-o", "out", "--masks", "masks", "--strategy", &twice]);
    assert_eq!(json["events"][0]["selected"]["norm_kept"], 1.0);
    let own = tensors([("fc.weight_orig", f32s(&[8, 8], &[1.0; 64])), ("fc.weight_mask", bools(&[8, 8], &kept))]);
    write(&at.join("own"), &own);
    let json = report(at, &["apply", "own", "-o", "out", "--method", "unstr_global", "--density", "0.25"]);
    assert_eq!(json["events"][0]["selected"]["norm_kept"], 0.5);
    // Under masks in force, an event counts the elements that they keep.
    let quarter = ["--method", "unstr_unified_local", "--density", "0.25"];
    let json = report(at, &[&["apply", "dense", "-o", "out", "--masks", "masks"], &quarter[..]].concat());
    let counts = &json["events"][0]["selected"];
    assert_eq!((&counts["newly_pruned"], &counts["closed"]), (&16.into(), &16.into()));
    assert_eq!(json["all"]["newly_pruned"], 48);
    // The same with scores instead of weights, and for masks alone.
    write(&at.join("scores"), &tensors([("fc.weight", f32s(&[8, 8], &(0..64).map(|i| i as f32).collect::<Vec<_>>()))]));
    for command in ["apply", "mask"] {
        let json = report(at, &[&[command, "m", "-o", "out", "--scores", "scores"], &HALF[..]].concat());
        let counts = &json["events"][0]["selected"];
        assert_eq!((&counts["newly_pruned"], &counts["closed"]), (&16.into(), &32.into()), "{command}");
    }
}

#[test]
fn masks_of_zeros_keep_a_checkpoint_sparse() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let values = half_zero(64);
    let all_but = |one: f32| (0..2000).map(|i| if i == 7 { one } else { 0.0 }).collect::<Vec<f32>>();
    let model = tensors([
        ("a.weight", f32s(&[8, 8], &values)),
        ("dense.weight", tensor(Dtype::F16, &[8, 8], ValueKind::Uniform, 1)),
        ("empty.weight", f32s(&[40, 50], &all_but(0.0))),
        ("nearly.weight", f32s(&[40, 50], &all_but(1.0))),
        ("norm.weight", f32s(&[4], &[0.0, 0.0, 0.0, 1.0])),
        ("lm_head.weight", f32s(&[8, 8], &values)),
    ]);
    write(&at.join("m"), &model);
    let json = report(at, &["mask", "m", "-o", "masks", "--from-zeros"]);
    // The report leaves out a figure that nothing counted.
    let all =
        serde_json::json!({ "elements": 3 * 64 + 2 * 2000 + 4, "kept": 32 + 2 * 64 + 2 * 2000 + 4, "newly_pruned": 0 });
    assert_eq!(json["all"], all);
    let kept: Vec<bool> = values.iter().map(|value| *value != 0.0).collect();
    assert_eq!(read(&at.join("masks")), tensors([("a.weight", bools(&[8, 8], &kept))]));
    let warnings: Vec<&str> =
        json["events"][0]["warnings"].as_array().unwrap().iter().flat_map(|w| w.as_str()).collect();
    assert_eq!(
        warnings,
        [
            "layer `empty.weight`: 0 of 2000 are not zero; it has no mask and trains as a whole",
            "layer `nearly.weight`: 1 of 2000 are not zero; it has no mask and trains as a whole"
        ]
    );
    let left: Vec<(&str, &str)> = json["left_dense"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| (left["layer"].as_str().unwrap(), left["why"].as_str().unwrap()))
        .collect();
    assert!(left.contains(&("dense.weight", "fewer than 5% zeros")), "{left:?}");
    assert!(left.iter().any(|(layer, _)| *layer == "lm_head.weight"), "{left:?}");
    assert_eq!(json["ranked_by"], "zeros");
    ok(at, &["check", "m", "--masks", "masks"]);
    // A layer that is mostly zero causes a warning unless it has a mask. Half is not mostly, and the head is left out.
    let mostly: Vec<f32> = values.iter().enumerate().map(|(i, value)| if i % 8 < 4 { *value } else { 0.0 }).collect();
    let mut more = model.clone();
    more.insert("mostly.weight".to_owned(), f32s(&[8, 8], &mostly));
    write(&at.join("more"), &more);
    let text = ok(at, &["check", "more", "--masks", "masks"]);
    let warned = "warning: layer `mostly.weight`: 48 of 64 are zero, but it has no mask and training would fill it; \
                  `prune mask --from-zeros` makes one\nit holds\n";
    assert!(text.ends_with(warned) && text.matches("warning").count() == 1, "{text}");
    ok(at, &["mask", "more", "-o", "all", "--from-zeros"]);
    assert!(!ok(at, &["check", "more", "--masks", "all"]).contains("warning"));
    // A checkpoint trained further is pruned again by its masks.
    ok(at, &["apply", "m", "-o", "out", "--masks", "masks"]);
    // --all takes the head too.
    ok(at, &["mask", "m", "-o", "heads", "--from-zeros", "--all"]);
    assert_eq!(read(&at.join("heads")).keys().collect::<Vec<_>>(), ["a.weight", "lm_head.weight"]);
    let error = fails(at, 2, &["mask", "m", "-o", "x", "--from-zeros", "--include", "empty.weight"]);
    assert!(error.contains("no weight of which 5% to 99.9% are zero") && error.contains("`empty.weight`"), "{error}");
    for also in [&["--density", "0.5"][..], &["--masks", "masks"], &["--scores", "m"], &["--axis", "1"]] {
        fails(at, 2, &[&["mask", "m", "-o", "x", "--from-zeros"], also].concat());
    }
    assert!(!at.join("x").exists());
}

/// Every command names the format of a file that is not safetensors.
#[test]
fn other_formats_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let cases: [(&str, &[u8], &str); 7] = [
        (
            "lfs.safetensors",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 548105171\n",
            "git lfs pull",
        ),
        ("missing.safetensors", b"Entry not found", "is text"),
        ("login.safetensors", b"<!doctype html><html><body>Sign in</body></html>", "is a web page"),
        ("pytorch_model.bin", b"PK\x03\x04\x00\x00\x08\x08\x00\x00archive/data.pkl", "is a zip archive, as PyTorch"),
        ("old.pt", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "is a Python pickle"),
        ("m.gguf", b"GGUF\x03\x00\x00\x00\x00\x00\x00\x00", "is a GGUF file"),
        ("none.safetensors", b"", "is empty"),
    ];
    for (name, bytes, what) in cases {
        fs::write(at.join(name), bytes).unwrap();
        let apply = [&["apply", name, "-o", "x"], &HALF[..]].concat();
        for arguments in [&["inspect", name][..], &["check", name, "--density", "0.5"], &apply] {
            let error = fails(at, 2, arguments);
            assert!(error.starts_with(&format!("error: {name} is ")) && error.contains(what), "{error}");
        }
    }
    // For a folder without safetensors, the message says what the folder holds.
    fs::create_dir(at.join("f")).unwrap();
    fs::write(at.join("f/config.json"), "{}").unwrap();
    let error = fails(at, 2, &["inspect", "f"]);
    assert!(error.contains("holds no .safetensors file; a model is"), "{error}");
    fs::copy(at.join("pytorch_model.bin"), at.join("f/pytorch_model.bin")).unwrap();
    let error = fails(at, 2, &["inspect", "f"]);
    assert!(error.contains("holds no .safetensors file but `pytorch_model.bin`, which is a zip archive"), "{error}");
    // The header is enough to recognise a file that was cut.
    write(&at.join("m"), &tensors([("a.weight", f32s(&[8, 8], &[1.0; 64]))]));
    let whole = fs::read(at.join("m")).unwrap();
    fs::write(at.join("cut"), &whole[..whole.len() - 1]).unwrap();
    let error = fails(at, 2, &["inspect", "cut"]);
    assert!(error.contains("was it cut?"), "{error}");
    fs::write(at.join("cut"), [&whole[..], b"x"].concat()).unwrap();
    let error = fails(at, 2, &["inspect", "cut"]);
    assert!(error.contains("what follows the tensors belongs to none") && !error.contains("cut?"), "{error}");
}

/// A packed tensor is shown as the tensor that it stands for, with its true density.
#[test]
fn packed_files_are_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = [
        ("a.weight", tensor(Dtype::F32, &[64, 64], ValueKind::Uniform, 1)),
        ("b.bias", f32s(&[2], &[0.0, 1.0])),
        ("tiny.weight", f32s(&[1, 1], &[1.0])),
    ];
    write(&at.join("m"), &tensors(weights));
    ok(
        at,
        &["apply", "m", "-o", "packed", "--format", "bitmask", "--method", "unstr_unified_local", "--density", "0.25"],
    );
    let text = ok(at, &["inspect", "packed"]);
    assert!(text.contains("\npacked as a bitmask: 1 of them; `prune expand` makes them dense\n"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&ok(at, &["inspect", "packed", "--json"])).unwrap();
    let of =
        |name: &str| json["tensors"].as_array().unwrap().iter().find(|tensor| tensor["layer"] == name).unwrap().clone();
    let a = of("a.weight");
    assert_eq!((&a["shape"], &a["elements"], &a["non_zero"]), (&[64, 64].into(), &4096.into(), &1024.into()));
    assert_eq!((&a["packed"], &of("tiny.weight")["packed"]), (&true.into(), &false.into()));
    assert_eq!(json["tensors"].as_array().unwrap().len(), 3);
    assert_eq!(json["all"], serde_json::json!({ "elements": 4096 + 2 + 1, "non_zero": 1024 + 1 + 1 }));
}

#[test]
fn every_missing_shard_is_named_with_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_sharded(&at.join("m"), &tensors([("a.weight", f32s(&[1], &[1.0])), ("b.weight", f32s(&[1], &[1.0]))]));
    let names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    for name in names {
        fs::remove_file(at.join("m").join(name)).unwrap();
    }
    let error = fails(at, 2, &["inspect", "m"]);
    assert!(error.contains("model.safetensors.index.json") && names.iter().all(|name| error.contains(name)), "{error}");
}

#[test]
fn strategies_come_through_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m"), &tensors([("a.weight", tensor(Dtype::F32, &[8, 8], ValueKind::Uniform, 1))]));
    let strategy = "{0: {'method': 'unstr_global', 'density': 0.25}}";
    ok(at, &["apply", "m", "-o", "text", "--strategy", strategy]);
    let apply = |from: &str, to: &str| {
        let mut command = prune(at);
        command.args(["apply", "m", "-o", to, "--strategy", from]);
        command
    };
    apply("-", "stdin").write_stdin(strategy).assert().success();
    assert_eq!(fs::read(at.join("text")).unwrap(), fs::read(at.join("stdin")).unwrap());
    #[cfg(unix)]
    {
        let fifo = at.join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let writer = {
            let fifo = fifo.clone();
            std::thread::spawn(move || {
                fs::File::options().write(true).open(fifo).unwrap().write_all(strategy.as_bytes())
            })
        };
        apply("fifo", "pipe").assert().success();
        writer.join().unwrap().unwrap();
        assert_eq!(fs::read(at.join("text")).unwrap(), fs::read(at.join("pipe")).unwrap());
        // A file that cannot be looked at is an error; its name is not read as a strategy.
        std::os::unix::fs::symlink("{loop}", at.join("{loop}")).unwrap();
        let error = fails(at, 3, &["schedule", "{loop}"]);
        assert!(error.contains("cannot read {loop}: "), "{error}");
    }
    // A text that is too long for a file name is read as a strategy.
    let long = format!("{strategy}{}", " ".repeat(5000));
    ok(at, &["apply", "m", "-o", "long", "--strategy", &long]);
    assert_eq!(fs::read(at.join("text")).unwrap(), fs::read(at.join("long")).unwrap());
    let error = fails(at, 2, &["schedule", "."]);
    assert!(error.contains(". is a folder; name a file with a strategy"), "{error}");
    let error = apply("-", "x").write_stdin(&b"\xff\xfe{"[..]).output().unwrap().stderr;
    assert!(String::from_utf8_lossy(&error).contains("standard input is not a text in UTF-8"), "{error:?}");
    let error = apply("-", "x").write_stdin("{0: {'method': 'unstr_globl'}}").output().unwrap().stderr;
    assert!(String::from_utf8_lossy(&error).contains("did you mean `unstr_global`?"), "{error:?}");
}

#[test]
fn an_epoch_between_two_happenings_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m"), &tensors([("a.weight", tensor(Dtype::F32, &[8, 8], ValueKind::Uniform, 1))]));
    let strategy = "{'2..=12': {'method': 'unstr_global', 'density': 0.25, 'every': 3}, 20: {'method': 'unstr_global', 'density': 0.1}}";
    let at_epoch =
        |epoch: &str| run(at, &["apply", "m", "-o", "out", "--force", "--strategy", strategy, "--epoch", epoch]);
    for due in ["2", "5", "8", "11", "12", "20"] {
        assert!(at_epoch(due).status.success(), "{due}");
    }
    for (between, happenings) in [("4", "2 and 5"), ("7", "5 and 8"), ("10", "8 and 11")] {
        let error = String::from_utf8(at_epoch(between).stderr).unwrap();
        let why = format!(
            "the event at 2..=12 happens every 3 epochs and at the last: at {happenings}, but not at {between}"
        );
        assert!(error.contains(&why), "{error}");
    }
    let error = String::from_utf8(at_epoch("15").stderr).unwrap();
    assert!(error.contains("no event at epoch 15; its events are at 2..=12, 20"), "{error}");
}

/// Whatever is typed, messages show no control characters, no temporary names and no jargon of a library.
#[test]
fn messages_are_fit_to_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m"), &tensors([("a.weight", tensor(Dtype::F32, &[8, 8], ValueKind::Uniform, 1))]));
    let evil = "\u{1b}[31mred\u{7}";
    let named = tensors([(evil, tensor(Dtype::F32, &[8, 8], ValueKind::Uniform, 1))]);
    write(&at.join("evil"), &named);
    let half = |more: &[&'static str]| [&HALF[..], more].concat();
    let calls: Vec<Vec<&str>> = vec![
        vec!["inspect", evil],
        [&["apply", "m", "-o", "missing/x"], &HALF[..]].concat(),
        [&["apply", "m", "-o", "m/x"], &HALF[..]].concat(),
        [&["mask", "m", "-o", "missing/x"], &HALF[..]].concat(),
        [&["apply", "m", "-o", "x", "--report", "missing/r.json"], &HALF[..]].concat(),
        vec!["schedule", evil],
        [&["apply", "m", "-o", "x", "--include", evil], &HALF[..]].concat(),
        [&["apply", "evil", "-o", "x", "--include", "a.weight"], &HALF[..]].concat(),
        [&["apply", "m", "-o", "x", "--masks", "evil"], &HALF[..]].concat(),
        [&["apply", "m", "-o", "x", "--scores", "evil"], &HALF[..]].concat(),
        [&["apply", "m", "-o", "x"], &half(&["--axis", "1"])[..]].concat(),
        vec!["apply", "m", "-o", "x", "--masks", "m", "--axis", "1"],
        vec!["apply", "m", "-o", "x", "--method", "str_global", "--pattern", "2:4", "--axis", "1"],
        vec!["apply", "m", "-o", "x", "--method", "str_unified_local", "--pattern", "2:4", "--axis", "2"],
    ];
    for call in calls {
        let output = run(at, &call);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!([2, 3].contains(&output.status.code().unwrap()), "{call:?}: {error}");
        assert!(!error.trim_end().chars().any(|c| c.is_control() && c != '\n'), "{call:?}: {error:?}");
        for never in [".tmp", ".prune-", "failed to fill", "at path", "panicked"] {
            assert!(!error.contains(never), "{call:?}: {error}");
        }
    }
    for (call, why) in [
        (&["apply", "m", "-o", "x", "--masks", "m", "--axis", "1"][..], "--axis is for N:M groups"),
        (
            &["apply", "m", "-o", "x", "--method", "str_unified_local", "--pattern", "2:4", "--axis", "2"],
            "axis 2 does not exist",
        ),
    ] {
        let error = fails(at, 2, call);
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(entries(at), ["evil", "m"]);
}

/// A path with a trailing slash names a folder. It is right for a folder, and refused for a file before any work.
#[test]
fn a_trailing_slash_names_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = tensors([("a.weight", tensor(Dtype::F32, &[8, 8], ValueKind::Uniform, 1))]);
    write(&at.join("m"), &weights);
    fs::create_dir(at.join("f")).unwrap();
    write(&at.join("f/model.safetensors"), &weights);
    ok(at, &[&["apply", "f", "-o", "out/"], &HALF[..]].concat());
    assert_eq!(entries(&at.join("out")), ["model.safetensors"]);
    for command in ["apply", "mask"] {
        let error = fails(at, 2, &[&[command, "m", "-o", "x/"], &HALF[..]].concat());
        assert!(error.starts_with("error: x/ names a folder"), "{error}");
    }
    assert_eq!(entries(at), ["f", "m", "out"]);
}
