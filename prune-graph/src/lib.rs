//! Index classes of a network's graph: which indices can be removed together, which of them go, and why the rest stays.
//!
//! Indices of several axes that stand for the same channel can only be removed together. A channel of a convolution is
//! a row of its weight, an entry of its bias and of the batch normalisation behind it, and a column of every weight
//! that reads it. [`Graph`] takes such statements from a crate that knows the operators; this one knows neither
//! operators nor file formats. [`Graph::close`] gives [`Classes`]: sets of indices that go together, and families of
//! similar classes. [`Choice`] decides by a [`ClassScore`] which classes of each family stay. The result is a
//! [`Removal`], which gives the kept indices of every axis. For everything that stays, [`Classes::explain`] names the
//! operator that pins it.
//!
//! # Examples
//!
//! Half of the channels of a hidden layer, by the norm over rows of the first weight and columns of the second:
//!
//! ```
//! use prune_core::Density;
//! use prune_graph::{Choice, ClassScore, Graph, Reason, TensorId, Weights};
//!
//! struct Values(Vec<Vec<f64>>);
//! impl Weights for Values {
//!     fn visit(&self, tensor: TensorId, visit: &mut dyn FnMut(&[f64])) -> Result<(), String> {
//!         visit(&self.0[tensor.index()]);
//!         Ok(())
//!     }
//! }
//!
//! let mut graph = Graph::new();
//! let first = graph.constant("first", &[4, 1], true)?;
//! let second = graph.constant("second", &[1, 4], true)?;
//! let why = graph.reason(Reason::new("Gemm", "", "reads the axis"));
//! graph.join(first.axis(0), second.axis(1), why);
//! let classes = graph.close();
//!
//! let values = Values(vec![vec![1.0, -4.0, 2.0, 0.5], vec![1.0, 0.0, 3.0, 0.1]]);
//! let scores = classes.scores(ClassScore::L2, &values)?;
//! let removal = Choice::local(Density::new(0.5)?).choose(&classes, &scores);
//! assert_eq!(removal.kept(&classes, first.axis(0)), Some(vec![1, 2]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Map
//!
//! - `tensor`, `reason`, `union`: the parts; `graph`: statements; `factoring`, `factor`: reshapes, and which factor of
//!   a reshaped axis can be removed
//! - `classes`, `explain`: the classes that follow from the statements
//! - `score`, `choice`, `search`, `masks`: the choice of the classes that go; `removal`: the indices that stay
//! - `couplings`: the same classes for a trainer

mod choice;
mod classes;
mod couplings;
mod error;
mod explain;
mod factor;
mod factoring;
mod graph;
mod masks;
mod reason;
mod removal;
mod score;
mod search;
mod tensor;
mod union;

pub use choice::{Choice, Method};
pub use classes::{ClassId, Classes, Family};
pub use couplings::{CoupledIndex, Coupling, Couplings};
pub use error::GraphError;
pub use explain::Stays;
pub use factoring::{FactoredAxis, Factoring};
pub use graph::{Graph, MOST_INDICES};
pub use masks::MaskRemoval;
pub use reason::{Reason, ReasonId};
pub use removal::Removal;
pub use score::{ClassScore, Weights};
pub use tensor::{Role, TensorAxis, TensorId};
