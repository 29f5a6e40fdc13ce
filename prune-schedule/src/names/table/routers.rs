//! Routers: they choose experts, and are far smaller than the experts.

use crate::names::entry::{Condition, NameEntry, other};

const ROUTER: &str = "router";

pub(super) const ENTRIES: &[NameEntry] = &[
    other("**.gate.{weight,kernel}", ROUTER).when(Condition::Near("experts")),
    other("**.{mlp,block_sparse_moe,moe,ffn,feed_forward}.gate.{weight,kernel}", ROUTER).rank(2),
    other("**.router.{weight,kernel}", ROUTER),
    other("**.router.{layer,classifier,proj,gate,weight}.weight", ROUTER),
    other("**.shared_expert_gate.{weight,kernel}", ROUTER),
];
