//! Removal without effect: dead classes change no output, and classes that matter are not called dead.

mod drawn;
mod folds;
mod many_uses;
mod zeros;

use prune_graph::Family;
use prune_onnx::testing::eval::{self, Values};
use prune_onnx::testing::harness::{assert_equal, inputs, without_dead};
use prune_onnx::testing::net::{Built, Net};
use prune_onnx::{AnalysisOptions, Model, analyse};

/// The classes that went, once the outputs were found to be unchanged.
struct Found {
    /// For each family that loses classes, the positions of those that go.
    gone: Vec<Vec<usize>>,
    /// Reasons of constants that stay, with their counts.
    stays: Vec<(String, usize)>,
    folded: usize,
    unfolded: usize,
    /// The model before and after.
    models: [Model; 2],
}

fn found(built: &Built, seed: u64) -> Found {
    found_where(built, seed, |_| true, true)
}

/// As [`found`], but only families for which `selected` is true lose classes.
fn found_where(built: &Built, seed: u64, selected: impl Fn(&Family) -> bool, may_fold: bool) -> Found {
    let model = Model::parse(built.bytes.clone(), ".".as_ref()).expect("a model");
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let dead = analysis.dead_where(selected, may_fold).expect("readable");
    let small = without_dead(&analysis, &dead);
    let x = inputs(built, seed);
    let before = eval::run(&model, &x, &Values::new());
    assert_equal(&eval::run(&small, &x, &Values::new()), &before, &format!("dead classes, seed {seed}"));
    let mut gone = Vec::new();
    for family in analysis.classes().families() {
        let classes = family.classes().iter().enumerate().filter(|(_, class)| dead.removal().is_gone(**class));
        let classes: Vec<usize> = classes.map(|(channel, _)| channel).collect();
        gone.extend((!classes.is_empty()).then_some(classes));
    }
    let stays = dead.stays().iter().map(|stays| (stays.reason.to_string(), stays.classes)).collect();
    let (folded, unfolded) = (dead.folded(), dead.unfolded());
    drop(analysis);
    Found { gone, stays, folded, unfolded, models: [model, small] }
}

/// A constant of random floats with zeros in some slices of an axis.
fn values(net: &mut Net, dims: &[usize], axis: usize, zero: &[usize]) -> String {
    let data: Vec<f64> =
        eval::indices(dims).map(|index| if zero.contains(&index[axis]) { 0.0 } else { net.draw.float() }).collect();
    net.floats(dims, &data)
}
