//! The published tables as a program: the errors of mistakes, and the files that Ctrl-C leaves.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn paper(folder: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paper"));
    command.current_dir(folder).args(arguments);
    command
}

fn text(output: &Output) -> (Option<i32>, String, String) {
    let read = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), read(&output.stdout), read(&output.stderr))
}

#[test]
fn mistakes_are_named_and_leave_nothing() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "mine").unwrap();
    for (arguments, code, word) in [
        (&["hann"][..], 2, "'han'"),
        (&["--jobs", "0"], 2, "--jobs"),
        (&["--seed", "1"], 2, "--seed"),
        (&["--quick", "--out", "file"], 1, "a file, not a folder"),
        (&["--quick", "--out", "file/below"], 1, "file/below"),
    ] {
        let (found, _, stderr) = text(&paper(root.path(), arguments).output().unwrap());
        assert_eq!(found, Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(word) && !stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
    let (code, stdout, _) = text(&paper(root.path(), &["--help"]).output().unwrap());
    assert_eq!(code, Some(0));
    for word in ["han", "further", "examples", "snip", "sparse", "--quick", "--validate", "--out", "For example"] {
        assert!(stdout.contains(word), "{word}");
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(root.path().join("file")).unwrap(), "mine");
}

#[cfg(unix)]
#[test]
fn a_table_that_is_stopped_by_ctrl_c_goes_on_and_is_made() {
    let root = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = paper(root.path(), &["lottery", "--quick", "--jobs", "2", "--out", "out"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let finished = || {
        let files = fs::read_dir(root.path().join("out/runs")).into_iter().flatten().flatten();
        files.filter(|file| file.file_name().to_string_lossy().ends_with(".json")).count()
    };
    // A record holds the time of its run, so a repeated run would differ.
    let records = || {
        let files = fs::read_dir(root.path().join("out/runs")).into_iter().flatten().flatten().map(|file| file.path());
        let records = files.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
        records.map(|path| (path.clone(), fs::read(path).unwrap())).collect::<BTreeMap<_, _>>()
    };
    for _ in 0..2 {
        let (before, kept, started, mut child) = (finished(), records(), Instant::now(), start());
        while finished() == before {
            if started.elapsed() > Duration::from_secs(300) {
                child.kill().unwrap();
                panic!("no run has ended");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let (code, stdout, stderr) = text(&child.wait_with_output().unwrap());
        assert_eq!(code, Some(130), "{stderr}");
        assert!(stdout.starts_with("the bundled sample"), "{stdout}");
        assert!(stderr.contains("the same command goes on"), "{stderr}");
        assert!(!root.path().join("out/lottery.txt").exists());
        let now = records();
        assert!(now.len() > before && kept.iter().all(|(path, bytes)| now.get(path) == Some(bytes)));
    }

    let kept = records();
    let (code, stdout, stderr) = text(&start().wait_with_output().unwrap());
    assert_eq!(code, Some(0), "{stderr}");
    let now = records();
    assert!(kept.iter().all(|(path, bytes)| now.get(path) == Some(bytes)));
    let out = root.path().join("out");
    for file in ["lottery.txt", "runs.csv", "lottery.svg", "lottery.png"] {
        assert!(out.join(file).exists(), "{file}");
    }
    let table = fs::read_to_string(out.join("lottery.txt")).unwrap();
    assert!(table.contains("not to be quoted") && stdout.contains(&table[..table.len() - 1]), "{table}");

    // The known result: a ticket wins, and neither its masks nor its weights alone do.
    let mut errors: BTreeMap<String, f64> = BTreeMap::new();
    for row in csv::Reader::from_path(out.join("runs.csv")).unwrap().deserialize() {
        let row: BTreeMap<String, String> = row.unwrap();
        assert!(row["revivals"].is_empty() || row["revivals"] == "0");
        let run = row["run"].strip_prefix(&format!("{}: ", row["network"])).unwrap().to_owned();
        errors.insert(run, row["error_percent"].parse().unwrap());
    }
    let ticket = errors["winning ticket, round 5"];
    assert!(errors["dense twin, round 0"] < 8.0, "{errors:?}");
    assert!(ticket < errors["weights drawn anew, round 5"] && ticket < errors["random mask, round 5"], "{errors:?}");
}
