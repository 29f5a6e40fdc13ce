//! Every file-system call of a small run fails, once alone and once together with all later calls. Then the old output
//! is still there or the new one is in its place, the error says which, and every leftover file has been reported.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use prune_core::Density;
use prune_schedule::{Event, Scope};

use crate::disk::seam;
use crate::{Destination, Error, Filter, Format, Job, Watch, apply, expand, leftovers, write_masks};

/// The paths below a folder: files with their bytes, folders without.
type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

fn tree(at: &Path) -> Tree {
    fn add(at: &Path, inner: &Path, tree: &mut Tree) {
        for entry in fs::read_dir(at.join(inner)).unwrap() {
            let inner = inner.join(entry.unwrap().file_name());
            if at.join(&inner).is_dir() {
                add(at, &inner, tree);
                tree.insert(inner, None);
            } else {
                tree.insert(inner.clone(), Some(fs::read(at.join(inner)).unwrap()));
            }
        }
    }
    let mut found = Tree::new();
    if at.is_dir() {
        add(at, Path::new(""), &mut found);
    } else if let Ok(bytes) = fs::read(at) {
        found.insert(PathBuf::new(), Some(bytes));
    }
    found
}

fn write_file(path: &Path, tensors: &[(&str, &[f32])]) {
    let (mut table, mut data) = (Vec::new(), Vec::new());
    for (name, values) in tensors {
        let begin = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let (shape, end) = (values.len() / 2, data.len());
        table.push(format!(r#""{name}":{{"dtype":"F32","shape":[2,{shape}],"data_offsets":[{begin},{end}]}}"#));
    }
    let table = format!("{{{}}}", table.join(","));
    fs::write(path, [&(table.len() as u64).to_le_bytes()[..], table.as_bytes(), &data].concat()).unwrap();
}

/// Generated weights. If half of them are zero, packing makes the layer smaller.
fn weights(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 37 % 1009) as f32 - 500.3) / 7.0).collect()
}

/// A file, a folder of shards with other files, a packed folder, and an old output of each kind.
fn set_up(at: &Path) {
    write_file(&at.join("one"), &[("fc.weight", &weights(8))]);
    fs::create_dir_all(at.join("m/sub")).unwrap();
    write_file(&at.join("m/a.safetensors"), &[("a.weight", &weights(2048))]);
    write_file(&at.join("m/b.safetensors"), &[("b.weight", &weights(4))]);
    let index = r#"{"weight_map":{"a.weight":"a.safetensors","b.weight":"b.safetensors"}}"#;
    fs::write(at.join("m/model.safetensors.index.json"), index).unwrap();
    fs::write(at.join("m/config.json"), "{}").unwrap();
    fs::write(at.join("m/sub/code.py"), "pass").unwrap();
    fs::write(at.join("m/other.bin"), "weights").unwrap();
    fs::write(at.join("old"), "old").unwrap();
    fs::create_dir(at.join("full")).unwrap();
    fs::write(at.join("full/notes"), "mine").unwrap();
}

fn job(at: &Path, model: &str) -> Job {
    let half = || (None, Event::unstructured(Scope::Global(Density::new(0.5).unwrap())).unwrap());
    // Between the two events the masks are in a file beside the output.
    Job {
        model: at.join(model),
        events: vec![half(), half()],
        filter: Filter::default(),
        scores: None,
        gradients: None,
        inputs: None,
        masks: None,
    }
}

type Run = fn(&Path) -> Result<(), Error>;

fn to(at: &Path, path: Option<&str>, force: bool) -> Destination {
    Destination { path: path.map(|path| at.join(path)), force }
}

fn run(at: &Path, model: &str, to: &Destination, format: Format) -> Result<(), Error> {
    apply(&job(at, model), to, format, &Watch::default()).map(|_| ())
}

/// Commands with the name of their output.
const RUNS: [(&str, Run); 9] = [
    ("new", |at| run(at, "one", &to(at, Some("new"), false), Format::Dense)),
    ("old", |at| run(at, "one", &to(at, Some("old"), true), Format::Dense)),
    ("one", |at| run(at, "one", &to(at, None, false), Format::Dense)),
    ("old", |at| write_masks(&job(at, "m"), &at.join("old"), true, &Watch::default()).map(|_| ())),
    ("new", |at| run(at, "m", &to(at, Some("new"), false), Format::Dense)),
    ("full", |at| run(at, "m", &to(at, Some("full"), true), Format::Dense)),
    ("m", |at| run(at, "m", &to(at, None, false), Format::Dense)),
    ("new", |at| run(at, "m", &to(at, Some("new"), false), Format::Bitmask)),
    ("full", |at| expand(&at.join("packed"), &to(at, Some("full"), true), &Watch::default()).map(|_| ())),
];

