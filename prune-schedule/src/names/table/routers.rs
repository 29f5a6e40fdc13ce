//! Routers: they choose experts, and are far smaller than what they choose.

use crate::names::entry::{Entry, other};

const ROUTER: &str = "router";

pub(super) const ENTRIES: &[Entry] = &[
    other("**.gate.weight", ROUTER).near("experts"),
    other("**.{mlp,block_sparse_moe,moe,ffn,feed_forward}.gate.weight", ROUTER).rank(2),
    other("**.router.weight", ROUTER),
    other("**.router.{layer,classifier,proj,gate,weight}.weight", ROUTER),
    other("**.shared_expert_gate.weight", ROUTER),
];
