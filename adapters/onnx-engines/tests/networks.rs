//! Whole networks in the engine: shrunk, they give what they give with zeros.

use onnx_engines::{Outcome, compare};
use prune_onnx::DataType;
use prune_onnx::testing::harness::OPSETS;
use prune_onnx::testing::net::Net;
use prune_onnx::testing::networks::NETWORKS;

/// Networks of each kind.
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
