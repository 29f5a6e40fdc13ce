//! Zeros in rows, in normalisations and in columns.

use prune_onnx::testing::net::{Net, list};

use super::{Found, found, values};

/// A convolution, a normalisation, an activation and a padded convolution, with zeros in the given channels.
fn network(net: &mut Net, activation: &str, rows: &[usize], shifts: &[usize], columns: &[usize]) -> String {
    let c = 5;
    let x = net.input(&[2, 2, 3, 3]);
    let (w, b) = (values(net, &[c, 2, 3, 3], 0, rows), values(net, &[c], 0, rows));
    let x = net.node("Conv", &[&x, &w, &b], &[("pads", list(&[1, 1, 1, 1]))]);
    let (scale, shift) = (values(net, &[c], 0, shifts), values(net, &[c], 0, shifts));
    let mean = net.weight(&[c]);
    let variance = net.positive(&[c]);
    let x = net.node("BatchNormalization", &[&x, &scale, &shift, &mean, &variance], &[]);
    let x = net.node(activation, &[&x], &[]);
    let v = values(net, &[2, c, 3, 3], 1, columns);
    net.node("Conv", &[&x, &v], &[("pads", list(&[1, 1, 1, 1]))])
}

#[test]
fn dead_channels_go_and_others_stay() {
    for seed in 0..40 {
        let case = |activation: &str, rows: &[usize], shifts: &[usize], columns: &[usize]| -> Found {
            let mut net = Net::new(seed, 13);
            let y = network(&mut net, activation, rows, shifts, columns);
            found(&net.finish(&[&y]), seed)
        };
        let gone = |found: Found| found.gone.concat();
        // Zero rows are not enough: the shift is still there.
        assert!(gone(case("Tanh", &[0, 1], &[], &[])).is_empty());
        // A normalisation with scale and shift 0 gives 0.
        assert_eq!(gone(case("Relu", &[], &[1, 3], &[])), [1, 3]);
        // A channel goes if only zeros read it, whatever its values are.
        assert_eq!(gone(case("Sigmoid", &[], &[], &[0, 4])), [0, 4]);
        // Sigmoid of 0 is 0.5. Padding reads that differently at the borders, so the channel stays, and the report says
        // so.
        let stays = case("Sigmoid", &[2], &[2], &[]);
        assert!(stays.gone.is_empty());
        let [(why, 1)] = stays.stays.as_slice() else { panic!("{:?}", stays.stays) };
        assert!(
            why.starts_with("Conv `") && why.ends_with("reads a constant that is not 0 beside its padding"),
            "{why}"
        );
        assert_eq!(gone(case("Relu", &[2], &[2], &[4])), [2, 4]);
        // If all channels are dead, one stays.
        assert_eq!(gone(case("Relu", &[], &[0, 1, 2, 3, 4], &[])), [1, 2, 3, 4]);
    }
}

#[test]
fn what_an_activation_cuts_to_zero_goes_even_beside_padding() {
    for seed in 0..10 {
        let mut net = Net::new(seed, 13);
        let x = net.input(&[2, 2, 3, 3]);
        let w = values(&mut net, &[4, 2, 1, 1], 0, &[1, 2]);
        let b = net.floats(&[4], &[0.5, -0.5, 0.5, -0.5]);
        let x = net.node("Conv", &[&x, &w, &b], &[]);
        let x = net.node("Relu", &[&x], &[]);
        let v = net.weight(&[2, 4, 3, 3]);
        let y = net.node("Conv", &[&x, &v], &[("pads", list(&[1, 1, 1, 1]))]);
        let found = found(&net.finish(&[&y]), seed);
        assert_eq!((found.gone, found.folded), (vec![vec![1]], 0));
        assert_eq!(found.stays.iter().map(|(_, count)| count).sum::<usize>(), 1);
    }
}
