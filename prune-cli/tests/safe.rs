//! No input and no file of others is lost, whatever --force says.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use common::{bools, entries, f32s, fails, mixed, ok, oracle, read, read_sharded, tensors, write, write_sharded};
use prune_core::testing::generators::ValueKind;

const HALF: [&str; 4] = ["--method", "unstr_global", "--density", "0.5"];
const STRATEGY: &str = "{0: {'method': 'unstr_global', 'density': 0.5}}";
const INDEX: &str = "model.safetensors.index.json";

fn call<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &HALF].concat()
}

#[test]
fn a_report_replaces_nothing_that_is_read_or_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_sharded(&at.join("m"), &mixed(ValueKind::Uniform));
    write(&at.join("one"), &mixed(ValueKind::Uniform));
    write(&at.join("scores"), &tensors([("a.weight", f32s(&[24, 40], &[1.0; 960]))]));
    write(&at.join("masks"), &tensors([("a.weight", bools(&[24, 40], &[true; 960]))]));
    fs::write(at.join("strategy"), STRATEGY).unwrap();
    fs::create_dir(at.join("full")).unwrap();
    fs::write(at.join("full/notes"), "mine").unwrap();
    fs::hard_link(at.join("one"), at.join("hard")).unwrap();
    symlink(".", at.join("here")).unwrap();
    let refused = |arguments: &[&str], report: &str, why: &str| {
        let before = entries(at);
        let error = fails(at, 2, &[arguments, &["--force", "--report", report]].concat());
        assert!(error.contains(why), "{report}: {error}");
        assert_eq!(entries(at), before);
    };
    let read = "is a file of the model, which is read; name another file";
    for report in
        ["m/model-00001-of-00002.safetensors", &format!("m/{INDEX}"), "here/m/model-00002-of-00002.safetensors"]
    {
        refused(&call(&["apply", "m", "-o", "out"]), report, read);
        refused(&call(&["mask", "m", "-o", "out"]), report, read);
    }
    for (report, read) in [
        ("one", read),
        ("hard", read),
        ("here/one", read),
        ("scores", "is a file of scores, which is read"),
        ("./masks", "is a file of masks, which is read"),
    ] {
        let command = ["apply", "one", "-o", "out", "--scores", "scores", "--masks", "masks", "--include", "a.weight"];
        refused(&call(&command), report, read);
    }
    for (score, option, what) in [("snip", "--gradients", "gradients"), ("wanda", "--inputs", "input norms")] {
        let strategy = format!("{{0: {{'method': 'unstr_unified_local', 'density': 0.5, 'score': '{score}'}}}}");
        let command = ["apply", "one", "--strategy", &strategy, option, "scores"];
        let read = format!("is a file of {what}, which is read");
        refused(&[&command[..], &["-o", "out"]].concat(), "scores", &read);
        refused(&[&command[..], &["-o", "scores"]].concat(), "report.json", &read);
    }
    refused(&["apply", "one", "-o", "out", "--strategy", "strategy"], "here/strategy", "is the strategy");
    for report in ["out", "./out", "here/out"] {
        refused(&call(&["apply", "one", "-o", "out"]), report, "is the output itself");
    }
    refused(&call(&["apply", "m", "-o", "full"]), "full/report.json", "would lie in the folder that is replaced");
    refused(&call(&["apply", "m", "--in-place"]), "m/report.json", "would lie in the folder that is replaced");
    // The error is found before any work: there is no output.
    let error = fails(at, 3, &call(&["apply", "one", "-o", "out", "--report", "nowhere/report.json"]));
    assert!(error.contains("cannot write nowhere/report.json"), "{error}");
    assert!(!at.join("out").exists());
    ok(at, &call(&["apply", "one", "-o", "out", "--report", "report.json"]));
    let report: serde_json::Value = serde_json::from_slice(&fs::read(at.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["output"], "out");
}

