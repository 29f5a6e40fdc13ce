//! The rewriting of a node after a removal, with everything that its operator may ask and change.

mod types;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use prune_graph::{Removal, TensorAxis, TensorId};

use crate::analysis::{Analysis, faults};
use crate::data_type::DataType;
use crate::edits::Edits;
use crate::error::Error;
use crate::model::{AttributeValue, Model, Node, Tensor};
use crate::shapes::{Int, Shape, Size};

/// The names that are taken in a model, with facts about them. New names are made from these.
pub(crate) struct Names<'m> {
    taken: HashSet<String>,
    /// The last number that was appended to each name.
    numbers: HashMap<String, usize>,
    readers: HashMap<String, usize>,
    /// Types of the integers that nodes compute.
    types: HashMap<&'m str, DataType>,
}

impl<'m> Names<'m> {
    pub(crate) fn new(model: &'m Model) -> Self {
        let graph = model.graph();
        let mut taken: HashSet<String> = graph.initializers().iter().map(|tensor| tensor.name().to_owned()).collect();
        taken.extend(graph.sparse_initializers().iter().cloned());
        for infos in [graph.inputs(), graph.outputs(), graph.value_infos()] {
            taken.extend(infos.iter().map(|info| info.name().to_owned()));
        }
        let mut readers: HashMap<String, usize> = HashMap::new();
        for node in graph.nodes() {
            taken.extend(node.inputs().iter().chain(node.outputs()).cloned());
            node.inputs().iter().for_each(|name| *readers.entry(name.clone()).or_default() += 1);
        }
        // Graphs in attributes read names of the main graph. These names are taken, and have one reader more.
        for name in crate::analysis::captured(model) {
            taken.insert(name.to_owned());
            *readers.entry(name.to_owned()).or_default() += 1;
        }
        graph.outputs().iter().for_each(|output| *readers.entry(output.name().to_owned()).or_default() += 1);
        Names { taken, numbers: HashMap::new(), readers, types: types::types(model) }
    }

