//! The rooms of a crate, its top-level modules, stand in one order, and each uses only rooms before it. So there is no
//! circle between them. In a crate of programs, no program uses another.

use std::fs;
use std::path::{Path, PathBuf};

/// A crate whose rooms have an order.
struct Rooms {
    folder: &'static str,
    /// Every room, in order.
    rooms: &'static [&'static str],
    /// The programs, which may use every room.
    programs: &'static [&'static str],
    /// The room that may use names which the root exports from all others. So may files of unit tests then.
    with_root: Option<&'static str>,
}

const CRATES: &[Rooms] = &[
    Rooms {
        folder: "prune-mnist",
        rooms: &["words", "rng", "files", "data", "nn", "onnx", "picture", "train", "run"],
        programs: &["demo", "paper", "sensitivity"],
        with_root: None,
    },
    Rooms {
        folder: "prune-onnx",
        rooms: &[
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
        ],
        programs: &[],
        with_root: Some("testing"),
    },
];

impl Rooms {
    fn place(&self, name: &str) -> Option<usize> {
        self.rooms.iter().position(|known| *known == name)
    }

    /// True if a file of `room` may name `used` behind `crate::`.
    fn allows(&self, room: &str, file: &Path, used: &str) -> bool {
        if used == room {
            return true;
        }
        match self.place(used) {
            Some(used) => self.place(room).is_none_or(|own| used < own),
            None => self.with_root.is_some_and(|last| last == room || file.ends_with("tests.rs")),
        }
    }
}

/// The Rust files of a room, each with its depth below `src`.
fn sources(path: &Path, depth: usize, into: &mut Vec<(PathBuf, usize)>) {
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("a folder");
        entries.for_each(|entry| sources(&entry.expect("an entry").path(), depth + 1, into));
    } else {
        let is_root_of_folder = path.ends_with("mod.rs");
        into.push((path.to_owned(), depth - usize::from(is_root_of_folder)));
    }
}

/// The words that follow a prefix in code.
fn named(source: &str, prefix: &str) -> Vec<String> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut words = Vec::new();
    for after in code.split(prefix).skip(1) {
        match after.strip_prefix('{').and_then(|list| list.split_once("};")) {
            Some((list, _)) => words.extend(list.split(',').map(|part| word(part.trim())).filter(|w| !w.is_empty())),
            None => words.push(word(after)),
        }
    }
    words
}

#[test]
fn a_room_knows_only_rooms_before_it_and_no_program_another() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut wrong = Vec::new();
    for rooms in CRATES {
        let src = workspace.join(rooms.folder).join("src");
        let mut seen = 0;
        for entry in fs::read_dir(&src).expect("the sources") {
            let path = entry.expect("an entry").path();
            let room = path.file_stem().expect("a name").to_string_lossy().into_owned();
            // The root has no room, and each program of `bin` only starts one.
            if ["lib", "bin"].contains(&room.as_str()) {
                continue;
            }
            let is_program = rooms.programs.contains(&room.as_str());
            assert!(is_program || rooms.place(&room).is_some(), "`{room}` of {} has no place", rooms.folder);
            let mut files = Vec::new();
            sources(&path, 0, &mut files);
            for (file, depth) in files {
                let source = fs::read_to_string(&file).expect("a source");
                let mut used = named(&source, "crate::");
                if depth == 0 {
                    // The module above is the root. Inner modules of tests say `super` of the file itself.
                    let is_room =
                        |name: &String| rooms.place(name).is_some() || rooms.programs.contains(&name.as_str());
                    used.extend(named(&source, "super::").into_iter().filter(is_room));
                }
                seen += used.len();
                let refused = used.iter().filter(|used| !rooms.allows(&room, &file, used));
                wrong.extend(refused.map(|used| format!("{} uses {used}", file.display())));
            }
        }
        assert!(seen > 100, "{seen} paths of {} were read", rooms.folder);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