#[test]
fn an_output_replaces_nothing_that_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_sharded(&at.join("m"), &mixed(ValueKind::Uniform));
    write_sharded(&at.join("masks"), &tensors([("a.weight", bools(&[24, 40], &[true; 960]))]));
    let index = fs::read(at.join("m").join(INDEX)).unwrap();
    let out = format!("m/../m/{INDEX}");
    let error = fails(at, 2, &call(&["mask", "m", "-o", &out, "--force"]));
    assert!(error.contains("is the model itself; write elsewhere\n"), "{error}");
    let out = format!("masks/{INDEX}");
    let error = fails(at, 2, &call(&["mask", "m", "-o", &out, "--force", "--masks", "masks"]));
    assert!(error.contains("is a file of masks, which is read; write elsewhere\n"), "{error}");
    assert_eq!(fs::read(at.join("m").join(INDEX)).unwrap(), index);
    // The message names --in-place only for the command that has it.
    let error = fails(at, 2, &call(&["apply", "m", "-o", "m", "--force"]));
    assert!(error.contains("or say --in-place"), "{error}");
    let error = fails(at, 2, &["expand", "m", "-o", "m", "--force"]);
    assert!(error.contains("is the model itself") && !error.contains("--in-place"), "{error}");
    // A model inside the folder that would be replaced.
    fs::create_dir(at.join("outer")).unwrap();
    write_sharded(&at.join("outer/m"), &mixed(ValueKind::Uniform));
    let error = fails(at, 2, &call(&["apply", "outer/m", "-o", "outer", "--force"]));
    assert!(error.contains("outer holds the model that is read"), "{error}");
}

#[test]
fn checkpoints_are_not_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = mixed(ValueKind::Uniform);
    fs::create_dir(at.join("one")).unwrap();
    write(&at.join("one/model.safetensors"), &weights);
    write_sharded(&at.join("out"), &weights);
    // Files of another model in the folder go aside with it.
    ok(at, &call(&["apply", "one", "-o", "out", "--force"]));
    assert_eq!(entries(&at.join("out")), ["model.safetensors"]);
    assert_eq!(read_sharded(&at.join("out.old-1")), weights);
    // A second set of weights in the model's folder is not pruned, so it is not copied beside the pruned one.
    write_sharded(&at.join("m"), &weights);
    fs::write(at.join("m/consolidated.safetensors"), "another").unwrap();
    fs::write(at.join("m/fp16.safetensors.index.json"), "{}").unwrap();
    let text = ok(at, &call(&["apply", "m", "-o", "new"]));
    assert!(
        text.contains("left behind (weights that are not pruned with these): `consolidated.safetensors`"),
        "{text}"
    );
    assert!(text.contains("not there): `fp16.safetensors.index.json`"), "{text}");
    assert_eq!(entries(&at.join("new")).len(), 3);
    ok(at, &call(&["apply", "m", "--in-place"]));
    assert_eq!(entries(&at.join("m")), entries(&at.join("new")));
    assert_eq!(fs::read(at.join("m.old-1/consolidated.safetensors")).unwrap(), b"another");
}

#[test]
fn the_current_folder_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_sharded(&at.join("m"), &mixed(ValueKind::Uniform));
    fs::create_dir_all(at.join("m/deep")).unwrap();
    fs::create_dir_all(at.join("empty")).unwrap();
    let number = fs::metadata(at.join("m")).unwrap().ino();
    for (inside, command) in [
        ("m", call(&["apply", ".", "--in-place"])),
        ("m", call(&["apply", INDEX, "--in-place"])),
        ("m/deep", call(&["apply", "..", "--in-place"])),
        ("empty", call(&["apply", "../m", "-o", "."])),
    ] {
        let error = fails(&at.join(inside), 2, &command);
        assert!(error.contains("run this from outside"), "{error}");
    }
    assert_eq!(fs::metadata(at.join("m")).unwrap().ino(), number);
    ok(&at.join("m"), &call(&["apply", INDEX, "-o", "../out"]));
}