/// A folder for a run, filled with all that the run needs.
fn fresh(output: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let at = fs::canonicalize(folder.path()).unwrap();
    set_up(&at);
    if output == "full" {
        run(&at, "m", &to(&at, Some("packed"), false), Format::Bitmask).unwrap();
    }
    assert!(output == "new" || at.join(output).exists());
    (folder, at)
}

/// Checks the result of a run in which some calls were refused. `old` is the output before the run, and `new` is the
/// expected output.
fn judge(at: &Path, output: &str, result: &Result<(), Error>, before: &Tree, old: &Tree, new: &Tree, about: &str) {
    let there = tree(&at.join(output));
    let aside = tree(&at.join(format!("{output}.old-1")));
    let was_folder = old.len() > 1 || output == "full";
    match result {
        Ok(()) | Err(Error::InPlace { .. }) => {
            assert!(there == *new, "{about}: not the new output");
            assert!(!was_folder || aside == *old, "{about}: the old folder is not whole");
        }
        Err(Error::SetAside { old: moved, new: made, .. }) => {
            assert!(there.is_empty(), "{about}");
            assert!(tree(moved) == *old && tree(made) == *new, "{about}: set aside");
        }
        Err(error) => {
            assert!(there == *old, "{about}: changed, but {error}");
            assert!(aside.is_empty(), "{about}: moved, but {error}");
            let failed = matches!(error, Error::Read { .. } | Error::Write { .. } | Error::Changed { .. });
            assert!(failed || matches!(error, Error::NotSynced { .. }), "{about}: {error}");
            assert!(!error.to_string().contains(".prune-cli-"), "{about}: {error}");
        }
    }
    // All other files are unchanged, except for reported leftovers.
    let told = leftovers();
    for (path, bytes) in tree(at) {
        let top = at.join(path.components().next().unwrap());
        let name = top.file_name().unwrap().to_str().unwrap();
        if name == output || name.starts_with(&format!("{output}.old-")) || told.contains(&top) {
            continue;
        }
        let set_aside = matches!(result, Err(Error::SetAside { new, .. }) if *new == top);
        assert!(set_aside || before.get(&path) == Some(&bytes), "{about}: {} lies about", path.display());
    }
}

#[test]
fn any_call_that_fails_is_an_error_that_says_the_truth() {
    // The disk takes most of the time.
    std::thread::scope(|scope| {
        for (case, (output, command)) in RUNS.into_iter().enumerate() {
            scope.spawn(move || {
                let (_folder, at) = fresh(output);
                let old = tree(&at.join(output));
                command(&at).unwrap();
                let new = tree(&at.join(output));
                let refused = [false, true].map(|later_too| all_calls(case, later_too, &old, &new));
                assert!(refused.iter().all(|&errors| errors > 30), "case {case}: {refused:?} errors");
            });
        }
    });
}

/// Refuses one call after the other, or every call from one on. Returns the number of runs that ended with an error.
fn all_calls(case: usize, later_too: bool, old: &Tree, new: &Tree) -> usize {
    let (output, command) = RUNS[case];
    let mut errors = 0;
    for n in 1.. {
        let (_folder, at) = fresh(output);
        let before = tree(&at);
        // EIO, ENOSPC, EACCES.
        let why = [5, 28, 13][n % 3];
        let said = Arc::new(Mutex::new(String::new()));
        let first = Arc::clone(&said);
        let armed = seam::arm(&at, move |call, name, path| {
            if call == n {
                *first.lock().unwrap() = format!("{name} {}", path.display());
            }
            let refused = call == n || later_too && call > n;
            if refused { Err(io::Error::from_raw_os_error(why)) } else { Ok(()) }
        });
        let result = command(&at);
        let reached = armed.calls() >= n;
        drop(armed);
        let about = format!("case {case}, call {n} ({}), later too: {later_too}", said.lock().unwrap());
        judge(&at, output, &result, &before, old, new, &about);
        if !reached {
            assert!(result.is_ok() && n > 40, "{about}: the calls are not seen");
            break;
        }
        errors += usize::from(result.is_err());
    }
    errors
}

