//! Every join, pin and rewrite of every operator is needed, and so is every pin for unknown operators. If any one of
//! them is dropped, some network of the cases gives another result than the oracle, or cannot be run.

use std::collections::BTreeSet;
use std::panic::catch_unwind;

use prune_onnx::testing::harness::{OPSETS, check};
use prune_onnx::testing::net::Net;
use prune_onnx::testing::{cases, statements, without};

/// The number of networks that are tried without a statement.
const TRIED: u64 = 300;

/// The cases that hold the statements of a file of the sources.
const FILES: &[(&str, &[&str])] = &[
    ("ops/conv", &["Conv"]),
    ("ops/conv_transpose", &["ConvTranspose"]),
    ("ops/gemm", &["Gemm"]),
    ("ops/matmul", &["MatMul"]),
    ("ops/attention", &["Attention"]),
    ("ops/batch_norm", &["BatchNormalization"]),
    ("ops/instance_norm", &["InstanceNormalization"]),
    ("ops/group_norm", &["GroupNormalization"]),
    ("ops/layer_norm", &["LayerNormalization"]),
    ("ops/lrn", &["LRN"]),
    ("ops/elementwise", &["Identity"]),
    ("ops/cast", &["Cast"]),
    ("ops/clip", &["Clip"]),
    ("ops/dropout", &["Dropout"]),
    ("ops/arithmetic", &["Add", "Shape", "Expand"]),
    ("ops/prelu", &["PRelu"]),
    ("ops/where_op", &["Where", "Expand"]),
    ("ops/broadcast", &["Add", "Where", "PRelu"]),
    ("ops/concat", &["Concat"]),
    ("ops/split", &["Split"]),
    ("ops/slice", &["Slice"]),
    ("ops/gather", &["Gather"]),
    ("ops/pad", &["Pad"]),
    ("ops/resize", &["Resize"]),
    ("ops/window", &["Conv", "ConvTranspose", "MaxPool"]),
    ("ops/pool", &["MaxPool"]),
    ("ops/global_pool", &["GlobalAveragePool"]),
    ("ops/reduce", &["ReduceSum"]),
    ("ops/softmax", &["Softmax"]),
    ("ops/transpose", &["Transpose"]),
    ("ops/reshape", &["Reshape", "Shape"]),
    ("ops/regroup", &["Reshape", "Flatten"]),
    ("ops/flatten", &["Flatten"]),
    ("ops/squeeze", &["Squeeze"]),
    ("ops/unsqueeze", &["Unsqueeze"]),
    ("ops/expand", &["Expand"]),
    ("ops/shape", &["Shape"]),
    ("ops/constant", &["Constant"]),
    ("ops/constant_of_shape", &["ConstantOfShape"]),
    ("analysis/site", &["CumSum", "Range", "foreign operator", "foreign length", "unknown rank", "unknown groups"]),
    ("analysis/engine", &["output", "subgraph", "annotation", "training"]),
];

/// Statements that another one implies, so that dropping one alone has no effect: the file, a part of the line, and the
/// reason.
const IMPLIED: &[(&str, &str, &str)] = &[
    ("ops/broadcast", "repeats it", ONE),
    ("ops/expand", "repeats it", ONE),
    ("ops/gemm", "repeats it", ONE),
    ("ops/matmul", "repeats it", ONE),
    ("ops/global_pool", "pin_out(0, axis, \"reduces the axis\")", ONE),
    ("ops/reduce", "pin_out(0, at, \"reduces the axis\")", ONE),
    ("ops/regroup", "drops it", ONE),
    ("ops/regroup", "adds it", ONE),
    ("ops/squeeze", "drops it", ONE),
    ("ops/unsqueeze", "adds it", ONE),
    ("ops/conv", "site.graph().pin(one, why);", ONE),
    ("ops/conv", "role(one, Role::Reader)", ROLE),
];

const ONE: &str = "the only index of an axis never goes; the pin gives the explanation its reason";
const ROLE: &str = "a role tells the trainer what to close, and removes nothing";

fn runs(name: &str, seed: u64) -> bool {
    let mut all = cases::CASES.iter().chain(cases::STAYS);
    let (name, case) = all.find(|(first, _)| *first == name).expect("cases");
    catch_unwind(|| check(case(Net::new(seed, OPSETS[seed as usize % OPSETS.len()])), seed, &[*name])).is_ok()
}

/// The statements of a file that its cases reach: file and line.
fn statements_of(file: &str, operators: &[&str]) -> Vec<(&'static str, u32)> {
    for operator in operators {
        (0..TRIED).for_each(|seed| assert!(runs(operator, seed), "{operator}, seed {seed}"));
    }
    let end = format!("/src/{file}.rs");
    statements().into_iter().filter(|(path, _)| path.ends_with(&end)).collect()
}

/// The lines that ask if they are dropped. Lines in shorthands do not count; there, each caller is a statement.
fn own_statements(source: &str) -> Vec<u32> {
    let (mut lines, mut is_shorthand, mut before) = (Vec::new(), false, "");
    for (line, number) in source.lines().zip(1..) {
        if line.contains("fn ") {
            is_shorthand = before.contains("track_caller");
        }
        if line.contains("faults::dropped()") && !is_shorthand {
            lines.push(number);
        }
        before = line;
    }
    lines
}

/// The statements of a file that can be dropped without a failure, and those that no case reaches.
fn survivors(file: &str, operators: &[&str]) -> Vec<String> {
    let source = std::fs::read_to_string(format!("{}/src/{file}.rs", env!("CARGO_MANIFEST_DIR"))).expect("source");
    let statements = statements_of(file, operators);
    let missed = |line: &u32| !statements.iter().any(|statement| statement.1 == *line);
    let missed = own_statements(&source).into_iter().filter(missed);
    let mut survivors: Vec<String> = missed.map(|line| format!("{file}.rs:{line}: no case comes by it")).collect();
    for statement in statements {
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
        let listed =
            FILES.iter().any(|(file, _)| file.strip_prefix("ops/") == Some(stem)) || ["mod", "pinned"].contains(&stem);
        assert!(listed, "{name} has no line in the table of faults");
    }
}