    /// A name that nothing has yet, made from another one.
    pub(crate) fn fresh(&mut self, like: &str) -> String {
        let number = self.numbers.entry(like.to_owned()).or_insert(0);
        loop {
            *number += 1;
            let name = format!("{like}_shrunk{number}");
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    fn readers(&self, name: &str) -> usize {
        self.readers.get(name).copied().unwrap_or(0)
    }
}

/// A node after a removal.
pub(crate) struct Rewrite<'a, 'm> {
    analysis: &'a Analysis<'m>,
    removal: &'a Removal,
    edits: &'a mut Edits,
    names: &'a mut Names<'m>,
    at: usize,
    /// The node as it was read.
    pub(crate) node: &'m Node,
}

impl<'a, 'm> Rewrite<'a, 'm> {
    pub(crate) fn new(
        analysis: &'a Analysis<'m>,
        removal: &'a Removal,
        edits: &'a mut Edits,
        names: &'a mut Names<'m>,
        at: usize,
        node: &'m Node,
    ) -> Self {
        Rewrite { analysis, removal, edits, names, at, node }
    }

    pub(crate) fn opset(&self) -> i64 {
        self.analysis.model.opset()
    }

    fn input(&self, slot: usize) -> Option<TensorId> {
        let name = self.node.input(slot)?;
        if let Some(value) = self.analysis.values.get(name) {
            return Some(value.id);
        }
        self.analysis.use_read_at(self.at, slot).map(|found| found.id)
    }

    fn output(&self, slot: usize) -> Option<TensorId> {
        self.analysis.values.get(self.node.output(slot)?).map(|value| value.id)
    }

    /// The rank of an input; 0 if it is not known.
    pub(crate) fn input_rank(&self, slot: usize) -> usize {
        self.input(slot).map_or(0, |id| self.analysis.classes.sizes(id).len())
    }

    /// The length of an axis before the removal.
    pub(crate) fn input_length(&self, slot: usize, axis: usize) -> Option<usize> {
        self.analysis.classes.size(self.input(slot)?.axis(axis))
    }

    /// The length of an axis after the removal.
    pub(crate) fn left(&self, axis: TensorAxis) -> Option<usize> {
        self.removal.kept_len(&self.analysis.classes, axis)
    }

    /// The new value of a constant element that has to be the length of an axis, from its source.
    pub(crate) fn followed(&self, int: &Int) -> Option<usize> {
        self.left(*self.analysis.follow.get(&int.source?)?)
    }

    /// The length of an input's axis after the removal.
    pub(crate) fn input_left(&self, slot: usize, axis: usize) -> Option<usize> {
        self.left(self.input(slot)?.axis(axis))
    }

    /// The length of an output's axis after the removal.
    pub(crate) fn output_left(&self, slot: usize, axis: usize) -> Option<usize> {
        self.left(self.output(slot)?.axis(axis))
    }

    /// True if an axis of an output has runs that have lost indices.
    pub(crate) fn output_lost_of_runs(&self, slot: usize, axis: usize) -> bool {
        let output = self.output(slot).map(|id| id.axis(axis));
        let run = output.and_then(|axis| self.removal.kept_of_run(&self.analysis.classes, axis));
        run.is_some_and(|(kept, length)| kept < length)
    }

    /// The number of these indices of an input's axis that stay.
    pub(crate) fn input_left_in(&self, slot: usize, axis: usize, range: Range<usize>) -> usize {
        let Some(id) = self.input(slot) else { return range.len() };
        range.filter(|&index| !self.removal.removes(&self.analysis.classes, id.axis(axis), index)).count()
    }

    /// The length of an axis of each output after the removal.
    pub(crate) fn left_of_parts(&self, axis: usize, outputs: usize) -> Option<Vec<i64>> {
        (0..outputs).map(|slot| self.output_left(slot, axis).map(|left| left as i64)).collect()
    }

    fn tensor(&self, slot: usize) -> Option<&'m Tensor> {
        self.analysis.constants.get(self.node.input(slot)?).map(|constant| constant.tensor)
    }

    /// The elements of an integer input.
    pub(crate) fn ints(&self, slot: usize) -> Option<Vec<Int>> {
        match self.tensor(slot) {
            Some(tensor) => tensor.ints().ok().map(|ints| ints.into_iter().map(Int::known).collect()),
            None => self.analysis.values.get(self.node.input(slot)?)?.ints.clone(),
        }
    }

    /// The elements of an integer input that are all numbers.
    pub(crate) fn constants(&self, slot: usize) -> Option<Vec<i64>> {
        self.ints(slot)?.iter().map(Int::constant).collect()
    }

    /// The shape of an input before the removal.
    pub(crate) fn shape(&self, slot: usize) -> Option<Shape> {
        match self.tensor(slot) {
            Some(tensor) => Some(tensor.dims().iter().map(|&n| Size::of(n)).collect()),
            None => self.analysis.values.get(self.node.input(slot)?)?.shape.clone(),
        }
    }

    /// The shape of an output before the removal.
    pub(crate) fn output_shape(&self, slot: usize) -> Option<Shape> {
        self.analysis.values.get(self.node.output(slot)?)?.shape.clone()
    }

    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn set_attribute(&mut self, name: &str, value: AttributeValue) {
        if !faults::dropped() {
            self.edits.set_attribute(self.at, name, value);
        }
    }

    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn set_int(&mut self, name: &str, value: i64) {
        self.set_attribute(name, AttributeValue::Int(value));
    }

    /// Gives an integer input other elements: in place if nothing else reads it, or else in a new constant.
    #[cfg_attr(feature = "testing", track_caller)]
    pub(crate) fn set_ints(&mut self, slot: usize, values: &[i64]) {
        if !faults::dropped() {
            set_ints(self.analysis, self.edits, self.names, (self.at, slot), values);
        }
    }
}

fn set_ints(
    analysis: &Analysis<'_>,
    edits: &mut Edits,
    names: &mut Names<'_>,
    (node, slot): (usize, usize),
    values: &[i64],
) {
    let reader = &analysis.model.graph().nodes()[node];
    let name = reader.input(slot).unwrap_or("");
    let constant = analysis.constants.get(name);
    // A computed list is replaced by a constant of its type and rank.
    let data_type = names.types.get(name).copied().unwrap_or(DataType::Int64);
    let scalar = analysis.shape_of(name).is_some_and(|shape| shape.is_empty());
    let dims = if scalar { Vec::new() } else { vec![values.len()] };
    let bytes: Vec<u8> = match data_type {
        // A length fits the type: it was a length of the model before, or is smaller.
        DataType::Int32 => values.iter().flat_map(|&value| (value as i32).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    };
    let data_type = if data_type == DataType::Int32 { data_type } else { DataType::Int64 };
    if let Some(constant) = constant
        && names.readers(name) == 1
        && constant.tensor.data_type() == data_type
    {
        edits.replace(constant.place, dims, bytes);
        return;
    }
    let like = if name.is_empty() { reader.output(0).unwrap_or("shape") } else { name };
    let name = names.fresh(like);
    edits.add_initializer(&name, data_type, dims, bytes);
    edits.set_input(node, slot, &name);
}

/// Gives new values to constant elements that are lengths, at their sources.
pub(crate) fn lengths(
    analysis: &Analysis<'_>,
    removal: &Removal,
    edits: &mut Edits,
    names: &mut Names<'_>,
) -> Result<(), Error> {
    let mut changed: BTreeMap<(usize, usize), Vec<i64>> = BTreeMap::new();
    for (source, &axis) in &analysis.follow {
        let left = removal.kept_len(&analysis.classes, axis);
        if left == analysis.classes.size(axis) {
            continue;
        }
        let name = analysis.model.graph().nodes()[source.node].input(source.slot).unwrap_or("");
        let Some(constant) = analysis.constants.get(name) else { continue };
        let key = (source.node, source.slot);
        let values = match changed.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(constant.tensor.ints()?),
        };
        if let (Some(value), Some(left)) = (values.get_mut(source.element), left) {
            *value = left as i64;
        }
    }
    for (place, values) in changed {
        set_ints(analysis, edits, names, place, &values);
    }
    Ok(())
}
