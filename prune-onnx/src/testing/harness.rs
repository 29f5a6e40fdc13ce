//! Removes classes from a network and compares the result with the oracle.

use std::collections::{HashMap, HashSet};

use crate::{Analysis, AnalysisOptions, Dead, Edits, Model, analyse};
use prune_core::Density;
use prune_graph::{Choice, ClassScore, Removal, Role};

use super::eval::{self, T, Values};
use super::net::{self, Built};

/// Versions of the operators that networks are written in.
pub const OPSETS: &[i64] = &[9, 10, 11, 12, 13, 17, 18, 20, 24, 28];

/// A model from its bytes.
///
/// # Panics
///
/// If they are no model.
pub fn parse(bytes: Vec<u8>) -> Model {
    Model::parse(bytes, ".".as_ref()).expect("a model")
}

/// The model after a removal.
///
/// # Panics
///
/// If it cannot be written.
pub fn shrunk(analysis: &Analysis<'_>, removal: &Removal) -> Model {
    written(analysis.model(), &analysis.edits(removal).expect("edits"))
}

/// The model without classes that have no effect.
///
/// # Panics
///
/// If it cannot be written.
pub fn without_dead(analysis: &Analysis<'_>, dead: &Dead) -> Model {
    written(analysis.model(), &analysis.edits_of_dead(dead).expect("edits"))
}

/// Constants with zeros in every removed slice. Divisors keep their values.
///
/// # Panics
///
/// If a constant cannot be read.
pub fn zeroed(analysis: &Analysis<'_>, removal: &Removal) -> Values {
    let model = analysis.model();
    let mut tensors: HashMap<String, T> = HashMap::new();
    for tensor in model.graph().initializers() {
        if tensor.data_type().is_floating() {
            tensors.insert(tensor.name().to_owned(), T::new(tensor.dims(), tensor.floats().expect("numbers")));
        }
    }
    for node in model.graph().nodes().iter().filter(|node| node.op_type() == "Constant") {
        if let Some(crate::AttributeValue::Tensor(tensor)) = node.attribute("value")
            && tensor.data_type().is_floating()
        {
            tensors.insert(node.outputs()[0].clone(), T::new(tensor.dims(), tensor.floats().expect("numbers")));
        }
    }
    let (mut zero, mut told) = (Values::new(), HashSet::new());
    for found in analysis.kept(removal) {
        let id = analysis.classes().find(&found.tensor).expect("a constant");
        let Some(old) = tensors.get(&found.tensor) else { continue };
        for (&axis, kept) in &found.axes {
            // If the uses of a constant are cut in different ways, the first one counts.
            let first = told.insert((found.tensor.clone(), axis));
            if !first || analysis.classes().role(id.axis(axis)) == Some(Role::Divisor) {
                continue;
            }
            let t = zero.entry(found.tensor.clone()).or_insert_with(|| old.clone());
            for (flat, index) in eval::indices(&old.dims).enumerate() {
                if !kept.contains(&index[axis]) {
                    t.data[flat] = 0.0;
                }
            }
        }
    }
    zero
}

/// The model with zeros in every removed slice. Divisors keep their values.
///
/// # Panics
///
/// If it cannot be written.
pub fn zeroed_model(analysis: &Analysis<'_>, removal: &Removal) -> Model {
    let mut edits = Edits::new();
    for (name, values) in zeroed(analysis, removal) {
        let (place, old) = (analysis.place(&name), analysis.constant(&name));
        let bytes = net::encoded(old.expect("a constant").data_type(), &values.data);
        edits.replace(place.expect("a place"), values.dims, bytes);
    }
    written(analysis.model(), &edits)
}

fn written(model: &Model, edits: &Edits) -> Model {
    let mut bytes = Vec::new();
    model.write(edits, &mut bytes, None).expect("written");
    parse(bytes)
}

/// Classes drawn at random, with a density that depends on the seed. The removal is empty if nothing can go.
///
/// # Panics
///
/// If a constant cannot be read.
pub fn drawn_removal(analysis: &Analysis<'_>, seed: u64) -> Removal {
    let scores = analysis.scores(ClassScore::Random { seed }).expect("scores");
    let density = Density::new([0.3, 0.5, 0.75][seed as usize % 3]).expect("a density");
    // A global choice leaves different counts in families of the same size.
    let choice = if seed % 4 == 3 { Choice::global(density) } else { Choice::local(density) };
    choice.with_multiple(1).choose(analysis.classes(), &scores)
}

