//! Whole networks: after a removal, outputs equal those of the whole network with zeros in the removed slices.

use prune_onnx::testing::harness::{OPSETS, check};
use prune_onnx::testing::net::Net;
use prune_onnx::testing::networks::NETWORKS;

/// The number of networks of each kind.
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
