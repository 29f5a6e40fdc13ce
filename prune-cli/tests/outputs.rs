//! Outputs appear whole or not at all, and nothing is replaced unasked.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Tensors, entries, fails, mixed, ok, oracle, read, read_sharded, tensor, tensors, write, write_sharded};
use prune_core::testing::generators::ValueKind;
use safetensors::Dtype;

const HALF: [&str; 4] = ["--method", "unstr_global", "--density", "0.5"];
const STRATEGY: &str = "{0: {'method': 'unstr_global', 'density': 0.5}}";

fn apply<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["apply"], arguments, &HALF].concat()
}

#[test]
fn an_output_that_exists_needs_force_and_the_model_itself_needs_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = mixed(ValueKind::Uniform);
    write(&at.join("m.safetensors"), &weights);
    fs::write(at.join("old"), "old").unwrap();
    let error = fails(at, 2, &apply(&["m.safetensors", "-o", "old"]));
    assert!(error.contains("old exists; add --force"), "{error}");
    assert_eq!(fs::read(at.join("old")).unwrap(), b"old");
    ok(at, &apply(&["m.safetensors", "-o", "old", "--force"]));
    assert_eq!(read(&at.join("old")), oracle(&weights, STRATEGY));

    fs::hard_link(at.join("m.safetensors"), at.join("same")).unwrap();
    for same in ["m.safetensors", "./m.safetensors", "same"] {
        let error = fails(at, 2, &apply(&["m.safetensors", "-o", same, "--force"]));
        assert!(error.contains("is the model itself"), "{error}");
        let error = fails(at, 2, &[&["mask", "m.safetensors", "-o", same, "--force"], &HALF[..]].concat());
        assert!(error.contains("is the model itself"), "{error}");
    }
    assert_eq!(read(&at.join("m.safetensors")), weights);
    ok(at, &apply(&["m.safetensors", "--in-place"]));
    assert_eq!(read(&at.join("m.safetensors")), oracle(&weights, STRATEGY));
    fails(at, 2, &apply(&["m.safetensors", "--in-place", "-o", "x"]));
    fails(at, 2, &apply(&["m.safetensors"]));
}

#[test]
fn kinds_of_outputs_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m.safetensors"), &mixed(ValueKind::Uniform));
    write_sharded(&at.join("shards"), &mixed(ValueKind::Uniform));
    fs::create_dir(at.join("folder")).unwrap();
    fs::write(at.join("file"), "x").unwrap();
    let error = fails(at, 2, &apply(&["m.safetensors", "-o", "folder", "--force"]));
    assert!(error.contains("is a folder; name the file"), "{error}");
    let error = fails(at, 2, &apply(&["shards", "-o", "file", "--force"]));
    assert!(error.contains("is not a folder"), "{error}");
    let error = fails(at, 2, &apply(&["shards", "-o", "shards", "--force"]));
    assert!(error.contains("is the model itself"), "{error}");
    let error = fails(at, 3, &apply(&["m.safetensors", "-o", "nowhere/out.safetensors"]));
    assert!(error.contains("cannot write nowhere/out.safetensors"), "{error}");
    let error = fails(at, 3, &apply(&["nowhere.safetensors", "-o", "out.safetensors"]));
    assert!(error.contains("cannot read nowhere.safetensors"), "{error}");
    // An empty folder holds nothing that could be lost.
    ok(at, &apply(&["shards", "-o", "folder"]));
    assert_eq!(entries(at), ["file", "folder", "m.safetensors", "shards"]);
}

/// A folder that is replaced is moved aside whole. Its new name is told before and after.
#[test]
fn a_folder_that_is_replaced_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = mixed(ValueKind::Uniform);
    write_sharded(&at.join("m"), &weights);
    fs::write(at.join("m/config.json"), "{}").unwrap();
    ok(at, &apply(&["m", "-o", "out"]));
    fs::write(at.join("out/notes"), "mine").unwrap();
    fs::create_dir_all(at.join("out/deep/deeper")).unwrap();
    let error = fails(at, 2, &apply(&["m", "-o", "out"]));
    assert!(error.contains("out exists; add --force"), "{error}");
    let quarter = ["apply", "m", "-o", "out", "--force", "--method", "unstr_global", "--density", "0.25"];
    let text = ok(at, &[&quarter[..], &["--report", "r.json"]].concat());
    let told = text.lines().next().unwrap();
    assert!(told.contains("out moves to ") && told.contains("out.old-1") && told.contains("out.new-1"), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.contains("out.old-1; to delete it: rm -r ") && last.ends_with("out.old-1"), "{text}");
    assert!(fs::read_to_string(at.join("r.json")).unwrap().contains("out.old-1"));
    assert_eq!(read_sharded(&at.join("out")), oracle(&weights, "{0: {'method': 'unstr_global', 'density': 0.25}}"));
    assert!(!at.join("out/notes").exists() && at.join("out/config.json").exists());
    assert_eq!(fs::read(at.join("out.old-1/notes")).unwrap(), b"mine");
    assert!(at.join("out.old-1/deep/deeper").is_dir());
    assert_eq!(read_sharded(&at.join("out.old-1")), oracle(&weights, STRATEGY));
    // The next folder gets the next name, and --in-place does the same. The move is told even with -q.
    ok(at, &quarter);
    let text = ok(at, &apply(&["m", "--in-place", "-q"]));
    assert!(text.lines().count() == 1 && text.contains("m.old-1"), "{text}");
    assert_eq!(entries(at), ["m", "m.old-1", "out", "out.old-1", "out.old-2", "r.json"]);
    assert_eq!(read_sharded(&at.join("m")), oracle(&weights, STRATEGY));
    assert_eq!(read_sharded(&at.join("m.old-1")), weights);
}

