//! Takes channels, neurons and heads out of ONNX models, so that any engine runs a smaller dense model.
//!
//! # Map
//!
//! `file/` is the encoding: it is walked field by field, and what is not changed is written back byte for byte. `model/` is
//! what a model says: [`Model`], [`Graph`], [`Node`], [`Tensor`], and the files beside it. [`Edits`] are what changes, and
//! [`Model::write`] writes them. [`ModelBuilder`] makes new models.
//!
//! [`analyse`] walks over the nodes: `ops/` has a file for each kind of operator, `analysis/` the walk, `shapes/` lengths and
//! integer tensors as far as they are known before the model runs. `removal/` turns a choice of classes into [`Edits`].

mod analysis;
mod builder;
mod edits;
mod error;
mod file;
mod model;
mod ops;
mod removal;
mod shapes;

pub use analysis::{Analysis, AnalysisOptions, KeptAxis, NodeWork, analyse};
pub use builder::{GraphBuilder, ModelBuilder};
pub use edits::{Edits, TensorPlace};
pub use error::{Error, ExternalProblem, GraphProblem, NotOnnx, TensorProblem, WireProblem};
pub use file::cut_bytes;
pub use file::write::{DataFile, Sizes};
pub use model::{Attribute, AttributeValue, DataType, Dim, Graph, Model, Node, OperatorSet, Tensor, ValueInfo};
pub use ops::{OperatorRule, operators};

/// Tools for the tests of this crate.
#[cfg(feature = "testing")]
pub mod testing {
    pub use crate::analysis::faults::{statements, without};
}
