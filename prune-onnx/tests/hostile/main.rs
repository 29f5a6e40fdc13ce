//! Graphs that lie: generated networks with random changes to their bytes are refused or shrunk, without a panic.

use prune_core::Density;
use prune_graph::{Choice, ClassScore};
use prune_onnx::testing::cases;
use prune_onnx::testing::net::{Draw, Net};
use prune_onnx::{AnalysisOptions, DataType, Dim, GraphBuilder, Model, ModelBuilder, analyse};

/// Parses, shrinks and writes. Any step may refuse the bytes.
fn shrink(bytes: Vec<u8>) -> Option<usize> {
    let model = Model::parse(bytes, ".".as_ref()).ok()?;
    let analysis = analyse(&model, &AnalysisOptions::default()).ok()?;
    let scores = analysis.scores(ClassScore::Random { seed: 1 }).ok()?;
    let removal = Choice::local(Density::new(0.5).expect("a density")).choose(analysis.classes(), &scores);
    analysis.multiply_adds(&removal);
    analysis.parameters(&removal);
    analysis.kept(&removal);
    let edits = analysis.edits(&removal).ok()?;
    let mut small = Vec::new();
    model.write(&edits, &mut small, None).ok()?;
    Model::parse(small, ".".as_ref()).expect("what was written can be read");
    Some(removal.len())
}

#[test]
fn changed_bytes_never_end_in_a_panic() {
    let (mut shrunk, mut tried) = (0, 0);
    for seed in 0..60 {
        for (_, case) in cases::CASES {
            let opset = [9, 11, 13, 18][seed as usize % 4];
            let built = case(Net::new(seed, opset));
            assert!(built.inputs.len() <= 2);
            let bytes = built.bytes;
            let mut draw = Draw::new(seed);
            for _ in 0..4 {
                let mut changed = bytes.clone();
                for _ in 0..draw.range(1, 4) {
                    let at = draw.range(0, changed.len() - 1);
                    changed[at] = match draw.range(0, 3) {
                        0 => draw.number() as u8,
                        1 => changed[at].wrapping_add(1),
                        2 => changed[at] ^ 1,
                        _ => 0xff,
                    };
                }
                tried += 1;
                shrunk += usize::from(shrink(changed).is_some_and(|gone| gone > 0));
            }
        }
    }
    // Most changes hit a weight or a name, so many models still reach the code behind the parser.
    assert!(shrunk > tried / 20, "{shrunk} of {tried}");
}

#[test]
fn lengths_that_lie_are_pinned_or_refused() {
    let dim = |n: i64| Dim::Known(n);
    for (input, weight) in [(3, vec![4, 2, 1, 1]), (i64::MAX, vec![4, 2, 1, 1]), (2, vec![4, 2]), (0, vec![0, 2, 1, 1])]
    {
        let mut graph = GraphBuilder::new("lies");
        graph.input("x", DataType::Float, &[dim(1), dim(input), dim(i64::MAX), dim(1 << 40)]);
        graph.floats("w", &weight, &vec![1.0; weight.iter().product()]);
        graph.floats("v", &[2, 4, 1, 1], &[1.0; 8]);
        graph.node("Conv", &["x", "w"], &["h"], &[]);
        graph.value_info("h", DataType::Float, &[dim(1), dim(77), dim(1), dim(1)]);
        graph.node("Conv", &["h", "v"], &["y"], &[]);
        graph.output("y", DataType::Float, &[dim(1), dim(2), dim(1), dim(1)]);
        shrink(ModelBuilder::new(8, 17).finish(&graph));
    }
}

#[test]
fn a_deep_graph_is_walked() {
    let mut graph = GraphBuilder::new("deep");
    graph.input("n0", DataType::Float, &[Dim::Known(1), Dim::Known(2)]);
    graph.floats("w", &[2, 4], &[1.0; 8]);
    graph.floats("v", &[4, 2], &[1.0; 8]);
    graph.node("MatMul", &["n0", "w"], &["n1"], &[]);
    let depth = 20_000;
    for at in 1..depth {
        graph.node("Relu", &[&format!("n{at}")], &[&format!("n{}", at + 1)], &[]);
    }
    graph.node("MatMul", &[&format!("n{depth}"), "v"], &["y"], &[]);
    graph.output("y", DataType::Float, &[Dim::Known(1), Dim::Known(2)]);
    assert_eq!(shrink(ModelBuilder::new(8, 17).finish(&graph)), Some(2));
}

