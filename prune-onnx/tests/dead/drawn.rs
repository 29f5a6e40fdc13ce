//! Generated networks with zeros in random places. Many classes go, and the outputs stay equal.

use prune_graph::Family;
use prune_onnx::testing::eval;
use prune_onnx::testing::net::{Built, Net, int, list};

use super::{Found, found, found_where, values};

/// Some channels, each with a probability of one third.
fn some(net: &mut Net, of: usize) -> Vec<usize> {
    (0..of).filter(|_| net.draw.range(0, 2) == 0).collect()
}

/// A convolution with zeros in some rows or columns; with `single`, it may have rows that read one input instead. It
/// may have padding, groups and a bias.
fn conv(net: &mut Net, x: &str, [inputs, outputs]: [usize; 2], kernel: usize, single: bool) -> String {
    let groups = if inputs == outputs { net.draw.pick(&[1, 1, inputs]) } else { 1 };
    let axis = net.draw.range(0, 1);
    let dims = [outputs, inputs / groups, kernel, kernel];
    let zero = some(net, dims[axis]);
    let w = if single && net.draw.yes() {
        // Rows that read a single input. That input may be dead.
        let reads: Vec<Option<usize>> =
            (0..outputs).map(|row| zero.contains(&row).then(|| net.draw.range(0, dims[1] - 1))).collect();
        let value = |index: Vec<usize>| match reads[index[0]] {
            Some(read) if read != index[1] => 0.0,
            _ => net.draw.float(),
        };
        let data: Vec<f64> = eval::indices(&dims).map(value).collect();
        net.floats(&dims, &data)
    } else {
        values(net, &dims, axis, &zero)
    };
    let pad = (kernel / 2) as i64;
    let attributes = [("group", int(groups as i64)), ("pads", list(&[pad; 4]))];
    if net.draw.yes() {
        return net.node("Conv", &[x, &w], &attributes);
    }
    let zero = some(net, outputs);
    let b = values(net, &[outputs], 0, &zero);
    net.node("Conv", &[x, &w, &b], &attributes)
}

/// A random step for channels between two layers.
fn step(net: &mut Net, x: &str, c: usize) -> String {
    let zero = some(net, c);
    match net.draw.range(0, 8) {
        0 => {
            let (scale, shift, mean) = (values(net, &[c], 0, &zero), net.weight(&[c]), net.weight(&[c]));
            let variance = net.positive(&[c]);
            net.node("BatchNormalization", &[x, &scale, &shift, &mean, &variance], &[])
        }
        1 => {
            let factor = values(net, &[c, 1, 1], 0, &zero);
            net.node("Mul", &[&factor, x], &[])
        }
        2 => {
            let more = values(net, &[1, c, 1, 1], 1, &zero);
            let operator = net.draw.pick(&["Add", "Sub", "Max", "Min"]);
            net.node(operator, &[x, &more], &[])
        }
        3 => {
            let one = net.weight(&[1]);
            net.node("Add", &[x, &one], &[])
        }
        4 => net.node("MaxPool", &[x], &[("kernel_shape", list(&[1, 1]))]),
        5 => {
            let slope = net.weight(&[c, 1, 1]);
            net.node("PRelu", &[x, &slope], &[])
        }
        _ => {
            let all = ["Relu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Softplus", "LeakyRelu", "Abs", "Neg"];
            let operator = net.draw.pick(&all);
            net.node(operator, &[x], &[])
        }
    }
}

