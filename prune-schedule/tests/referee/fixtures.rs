//! Strategy texts and saved pruners from the day on which the referee was made. They must stay readable.
//!
//! `strategies.jsonl` has strategies in all three forms, one a line. `states.jsonl` has pruners as `to_json` saved them
//! in the middle of a case, some with observed gradients; the part `pruner` of the demo's checkpoints has this format.
//! The files are written once: recording writes them only if they are missing.

use std::fs;

use prune_schedule::{Pruner, Strategy};
use serde::{Deserialize, Serialize};

use super::draws::Digest;
use super::{cases, file, run};

/// A strategy as it was written on that day.
#[derive(Serialize, Deserialize)]
struct Texts {
    python: String,
    json: String,
    toml: String,
}

/// A pruner as it was saved on that day, in the middle of a case.
#[derive(Serialize, Deserialize)]
struct Saved {
    case: u64,
    step: u64,
    /// The digest of its masks and of the held masks.
    masks: String,
    state: String,
}

fn masks_of(pruner: &Pruner) -> String {
    let mut digest = Digest::new();
    for (name, mask) in pruner.masks().iter().chain(pruner.held().iter()) {
        digest.add(name);
        digest.add(mask.iter().map(u8::from).collect::<Vec<_>>());
    }
    format!("{:016x}", digest.0)
}

fn lines<T: for<'de> Deserialize<'de> + Serialize>(name: &str, make: impl Fn() -> Vec<T>) -> Vec<T> {
    if std::env::var_os("RECORD_REFEREE").is_some() && !file(name).exists() {
        let text: String = make().iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
        fs::write(file(name), text).unwrap();
    }
    fs::read_to_string(file(name)).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn strategies_of_before_are_read() {
    let make = || {
        let strategies = (0..60).filter_map(|i| cases::case(i * 7).strategy.parse::<Strategy>().ok());
        let texts = |it: Strategy| Texts { python: it.to_python(), json: it.to_json(), toml: it.to_toml() };
        strategies.map(texts).collect()
    };
    let all: Vec<Texts> = lines("strategies.jsonl", make);
    assert!(all.len() > 50);
    for Texts { python, json, toml } in all {
        let strategy: Strategy = python.parse().unwrap_or_else(|error| panic!("{python}\n{error}"));
        assert_eq!(json.parse::<Strategy>().unwrap(), strategy, "{json}");
        assert_eq!(toml.parse::<Strategy>().unwrap(), strategy, "{toml}");
        // A table through serde gives the same strategy.
        assert_eq!(serde_json::from_str::<Strategy>(&json).unwrap(), strategy, "{json}");
    }
}

#[test]
fn pruners_of_before_are_resumed() {
    let make = || {
        let stops = (0..40).flat_map(|case| [4, 7, 11].map(|step| (case, step)));
        let saved = stops.filter_map(|(case, step)| {
            let pruner = run::stopped(&cases::case(case), step)?;
            Some(Saved { case, step, masks: masks_of(&pruner), state: pruner.to_json() })
        });
        // States of large layers would only make the file long.
        saved.filter(|saved| saved.state.len() < 6_000).collect()
    };
    let all: Vec<Saved> = lines("states.jsonl", make);
    assert!(all.len() > 50 && all.iter().any(|saved| saved.state.contains("observed")));
    for saved in all {
        let case = cases::case(saved.case);
        let resumed = Pruner::from_json(&saved.state).unwrap_or_else(|error| panic!("{}\n{error}", case.strategy));
        assert_eq!(masks_of(&resumed), saved.masks, "{}", case.strategy);
        // It equals the pruner that the same case reaches now.
        assert_eq!(Some(resumed), run::stopped(&case, saved.step), "{}", case.strategy);
    }
}
