//! Neural networks for MNIST: sequential models of convolution, pooling and dense layers, trained by gradient descent
//! on the processor.
//!
//! A [`ModelSpec`] describes the model. A [`Network`] has its working memory and computes gradients. The parameters
//! are in the storage of a tensor backend ([`NdarrayParams`], [`NalgebraParams`]), and an [`Optimiser`] moves them.
//!
//! # Layout
//! - `spec`, `plan`: descriptions of models, and the stages that follow from them.
//! - `layers`: the arithmetic of each layer on slices. All call the one matrix product in `product`.
//! - `chunk`, `segment`, `network`: cut a batch up and drive it through the layers.
//! - `storage`, `backends`: parameters as strided matrices over a backend's memory.
//!
//! # The same result at any number of threads
//! Every batch is cut into fixed chunks, every large matrix into fixed parts, and partial sums are added in the order
//! of the chunks. Threads decide only who computes a part. So a run is bit-identical on one machine at any thread
//! count.

mod activation;
mod activation_pruning;
mod backends;
mod batch;
mod chunk;
mod error;
mod gate;
mod init;
mod layers;
mod network;
mod optimiser;
mod plan;
mod product;
mod profile;
mod real;
mod segment;
mod simd;
mod spec;
mod storage;
#[cfg(test)]
mod tests;

pub use self::activation::{ActivationPruning, Scratch, SharedActivationPruning};
pub use self::activation_pruning::{NanActivation, Place, PooledCounts, Pooling, prune_activations, readme_rules};
pub use self::backends::{NalgebraParams, NalgebraTensor, NdarrayParams};
pub use self::batch::{Batch, Samples};
pub use self::error::{ActivationError, NnError};
pub use self::init::{Initialisation, initial_parameters};
pub use self::network::{InputNorms, Network, Score};
pub use self::optimiser::{Adam, Optimiser, Sgd, cosine_rate, linear_rate};
pub use self::profile::LayerTime;
pub use self::real::Real;
pub use self::spec::{Layer, LayerSummary, ModelSpec, Padding, ParamKind, ParamSpec};
pub use self::storage::{Order, ParamSet, ParamStorage};
