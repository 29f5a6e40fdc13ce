//! Values that go with a channel although no mask closes them.

use std::collections::HashSet;

use prune_core::Mask;
use prune_onnx::testing::net::{Net, list};
use prune_onnx::{AnalysisOptions, Model, analyse};

/// The warnings when a mask closes rows 1 and 2 of the weight `masked`.
fn told(net: Net, y: &str, masked: &str, more: &[&str]) -> Vec<(String, usize)> {
    let model = Model::parse(net.finish(&[y]).bytes, ".".as_ref()).expect("a model");
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let dims = analysis.constant(masked).expect("a constant").dims();
    let slab: usize = dims[1..].iter().product();
    let rows: Vec<bool> = (0..dims[0] * slab).map(|at| ![1, 2].contains(&(at / slab))).collect();
    let mask = Mask::from_bools(dims, &rows).expect("a mask");
    let closed = analysis.classes().closed_by(&[(masked, &mask)]).expect("closed");
    assert_eq!(closed.removal.len(), 2);
    let names: HashSet<&str> = more.iter().copied().chain([masked]).collect();
    analysis.live_writers(&closed.removal, &names).expect("readable")
}

fn conv(net: &mut Net, x: &str, w: &str, b: &str) -> String {
    net.node("Conv", &[x, w, b], &[("pads", list(&[1, 1, 1, 1]))])
}

#[test]
fn biases_and_shifts_and_other_branches_are_told() {
    let mut net = Net::new(1, 13);
    let x = net.input(&[1, 2, 4, 4]);
    let (w, b) = (net.weight(&[4, 2, 3, 3]), net.floats(&[4], &[1.0, 2.0, 0.0, 3.0]));
    let a = conv(&mut net, &x, &w, &b);
    let (scale, shift) = (net.weight(&[4]), net.floats(&[4], &[0.0, 1.0, 1.0, 0.0]));
    let (mean, variance) = (net.weight(&[4]), net.positive(&[4]));
    let a = net.node("BatchNormalization", &[&a, &scale, &shift, &mean, &variance], &[]);
    let (v, c) = (net.weight(&[4, 2, 3, 3]), net.floats(&[4], &[0.0; 4]));
    let other = conv(&mut net, &x, &v, &c);
    let a = net.node("Add", &[&a, &other], &[]);
    let factor = net.weight(&[4, 1, 1]);
    let a = net.node("Mul", &[&a, &factor], &[]);
    let u = net.weight(&[2, 4, 1, 1]);
    let y = net.node("Conv", &[&a, &u], &[]);
    let mut wanted = vec![(b.clone(), 1), (shift.clone(), 2), (v.clone(), 2)];
    wanted.sort();
    assert_eq!(told(net, &y, &w, &[]), wanted);
}

#[test]
fn what_masks_close_or_nothing_reads_is_not_told() {
    // The columns of the reader; and true if the bias has a mask.
    for (column, masked) in [(1.0, false), (1.0, true), (0.0, false)] {
        let mut net = Net::new(2, 13);
        let x = net.input(&[1, 2, 4, 4]);
        let (w, b) = (net.weight(&[4, 2, 3, 3]), net.floats(&[4], &[1.0; 4]));
        let a = conv(&mut net, &x, &w, &b);
        let u = net.floats(&[2, 4, 1, 1], &[1.0, column, column, 1.0, 1.0, column, column, 1.0]);
        let y = net.node("Conv", &[&a, &u], &[]);
        let more: &[&str] = if masked { &[&b] } else { &[] };
        let wanted = if column == 1.0 && !masked { vec![(b.clone(), 2)] } else { Vec::new() };
        assert_eq!(told(net, &y, &w, more), wanted, "columns {column}, masked: {masked}");
    }
}
