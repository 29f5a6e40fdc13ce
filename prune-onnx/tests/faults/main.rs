//! Every join, pin and rewrite of every operator is needed: without any one of them a network of the operator's cases gives
//! another result than the oracle, or cannot be run.

#[path = "../operators/cases.rs"]
mod cases;
#[path = "../operators/eval.rs"]
mod eval;
#[path = "../operators/harness.rs"]
mod harness;
#[path = "../operators/net.rs"]
mod net;

use std::collections::BTreeSet;
use std::panic::catch_unwind;

use harness::{OPSETS, check};
use net::Net;
use prune_onnx::testing::{statements, without};

/// Networks that are tried without a statement.
const TRIED: u64 = 300;

/// The operators whose cases hold the statements of a file.
const FILES: &[(&str, &[&str])] = &[
    ("conv", &["Conv"]),
    ("conv_transpose", &["ConvTranspose"]),
    ("gemm", &["Gemm"]),
    ("matmul", &["MatMul"]),
    ("batch_norm", &["BatchNormalization"]),
    ("instance_norm", &["InstanceNormalization"]),
    ("group_norm", &["GroupNormalization"]),
    ("layer_norm", &["LayerNormalization"]),
    ("lrn", &["LRN"]),
    ("elementwise", &["Identity"]),
    ("cast", &["Cast"]),
    ("clip", &["Clip"]),
    ("dropout", &["Dropout"]),
    ("arithmetic", &["Add", "Shape", "Expand"]),
    ("prelu", &["PRelu"]),
    ("where_op", &["Where", "Expand"]),
    ("broadcast", &["Add", "Where", "PRelu"]),
    ("concat", &["Concat"]),
    ("split", &["Split"]),
    ("slice", &["Slice"]),
    ("gather", &["Gather"]),
    ("pad", &["Pad"]),
    ("resize", &["Resize"]),
    ("window", &["Conv", "ConvTranspose", "MaxPool"]),
    ("pool", &["MaxPool"]),
    ("global_pool", &["GlobalAveragePool"]),
    ("reduce", &["ReduceSum"]),
    ("softmax", &["Softmax"]),
    ("transpose", &["Transpose"]),
    ("reshape", &["Reshape", "Shape"]),
    ("regroup", &["Reshape", "Flatten"]),
    ("flatten", &["Flatten"]),
    ("squeeze", &["Squeeze"]),
    ("unsqueeze", &["Unsqueeze"]),
    ("expand", &["Expand"]),
    ("shape", &["Shape"]),
    ("constant", &["Constant"]),
    ("constant_of_shape", &["ConstantOfShape"]),
];

/// Statements that another one implies, so that none alone is missed: file, a part of the line, and why.
const IMPLIED: &[(&str, &str, &str)] = &[
    ("broadcast", "repeats it", ONE),
    ("expand", "repeats it", ONE),
    ("gemm", "repeats it", ONE),
    ("matmul", "repeats it", ONE),
    ("global_pool", "pin_out(0, axis, \"reduces the axis\")", ONE),
    ("reduce", "pin_out(0, at, \"reduces the axis\")", ONE),
    ("regroup", "drops it", ONE),
    ("regroup", "adds it", ONE),
    ("squeeze", "drops it", ONE),
    ("unsqueeze", "adds it", ONE),
    ("conv", "site.graph().pin(one, why);", ONE),
    ("conv", "role(one, Role::Reader)", ROLE),
];

const ONE: &str = "the only index of an axis never goes; the pin gives the explanation its reason";
const ROLE: &str = "a role tells the trainer what to close, and removes nothing";

fn runs(operator: &str, seed: u64) -> bool {
    let (_, case) = cases::CASES.iter().find(|(first, _)| *first == operator).expect("cases");
    let rule = prune_onnx::operators().find(|rule| rule.operators.contains(&operator)).expect("a rule");
    catch_unwind(|| check(case(Net::new(seed, OPSETS[seed as usize % OPSETS.len()])), seed, rule.operators)).is_ok()
}

/// The statements of a file that its cases come by, each with its line of source.
fn statements_of(file: &str, operators: &[&str]) -> Vec<(&'static str, u32)> {
    for operator in operators {
        (0..TRIED).for_each(|seed| assert!(runs(operator, seed), "{operator}, seed {seed}"));
    }
    let end = format!("/ops/{file}.rs");
    statements().into_iter().filter(|(path, _)| path.ends_with(&end)).collect()
}

/// The statements of a file without which nothing fails.
fn survivors(file: &str, operators: &[&str]) -> Vec<String> {
    let mut survivors = Vec::new();
    for statement in statements_of(file, operators) {
        let source =
            std::fs::read_to_string(format!("{}/src/ops/{file}.rs", env!("CARGO_MANIFEST_DIR"))).expect("source");
        let line = source.lines().nth(statement.1 as usize - 1).expect("a line").trim();
        let missed =
            operators.iter().any(|operator| (0..TRIED).any(|seed| !without(statement, || runs(operator, seed))));
        let implied = IMPLIED.iter().any(|(of, part, _)| *of == file && line.contains(part));
        if !missed && !implied {
            survivors.push(format!("{file}.rs:{}: {line}", statement.1));
        }
    }
    survivors
}

#[test]
fn no_statement_can_be_dropped() {
    std::panic::set_hook(Box::new(|_| {}));
    let halves: Vec<Vec<_>> = (0..2).map(|half| FILES.iter().skip(half).step_by(2).collect()).collect();
    let threads = halves.into_iter().map(|files| {
        std::thread::spawn(move || {
            let found = files.into_iter().flat_map(|(file, operators)| survivors(file, operators));
            found.collect::<Vec<String>>()
        })
    });
    let threads: Vec<_> = threads.collect();
    let found: BTreeSet<String> = threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
    let _ = std::panic::take_hook();
    assert!(
        found.is_empty(),
        "without these statements nothing fails:\n{}",
        found.into_iter().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn every_operator_file_is_listed() {
    let folder = format!("{}/src/ops", env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let stem = name.trim_end_matches(".rs");
        let listed = FILES.iter().any(|(file, _)| *file == stem) || ["mod", "pinned"].contains(&stem);
        assert!(listed, "{name} has no line in the table of faults");
    }
}
