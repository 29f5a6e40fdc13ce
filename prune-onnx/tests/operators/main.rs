//! Every operator: networks from which indices are removed give what the whole network gives with those slices at zero.

mod cases;
mod eval;
mod net;

use std::collections::HashMap;

use eval::{T, Values};
use net::{Built, Net};
use prune_core::Density;
use prune_graph::{Choice, ClassScore, Removal, Role};
use prune_onnx::{Analysis, AnalysisOptions, Model, analyse};

/// Networks of each operator through which something has to be removed.
const WANTED: usize = 200;

/// Networks that are tried for that.
const TRIED: u64 = 600;

fn parse(bytes: Vec<u8>) -> Model {
    Model::parse(bytes, ".".as_ref()).expect("a model")
}

/// The model after a removal.
fn shrunk(analysis: &Analysis<'_>, removal: &Removal) -> Model {
    let mut bytes = Vec::new();
    let edits = analysis.edits(removal).expect("edits");
    analysis.model().write(&edits, &mut bytes, None).expect("written");
    parse(bytes)
}

/// Constants with every removed slice at zero; divisors stay.
fn zeroed(analysis: &Analysis<'_>, removal: &Removal) -> Values {
    let model = analysis.model();
    let mut tensors: HashMap<String, T> = HashMap::new();
    for tensor in model.graph().initializers() {
        if tensor.data_type().is_floating() {
            tensors.insert(tensor.name().to_owned(), T::new(tensor.dims(), tensor.floats().expect("numbers")));
        }
    }
    for node in model.graph().nodes().iter().filter(|node| node.op_type() == "Constant") {
        if let Some(prune_onnx::AttributeValue::Tensor(tensor)) = node.attribute("value")
            && tensor.data_type().is_floating()
        {
            tensors.insert(node.outputs()[0].clone(), T::new(tensor.dims(), tensor.floats().expect("numbers")));
        }
    }
    let mut zero = Values::new();
    for axis in analysis.kept(removal) {
        let id = analysis.classes().find(&axis.tensor).expect("a constant");
        let Some(old) = tensors.get(&axis.tensor) else { continue };
        if analysis.classes().role(id.axis(axis.axis)) == Some(Role::Divisor) {
            continue;
        }
        let t = zero.entry(axis.tensor.clone()).or_insert_with(|| old.clone());
        for (flat, index) in eval::indices(&old.dims).enumerate() {
            if !axis.kept.contains(&index[axis.axis]) {
                t.data[flat] = 0.0;
            }
        }
    }
    zero
}

fn inputs(built: &Built, seed: u64) -> Values {
    let mut draw = net::Draw::new(seed + 77);
    built
        .inputs
        .iter()
        .map(|(name, dims)| (name.clone(), T::new(dims, (0..dims.iter().product()).map(|_| draw.float()).collect())))
        .collect()
}

fn assert_equal(left: &[T], right: &[T], about: &str) {
    assert_eq!(left.len(), right.len());
    for (a, b) in left.iter().zip(right) {
        assert_eq!(a.dims, b.dims, "{about}");
        for (x, y) in a.data.iter().zip(&b.data) {
            assert!((x - y).abs() <= 1e-12 * y.abs().max(1.0), "{about}: {x} instead of {y}");
        }
    }
}

/// An axis of something that a node of one of these operators touches has lost an index.
fn went_through(analysis: &Analysis<'_>, removal: &Removal, operators: &[&str]) -> bool {
    let classes = analysis.classes();
    let nodes = analysis.model().graph().nodes().iter().filter(|node| operators.contains(&node.op_type()));
    nodes
        .flat_map(|node| node.inputs().iter().chain(node.outputs()))
        .filter_map(|name| classes.find(name))
        .any(|id| (0..classes.sizes(id).len()).any(|axis| removal.kept(classes, id.axis(axis)).is_some()))
}

