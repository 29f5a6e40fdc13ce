//! Constants that are not 0: a reader with a bias takes them over; any other reader is named.

use prune_graph::Family;
use prune_onnx::AttributeValue;
use prune_onnx::testing::net::{Net, int, list, text};

use super::{Found, found, found_where, values};

/// Channels 1 and 3 of 5 are constants in front of a reader: the sigmoid of their bias.
fn behind_sigmoid(seed: u64, reader: impl Fn(&mut Net, &str) -> Vec<String>) -> Found {
    let mut net = Net::new(seed, 13);
    let x = net.input(&[2, 2, 3, 3]);
    let w = values(&mut net, &[5, 2, 1, 1], 0, &[1, 3]);
    let b = net.weight(&[5]);
    let x = net.node("Conv", &[&x, &w, &b], &[]);
    let x = net.node("Sigmoid", &[&x], &[]);
    let outputs = reader(&mut net, &x);
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    found(&net.finish(&outputs), seed)
}

/// Rows of the mean of each channel.
fn means(net: &mut Net, x: &str) -> String {
    let x = net.node("GlobalAveragePool", &[x], &[]);
    net.node("Flatten", &[&x], &[("axis", int(1))])
}

type Reader = fn(&mut Net, &str) -> Vec<String>;

const TAKES: &[(&str, Reader)] = &[
    ("a convolution with a bias", |net, x| {
        let (w, b) = (net.weight(&[3, 5, 2, 2]), net.weight(&[3]));
        vec![net.node("Conv", &[x, &w, &b], &[])]
    }),
    ("a convolution without", |net, x| {
        let w = net.weight(&[3, 5, 2, 2]);
        vec![net.node("Conv", &[x, &w], &[("auto_pad", text("VALID"))])]
    }),
    ("a convolution whose own outputs go, too", |net, x| {
        // Zeros read outputs 0 and 2, so the new bias is cut.
        let w = net.weight(&[4, 5, 1, 1]);
        let y = net.node("Conv", &[x, &w], &[]);
        let v = values(net, &[2, 4, 1, 1], 1, &[0, 2]);
        vec![net.node("Conv", &[&y, &v], &[])]
    }),
    ("a Gemm", |net, x| {
        let x = means(net, x);
        let (w, b) = (net.weight(&[3, 5]), net.weight(&[1, 3]));
        vec![net.node("Gemm", &[&x, &w, &b], &[("transB", int(1))])]
    }),
    ("a Gemm that multiplies, without a bias", |net, x| {
        let x = means(net, x);
        let w = net.weight(&[5, 3]);
        vec![net.node("Gemm", &[&x, &w], &[("alpha", AttributeValue::Float(0.5))])]
    }),
    ("a MatMul with an addition behind it", |net, x| {
        let x = means(net, x);
        vec![net.linear(&x, 5, 3)]
    }),
    ("a Gemm that reads every pixel", |net, x| {
        let x = net.node("Flatten", &[x], &[("axis", int(1))]);
        let (w, b) = (net.weight(&[3, 45]), net.weight(&[3]));
        vec![net.node("Gemm", &[&x, &w, &b], &[("transB", int(1))])]
    }),
    ("two readers", |net, x| {
        let (w, v) = (net.weight(&[3, 5, 2, 2]), net.weight(&[2, 5, 1, 1]));
        vec![net.node("Conv", &[x, &w], &[]), net.node("Conv", &[x, &v], &[])]
    }),
    ("two readers of one bias", |net, x| {
        let (w, v, b) = (net.weight(&[3, 5, 2, 2]), net.weight(&[3, 5, 1, 1]), net.weight(&[3]));
        vec![net.node("Conv", &[x, &w, &b], &[]), net.node("Conv", &[x, &v, &b], &[])]
    }),
];

#[test]
fn readers_with_a_bias_take_constants_over() {
    for (name, reader) in TAKES {
        for seed in 0..20 {
            let found = behind_sigmoid(seed, reader);
            assert!(found.gone.contains(&vec![1, 3]), "{name}, seed {seed}: {:?}, {:?}", found.gone, found.stays);
            assert_eq!((found.folded, found.stays.len()), (2, 0), "{name}, seed {seed}");
        }
    }
}