/// Files of a shared store, such as the cache of Hugging Face: replacing them in place would change other models too.
#[test]
fn nothing_is_written_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = mixed(ValueKind::Uniform);
    fs::create_dir_all(at.join("store/blobs")).unwrap();
    fs::create_dir_all(at.join("store/snapshots/new")).unwrap();
    write(&at.join("store/blobs/0a1b"), &weights);
    fs::write(at.join("store/blobs/2c3d"), "{}").unwrap();
    symlink("../../blobs/0a1b", at.join("store/snapshots/new/model.safetensors")).unwrap();
    symlink("../../blobs/2c3d", at.join("store/snapshots/new/config.json")).unwrap();
    write_sharded(&at.join("store/folder"), &weights);
    symlink("store/folder", at.join("linked")).unwrap();
    symlink("store/blobs/2c3d", at.join("out.safetensors")).unwrap();
    let before = entries(&at.join("store"));
    for model in ["store/snapshots/new/model.safetensors", "store/snapshots/new", "linked", "linked/", "linked/."] {
        let error = fails(at, 2, &call(&["apply", model, "--in-place"]));
        assert!(error.contains("is a link to ") && error.contains("with -o, or put a copy"), "{error}");
    }
    for (model, out) in
        [("store/blobs/0a1b", "out.safetensors"), ("store/snapshots/new", "linked"), ("linked", "linked/")]
    {
        let error = fails(at, 2, &call(&["apply", model, "-o", out, "--force"]));
        assert!(error.contains("is a link to store/"), "{error}");
    }
    assert_eq!(entries(&at.join("store")), before);
    assert_eq!(read(&at.join("store/blobs/0a1b")), weights);
    assert_eq!(fs::read(at.join("store/blobs/2c3d")).unwrap(), b"{}");
    // The user can write elsewhere: the files behind the links are then copied.
    ok(at, &call(&["apply", "store/snapshots/new", "-o", "out"]));
    assert_eq!(read(&at.join("out/model.safetensors")), oracle(&weights, STRATEGY));
    assert!(fs::symlink_metadata(at.join("out/config.json")).unwrap().is_file());
}

#[test]
fn only_files_and_folders_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m"), &mixed(ValueKind::Uniform));
    assert!(Command::new("mkfifo").arg(at.join("pipe")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(at.join("socket")).unwrap();
    symlink("/dev/null", at.join("null")).unwrap();
    ok(at, &call(&["apply", "m", "-o", "packed", "--format", "bitmask"]));
    let before = entries(at);
    for (out, what) in [("pipe", "a pipe"), ("socket", "a socket"), ("null", "a device"), ("/dev/null", "a device")] {
        for force in [&["--force"][..], &[]] {
            for command in [
                call(&["apply", "m", "-o", out]),
                call(&["mask", "m", "-o", out]),
                vec!["expand", "packed", "-o", out],
                call(&["apply", "m", "-o", "new", "--report", out]),
            ] {
                let error = fails(at, 2, &[&command, force].concat());
                assert!(error.contains(&format!("{out} is {what}, and only files are written")), "{error}");
            }
        }
    }
    assert_eq!(entries(at), before);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

/// Runs the command as a user whom permissions bind, unlike root.
fn as_nobody(at: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(at.join("prune"));
    command.current_dir(at).args(arguments);
    if fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0) {
        command.uid(65534).gid(65534);
    }
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_folder_that_nobody_may_write_to_is_a_model_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = mixed(ValueKind::Uniform);
    let chmod = |path: &str, mode| fs::set_permissions(at.join(path), Permissions::from_mode(mode)).unwrap();
    // Another process copies the program. If this one wrote it, a child of another test might hold it open when it is
    // to run.
    assert!(Command::new("cp").arg(assert_cmd::cargo::cargo_bin("prune")).arg(at).status().unwrap().success());
    chmod("", 0o777);
    write_sharded(&at.join("m"), &weights);
    fs::create_dir(at.join("m/deep")).unwrap();
    fs::write(at.join("m/deep/notes"), "mine").unwrap();
    if fs::metadata(at).unwrap().uid() == 0 {
        for path in ["m", "m/deep", "m/deep/notes"].map(|path| at.join(path)) {
            std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
        }
    }
    chmod("m/deep", 0o555);
    chmod("m", 0o555);
    let (done, error) = as_nobody(at, &call(&["apply", "m", "-o", "out"]));
    assert!(done, "{error}");
    let (done, error) = as_nobody(at, &call(&["apply", "m", "--in-place"]));
    assert!(done, "{error}");
    for folder in ["m", "out"] {
        assert_eq!(read_sharded(&at.join(folder)), oracle(&weights, STRATEGY));
        assert_eq!(fs::metadata(at.join(folder)).unwrap().mode() & 0o777, 0o555, "{folder}");
    }
    assert_eq!(fs::metadata(at.join("m/deep")).unwrap().mode() & 0o777, 0o555);
    assert_eq!(fs::read(at.join("m/deep/notes")).unwrap(), b"mine");
    assert_eq!(entries(at), ["m", "m.old-1", "out", "prune"]);
    assert!(entries(&at.join("m")).iter().all(|name| !name.starts_with('.')));
    assert_eq!(read_sharded(&at.join("m.old-1")), weights);
    for path in ["m", "m.old-1", "out", "m/deep", "m.old-1/deep", "out/deep"] {
        chmod(path, 0o755);
    }
}

#[test]
fn new_files_have_the_permissions_that_the_user_gives() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m.safetensors"), &mixed(ValueKind::Uniform));
    let prune = assert_cmd::cargo::cargo_bin("prune");
    for (mask, mode) in [("027", 0o640), ("002", 0o664)] {
        let line = format!(
            "umask {mask}; exec '{}' mask m.safetensors -o masks --report r.json --force {}",
            prune.display(),
            HALF.join(" ")
        );
        assert!(Command::new("sh").current_dir(at).args(["-c", &line]).output().unwrap().status.success());
        for made in ["masks", "r.json"] {
            assert_eq!(fs::metadata(at.join(made)).unwrap().mode() & 0o777, mode, "{made}");
        }
    }
}

