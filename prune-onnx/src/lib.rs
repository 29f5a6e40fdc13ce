//! Takes channels, neurons and heads out of ONNX models, so that any engine runs a smaller dense model.
//!
//! # Map
//!
//! `file/` is the encoding: it is walked field by field, and what is not changed is written back byte for byte. `model/` is
//! what a model says: [`Model`], [`Graph`], [`Node`], [`Tensor`], and the files beside it. [`Edits`] are what changes, and
//! [`Model::write`] writes them. [`ModelBuilder`] makes new models.

mod builder;
mod edits;
mod error;
mod file;
mod model;
pub mod ops;

pub use builder::{GraphBuilder, ModelBuilder};
pub use edits::{Edits, TensorPlace};
pub use error::{Error, ExternalProblem, GraphProblem, NotOnnx, TensorProblem, WireProblem};
pub use model::{Attribute, AttributeValue, DataType, Dim, Graph, Model, Node, OperatorSet, Tensor, ValueInfo};
