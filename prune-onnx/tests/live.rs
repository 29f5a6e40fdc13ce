//! Values that go with a channel although no mask closes them.

use prune_core::Mask;
use prune_onnx::testing::net::{Net, list};
use prune_onnx::{AnalysisOptions, Model, analyse};

const CLOSED: [usize; 2] = [1, 2];

/// The constants that are warned of when masks close rows 1 and 2 of one weight of a network, and of more constants.
fn told(net: Net, y: &str, masked: &str, more: &[&str]) -> Vec<(String, usize)> {
    let model = Model::parse(net.finish(&[y]).bytes, ".".as_ref()).expect("a model");
    let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
    let mask = |name: &&str| {
        let dims = analysis.constant(name).expect("a constant").dims();
        let slab: usize = dims[1..].iter().product();
        let rows: Vec<bool> = (0..dims[0] * slab).map(|at| !CLOSED.contains(&(at / slab))).collect();
        Mask::from_bools(dims, &rows).expect("a mask")
    };
    let names: Vec<&str> = more.iter().copied().chain([masked]).collect();
    let masks: Vec<Mask> = names.iter().map(mask).collect();
    let masks: Vec<(&str, &Mask)> = names.into_iter().zip(&masks).collect();
    let (closed, made) = analysis.closed_by(&masks, |_| true).expect("closed");
    assert_eq!((closed.removal.len(), made.len()), (2, 0));
    let short = Mask::all(&[1]).expect("a mask");
    assert!(analysis.live_writers(&closed.removal, &[(masked, &short)]).is_err(), "a mask of another shape");
    analysis.live_writers(&closed.removal, &masks).expect("readable")
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
    let mut wanted = vec![(b.clone(), 1), (shift.clone(), 2), (mean.clone(), 2), (v.clone(), 2)];
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

/// The value of a scale in channels 1 and 2, and true if it has a mask.
const SCALES: [(f64, bool); 3] = [(1.0, false), (1.0, true), (0.0, false)];

#[test]
fn a_mean_is_told_unless_its_scale_is_closed_or_zero() {
    for (mean, (scale, masked)) in [1.0, 0.0].into_iter().flat_map(|mean| SCALES.map(|scale| (mean, scale))) {
        let mut net = Net::new(3, 13);
        let x = net.input(&[1, 2, 4, 4]);
        let (w, b) = (net.weight(&[4, 2, 3, 3]), net.weight(&[4]));
        let a = conv(&mut net, &x, &w, &b);
        let matters = mean != 0.0 && scale != 0.0 && !masked;
        let [scale, shift, mean] = [scale, 1.0, mean].map(|v| net.floats(&[4], &[0.5, v, v, -0.5]));
        let variance = net.positive(&[4]);
        let norm = [&a, &scale, &shift, &mean, &variance].map(String::as_str);
        let a = net.node("BatchNormalization", &norm, &[]);
        let a = net.node("Relu", &[&a], &[]);
        let u = net.weight(&[2, 4, 1, 1]);
        let y = net.node("Conv", &[&a, &u], &[]);
        let mut more = vec![b.as_str(), &shift];
        if masked {
            more.push(&scale);
        }
        let wanted = if matters { vec![(mean.clone(), 2)] } else { Vec::new() };
        assert_eq!(told(net, &y, &w, &more), wanted, "mean matters: {matters}");
    }
}

#[test]
fn what_only_multiplies_is_told_where_an_activation_makes_something_of_zero() {
    for (activation, told_of) in [("Sigmoid", true), ("Tanh", false)] {
        let mut net = Net::new(4, 13);
        let x = net.input(&[1, 2, 4, 4]);
        let (w, b) = (net.weight(&[4, 2, 3, 3]), net.weight(&[4]));
        let a = conv(&mut net, &x, &w, &b);
        let a = net.node(activation, &[&a], &[]);
        let factor = net.weight(&[4, 1, 1]);
        let a = net.node("Mul", &[&a, &factor], &[]);
        let u = net.weight(&[2, 4, 1, 1]);
        let y = net.node("Conv", &[&a, &u], &[]);
        let wanted = if told_of { vec![(factor, 2)] } else { Vec::new() };
        assert_eq!(told(net, &y, &w, &[&b]), wanted, "{activation}");
    }
}

#[test]
fn an_instance_norm_keeps_a_channel_of_zeros_at_its_shift() {
    for (shift, told_of) in [(0.0, false), (0.5, true)] {
        let mut net = Net::new(5, 13);
        let x = net.input_where(&[1, 2, 4, 4], |_| false);
        let (w, b) = (net.weight(&[4, 2, 3, 3]), net.weight(&[4]));
        let a = conv(&mut net, &x, &w, &b);
        let (scale, shift) = (net.weight(&[4]), net.floats(&[4], &[1.0, shift, shift, 1.0]));
        let a = net.node("InstanceNormalization", &[&a, &scale, &shift], &[]);
        let u = net.weight(&[2, 4, 1, 1]);
        let y = net.node("Conv", &[&a, &u], &[]);
        let wanted = if told_of { vec![(shift, 2)] } else { Vec::new() };
        assert_eq!(told(net, &y, &w, &[&b]), wanted);
    }
}