#[test]
fn a_folder_with_one_file_is_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("m")).unwrap();
    write(&at.join("m/weights.safetensors"), &mixed(ValueKind::Uniform));
    ok(at, &apply(&["m", "-o", "out"]));
    assert_eq!(entries(&at.join("out")), ["weights.safetensors"]);
    write(&at.join("m/other.safetensors"), &mixed(ValueKind::Uniform));
    let error = fails(at, 2, &apply(&["m", "-o", "x"]));
    assert!(error.contains("holds several .safetensors files and no one index"), "{error}");
    let error = fails(at, 2, &["inspect", "."]);
    assert!(error.contains("holds no .safetensors file"), "{error}");
}

#[cfg(unix)]
#[test]
fn permissions_are_those_of_the_model() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(&at.join("m.safetensors"), &mixed(ValueKind::Uniform));
    fs::set_permissions(at.join("m.safetensors"), fs::Permissions::from_mode(0o640)).unwrap();
    ok(at, &apply(&["m.safetensors", "-o", "out.safetensors"]));
    assert_eq!(fs::metadata(at.join("out.safetensors")).unwrap().permissions().mode() & 0o777, 0o640);
}

/// A model that takes some time to prune.
fn slow_model(at: &Path) -> Tensors {
    let weights = tensors([
        ("a.weight", tensor(Dtype::F32, &[1500, 2000], ValueKind::Uniform, 1)),
        ("b.weight", tensor(Dtype::F32, &[2000, 1500], ValueKind::Uniform, 2)),
    ]);
    write(&at.join("m.safetensors"), &weights);
    write_sharded(&at.join("shards"), &weights);
    weights
}

fn hidden(at: &Path) -> Vec<String> {
    entries(at).into_iter().filter(|name| name.starts_with('.')).collect()
}

/// The time of a whole command, in this build and on this machine.
fn whole(at: &Path, arguments: &[&str]) -> Duration {
    let begin = Instant::now();
    ok(at, arguments);
    begin.elapsed()
}

/// Runs a command and kills it after some time.
#[cfg(unix)]
fn kill_after(at: &Path, arguments: &[&str], time: Duration) {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("prune"))
        .current_dir(at)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    sleep(time);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A command that is killed at any moment leaves the old output or the new one. The next command removes its temporary
/// files.
#[cfg(unix)]
#[test]
fn killed_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = slow_model(at);
    let old = oracle(&weights, "{0: {'method': 'unstr_global', 'density': 0.9}}");
    let new = oracle(&weights, STRATEGY);
    let whole = whole(at, &apply(&["m.safetensors", "-o", "timed.safetensors"]));
    let mut left_something = 0;
    let call = ["apply", "m.safetensors", "-o", "out", "--force", "--method", "unstr_global", "--density", "0.9"];
    ok(at, &call);
    for round in 0..8 {
        kill_after(at, &apply(&["m.safetensors", "-o", "out", "--force"]), whole * round / 7);
        left_something += hidden(at).len();
        let found = read(&at.join("out"));
        assert!(found == old || found == new, "{round}");
        // Any command that writes into the folder clears it.
        ok(at, &["mask", "m.safetensors", "-o", "masks", "--force", "--method", "str_global", "--pattern", "1:2"]);
        assert_eq!(hidden(at), [""; 0], "{round}");
        ok(at, &call);
    }
    assert!(left_something > 0, "no kill came while something was being written");
}

