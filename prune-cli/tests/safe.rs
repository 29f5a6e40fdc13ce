//! Nothing that is read or that others put there is lost, whatever --force says.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use common::{bools, entries, f32s, fails, mixed, ok, oracle, read, read_sharded, tensors, write, write_sharded};
use prune_core::testing::generators::Kind;

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
    write_sharded(&at.join("m"), &mixed(Kind::Uniform));
    write(&at.join("one"), &mixed(Kind::Uniform));
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
    let read = "is a file of the model, the scores or the masks";
    for report in
        ["m/model-00001-of-00002.safetensors", &format!("m/{INDEX}"), "here/m/model-00002-of-00002.safetensors"]
    {
        refused(&call(&["apply", "m", "-o", "out"]), report, read);
        refused(&call(&["mask", "m", "-o", "out"]), report, read);
    }
    for report in ["one", "hard", "here/one", "scores", "./masks"] {
        let command = ["apply", "one", "-o", "out", "--scores", "scores", "--masks", "masks", "--include", "a.weight"];
        refused(&call(&command), report, read);
    }
    refused(&["apply", "one", "-o", "out", "--strategy", "strategy"], "here/strategy", "is the strategy");
    for report in ["out", "./out", "here/out"] {
        refused(&call(&["apply", "one", "-o", "out"]), report, "is the output itself");
    }
    refused(&call(&["apply", "m", "-o", "full"]), "full/report.json", "would lie in the folder that is replaced");
    refused(&call(&["apply", "m", "--in-place"]), "m/report.json", "would lie in the folder that is replaced");
    // Found before any work: no output is there.
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
    write_sharded(&at.join("m"), &mixed(Kind::Uniform));
    write_sharded(&at.join("masks"), &tensors([("a.weight", bools(&[24, 40], &[true; 960]))]));
    let index = fs::read(at.join("m").join(INDEX)).unwrap();
    let out = format!("m/../m/{INDEX}");
    let error = fails(at, 2, &call(&["mask", "m", "-o", &out, "--force"]));
    assert!(error.contains("is the model itself; write elsewhere\n"), "{error}");
    let out = format!("masks/{INDEX}");
    let error = fails(at, 2, &call(&["mask", "m", "-o", &out, "--force", "--masks", "masks"]));
    assert!(error.contains("is a file of scores or masks, which is read; write elsewhere\n"), "{error}");
    assert_eq!(fs::read(at.join("m").join(INDEX)).unwrap(), index);
    // The only command that has the option names it.
    let error = fails(at, 2, &call(&["apply", "m", "-o", "m", "--force"]));
    assert!(error.contains("or say --in-place"), "{error}");
    let error = fails(at, 2, &["expand", "m", "-o", "m", "--force"]);
    assert!(error.contains("is the model itself") && !error.contains("--in-place"), "{error}");
    // A model inside the folder that would be replaced.
    fs::create_dir(at.join("outer")).unwrap();
    write_sharded(&at.join("outer/m"), &mixed(Kind::Uniform));
    let error = fails(at, 2, &call(&["apply", "outer/m", "-o", "outer", "--force"]));
    assert!(error.contains("outer holds the model that is read"), "{error}");
}

#[test]
fn checkpoints_are_not_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = mixed(Kind::Uniform);
    write_sharded(&at.join("m"), &weights);
    fs::create_dir(at.join("one")).unwrap();
    write(&at.join("one/model.safetensors"), &weights);
    write_sharded(&at.join("out"), &weights);
    let error = fails(at, 2, &call(&["apply", "one", "-o", "out", "--force"]));
    for name in ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", INDEX] {
        assert!(error.contains(name), "{error}");
    }
    assert_eq!(read_sharded(&at.join("out")), weights);
    let error = fails(at, 2, &call(&["apply", "m", "-o", "one", "--force"]));
    assert!(error.contains("files of another model") && error.contains("`model.safetensors`"), "{error}");
    assert_eq!(entries(&at.join("one")), ["model.safetensors"]);
    // The same set takes its own place, and in place others stay.
    ok(at, &call(&["apply", "m", "-o", "out", "--force"]));
    assert_eq!(read_sharded(&at.join("out")), oracle(&weights, STRATEGY));
    fs::write(at.join("m/consolidated.safetensors"), "another").unwrap();
    ok(at, &call(&["apply", "m", "--in-place"]));
    assert_eq!(fs::read(at.join("m/consolidated.safetensors")).unwrap(), b"another");
    // An index of other shards describes nothing that is in a new folder.
    fs::write(at.join("m/fp16.safetensors.index.json"), "{}").unwrap();
    ok(at, &call(&["apply", "m", "-o", "new"]));
    assert!(!at.join("new/fp16.safetensors.index.json").exists() && at.join("new").join(INDEX).exists());
}

#[test]
fn the_current_folder_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_sharded(&at.join("m"), &mixed(Kind::Uniform));
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