/// Runs one network; tells whether something was removed through the operators.
fn check(built: Built, seed: u64, operators: &[&str]) -> bool {
    let about = format!("{} of seed {seed}", operators[0]);
    let model = parse(built.bytes.clone());
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let scores = analysis.scores(ClassScore::Random { seed }).expect("scores");
    let density = Density::new([0.3, 0.5, 0.75][seed as usize % 3]).expect("a density");
    let removal = Choice::local(density).choose(analysis.classes(), &scores);
    if removal.is_empty() {
        return false;
    }
    let small = shrunk(&analysis, &removal);
    let x = inputs(&built, seed);
    let expected = eval::run(&model, &x, &zeroed(&analysis, &removal));
    let found = eval::run(&small, &x, &Values::new());
    assert_equal(&found, &expected, &about);
    if let Some(folder) = std::env::var_os("PRUNE_ONNX_CASES") {
        keep(folder.as_ref(), &analysis, &removal, &small, &built, &format!("{}-{seed}", operators[0]));
    }
    went_through(&analysis, &removal, operators)
}

/// Writes a case for other evaluators: both models, and the indices kept.
fn keep(
    folder: &std::path::Path,
    analysis: &Analysis<'_>,
    removal: &Removal,
    small: &Model,
    built: &Built,
    name: &str,
) {
    std::fs::create_dir_all(folder).expect("a folder");
    let write = |end: &str, bytes: &[u8]| std::fs::write(folder.join(format!("{name}{end}")), bytes).expect("written");
    write(".onnx", &built.bytes);
    write(".small.onnx", small.bytes());
    let mut text = String::new();
    for axis in analysis.kept(removal) {
        let id = analysis.classes().find(&axis.tensor).expect("a constant");
        let divisor = analysis.classes().role(id.axis(axis.axis)) == Some(Role::Divisor);
        let kept: Vec<String> = axis.kept.iter().map(usize::to_string).collect();
        text += &format!("{}\t{}\t{}\t{}\n", axis.tensor, axis.axis, u8::from(divisor), kept.join(","));
    }
    write(".kept", text.as_bytes());
    let shapes = built
        .inputs
        .iter()
        .map(|(name, dims)| format!("{name}\t{}\n", dims.iter().map(usize::to_string).collect::<Vec<_>>().join(",")));
    write(".inputs", shapes.collect::<String>().as_bytes());
}

/// Versions of the operators that networks are written in.
const OPSETS: &[i64] = &[9, 10, 11, 12, 13, 17, 18, 20];

fn run_cases(first: &str, case: cases::Case) {
    let rule = prune_onnx::operators().find(|rule| rule.operators.contains(&first)).expect("a rule");
    let (mut through, mut tried) = (0, 0);
    while through < WANTED && tried < TRIED {
        let net = Net::new(tried, OPSETS[tried as usize % OPSETS.len()]);
        through += usize::from(check(case(net), tried, rule.operators));
        tried += 1;
    }
    assert!(through >= WANTED, "{first}: something was removed through it in {through} of {tried} networks only");
}

macro_rules! each {
    ($($name:ident: $operator:literal,)*) => {
        $(#[test]
        fn $name() {
            let (first, case) = cases::CASES.iter().find(|(first, _)| *first == $operator).expect("a case");
            run_cases(first, *case);
        })*

        #[test]
        fn every_rule_has_cases() {
            let tested = [$($operator),*];
            for rule in prune_onnx::operators().filter(|rule| rule.pins != "all axes") {
                assert!(tested.contains(&rule.operators[0]), "no cases for {}", rule.operators[0]);
            }
        }
    };
}

each! {
    conv: "Conv",
    conv_transpose: "ConvTranspose",
    gemm: "Gemm",
    matmul: "MatMul",
    batch_norm: "BatchNormalization",
    instance_norm: "InstanceNormalization",
    group_norm: "GroupNormalization",
    layer_norm: "LayerNormalization",
    lrn: "LRN",
    elementwise: "Identity",
    cast: "Cast",
    clip: "Clip",
    dropout: "Dropout",
    arithmetic: "Add",
    prelu: "PRelu",
    where_op: "Where",
    concat: "Concat",
    split: "Split",
    slice: "Slice",
    gather: "Gather",
    pad: "Pad",
    resize: "Resize",
    pool: "MaxPool",
    global_pool: "GlobalAveragePool",
    reduce: "ReduceSum",
    softmax: "Softmax",
    transpose: "Transpose",
    reshape: "Reshape",
    flatten: "Flatten",
    squeeze: "Squeeze",
    unsqueeze: "Unsqueeze",
    expand: "Expand",
    shape: "Shape",
    constant: "Constant",
    constant_of_shape: "ConstantOfShape",
}