/// Before each call, a kill would leave both folders whole, in their place or under reported names.
#[test]
fn a_kill_before_any_call_leaves_both_folders_whole() {
    for output in ["full", "m"] {
        let command = move |at: &Path| {
            let path = (output == "full").then_some("full");
            run(at, "m", &to(at, path, true), Format::Dense).unwrap();
        };
        let (_folder, at) = fresh(output);
        let old = tree(&at.join(output));
        command(&at);
        let new = tree(&at.join(output));
        let (_folder, at) = fresh(output);
        let seen = Arc::new(Mutex::new([0; 4]));
        let states = Arc::clone(&seen);
        let root = at.clone();
        let armed = seam::arm(&at, move |call, name, _| {
            let [there, aside, made] =
                ["", ".old-1", ".new-1"].map(|which| tree(&root.join(format!("{output}{which}"))));
            let state = match (there == old, there == new, aside == old, made == new) {
                (true, _, false, false) => 0,
                (true, _, false, true) => 1,
                (false, false, true, true) if there.is_empty() => 2,
                (false, true, true, false) => 3,
                state => panic!("before call {call} ({name}): {state:?}"),
            };
            states.lock().unwrap()[state] += 1;
            Ok(())
        });
        command(&at);
        drop(armed);
        assert!(seen.lock().unwrap().iter().all(|&count| count > 0), "{:?}", seen.lock().unwrap());
    }
}

/// A change of a file while it is read.
type Change = fn(&Path);

/// Each change is noticed before anything is put in its place, whichever file it affects.
#[test]
fn what_changes_while_it_is_read_is_noticed() {
    let rewritten: Change = |path| {
        // The length and the time stay the same, as `touch -r` could make them; the header differs.
        let time = fs::metadata(path).unwrap().modified().unwrap();
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).replace("weight", "heighw");
        let mut bytes = fs::read(path).unwrap();
        let len = bytes.len().min(40);
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        fs::write(path, bytes).unwrap();
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    let later: Change = |path| {
        let time = fs::metadata(path).unwrap().modified().unwrap() + std::time::Duration::from_millis(1);
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    let replaced: Change = |path| {
        let time = fs::metadata(path).unwrap().modified().unwrap();
        let other = path.with_extension("other");
        fs::copy(path, &other).unwrap();
        fs::File::options().write(true).open(&other).unwrap().set_modified(time).unwrap();
        fs::rename(other, path).unwrap();
    };
    let longer: Change = |path| fs::write(path, [fs::read(path).unwrap(), vec![0]].concat()).unwrap();
    let cut: Change = |path| fs::write(path, "").unwrap();
    let gone: Change = |path| fs::remove_file(path).unwrap();
    let all = [rewritten, later, replaced, longer, cut, gone];
    // While the file is read, and between the last read and the end.
    let calls = ["length", "sync"];
    for (file, changes, calls) in [
        ("one", &all[..], &calls[..]),
        ("m/b.safetensors", &all, &calls),
        ("m/model.safetensors.index.json", &all[1..], &calls),
        ("masks", &all, &calls),
        ("m/config.json", &all[3..4], &["copy"]),
    ] {
        let model = if file == "one" { "one" } else { "m" };
        for (place, change) in changes.iter().copied().enumerate() {
            for &when in calls {
                noticed(model, file, when, &format!("change {place}"), change);
            }
        }
    }
}

/// Changes a file during a call of each command that reads it.
fn noticed(model: &str, file: &'static str, when: &'static str, about: &str, change: Change) {
    for masks_alone in [false, true] {
        if masks_alone && when == "copy" {
            continue;
        }
        let (_folder, at) = fresh("new");
        write_masks(&job(&at, model), &at.join("masks"), false, &Watch::default()).unwrap();
        let path = at.join(file);
        let mut done = false;
        let _armed = seam::arm(&at, move |_, call, at| {
            if call == when && !done && (when != "copy" || at.ends_with("config.json")) {
                done = true;
                change(&path);
            }
            Ok(())
        });
        let job = Job { masks: Some(at.join("masks")), ..job(&at, model) };
        let result = if masks_alone {
            write_masks(&job, &at.join("new"), false, &Watch::default())
        } else {
            apply(&job, &to(&at, Some("new"), false), Format::Dense, &Watch::default())
        };
        let result = result.map(|_| ());
        let about = format!("{about} of {file} at {when}, masks alone: {masks_alone}: {result:?}");
        // A file that is removed before it is copied cannot be read.
        let gone = matches!(&result, Err(Error::Read { path, source }) if path.ends_with(file) && source.kind() == io::ErrorKind::NotFound);
        assert!(gone || matches!(&result, Err(Error::Changed { path }) if path.ends_with(file)), "{about}");
        assert!(!at.join("new").exists(), "{about}");
    }
}