const REFUSES: &[(&str, Reader, &str)] = &[
    (
        "a padded convolution",
        |net, x| {
            let w = net.weight(&[3, 5, 3, 3]);
            vec![net.node("Conv", &[x, &w], &[("pads", list(&[0, 0, 0, 1]))])]
        },
        "reads a constant that is not 0 beside its padding",
    ),
    (
        "one padded convolution of two",
        |net, x| {
            let (w, v) = (net.weight(&[3, 5, 3, 3]), net.weight(&[3, 5, 1, 1]));
            vec![net.node("Conv", &[x, &v], &[]), net.node("Conv", &[x, &w], &[("pads", list(&[1, 1, 1, 1]))])]
        },
        "reads a constant that is not 0 beside its padding",
    ),
    (
        "a MatMul alone",
        |net, x| {
            let x = means(net, x);
            let w = net.weight(&[5, 3]);
            vec![net.node("MatMul", &[&x, &w], &[])]
        },
        "has no bias that a constant could be added to",
    ),
    (
        "a MatMul that is read twice",
        |net, x| {
            let x = means(net, x);
            let w = net.weight(&[5, 3]);
            let (y, b) = (net.node("MatMul", &[&x, &w], &[]), net.weight(&[3]));
            vec![net.node("Add", &[&y, &b], &[]), y]
        },
        "has no bias that a constant could be added to",
    ),
    (
        "a Gemm whose bias is one number",
        |net, x| {
            let x = means(net, x);
            let (w, b) = (net.weight(&[5, 3]), net.weight(&[1]));
            vec![net.node("Gemm", &[&x, &w, &b], &[])]
        },
        "has no bias of one element for each output",
    ),
    (
        "a Gemm that multiplies its bias",
        |net, x| {
            let x = means(net, x);
            let (w, b) = (net.weight(&[5, 3]), net.weight(&[3]));
            vec![net.node("Gemm", &[&x, &w, &b], &[("beta", AttributeValue::Float(2.0))])]
        },
        "has no bias of one element for each output",
    ),
];

#[test]
fn other_readers_are_named() {
    for (name, reader, why) in REFUSES {
        for seed in 0..20 {
            let found = behind_sigmoid(seed, reader);
            assert!(found.gone.is_empty(), "{name}, seed {seed}: {:?}", found.gone);
            let [(reason, 2)] = found.stays.as_slice() else { panic!("{name}, seed {seed}: {:?}", found.stays) };
            assert!(reason.ends_with(why), "{name}: {reason}");
        }
    }
}

#[test]
fn a_row_that_reads_only_a_folded_constant_is_not_zero() {
    for seed in 0..20 {
        let y = |net: &mut Net, bias: Option<f64>| {
            let x = net.input(&[2, 2, 3, 3]);
            let w = values(net, &[4, 2, 1, 1], 0, &[1]);
            let b = net.floats(&[4], &[0.5, 2.0, 0.5, -0.5]);
            let x = net.node("Conv", &[&x, &w, &b], &[]);
            let x = net.node("Relu", &[&x], &[]);
            // Output 2 reads only channel 1, which is 2.
            let data: Vec<f64> = (0..16)
                .map(|at| {
                    [net.draw.float(), 0.0, 1.5][if at / 4 != 2 {
                        0
                    } else if at % 4 == 1 {
                        2
                    } else {
                        1
                    }]
                })
                .collect();
            let v = net.floats(&[4, 4, 1, 1], &data);
            let x = match bias {
                Some(bias) => {
                    let b = net.floats(&[4], &[bias; 4]);
                    net.node("Conv", &[&x, &v, &b], &[])
                }
                None => net.node("Conv", &[&x, &v], &[]),
            };
            let u = net.weight(&[3, 4, 3, 3]);
            net.node("Conv", &[&x, &u], &[("pads", list(&[1, 1, 1, 1]))])
        };
        for bias in [None, Some(0.0)] {
            let mut net = Net::new(seed, 13);
            let y = y(&mut net, bias);
            let found = found(&net.finish(&[&y]), seed);
            assert_eq!((found.gone, found.folded), (vec![vec![1]], 1), "seed {seed}");
            assert_eq!(found.stays.iter().map(|(_, count)| count).sum::<usize>(), 1, "seed {seed}");
        }
    }
}

#[test]
fn what_only_a_constant_that_stays_reads_stays_as_well() {
    for seed in 0..20 {
        let mut net = Net::new(seed, 13);
        let x = net.input(&[2, 3]);
        let w = values(&mut net, &[3, 4], 1, &[1]);
        let b = net.floats(&[4], &[0.5, 2.0, 0.5, 0.5]);
        let x = net.node("Gemm", &[&x, &w, &b], &[]);
        let x = net.node("Relu", &[&x], &[]);
        // Channel 1 is 2. Only output 2 reads it, and output 2 reads nothing else, so it is 3.
        let data: Vec<f64> = (0..20)
            .map(|at| [(at / 5 == 1), (at % 5 == 2)])
            .map(|here| match here {
                [true, true] => 1.5,
                [false, false] => net.draw.float(),
                _ => 0.0,
            })
            .collect();
        let v = net.floats(&[4, 5], &data);
        let x = net.node("MatMul", &[&x, &v], &[]);
        let x = net.node("Relu", &[&x], &[]);
        let (u, c) = (net.weight(&[5, 2]), net.weight(&[2]));
        let y = net.node("Gemm", &[&x, &u, &c], &[]);
        let built = net.finish(&[&y]);
        let all = found(&built, seed);
        assert_eq!((all.gone, all.folded), (vec![vec![1], vec![2]], 1), "seed {seed}");
        let found = found_where(&built, seed, |_| true, false);
        assert_eq!((found.gone.len(), found.folded, found.unfolded), (0, 0, 1), "seed {seed}: {:?}", found.gone);
        // The same happens if the second family must not lose anything.
        let first = |family: &Family| family.classes().len() == 4;
        let found = found_where(&built, seed, first, true);
        assert_eq!((found.gone.len(), found.folded), (0, 0), "seed {seed}: {:?}", found.gone);
    }
}