#[test]
fn what_nodes_outside_see_stays() {
    // A graph in an attribute reads the hidden value, so none of it goes.
    let mut inner = GraphBuilder::new("inner");
    inner.node("Relu", &["h"], &["r"], &[]);
    inner.output("r", DataType::Float, &[]);
    let mut graph = GraphBuilder::new("outer");
    graph.input("x", DataType::Float, &[Dim::Known(1), Dim::Known(2)]);
    graph.input("c", DataType::Bool, &[]);
    graph.floats("w", &[2, 4], &[1.0; 8]);
    graph.floats("v", &[4, 2], &[1.0; 8]);
    graph.node("MatMul", &["x", "w"], &["h"], &[]);
    graph.node_with_graphs("If", &["c"], &["i"], &[("then_branch", &inner), ("else_branch", &inner)]);
    graph.node("MatMul", &["h", "v"], &["y"], &[]);
    graph.output("y", DataType::Float, &[Dim::Known(1), Dim::Known(2)]);
    graph.output("i", DataType::Float, &[]);
    let model = Model::parse(ModelBuilder::new(8, 17).finish(&graph), ".".as_ref()).expect("a model");
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    assert!(analysis.classes().is_empty());
    let explained = analysis.classes().explain();
    let of_w = explained.iter().find(|stays| stays.axis.axis == 1 && analysis.classes().name(stays.axis.tensor) == "w");
    assert_eq!(of_w.expect("explained").reason.to_string(), "Subgraph reads it from inside of an attribute");
}

/// A field that holds bytes: its key, its length, and the bytes.
fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let key = number << 3 | 2;
    let key: Vec<u8> = if key < 128 { vec![key as u8] } else { vec![key as u8 | 128, (key >> 7) as u8] };
    [key.as_slice(), &[u8::try_from(bytes.len()).expect("short")], bytes].concat()
}

#[test]
fn functions_that_call_each_other_pin_what_they_touch() {
    // Each function calls the other, so inlining them would never end.
    let function = |name: &[u8], calls: &[u8]| {
        let call = [field(1, b"a"), field(2, b"b"), field(4, calls), field(7, b"mine")].concat();
        let parts = [field(1, name), field(4, b"a"), field(5, b"b"), field(7, &call), field(10, b"mine")];
        field(25, &parts.concat())
    };
    let mut graph = GraphBuilder::new("g");
    graph.input("x", DataType::Float, &[Dim::Known(1), Dim::Known(2)]);
    graph.floats("w", &[2, 4], &[1.0; 8]);
    graph.floats("v", &[4, 4], &[1.0; 16]);
    graph.node("MatMul", &["x", "w"], &["h"], &[]);
    graph.node("MatMul", &["h", "v"], &["i"], &[]);
    graph.node_of("mine", "Ping", "p", &["i"], &["y"], &[]);
    graph.output("y", DataType::Float, &[Dim::Known(1), Dim::Known(4)]);
    let mut bytes = ModelBuilder::new(8, 17).import("mine", 1).finish(&graph);
    bytes.extend(function(b"Ping", b"Pong"));
    bytes.extend(function(b"Pong", b"Ping"));
    // The hidden axis goes. The value that the function reads stays.
    let model = Model::parse(bytes.clone(), ".".as_ref()).expect("a model");
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let explained = analysis.classes().explain();
    let of_v = explained.iter().find(|stays| stays.axis.axis == 1 && analysis.classes().name(stays.axis.tensor) == "v");
    assert_eq!(of_v.expect("explained").reason.to_string(), "Ping `p` is not followed");
    assert_eq!(shrink(bytes), Some(2));
}

