//! Whole networks from which classes are removed give what they give with those slices at zero.

use prune_onnx::testing::harness::{OPSETS, check};
use prune_onnx::testing::net::Net;
use prune_onnx::testing::networks::NETWORKS;

/// Networks of each kind.
const TRIED: u64 = 16;

#[test]
fn shrunk_networks_equal_zeroed_ones() {
    for (name, network) in NETWORKS {
        for seed in 0..TRIED {
            let net = Net::new(seed, OPSETS[seed as usize % OPSETS.len()]);
            assert!(check(network(net), seed, &["Conv", "MatMul"]), "{name} of seed {seed}: nothing was removed");
        }
    }
}
