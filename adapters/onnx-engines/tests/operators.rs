//! Every operator in the engine: networks from which indices are removed give the same outputs as whole networks with
//! zeros in those slices.

use std::collections::BTreeMap;

use onnx_engines::{Outcome, compare};
use prune_onnx::DataType;
use prune_onnx::testing::cases::{CASES, Case};
use prune_onnx::testing::harness::OPSETS;
use prune_onnx::testing::net::Net;
use prune_onnx::testing::{statements, without};

/// The number of networks per operator that have to run.
const WANTED: usize = 200;

/// The number of networks that are tried for that.
const TRIED: u64 = 600;

/// The gaps of the engine: the rule whose networks meet one, a part of the engine's message, and true if other networks
/// of the rule run.
const LACKING: &[(&str, &str, bool)] = &[
    ("GroupNormalization", "GroupNormalization operator not supported", false),
    ("LRN", "LRN operator not supported", false),
    ("MaxPool", "LpPool operator not supported", true),
    ("Resize", "Resize operator uses opset version 10", true),
];

fn outcome(first: &str, case: Case, seed: u64) -> Outcome {
    let rule = prune_onnx::operators().find(|rule| rule.operators.contains(&first)).expect("a rule");
    let net = Net::of(DataType::Float, seed, OPSETS[seed as usize % OPSETS.len()]);
    compare(&case(net), seed, rule.operators)
}

/// The number of an operator's networks that ran, and the numbers of those that met each gap.
fn run_cases(first: &'static str, case: Case) -> (usize, BTreeMap<&'static str, usize>) {
    let (mut ran, mut lacking) = (0, BTreeMap::new());
    for seed in 0..TRIED {
        match outcome(first, case, seed) {
            Outcome::NothingRemoved => {}
            Outcome::Ran(distance) => {
                assert!(distance.is_noise(), "{first} of seed {seed}: {distance:?}");
                ran += 1;
            }
            Outcome::NotRun(why) => {
                let listed = LACKING.iter().find(|(rule, part, _)| *rule == first && why.contains(part));
                let (_, part, _) = listed.unwrap_or_else(|| panic!("{first} of seed {seed}: {why}"));
                *lacking.entry(*part).or_insert(0) += 1;
            }
            Outcome::Broken(why) => panic!("{first} of seed {seed}: the shrunk network {why}"),
        }
        if ran == WANTED {
            break;
        }
    }
    (ran, lacking)
}

#[test]
fn every_operator_shrinks_to_what_the_engine_gives_with_zeros() {
    let mut met = 0;
    for &(first, case) in CASES {
        let (ran, lacking) = run_cases(first, case);
        println!("{first:24}{ran:5} networks equal");
        for (part, count) in &lacking {
            println!("{count:29} networks not run: {part}");
        }
        met += lacking.len();
        let wanted = if LACKING.iter().any(|&(rule, _, others)| rule == first && !others) { 0 } else { WANTED };
        assert_eq!(ran, wanted, "{first}: networks that ran");
    }
    assert_eq!(
        met,
        LACKING.len(),
        "what the engine lacks: a line of the list was not met, so the engine has it by now"
    );
}

#[test]
fn a_statement_that_is_dropped_is_seen() {
    let (first, case) = CASES[0];
    (0..40).for_each(|seed| drop(outcome(first, case, seed)));
    let own: Vec<_> = statements().into_iter().filter(|(file, _)| file.ends_with("/ops/conv.rs")).collect();
    let wrong = |seed| match outcome(first, case, seed) {
        Outcome::Ran(distance) => !distance.is_noise(),
        outcome => matches!(outcome, Outcome::Broken(_)),
    };
    let seen = own.iter().filter(|&&statement| (0..40).any(|seed| without(statement, || wrong(seed)))).count();
    assert!(seen * 2 > own.len(), "{seen} of {} statements of Conv", own.len());
}
