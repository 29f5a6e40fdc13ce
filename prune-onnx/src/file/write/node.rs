//! Nodes and their attributes.

use super::super::rope::Rope;
use super::WriteJob;
use super::data::DataKey;
use crate::builder::encode_attribute;
use crate::edits::TensorPlace;
use crate::error::Error;
use crate::model::{Attribute, AttributeValue, Node};
use crate::wire::put_bytes;
use crate::wire::schema::{attribute, node};

impl<'m> WriteJob<'m> {
    /// A node; `None` if nothing in it changes. `position` is `None` for nodes of inner graphs, which are not edited.
    pub(super) fn node(&self, of: &'m Node, position: Option<usize>) -> Result<Option<Rope<'m>>, Error> {
        let inputs = |slot: usize| position.and_then(|position| self.edits.inputs.get(&(position, slot)));
        let values = |name: &str| {
            let all = position
                .into_iter()
                .flat_map(|at| self.edits.attributes.range((at, String::new())..(at + 1, String::new())));
            all.filter(|((_, own), _)| own == name).map(|(_, value)| value).next()
        };
        let mut changed = false;
        let mut rope = Rope::default();
        let (mut slots, mut attributes) = (0, of.attributes.iter());
        for field in of.encoded.fields() {
            let field = field?;
            match field.number {
                node::INPUT => {
                    slots += 1;
                    if let Some(name) = inputs(slots - 1) {
                        rope.put(|into| put_bytes(into, node::INPUT, name.as_bytes()));
                        changed = true;
                        continue;
                    }
                }
                node::ATTRIBUTE => {
                    if let Some(own) = attributes.next() {
                        if let Some(value) = values(&own.name) {
                            rope.put(|into| put_bytes(into, node::ATTRIBUTE, &encode_attribute(&own.name, value)));
                            changed = true;
                            continue;
                        }
                        let bytes = field.clone().bytes("a node")?;
                        if let Some(new) = self.attribute(own, &bytes, position)? {
                            rope.message(node::ATTRIBUTE, new);
                            changed = true;
                            continue;
                        }
                    }
                }
                _ => {}
            }
            rope.copy(&field.encoded.bytes);
        }
        if let Some(position) = position {
            let after = self.edits.inputs.range((position, slots)..(position + 1, 0));
            for ((_, slot), name) in after {
                // The inputs between the last one and this one are left out.
                for _ in slots..*slot {
                    rope.put(|into| put_bytes(into, node::INPUT, b""));
                }
                rope.put(|into| put_bytes(into, node::INPUT, name.as_bytes()));
                slots = slot + 1;
                changed = true;
            }
            for ((_, name), value) in
                self.edits.attributes.range((position, String::new())..(position + 1, String::new()))
            {
                if of.attribute(name).is_none() {
                    rope.put(|into| put_bytes(into, node::ATTRIBUTE, &encode_attribute(name, value)));
                    changed = true;
                }
            }
        }
        Ok(changed.then_some(rope))
    }

    /// An attribute with a tensor or graphs that change; `None` if none does.
    fn attribute(
        &self,
        of: &'m Attribute,
        encoded: &crate::wire::EncodedBytes,
        position: Option<usize>,
    ) -> Result<Option<Rope<'m>>, Error> {
        let is_value = of.name == "value";
        let mut changed = false;
        let mut rope = Rope::default();
        let mut many = 0;
        for field in encoded.fields() {
            let field = field?;
            let new = match (field.number, &of.value) {
                (attribute::T, AttributeValue::Tensor(tensor)) => {
                    let place = position.filter(|_| is_value).map(TensorPlace::Constant);
                    self.tensor(tensor, DataKey::Read(tensor.encoded.at), place, None)?
                }
                (attribute::TENSORS, AttributeValue::Tensors(tensors)) => {
                    many += 1;
                    let tensor = &tensors[many - 1];
                    self.tensor(tensor, DataKey::Read(tensor.encoded.at), None, None)?
                }
                (attribute::G, AttributeValue::Graph(graph)) => self.inner_graph(graph)?,
                (attribute::GRAPHS, AttributeValue::Graphs(graphs)) => {
                    many += 1;
                    self.inner_graph(&graphs[many - 1])?
                }
                _ => None,
            };
            match new {
                Some(new) => {
                    rope.message(field.number, new);
                    changed = true;
                }
                None => rope.copy(&field.encoded.bytes),
            }
        }
        Ok(changed.then_some(rope))
    }
}
