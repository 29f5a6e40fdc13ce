//! Writing: from a model and its edits to bytes. Everything that no edit names is copied.

mod data;
mod graph;
mod node;
mod tensor;
mod value_info;

use std::collections::BTreeSet;
use std::io::Write;

use crate::edits::{AddedTensor, Edits, TensorPlace};
use crate::error::Error;
use crate::error::{GraphProblem, TensorProblem};
use crate::model::Model;
use crate::wire::schema::model;

use super::rope::Rope;
pub use data::DataFile;
use data::DataPlan;

/// The inputs of every function that writes a message.
struct WriteJob<'m> {
    model: &'m Model,
    edits: &'m Edits,
    data: DataPlan<'m>,
}

/// The number of bytes that [`Model::write`] has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// The model.
    pub model: u64,
    /// The file of external data beside it.
    pub data: u64,
}

impl Model {
    /// Writes the model with its edits. Without edits, the bytes are those that were read.
    ///
    /// If the model has external data and there are edits, all external data go to `data`, which is written first, and
    /// the model refers to it by its name. Without edits, the model still refers to its old files, and `data` is not
    /// written.
    ///
    /// # Errors
    /// [`Error::Tensor`] and [`Error::Graph`] for edits that do not fit the model, [`Error::External`] for edits of a
    /// model with external data if there is no `data`, [`Error::Read`] and [`Error::Write`].
    pub fn write(&self, edits: &Edits, to: &mut dyn Write, data: Option<DataFile<'_>>) -> Result<Sizes, Error> {
        if edits.is_empty() {
            to.write_all(&self.encoded.bytes).map_err(super::rope::write_error)?;
            return Ok(Sizes { model: self.encoded.bytes.len() as u64, data: 0 });
        }
        self.check(edits)?;
        let mut job =
            WriteJob { model: self, edits, data: DataPlan::new(self, edits, data.as_ref().map(|file| file.name))? };
        if let Some(file) = data {
            job.data.write(file.to)?;
        }
        let mut rope = Rope::default();
        for field in self.encoded.fields() {
            let field = field?;
            match field.number {
                model::GRAPH => rope.message(model::GRAPH, job.graph()?),
                _ => rope.copy(&field.encoded.bytes),
            }
        }
        let sizes = Sizes { model: rope.len(), data: job.data.len() };
        rope.write(to)?;
        Ok(sizes)
    }

    /// Refuses edits of tensors, nodes or values that do not exist.
    fn check(&self, edits: &Edits) -> Result<(), Error> {
        let nodes = &self.graph.nodes;
        let missing = |name: String| Err(GraphProblem::Missing { by: "an edit".to_owned(), name }.into());
        for place in edits.cuts.keys().chain(edits.values.keys()) {
            let there = match *place {
                TensorPlace::Initializer(position) => position < self.graph.initializers.len(),
                TensorPlace::Constant(position) => nodes.get(position).is_some_and(|node| node.constant().is_some()),
                // An added tensor already has its values.
                TensorPlace::Added(position) => {
                    matches!(edits.added.get(position), Some(AddedTensor::Copy { .. }))
                }
            };
            if !there {
                return missing(format!("{place:?}"));
            }
            if edits.cuts.contains_key(place) && edits.values.contains_key(place) {
                let problem = TensorProblem::Cut("it is also given other values");
                return Error::tensor(&format!("{place:?}"), problem);
            }
        }
        let of_nodes = edits.attributes.keys().map(|key| key.0).chain(edits.inputs.keys().map(|key| key.0));
        if let Some(position) = of_nodes.into_iter().find(|&position| position >= nodes.len()) {
            return missing(format!("node {position}"));
        }
        let mut names: BTreeSet<&str> = self.graph.initializers.iter().map(|tensor| tensor.name.as_str()).collect();
        names.extend(nodes.iter().flat_map(|node| &node.outputs).map(String::as_str));
        names.extend(self.graph.inputs.iter().map(|input| input.name.as_str()));
        for added in &edits.added {
            let (AddedTensor::Copy { name, .. } | AddedTensor::New { name, .. }) = added;
            if !names.insert(name) {
                return Err(GraphProblem::Twice { name: name.clone(), by: "an edit".to_owned() }.into());
            }
            if let AddedTensor::Copy { of, .. } = added
                && *of >= self.graph.initializers.len()
            {
                return missing(format!("initializer {of}"));
            }
        }
        Ok(())
    }
}