#[test]
fn in_place_writes_to_where_a_link_leads() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = mixed(Kind::Uniform);
    fs::create_dir(at.join("blobs")).unwrap();
    write(&at.join("blobs/m"), &weights);
    symlink("blobs/m", at.join("m.safetensors")).unwrap();
    ok(at, &call(&["apply", "m.safetensors", "--in-place"]));
    assert_eq!(fs::read_link(at.join("m.safetensors")).unwrap(), Path::new("blobs/m"));
    assert_eq!(read(&at.join("blobs/m")), oracle(&weights, STRATEGY));
    write_sharded(&at.join("blobs/folder"), &weights);
    symlink("blobs/folder", at.join("folder")).unwrap();
    ok(at, &call(&["apply", "folder", "--in-place"]));
    assert_eq!(fs::read_link(at.join("folder")).unwrap(), Path::new("blobs/folder"));
    assert_eq!(read_sharded(&at.join("blobs/folder")), oracle(&weights, STRATEGY));
    assert_eq!(entries(&at.join("blobs")), ["folder", "m"]);
}

#[test]
fn links_that_lead_nowhere_are_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_sharded(&at.join("m"), &mixed(Kind::Uniform));
    symlink("nowhere", at.join("m/config.json")).unwrap();
    symlink("nowhere", at.join("m/other")).unwrap();
    fs::write(at.join("m/tokenizer.json"), "{}").unwrap();
    ok(at, &call(&["apply", "m", "-o", "out"]));
    assert!(at.join("out/tokenizer.json").exists() && fs::symlink_metadata(at.join("out/config.json")).is_err());
    ok(at, &call(&["apply", "m", "--in-place"]));
    assert_eq!(fs::read_link(at.join("m/config.json")).unwrap(), Path::new("nowhere"));
}

/// Runs the command as somebody for whom permissions mean something.
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
    let weights = mixed(Kind::Uniform);
    let chmod = |path: &str, mode| fs::set_permissions(at.join(path), Permissions::from_mode(mode)).unwrap();
    fs::copy(assert_cmd::cargo::cargo_bin("prune"), at.join("prune")).unwrap();
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
    assert_eq!(entries(at), ["m", "out", "prune"]);
    assert!(entries(&at.join("m")).iter().all(|name| !name.starts_with('.')));
    for path in ["m", "out", "m/deep"] {
        chmod(path, 0o755);
    }
}

#[test]
fn new_files_have_the_permissions_that_the_user_gives() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m.safetensors"), &mixed(Kind::Uniform));
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
    write(&at.join("m"), &mixed(Kind::Uniform));
    for (name, shape) in [("ids", [3, 5]), ("fp8.weight", [5, 3])] {
        write(&at.join("masks"), &tensors([(name, bools(&shape, &[true; 15]))]));
        for command in [&["apply", "m", "-o", "out", "--masks", "masks"][..], &["check", "m", "--masks", "masks"]] {
            let error = fails(at, 2, command);
            assert!(error.contains(&format!("`{name}` is of type")) && error.contains("has a mask"), "{error}");
        }
    }
    assert_eq!(entries(at), ["m", "masks"]);
}

/// What another process is writing into a folder while that is replaced stays where it is, and is named.
#[test]
fn what_cannot_go_with_the_old_folder_is_kept_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = mixed(Kind::Uniform);
    write_sharded(&at.join("m"), &weights);
    fs::create_dir(at.join("m/deep")).unwrap();
    fs::write(at.join("m/deep/notes"), "mine").unwrap();
    let busy = ".prune-cli-0123456789abcdef.tmp";
    let file = fs::File::create(at.join("m/deep").join(busy)).unwrap();
    file.lock().unwrap();
    let text = ok(at, &call(&["apply", "m", "--in-place", "--report", "r.json"]));
    let kept: Vec<String> = entries(at).into_iter().filter(|name| name.starts_with('.')).collect();
    assert_eq!(kept.len(), 1);
    assert!(text.contains("\nwarning: the folder that was at ") && text.contains(&kept[0]), "{text}");
    assert!(fs::read_to_string(at.join("r.json")).unwrap().contains(&kept[0]));
    assert_eq!(
        (entries(&at.join(&kept[0])), entries(&at.join(&kept[0]).join("deep"))),
        (vec!["deep".into()], vec![busy.into()])
    );
    assert_eq!(fs::read(at.join("m/deep/notes")).unwrap(), b"mine");
    assert_eq!(read_sharded(&at.join("m")), oracle(&weights, STRATEGY));
    // It is no litter, also once nobody holds the file.
    drop(file);
    ok(at, &call(&["mask", "m", "-o", "masks"]));
    assert!(at.join(&kept[0]).join("deep").join(busy).exists());
}

/// What cannot be written is found before anything is read: these weights could not be ranked.
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