/// A command that is killed while it replaces a folder leaves both folders whole, in their place or under the names it
/// told. `KILLS=2000 cargo test -p prune-cli --test outputs -- killed_while_a_folder` is the long run.
#[cfg(unix)]
#[test]
fn killed_while_a_folder_is_replaced() {
    let kills: u32 = std::env::var("KILLS").map_or(12, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = tensors([
        ("a.weight", tensor(Dtype::F32, &[100, 100], ValueKind::Uniform, 1)),
        ("b.weight", tensor(Dtype::F32, &[100, 100], ValueKind::Uniform, 2)),
    ]);
    let new = oracle(&weights, STRATEGY);
    write_sharded(&at.join("shards"), &weights);
    let mut states = [0; 4];
    for (out, arguments) in [("out", apply(&["shards", "-o", "out", "--force"])), ("m", apply(&["m", "--in-place"]))] {
        let set_up = || {
            for name in entries(at).iter().filter(|name| *name != "shards") {
                fs::remove_dir_all(at.join(name)).unwrap();
            }
            write_sharded(&at.join(out), &weights);
            fs::write(at.join(out).join("notes"), "mine").unwrap();
        };
        set_up();
        let whole = whole(at, &arguments);
        // Most kills fall near the end, while the folders move.
        let mut random = 0x9e37_79b9_7f4a_7c15u64;
        for round in 0..kills {
            set_up();
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let part = f64::from((random >> 40) as u32) / f64::from(1 << 24);
            kill_after(at, &arguments, whole.mul_f64(1.2 * part.sqrt()));
            let there = |which: &str| at.join(format!("{out}{which}")).exists();
            let read = |which: &str| read_sharded(&at.join(format!("{out}{which}")));
            let state = match (there(""), there(".old-1"), there(".new-1")) {
                (true, false, false) => 0,
                (true, false, true) => 1,
                (false, true, true) => 2,
                (true, true, false) => 3,
                state => panic!("{out} {round}: {state:?}"),
            };
            states[state] += 1;
            let (old_at, new_at) =
                [("", None), ("", Some(".new-1")), (".old-1", Some(".new-1")), (".old-1", Some(""))][state];
            assert!(
                read(old_at) == weights && new_at.is_none_or(|new_at| read(new_at) == new),
                "{out} {round}: {state}"
            );
            assert_eq!(fs::read(at.join(format!("{out}{old_at}")).join("notes")).unwrap(), b"mine");
            // The next command removes only entries whose names were never told.
            let before = entries(at);
            ok(at, &["mask", "shards", "-o", "masks", "--method", "str_global", "--pattern", "1:2"]);
            fs::remove_file(at.join("masks")).unwrap();
            let told: Vec<String> = before.into_iter().filter(|name| !name.starts_with('.')).collect();
            assert_eq!(entries(at), told, "{out} {round}");
        }
    }
    println!(
        "{kills} kills of each: old in place {}, new named {}, neither in place {}, new in place {}",
        states[0], states[1], states[2], states[3]
    );
    assert!(states[0] > 0 && states[3] > 0, "{states:?}");
}

/// Two commands replace one folder at the same time: each output is whole, and none is lost.
#[cfg(unix)]
#[test]
fn two_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = mixed(ValueKind::Uniform);
    write_sharded(&at.join("m"), &weights);
    for _ in 0..4 {
        write_sharded(&at.join("out"), &weights);
        let start = |density| {
            let arguments = ["apply", "m", "-o", "out", "--force", "--method", "unstr_global", "--density", density];
            let command = assert_cmd::cargo::cargo_bin("prune");
            Command::new(command)
                .current_dir(at)
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let children = ["0.3", "0.6"].map(|density| (density, start(density)));
        let mut made = vec![weights.clone()];
        for (density, child) in children {
            let output = child.wait_with_output().unwrap();
            if output.status.success() {
                made.push(oracle(&weights, &format!("{{0: {{'method': 'unstr_global', 'density': {density}}}}}")));
            } else {
                assert_eq!(output.status.code(), Some(3), "{output:?}");
            }
        }
        let names: Vec<String> = entries(at).into_iter().filter(|name| name != "m").collect();
        assert_eq!(names.len(), made.len(), "{names:?}");
        for name in names {
            let found = read_sharded(&at.join(&name));
            let place = made.iter().position(|made| *made == found).expect("one of the outputs");
            made.remove(place);
            fs::remove_dir_all(at.join(name)).unwrap();
        }
    }
}

/// A command never removes the temporary files of another that is running.
#[cfg(unix)]
#[test]
fn commands_side_by_side_leave_each_other_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = slow_model(at);
    let mut children: Vec<_> = (0..6)
        .map(|i| {
            let out = format!("out{i}.safetensors");
            let child = Command::new(assert_cmd::cargo::cargo_bin("prune"))
                .current_dir(at)
                .args(apply(&["m.safetensors", "-o", &out, "-q"]))
                .spawn()
                .unwrap();
            sleep(Duration::from_millis(20));
            (child, out)
        })
        .collect();
    let want = oracle(&weights, STRATEGY);
    for (child, out) in &mut children {
        assert!(child.wait().unwrap().success());
        assert!(read(&at.join(out)) == want);
    }
    assert_eq!(hidden(at), [""; 0]);
}

