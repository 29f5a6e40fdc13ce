//! Generators of networks, one for each rule of the table. In each network, an index goes through the rule's operator.

mod around;
mod attention;
mod elements;
mod forms;
mod layers;
mod norms;
mod parts;
mod spatial;
mod stays;

use super::net::{Built, Net};
pub use attention::merged_heads;

/// A generator of networks.
pub type Case = fn(Net) -> Built;

/// The first operator of each rule, and a generator of networks in which indices go through it.
pub const CASES: &[(&str, Case)] = &[
    ("Conv", layers::conv),
    ("ConvTranspose", layers::conv_transpose),
    ("Gemm", layers::gemm),
    ("MatMul", attention::matmul),
    ("Attention", attention::operator),
    ("BatchNormalization", norms::batch_norm),
    ("InstanceNormalization", norms::instance_norm),
    ("GroupNormalization", norms::group_norm),
    ("LayerNormalization", norms::layer_norm),
    ("LRN", norms::lrn),
    ("Identity", elements::elementwise),
    ("Cast", elements::cast),
    ("Clip", elements::clip),
    ("Dropout", elements::dropout),
    ("Add", elements::arithmetic),
    ("PRelu", elements::prelu),
    ("Where", elements::where_op),
    ("Concat", parts::concat),
    ("Split", parts::split),
    ("Slice", parts::slice),
    ("Gather", parts::gather),
    ("Pad", parts::pad),
    ("Resize", spatial::resize),
    ("MaxPool", spatial::pool),
    ("GlobalAveragePool", spatial::global_pool),
    ("ReduceSum", spatial::reduce),
    ("Softmax", spatial::softmax),
    ("Transpose", forms::transpose),
    ("Reshape", forms::reshape),
    ("Flatten", forms::flatten),
    ("Squeeze", forms::squeeze),
    ("Unsqueeze", forms::unsqueeze),
    ("Expand", forms::expand),
    ("Shape", forms::shape),
    ("Constant", forms::constant),
    ("ConstantOfShape", forms::constant_of_shape),
];

/// Networks in which something stays because no rule follows its reader or writer. Each has the name of that reader or
/// writer.
pub const STAYS: &[(&str, Case)] = &[
    ("CumSum", stays::opaque),
    ("Range", stays::opaque_length),
    ("foreign operator", stays::foreign),
    ("foreign length", stays::foreign_length),
    ("unknown rank", stays::unknown_rank),
    ("unknown groups", stays::unknown_groups),
    ("output", stays::output),
    ("subgraph", stays::subgraph),
    ("annotation", stays::annotation),
    ("training", stays::training),
];
