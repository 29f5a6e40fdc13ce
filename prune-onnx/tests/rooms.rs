//! The top-level modules of the crate have an order, and each uses only earlier ones. So there are no cycles between
//! them.

use std::fs;
use std::path::{Path, PathBuf};

/// Every top-level module of the crate.
const ROOMS: &[&str] = &[
    "data_type",
    "error",
    "wire",
    "model",
    "edits",
    "builder",
    "file",
    "shapes",
    "analysis",
    "rewrite",
    "ops",
    "walk",
    "dead",
    "removal",
    "testing",
];

fn sources(path: &Path, into: &mut Vec<PathBuf>) {
    if path.is_dir() {
        fs::read_dir(path).expect("a folder").for_each(|entry| sources(&entry.expect("an entry").path(), into));
    } else if !path.ends_with("tests.rs") {
        into.push(path.to_owned());
    }
}

/// The words after `crate::` in code: modules, and names that the root exports.
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
fn a_room_knows_only_rooms_before_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&src).expect("the sources") {
        let path = entry.expect("an entry").path();
        let room = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if room == "lib" {
            continue;
        }
        let own = ROOMS.iter().position(|known| *known == room).unwrap_or_else(|| panic!("`{room}` has no place"));
        let mut files = Vec::new();
        sources(&path, &mut files);
        for file in files {
            for name in named(&fs::read_to_string(&file).expect("a source")) {
                // The root exports names from all modules, so only the last module may use them.
                let known = ROOMS.iter().position(|room| *room == name).unwrap_or(ROOMS.len() - 1);
                if known > own {
                    wrong.push(format!("{} uses crate::{name}", file.strip_prefix(&src).expect("in src").display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