#[test]
fn unknown_domains_and_functions_pin_what_they_touch() {
    for (domain, known) in [("com.example", false), ("", true)] {
        let mut graph = GraphBuilder::new("g");
        graph.input("x", DataType::Float, &[Dim::Known(1), Dim::Known(2)]);
        graph.floats("w", &[2, 4], &[1.0; 8]);
        graph.floats("v", &[4, 2], &[1.0; 8]);
        graph.node("MatMul", &["x", "w"], &["h"], &[]);
        graph.node_of(domain, "Relu", "r", &["h"], &["r"], &[]);
        graph.node("MatMul", &["r", "v"], &["y"], &[]);
        graph.output("y", DataType::Float, &[Dim::Known(1), Dim::Known(2)]);
        let bytes = ModelBuilder::new(8, 17).import("com.example", 1).finish(&graph);
        assert_eq!(shrink(bytes), Some(if known { 2 } else { 0 }));
    }
}

#[test]
fn ranks_that_a_file_claims_cost_nothing() {
    let rank = 3000;
    let ones = || vec![1; rank];
    let (before, after) = ([vec![2], ones(), vec![3]].concat(), [vec![3], ones(), vec![2]].concat());
    let all: Vec<i64> = (0..rank as i64).collect();
    let many = rank + 2;
    let bytes = |build: &dyn Fn(&mut GraphBuilder)| {
        let mut graph = GraphBuilder::new("ranks");
        graph.input("x", DataType::Float, &[Dim::Known(2), Dim::Known(3)]);
        graph.floats("w", &[3, 6], &[1.0; 18]);
        graph.floats("v", &[6, 4], &[1.0; 24]);
        graph.ints("before", &[many], &before);
        graph.ints("after", &[many], &after);
        graph.ints("all", &[rank], &all);
        graph.node("MatMul", &["x", "w"], &["h"], &[]);
        graph.node("MatMul", &["h", "v"], &["y"], &[]);
        graph.output("y", DataType::Float, &[]);
        build(&mut graph);
        ModelBuilder::new(8, 17).finish(&graph)
    };
    let two = |operator: &'static str| {
        move |graph: &mut GraphBuilder| {
            graph.node(operator, &["x", "before"], &["a"], &[]);
            for at in 0..20 {
                graph.node(operator, &["a", "after"], &[&format!("b{at}")], &[]);
            }
        }
    };
    let cases: [(&str, Vec<u8>); 6] = [
        ("Reshape", bytes(&two("Reshape"))),
        ("Expand", bytes(&two("Expand"))),
        (
            "ConstantOfShape",
            bytes(&|graph| {
                graph.node("ConstantOfShape", &["before"], &["a"], &[]);
                (0..20).for_each(|at| graph.node("Reshape", &["a", "after"], &[&format!("b{at}")], &[]));
            }),
        ),
        (
            "Unsqueeze",
            bytes(&|graph| (0..200).for_each(|at| graph.node("Unsqueeze", &["x", "all"], &[&format!("b{at}")], &[]))),
        ),
        (
            "Slice",
            bytes(&|graph| {
                graph.ints("zero", &[rank], &vec![0; rank]);
                graph.input("wide", DataType::Float, &vec![Dim::Known(1); rank]);
                (0..200).for_each(|at| graph.node("Slice", &["wide", "zero", "before"], &[&format!("b{at}")], &[]));
                (0..200).for_each(|at| graph.node("Slice", &["wide", "zero", "zero"], &[&format!("c{at}")], &[]));
            }),
        ),
        (
            "Slice at bounds that are given",
            bytes(&|graph| {
                graph.input("bounds", DataType::Int64, &[Dim::Known(1 << 40)]);
                graph.node("Slice", &["x", "bounds", "bounds"], &["b"], &[]);
            }),
        ),
    ];
    for (name, bytes) in cases {
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::spawn(move || send.send(shrink(bytes)));
        let gone = receive.recv_timeout(std::time::Duration::from_secs(20));
        assert_eq!(gone, Ok(Some(3)), "{name}");
    }
}