/// Layers of convolutions, a skip connection around some of them, and a head that reads means or pixels.
fn network(seed: u64, single: bool) -> Built {
    let mut net = Net::new(seed, [9, 13, 18][seed as usize % 3]);
    let c = net.draw.range(3, 6);
    let x = net.input(&[2, 2, 4, 4]);
    let mut x = conv(&mut net, &x, [2, c], 1, single);
    for _ in 0..net.draw.range(1, 3) {
        let kernel = net.draw.pick(&[1, 1, 3]);
        let mut y = conv(&mut net, &x, [c, c], kernel, single);
        for _ in 0..net.draw.range(0, 2) {
            y = step(&mut net, &y, c);
        }
        x = match net.draw.range(0, 3) {
            0 => net.node("Add", &[&x, &y], &[]),
            1 => net.node("Mul", &[&x, &y], &[]),
            _ => y,
        };
        x = step(&mut net, &x, c);
    }
    if net.draw.yes() {
        x = net.node("GlobalAveragePool", &[&x], &[]);
    }
    let y = if net.draw.yes() {
        let y = conv(&mut net, &x, [c, 2], 1, single);
        net.node("Sigmoid", &[&y], &[])
    } else {
        let x = net.node("GlobalMaxPool", &[&x], &[]);
        let x = net.node("Flatten", &[&x], &[("axis", int(1))]);
        net.linear(&x, c, 3)
    };
    net.finish(&[&y])
}

/// A chain of layers with padding in the last one. A layer may read nothing but constants that the layer before takes
/// over.
fn chain(seed: u64) -> Built {
    let mut net = Net::new(seed, 13);
    let c = net.draw.range(3, 5);
    let x = net.input(&[2, 2, 4, 4]);
    let zero = some(&mut net, c);
    let (w, b) = (values(&mut net, &[c, 2, 1, 1], 0, &zero), net.weight(&[c]));
    let mut x = net.node("Conv", &[&x, &w, &b], &[]);
    for _ in 0..net.draw.range(1, 2) {
        x = step(&mut net, &x, c);
        x = conv(&mut net, &x, [c, c], 1, true);
    }
    let x = step(&mut net, &x, c);
    let v = net.weight(&[2, c, 3, 3]);
    let y = net.node("Conv", &[&x, &v], &[("pads", list(&[1; 4]))]);
    net.finish(&[&y])
}

#[test]
fn what_goes_from_drawn_networks_changes_nothing() {
    let (mut gone, mut folded, mut stays) = (0, 0, 0);
    for seed in 0..1200 {
        let found = found(&if seed % 2 == 0 { chain(seed) } else { network(seed, true) }, seed);
        gone += found.gone.concat().len();
        folded += found.folded;
        stays += found.stays.iter().map(|(_, count)| count).sum::<usize>();
    }
    assert!(gone > 600 && folded > 100 && stays > 50, "{gone} went, {folded} into biases, {stays} stayed");
}

#[test]
fn what_goes_from_some_families_or_without_new_biases_changes_nothing() {
    let (mut gone, mut unfolded) = (0, 0);
    for seed in 0..600 {
        let built = if seed % 2 == 0 { chain(seed) } else { network(seed, true) };
        let all = found(&built, seed);
        let whole = found_where(&built, seed, |_| true, false);
        assert_eq!(whole.folded, 0);
        // The first weight identifies a family, so each seed selects other families.
        let first = |family: &Family| family.axes().iter().map(|axis| axis.tensor.index() + axis.axis).min();
        let picks = |family: &Family| first(family).is_some_and(|first| !(first as u64 + seed).is_multiple_of(3));
        let some = found_where(&built, seed, picks, true);
        let both = found_where(&built, seed, picks, false);
        let count = |found: &Found| found.gone.concat().len();
        assert!(count(&whole) <= count(&all) && count(&both) <= count(&some) && count(&some) <= count(&all));
        (gone, unfolded) = (gone + count(&both), unfolded + whole.unfolded);
    }
    assert!(gone > 200 && unfolded > 100, "{gone} went, {unfolded} wait for biases");
}

#[test]
fn a_network_without_its_dead_channels_has_no_more() {
    for seed in 0..100 {
        let built = network(seed, false);
        let first = found(&built, seed);
        let again = Built { bytes: first.models[1].bytes().to_vec(), inputs: built.inputs };
        let second = found(&again, seed);
        assert_eq!(second.gone, Vec::<Vec<usize>>::new(), "seed {seed}");
        assert_eq!(second.stays, first.stays, "seed {seed}");
    }
}
