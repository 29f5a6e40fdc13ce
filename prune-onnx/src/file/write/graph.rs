//! Graphs: the model's own with its edits, and graphs in attributes, whose external data have moved.

use super::super::rope::Rope;
use super::WriteJob;
use super::data::DataKey;
use crate::builder::described;
use crate::edits::{AddedTensor, TensorPlace};
use crate::error::Error;
use crate::model::{Dim, Graph};
use crate::wire::put_bytes;
use crate::wire::schema::graph;

/// Before this version of the format, every initializer is also an input.
const INITIALIZERS_ALONE: i64 = 4;

impl<'m> WriteJob<'m> {
    /// The model's graph.
    pub(super) fn graph(&self) -> Result<Rope<'m>, Error> {
        let of = &self.model.graph;
        let mut rope = Rope::default();
        let (mut nodes, mut initializers) = (0, 0);
        let (mut inputs, mut outputs, mut value_infos) = (of.inputs.iter(), of.outputs.iter(), of.value_infos.iter());
        for field in of.encoded.fields() {
            let field = field?;
            let new = match field.number {
                graph::NODE => {
                    nodes += 1;
                    self.node(&of.nodes[nodes - 1], Some(nodes - 1))?
                }
                graph::INITIALIZER => {
                    initializers += 1;
                    let tensor = &of.initializers[initializers - 1];
                    let place = TensorPlace::Initializer(initializers - 1);
                    self.tensor(tensor, DataKey::Read(tensor.encoded.at), Some(place), None)?
                }
                graph::INPUT => inputs.next().map(|info| self.value_info(info)).transpose()?.flatten(),
                graph::OUTPUT => outputs.next().map(|info| self.value_info(info)).transpose()?.flatten(),
                graph::VALUE_INFO => value_infos.next().map(|info| self.value_info(info)).transpose()?.flatten(),
                _ => None,
            };
            match new {
                Some(new) => rope.message(field.number, new),
                None => rope.copy(&field.encoded.bytes),
            }
        }
        for (position, added) in self.edits.added.iter().enumerate() {
            rope.message(graph::INITIALIZER, self.added(position, added)?);
            if self.model.ir_version < INITIALIZERS_ALONE {
                rope.put(|into| put_bytes(into, graph::INPUT, &self.added_input(position, added)));
            }
        }
        Ok(rope)
    }

    /// A graph in an attribute; `None` if nothing in it changes.
    pub(super) fn inner_graph(&self, of: &'m Graph) -> Result<Option<Rope<'m>>, Error> {
        if self.data.is_empty() || !of.all_tensors().any(|tensor| tensor.is_external()) {
            return Ok(None);
        }
        let mut rope = Rope::default();
        let (mut nodes, mut initializers) = (of.nodes.iter(), of.initializers.iter());
        for field in of.encoded.fields() {
            let field = field?;
            let new = match field.number {
                graph::NODE => nodes.next().map(|node| self.node(node, None)).transpose()?.flatten(),
                graph::INITIALIZER => {
                    let moved = |tensor: &'m crate::model::Tensor| {
                        self.tensor(tensor, DataKey::Read(tensor.encoded.at), None, None)
                    };
                    initializers.next().map(moved).transpose()?.flatten()
                }
                _ => None,
            };
            match new {
                Some(new) => rope.message(field.number, new),
                None => rope.copy(&field.encoded.bytes),
            }
        }
        Ok(Some(rope))
    }

    /// An added initializer.
    fn added(&self, position: usize, added: &'m AddedTensor) -> Result<Rope<'m>, Error> {
        let place = TensorPlace::Added(position);
        match added {
            AddedTensor::Copy { of, name } => {
                let tensor = &self.model.graph.initializers[*of];
                let new = self.tensor(tensor, DataKey::Added(position), Some(place), Some(name))?;
                Ok(new.unwrap_or_default())
            }
            AddedTensor::New { name, data_type, dims, bytes } => super::tensor::new(name, *data_type, dims, bytes),
        }
    }

    fn added_input(&self, position: usize, added: &AddedTensor) -> Vec<u8> {
        let (name, data_type, mut dims) = match added {
            AddedTensor::Copy { of, name } => {
                let tensor = &self.model.graph.initializers[*of];
                (name, tensor.data_type, tensor.dims.clone())
            }
            AddedTensor::New { name, data_type, dims, .. } => (name, *data_type, dims.clone()),
        };
        for (axis, kept) in self.edits.cuts.get(&TensorPlace::Added(position)).into_iter().flatten() {
            dims[*axis] = kept.len();
        }
        if let Some((new, _)) = self.edits.values.get(&TensorPlace::Added(position)) {
            dims.clone_from(new);
        }
        let dims: Vec<Dim> = dims.iter().map(|&length| Dim::Known(length as i64)).collect();
        described(name, data_type, &dims)
    }
}
