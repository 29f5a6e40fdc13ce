//! The referee: 2,000 generated trainings over all methods. Files here hold a digest of the masks and of the reports of
//! each.
//!
//! A change of the code leaves `masks.txt` and `reports.txt` as they are, or its commit says why a line changed.
//! `masks.txt` covers masks and weights; `reports.txt` covers reports, warnings and errors, so that a change of words
//! does not hide a change of masks. Both are recorded again with
//!
//! ```sh
//! RECORD_REFEREE=1 cargo test -p prune-schedule --test referee
//! ```
//!
//! Values are multiples of 1/64 or come from integers, and nothing depends on the machine, so the digests are the same
//! on every one.

#![allow(clippy::unwrap_used, reason = "tests")]

mod cases;
mod draws;
mod fixtures;
mod run;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const CASES: u64 = 2_000;

/// The line of a case in each of the files, and a description.
struct Line {
    masks: String,
    reports: String,
    /// The strategy, and the end of its training.
    about: String,
}

fn line(number: u64) -> Line {
    let case = cases::case(number);
    let ended = run::run(&case);
    let name = format!("{number:04} {}", case.kind);
    Line {
        masks: format!("{name} {:016x}", ended.masks),
        reports: format!("{name} {:016x}", ended.reports),
        about: format!("{}\n{:?}", case.strategy, ended.outcome),
    }
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/referee").join(name)
}

#[test]
fn masks_and_reports_are_as_recorded() {
    let lines: Vec<Line> = (0..CASES).map(line).collect();
    let text = |of: fn(&Line) -> &String| lines.iter().map(|line| format!("{}\n", of(line))).collect::<String>();
    let found = [("masks.txt", text(|line| &line.masks)), ("reports.txt", text(|line| &line.reports))];
    if std::env::var_os("RECORD_REFEREE").is_some() {
        for (name, text) in &found {
            std::fs::write(file(name), text).unwrap();
        }
        return;
    }
    for (name, text) in &found {
        // A checkout may convert line ends.
        let recorded = std::fs::read_to_string(file(name)).unwrap().replace("\r\n", "\n");
        assert_eq!(recorded.lines().count(), lines.len(), "{name}");
        let other: Vec<&Line> =
            recorded.lines().zip(text.lines()).zip(&lines).filter(|((a, b), _)| a != b).map(|(_, line)| line).collect();
        if let Some(first) = other.first() {
            let names = other.iter().map(|line| line.masks[..4].to_owned()).collect::<Vec<_>>().join(" ");
            panic!("{name}: {} cases differ: {names}; the first is\n{}", other.len(), first.about);
        }
    }
}

/// The recorded cases are worth recording: every method ends some trainings with events, and few cases are refused.
#[test]
fn cases_reach_every_method() {
    let mut ended: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut refused, mut failed) = (Vec::new(), Vec::new());
    for number in 0..CASES {
        let case = cases::case(number);
        match run::run(&case).outcome {
            run::Outcome::Ended => *ended.entry(case.kind).or_default() += 1,
            run::Outcome::Refused(why) => refused.push((case.strategy, why)),
            run::Outcome::Failed(why) => failed.push((case.strategy, why)),
        }
    }
    for kind in cases::KINDS {
        assert!(ended.get(kind).copied().unwrap_or(0) >= 40, "{kind}: {ended:?}\n{refused:#?}\n{failed:#?}");
    }
    // Refusals are recorded too, before training and during it.
    assert!((30..150).contains(&refused.len()), "{} refused: {refused:#?}", refused.len());
    assert!((30..300).contains(&failed.len()), "{} failed: {failed:#?}", failed.len());
}