/// Ctrl-C, or a request to end, leaves the old output and no temporary files.
#[cfg(unix)]
#[test]
fn stopped_by_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    slow_model(at);
    fs::write(at.join("out.safetensors"), "old").unwrap();
    let mut stopped = 0;
    for (round, signal) in ["-INT", "-TERM", "-HUP", "-INT", "-TERM", "-INT"].into_iter().enumerate() {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("prune"))
            .current_dir(at)
            .args(apply(&["m.safetensors", "-o", "out.safetensors", "--force"]))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Its handlers are in place once it writes.
        while hidden(at).is_empty() && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_millis(round as u64 * 3));
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(hidden(at), [""; 0]);
        if output.status.code() == Some(130) {
            assert_eq!(String::from_utf8(output.stderr).unwrap(), "error: stopped; nothing was changed\n");
            assert_eq!(fs::read(at.join("out.safetensors")).unwrap(), b"old");
            stopped += 1;
        } else {
            assert!(output.status.success(), "{output:?}");
            fs::write(at.join("out.safetensors"), "old").unwrap();
        }
    }
    assert!(stopped > 0, "no signal came in time");
}

/// A write fails, as on a full disk: the old output stays, with nothing beside it.
#[cfg(unix)]
#[test]
fn a_write_that_fails_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    slow_model(at);
    fs::write(at.join("out.safetensors"), "old").unwrap();
    let prune = assert_cmd::cargo::cargo_bin("prune");
    for (model, out) in [("m.safetensors", "out.safetensors"), ("shards", "out")] {
        for command in ["apply", "mask"] {
            // The limit is in units of 512 bytes or 1 KiB, depending on the shell. Either way it is less than any of
            // the files.
            let line = format!(
                "ulimit -f 4000; exec '{}' {command} {model} -o {out} --force {}",
                prune.display(),
                HALF.join(" ")
            );
            let output = Command::new("sh").current_dir(at).args(["-c", &line]).output().unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(3), "{error}");
            assert!(error.contains("cannot write") && error.contains("File too large"), "{error}");
            assert_eq!(entries(at), ["m.safetensors", "out.safetensors", "shards"]);
            assert_eq!(fs::read(at.join("out.safetensors")).unwrap(), b"old");
        }
    }
}

/// A folder in which nobody can make files.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_to() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("m.safetensors"), &mixed(ValueKind::Uniform));
    let error = fails(folder.path(), 3, &apply(&["m.safetensors", "-o", "/proc/self/out.safetensors"]));
    assert!(error.contains("cannot write /proc/self/out.safetensors"), "{error}");
}

/// A model several times as large as the memory limit, ranked over shards. Most of it is a hole in its file.
#[cfg(target_os = "linux")]
#[test]
fn models_larger_than_memory() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("m")).unwrap();
    let side = 1 << 24;
    let mut map = serde_json::Map::new();
    for shard in ["a", "b"] {
        let (name, bytes) = (format!("{shard}.weight"), 8 * side);
        let table = format!(r#"{{"{name}":{{"dtype":"F32","shape":[2,{side}],"data_offsets":[0,{bytes}]}}}}"#);
        let mut file = fs::File::create(at.join(format!("m/{shard}.safetensors"))).unwrap();
        file.write_all(&(table.len() as u64).to_le_bytes()).unwrap();
        file.write_all(table.as_bytes()).unwrap();
        file.write_all(&(1..=1000).flat_map(|i| (i as f32).to_le_bytes()).collect::<Vec<u8>>()).unwrap();
        file.set_len(8 + table.len() as u64 + bytes as u64).unwrap();
        map.insert(name, format!("{shard}.safetensors").into());
    }
    let index = serde_json::json!({ "weight_map": map });
    fs::write(at.join("m/model.safetensors.index.json"), index.to_string()).unwrap();
    let prune = assert_cmd::cargo::cargo_bin("prune");
    // In KiB: 64 MiB for a model of 256 MiB. Masks are written, not weights, which would fill the disk.
    let line =
        format!("ulimit -d 65536; exec '{}' mask m -o masks --method unstr_global --density 1e-5", prune.display());
    let output = Command::new("sh").current_dir(at).args(["-c", &line]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // 671 of 2 x 2^25: the largest 336 of a, and 335 of b, since its name comes later.
    let text = String::from_utf8(output.stdout).unwrap();
    let kept = |layer: &str| {
        let line = text.lines().find(|line| line.starts_with(layer)).unwrap();
        line.split_whitespace().nth(3).unwrap().parse::<usize>().unwrap()
    };
    assert_eq!((kept("a.weight"), kept("b.weight")), (336, 335), "{text}");
    // Each layer on its own: large layers are ranked one after the other.
    let line = line.replace("unstr_global", "unstr_unified_local --force");
    let output = Command::new("sh").current_dir(at).args(["-c", &line]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
