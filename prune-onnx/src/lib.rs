//! Takes channels, neurons and heads out of ONNX models, so that any engine runs a smaller dense model.
//!
//! # A smaller model from a file
//!
//! ```
//! use prune_core::Density;
//! use prune_graph::{Choice, ClassScore};
//! use prune_onnx::{AnalysisOptions, Model, analyse};
//!
//! # use prune_onnx::{DataType, Dim, GraphBuilder, ModelBuilder};
//! # let folder = tempfile::tempdir()?;
//! # let [path, out] = ["model.onnx", "small.onnx"].map(|name| folder.path().join(name));
//! # let mut graph = GraphBuilder::new("mlp");
//! # graph.input("x", DataType::Float, &[Dim::Named("batch".into()), Dim::Known(1)]);
//! # graph.floats("first", &[1, 8], &[3.0, 0.1, 2.0, 0.2, 1.0, 0.3, 0.4, 4.0]);
//! # graph.floats("second", &[8, 1], &[1.0; 8]);
//! # graph.node("MatMul", &["x", "first"], &["h"], &[]);
//! # graph.node("Relu", &["h"], &["r"], &[]);
//! # graph.node("MatMul", &["r", "second"], &["y"], &[]);
//! # graph.output("y", DataType::Float, &[Dim::Named("batch".into()), Dim::Known(1)]);
//! # std::fs::write(&path, ModelBuilder::new(8, 17).finish(&graph))?;
//! let model = Model::read(&path)?;
//! let analysis = analyse(&model, &AnalysisOptions::default())?;
//! let scores = analysis.scores(ClassScore::L2)?;
//! let removal = Choice::local(Density::new(0.5)?).with_multiple(4).choose(analysis.classes(), &scores);
//! model.write(&analysis.edits(&removal)?, &mut std::fs::File::create(&out)?, None)?;
//! # assert_eq!(Model::read(&out)?.graph().initializers()[0].dims(), [1, 4]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Channels without effect
//!
//! The second neuron is 3 for every input. So it is removed, and what it adds (4 times 3) goes into the bias of the
//! next layer; outputs do not change.
//!
//! ```
//! use prune_onnx::{AnalysisOptions, DataType, Dim, GraphBuilder, Model, ModelBuilder, analyse};
//!
//! let mut graph = GraphBuilder::new("mlp");
//! graph.input("x", DataType::Float, &[Dim::Named("batch".into()), Dim::Known(1)]);
//! graph.floats("first", &[1, 2], &[1.0, 0.0]);
//! graph.floats("bias", &[2], &[0.0, 3.0]);
//! graph.floats("second", &[2, 1], &[1.0, 4.0]);
//! graph.node("Gemm", &["x", "first", "bias"], &["h"], &[]);
//! graph.node("Relu", &["h"], &["r"], &[]);
//! graph.node("Gemm", &["r", "second"], &["y"], &[]);
//! graph.output("y", DataType::Float, &[Dim::Named("batch".into()), Dim::Known(1)]);
//! let model = Model::parse(ModelBuilder::new(8, 17).finish(&graph), ".".as_ref())?;
//!
//! let analysis = analyse(&model, &AnalysisOptions::default())?;
//! let dead = analysis.dead()?;
//! assert_eq!((dead.removal().len(), dead.folded()), (1, 1));
//! let mut small = Vec::new();
//! model.write(&analysis.edits_of_dead(&dead)?, &mut small, None)?;
//! let small = Model::parse(small, ".".as_ref())?;
//! let bias = small.graph().initializers().last().expect("the new one");
//! assert_eq!((bias.dims(), bias.floats()?), ([1].as_slice(), vec![12.0]));
//! # Ok::<(), prune_onnx::Error>(())
//! ```
//!
//! # Why not cut the arrays by hand
//!
//! A channel is spread over many tensors: over rows of the weights that write it (on both sides of an addition), over
//! biases, scales and shifts, and over columns of all weights that read it. On the way, a reshape or a concatenation
//! changes its index, and a list of lengths contains the number of channels. [`analyse`] follows it through every
//! operator, or says which operator keeps it.
//!
//! The file comes back as it was: everything that no edit names is copied byte for byte, even fields that this crate
//! does not know. Without edits, the output is the input.
//!
//! # Map
//!
//! - `wire/`: walks the encoding field by field
//! - `model/`: the content of a model: [`Model`], [`Graph`], [`Node`], [`Tensor`], and the files beside it
//! - `edits`: the changes, as [`Edits`]; `builder`: new models, by [`ModelBuilder`]
//! - `file/`: reads models and writes them with their edits; everything else is written back byte for byte
//! - `shapes/`: the lengths and integer tensors that are known before the model runs
//! - `analysis/`: [`Analysis`] holds what is known about a model's axes
//! - `rewrite/`: changes a node after a removal
//! - `ops/`: one file for each kind of operator
//! - `walk/`: [`analyse`], which goes over the nodes
//! - `dead/`: [`Analysis::dead`], which finds what has no effect
//! - `removal/`: turns a choice of classes into [`Edits`]
//! - `testing/`, behind the feature `testing`: generated networks with every operator, and a naive evaluator

mod analysis;
mod builder;
mod data_type;
mod dead;
mod edits;
mod error;
mod file;
mod model;
mod ops;
mod removal;
mod rewrite;
mod shapes;
#[cfg(feature = "testing")]
pub mod testing;
mod walk;
mod wire;

pub use analysis::{Analysis, AnalysisOptions, KeptUse, NodeWork, Warning};
pub use builder::{GraphBuilder, ModelBuilder};
pub use data_type::DataType;
pub use dead::{Dead, DeadStays, MadeOfZero};
pub use edits::{Edits, TensorPlace};
pub use error::{Error, ExternalProblem, GraphProblem, NotOnnx, TensorProblem, WireProblem};
pub use file::cut_bytes;
pub use file::write::{DataFile, Sizes};
pub use model::{Attribute, AttributeValue, Dim, Graph, Model, Node, OperatorSet, Tensor, ValueInfo};
pub use ops::{OperatorRule, operators};
pub use walk::analyse;