/// Random values for the inputs.
pub fn inputs(built: &Built, seed: u64) -> Values {
    let mut draw = net::Draw::new(seed + 77);
    built
        .inputs
        .iter()
        .map(|(name, dims)| (name.clone(), T::new(dims, (0..dims.iter().product()).map(|_| draw.float()).collect())))
        .collect()
}

/// Compares outputs. Each difference may be at most 1e-12 of the larger of the element and 1.
///
/// # Panics
///
/// If they differ.
pub fn assert_equal(left: &[T], right: &[T], about: &str) {
    assert_eq!(left.len(), right.len());
    for (a, b) in left.iter().zip(right) {
        assert_eq!(a.dims, b.dims, "{about}");
        for (x, y) in a.data.iter().zip(&b.data) {
            assert!((x - y).abs() <= 1e-12 * y.abs().max(1.0), "{about}: {x} instead of {y}");
        }
    }
}

/// Checks that constants named by annotations or updated by training keep their shapes. Running the model would not
/// show this, since nothing that runs it reads them by name.
fn assert_named_whole(model: &Model, small: &Model, about: &str) {
    let tensors = model.graph().initializers().iter();
    for tensor in tensors.filter(|t| model.has_training() || model.graph().annotated().iter().any(|n| n == t.name())) {
        let left = small.graph().initializers().iter().find(|left| left.name() == tensor.name());
        assert_eq!(left.map(|left| left.dims()), Some(tensor.dims()), "{about}: {}", tensor.name());
    }
}

/// True if a value or constant at a node of one of these operators has lost an index.
pub fn went_through(analysis: &Analysis<'_>, removal: &Removal, operators: &[&str]) -> bool {
    let classes = analysis.classes();
    let nodes = analysis.model().graph().nodes().iter().filter(|node| operators.contains(&node.op_type()));
    nodes
        .flat_map(|node| node.inputs().iter().chain(node.outputs()))
        .filter_map(|name| classes.find(name))
        .any(|id| (0..classes.sizes(id).len()).any(|axis| removal.kept(classes, id.axis(axis)).is_some()))
}

/// Tests one network. True if something was removed through the operators.
///
/// # Panics
///
/// If the smaller network gives other outputs than the whole one with zeros in the removed slices.
pub fn check(built: Built, seed: u64, operators: &[&str]) -> bool {
    let about = format!("{} of seed {seed}", operators[0]);
    let model = parse(built.bytes.clone());
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let removal = drawn_removal(&analysis, seed);
    if removal.is_empty() {
        return false;
    }
    let small = shrunk(&analysis, &removal);
    let x = inputs(&built, seed);
    let expected = eval::run(&model, &x, &zeroed(&analysis, &removal));
    let found = eval::run(&small, &x, &Values::new());
    assert_equal(&found, &expected, &about);
    assert_named_whole(&model, &small, &about);
    if let Some(folder) = std::env::var_os("PRUNE_ONNX_CASES") {
        keep(folder.as_ref(), &analysis, &removal, &small, &built, &format!("{}-{seed}", operators[0]));
    }
    went_through(&analysis, &removal, operators)
}

/// Writes a case for other evaluators: both models and the kept indices.
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
    // One line for each axis of each use of a constant: name, axis, 1 for a divisor, kept indices, readers.
    let mut text = String::new();
    for (id, constant, readers) in analysis.uses() {
        for axis in 0..analysis.classes().sizes(id).len() {
            let Some(kept) = removal.kept(analysis.classes(), id.axis(axis)) else { continue };
            let divisor = analysis.classes().role(id.axis(axis)) == Some(Role::Divisor);
            let kept: Vec<String> = kept.iter().map(usize::to_string).collect();
            let readers: Vec<String> = readers.iter().map(|(node, slot)| format!("{node}:{slot}")).collect();
            let (kept, readers) = (kept.join(","), readers.join(","));
            text += &format!("{constant}\t{axis}\t{}\t{kept}\t{readers}\n", u8::from(divisor));
        }
    }
    write(".kept", text.as_bytes());
    let shapes = built
        .inputs
        .iter()
        .map(|(name, dims)| format!("{name}\t{}\n", dims.iter().map(usize::to_string).collect::<Vec<_>>().join(",")));
    write(".inputs", shapes.collect::<String>().as_bytes());
}