#[test]
fn masks_of_what_is_not_pruned_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m"), &mixed(ValueKind::Uniform));
    for (name, shape) in [("ids", [3, 5]), ("fp8.weight", [5, 3])] {
        write(&at.join("masks"), &tensors([(name, bools(&shape, &[true; 15]))]));
        for command in [&["apply", "m", "-o", "out", "--masks", "masks"][..], &["check", "m", "--masks", "masks"]] {
            let error = fails(at, 2, command);
            assert!(error.contains(&format!("`{name}` is of type")) && error.contains("has a mask"), "{error}");
        }
    }
    assert_eq!(entries(at), ["m", "masks"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_mount_point_is_refused_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    // Ranking would find this NaN.
    write_sharded(
        &folder.path().join("m"),
        &tensors([("a.weight", f32s(&[1, 2], &[f32::NAN, 1.0])), ("b.weight", f32s(&[1, 1], &[1.0]))]),
    );
    let error = fails(folder.path(), 2, &call(&["apply", "m", "-o", "/proc", "--force"]));
    assert!(error.contains("is a mount point"), "{error}");
}

/// Run as root, the command leaves files that it replaces in place with their owner.
#[test]
fn in_place_keeps_the_owner() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    if fs::metadata(at).unwrap().uid() != 0 {
        return;
    }
    write(&at.join("one"), &mixed(ValueKind::Uniform));
    write_sharded(&at.join("m"), &mixed(ValueKind::Uniform));
    fs::create_dir(at.join("m/deep")).unwrap();
    fs::write(at.join("m/deep/notes"), "x").unwrap();
    let paths = ["one", "m", "m/model-00001-of-00002.safetensors", &format!("m/{INDEX}"), "m/deep", "m/deep/notes"]
        .map(|path| at.join(path));
    for path in &paths {
        std::os::unix::fs::chown(path, Some(1234), Some(5678)).unwrap();
    }
    let before = fs::metadata(&paths[1]).unwrap().ino();
    ok(at, &call(&["apply", "one", "--in-place"]));
    ok(at, &call(&["apply", "m", "--in-place"]));
    assert_ne!(fs::metadata(&paths[1]).unwrap().ino(), before);
    for path in &paths {
        let about = fs::metadata(path).unwrap();
        assert_eq!((about.uid(), about.gid()), (1234, 5678), "{path:?}");
    }
    // New files belong to the user who makes them.
    ok(at, &call(&["apply", "m", "-o", "new"]));
    assert_eq!(fs::metadata(at.join("new/deep/notes")).unwrap().uid(), 0);
}

/// An output that cannot be written is found before any weight is read: ranking these weights would fail.
#[test]
fn outputs_are_made_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let nan = tensors([("a.weight", f32s(&[1, 2], &[f32::NAN, 1.0])), ("b.weight", f32s(&[1, 1], &[1.0]))]);
    write(&at.join("one"), &nan);
    write_sharded(&at.join("m"), &nan);
    for command in ["apply", "mask"] {
        for model in ["one", "m"] {
            let error = fails(at, 3, &call(&[command, model, "-o", "nowhere/out"]));
            assert!(error.contains("cannot write nowhere/out"), "{error}");
            let error = fails(at, 2, &call(&[command, model, "-o", "out"]));
            assert!(error.contains("NaN"), "{error}");
        }
    }
    assert_eq!(entries(at), ["m", "one"]);
}
