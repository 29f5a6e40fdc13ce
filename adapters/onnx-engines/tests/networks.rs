//! Whole networks in the engine: shrunk, they give the same outputs as with zeros.

use onnx_engines::{Outcome, Program, compare};
use prune_onnx::DataType;
use prune_onnx::testing::eval::{self, Values};
use prune_onnx::testing::harness::{OPSETS, inputs, parse};
use prune_onnx::testing::net::Net;
use prune_onnx::testing::networks::NETWORKS;

/// The number of networks of each kind.
const TRIED: u64 = 64;

#[test]
fn whole_networks_shrink_to_what_the_engine_gives_with_zeros() {
    for (name, network) in NETWORKS {
        let mut share: f64 = 0.0;
        for seed in 0..TRIED {
            let net = Net::of(DataType::Float, seed, OPSETS[seed as usize % OPSETS.len()]);
            match compare(&network(net), seed, &["Conv", "MatMul"]) {
                Outcome::Ran(distance) => {
                    let sound = distance.is_noise() && distance.largest > 0.1 && distance.largest < 1e4;
                    assert!(sound, "{name} of seed {seed}: {distance:?}");
                    share = share.max(distance.difference / distance.largest);
                }
                outcome => panic!("{name} of seed {seed}: {outcome:?}"),
            }
        }
        println!("{name:12}{TRIED:4} networks equal, at most {share:.1e} of the largest output away");
    }
}

#[test]
fn the_engine_computes_what_the_naive_evaluator_does() {
    for (name, network) in NETWORKS {
        for seed in 0..4 {
            let double = network(Net::new(seed, 13));
            let x = inputs(&double, seed);
            let expected = eval::run(&parse(double.bytes), &x, &Values::new());
            let single = parse(network(Net::of(DataType::Float, seed, 13)).bytes);
            let found = Program::load(&single, true).expect("loaded").run(&x).expect("run");
            assert_eq!(found.len(), expected.len(), "{name} of seed {seed}");
            for (a, b) in found.iter().zip(&expected) {
                assert_eq!(a.dims, b.dims, "{name} of seed {seed}");
                let largest = b.data.iter().fold(0.0, |largest: f64, v| largest.max(v.abs()));
                for (a, b) in a.data.iter().zip(&b.data) {
                    assert!((a - b).abs() <= 1e-4 * largest, "{name} of seed {seed}: {a} instead of {b}");
                }
            }
        }
    }
}
