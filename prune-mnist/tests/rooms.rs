//! The crate's rooms stand in one order, and each uses only rooms before it. No program uses another program.

use std::fs;
use std::path::{Path, PathBuf};

/// Every top-level module of the crate that serves several programs, in order.
const ROOMS: &[&str] = &["words", "rng", "files", "data", "nn", "onnx", "picture", "train", "run"];

/// The programs, which may use every room.
const PROGRAMS: &[&str] = &["demo", "paper", "sensitivity"];

fn sources(path: &Path, into: &mut Vec<PathBuf>) {
    if path.is_dir() {
        fs::read_dir(path).expect("a folder").for_each(|entry| sources(&entry.expect("an entry").path(), into));
    } else {
        into.push(path.to_owned());
    }
}

/// The words that follow `crate::` in code.
fn named(source: &str) -> Vec<String> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut words = Vec::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{').and_then(|list| list.split_once("};")) {
            Some((list, _)) => words.extend(list.split(',').map(|part| word(part.trim())).filter(|w| !w.is_empty())),
            None => words.push(word(after)),
        }
    }
    words
}

#[test]
fn a_room_knows_only_rooms_before_it_and_no_program_another() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for entry in fs::read_dir(&src).expect("the sources") {
        let path = entry.expect("an entry").path();
        let room = path.file_stem().expect("a name").to_string_lossy().into_owned();
        // Each program of `bin` only starts a room, so it is not checked.
        if ["lib", "bin"].contains(&room.as_str()) {
            continue;
        }
        let is_program = PROGRAMS.contains(&room.as_str());
        let own = ROOMS.iter().position(|known| *known == room);
        assert!(is_program || own.is_some(), "`{room}` has no place");
        let mut files = Vec::new();
        sources(&path, &mut files);
        for file in files {
            for name in named(&fs::read_to_string(&file).expect("a source")) {
                seen += 1;
                let known = ROOMS.iter().position(|known| *known == name);
                let is_allowed = name == room || known.is_some_and(|known| own.is_none_or(|own| known < own));
                if !is_allowed {
                    wrong.push(format!("{} uses crate::{name}", file.strip_prefix(&src).expect("in src").display()));
                }
            }
        }
    }
    assert!(seen > 100, "{seen} paths were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
