//! The state of a walk over the nodes of a model.

use std::collections::{BTreeMap, HashMap, HashSet};

use prune_graph::{Graph, GraphError, Reason, ReasonId, TensorAxis, TensorId};

use super::AnalysisOptions;
use super::constants::{Constant, Use, constants, is_vector};
use super::faults;
use super::outer::captured;
use super::site::Site;
use super::value::Value;
use super::work::{NodeSum, WorkAxes};
use crate::data_type::DataType;
use crate::model::{Dim, Model, Node, ValueInfo};
use crate::shapes::{ConstantPlace, Int, Shape, Size, Symbols};

/// Longer axes count as unknown: no index of them can be removed.
const LONGEST_AXIS: usize = 1 << 22;

/// Integer constants with more elements are not followed. Shapes and lists of axes are short.
const MOST_INTS: usize = 1 << 14;

/// The knowledge about a model after some of its nodes.
pub(crate) struct Engine<'m> {
    pub(crate) model: &'m Model,
    pub(crate) graph: Graph,
    /// Receives the statements that a test drops, in place of `graph`.
    pub(crate) dropped: Graph,
    pub(crate) symbols: Symbols,
    pub(crate) values: HashMap<&'m str, Value>,
    pub(crate) constants: HashMap<&'m str, Constant<'m>>,
    pub(crate) uses: Vec<Use>,
    /// The number of the last tensor that has a constant's name, if several have it.
    numbers: HashMap<&'m str, usize>,
    /// The one use of a constant whose uses are tied.
    tied: HashMap<&'m str, usize>,
    /// Constants whose uses are tensors of their own, although they are no vectors.
    pub(crate) apart: HashSet<&'m str>,
    pub(crate) stated: HashMap<&'m str, &'m ValueInfo>,
    pub(crate) works: Vec<WorkAxes>,
    pub(crate) sums: Vec<NodeSum>,
    /// The constants that are 0 in the classes in question. `None` means all floating ones; some walks ask about fewer.
    zeros: Option<HashSet<TensorId>>,
    /// For each constant element that is a length, the axis that it must be the length of.
    pub(crate) lengths: BTreeMap<ConstantPlace, TensorAxis>,
    /// Constant elements that something computes with.
    frozen: HashSet<ConstantPlace>,
}

impl<'m> Engine<'m> {
    /// The state before the first node. Uses of the constants `apart` are tensors of their own, and only the constants
    /// `zeros` count as 0.
    pub(crate) fn new(
        model: &'m Model,
        options: &AnalysisOptions,
        apart: &HashSet<&'m str>,
        zeros: Option<HashSet<TensorId>>,
    ) -> Result<Self, GraphError> {
        let stated = model.graph().value_infos().iter().map(|info| (info.name(), info)).collect();
        let mut engine = Engine {
            model,
            graph: Graph::new(),
            dropped: Graph::new(),
            symbols: Symbols::default(),
            values: HashMap::new(),
            constants: constants(model),
            uses: Vec::new(),
            numbers: HashMap::new(),
            tied: HashMap::new(),
            apart: apart.clone(),
            stated,
            works: Vec::new(),
            sums: Vec::new(),
            zeros,
            lengths: BTreeMap::new(),
            frozen: HashSet::new(),
        };
        engine.inputs(options)?;
        Ok(engine)
    }

    fn inputs(&mut self, options: &AnalysisOptions) -> Result<(), GraphError> {
        let why = self.graph.reason(Reason::new("Input", "", "gives it its length"));
        for info in self.model.graph().inputs() {
            if self.constants.contains_key(info.name()) {
                continue;
            }
            let mut shape = self.stated_shape(info);
            if let (Some(shape), Some(given)) = (&mut shape, options.inputs.get(info.name()))
                && shape.len() == given.len()
            {
                shape.iter_mut().zip(given).for_each(|(size, &n)| *size = Size::of(n));
            }
            let id = self.declare(info.name(), shape, None, false)?;
            if !faults::dropped() {
                self.graph.pin_tensor(id, why);
            }
        }
        Ok(())
    }

    /// The shape that the file states. Lengths that are no numbers become symbols; some exporters write 0 or -1 for
    /// those.
    pub(crate) fn stated_shape(&mut self, info: &ValueInfo) -> Option<Shape> {
        let symbols = &mut self.symbols;
        info.shape().map(|dims| {
            dims.iter()
                .map(|dim| match dim {
                    Dim::Known(n) if *n > 0 => Size::known(*n),
                    Dim::Named(name) => symbols.named(name),
                    _ => symbols.fresh(),
                })
                .collect()
        })
    }

    /// Adds a value that is not a constant.
    pub(crate) fn declare(
        &mut self,
        name: &'m str,
        shape: Option<Shape>,
        ints: Option<Vec<Int>>,
        vanishes: bool,
    ) -> Result<TensorId, GraphError> {
        let sizes: Vec<Option<usize>> = shape.iter().flatten().map(axis_length).collect();
        let id = self.graph.tensor(name, &sizes)?;
        self.values.insert(name, Value { id, shape, ints, vanishes });
        Ok(id)
    }

    /// The next node with its inputs.
    pub(crate) fn site(&mut self, at: usize, node: &'m Node) -> Result<Site<'_, 'm>, GraphError> {
        let mut inputs = Vec::with_capacity(node.inputs().len());
        for (slot, name) in node.inputs().iter().enumerate() {
            inputs.push(if name.is_empty() { None } else { self.read(name, at, slot)? });
        }
        Ok(Site::new(self, at, node, inputs))
    }

    /// The value that a node reads.
    fn read(&mut self, name: &'m str, at: usize, slot: usize) -> Result<Option<Value>, GraphError> {
        if let Some(constant) = self.constants.get(name).copied() {
            return self.read_constant(name, constant, at, slot).map(Some);
        }
        if !self.values.contains_key(name) {
            // A sparse initializer, or a value that is no tensor.
            self.declare(name, None, None, false)?;
        }
        Ok(self.values.get(name).cloned())
    }

    fn read_constant(
        &mut self,
        name: &'m str,
        constant: Constant<'m>,
        at: usize,
        slot: usize,
    ) -> Result<Value, GraphError> {
        let tensor = constant.tensor;
        let id = match self.tied.get(name) {
            Some(&known) => {
                self.uses[known].readers.push((at, slot));
                self.uses[known].id
            }
            None => {
                let id = self.add_constant(name, constant, Some((at, slot)))?;
                if !is_vector(tensor) && !self.apart.contains(name) {
                    self.tied.insert(name, self.uses.len() - 1);
                }
                id
            }
        };
        let short = tensor.dims().len() <= 1 && tensor.elements() <= MOST_INTS;
        let integer = matches!(tensor.data_type(), DataType::Int64 | DataType::Int32 | DataType::Bool);
        let ints = if short && integer { tensor.ints().ok() } else { None };
        Ok(Value {
            id,
            shape: Some(tensor.dims().iter().map(|&n| Size::of(n)).collect()),
            ints: ints.map(|ints| ints.into_iter().map(Int::known).collect()),
            vanishes: self.zeros.as_ref().map_or(tensor.data_type().is_floating(), |zeros| zeros.contains(&id)),
        })
    }

    /// A tensor for one use of a constant. The first has the constant's name.
    fn add_constant(
        &mut self,
        name: &'m str,
        constant: Constant<'m>,
        reader: Option<(usize, usize)>,
    ) -> Result<TensorId, GraphError> {
        let tensor = constant.tensor;
        let mut label = name.to_owned();
        // The search for a free number starts after the last use: a vector may have as many uses as there are nodes.
        let number = self.numbers.entry(name).or_insert(1);
        while self.graph.find(&label).is_some() {
            *number += 1;
            label = format!("{name} (use {number})");
        }
        let long = tensor.dims().iter().any(|&n| n > LONGEST_AXIS);
        let id = if long {
            let sizes: Vec<_> = tensor.dims().iter().map(|&n| (n <= LONGEST_AXIS).then_some(n)).collect();
            self.graph.tensor(&label, &sizes)?
        } else {
            self.graph.constant(&label, tensor.dims(), tensor.data_type().is_floating())?
        };
        self.uses.push(Use { name: name.to_owned(), id, readers: reader.into_iter().collect() });
        Ok(id)
    }

    /// Pins values that something outside of the main graph's nodes reads.
    pub(crate) fn outside(&mut self) -> Result<(), GraphError> {
        let model = self.model;
        let outputs: Vec<&'m str> = model.graph().outputs().iter().map(ValueInfo::name).collect();
        let annotated: Vec<&'m str> = model.graph().annotated().iter().map(String::as_str).collect();
        self.pin_names(&outputs, Reason::new("Output", "", "gives it to the caller"))?;
        let mut captured: Vec<&'m str> = captured(model).into_iter().collect();
        captured.sort_unstable();
        self.pin_names(&captured, Reason::new("Subgraph", "", "reads it from inside of an attribute"))?;
        self.pin_names(&annotated, Reason::new("Quantisation", "", "speaks of it in an annotation"))?;
        if model.has_training() {
            let all: HashSet<&'m str> = self.constants.keys().copied().collect();
            let mut all: Vec<&'m str> = all.into_iter().collect();
            all.sort_unstable();
            self.pin_names(&all, Reason::new("Training", "", "updates it by its name"))?;
        }
        Ok(())
    }

    /// Pins values by name.
    #[cfg_attr(feature = "testing", track_caller)]
    fn pin_names(&mut self, names: &[&'m str], reason: Reason) -> Result<(), GraphError> {
        if faults::dropped() {
            return Ok(());
        }
        let why = self.graph.reason(reason);
        names.iter().try_for_each(|name| self.pin_name(name, why))
    }

    /// Pins a value by name. A constant gets a use that is never cut, so that its other uses are cut in copies.
    fn pin_name(&mut self, name: &'m str, why: ReasonId) -> Result<(), GraphError> {
        if let Some(value) = self.values.get(name).cloned() {
            if !faults::dropped() {
                self.graph.pin_tensor(value.id, why);
            }
            if !faults::dropped() {
                self.freeze(value.ints.as_deref().unwrap_or(&[]), why);
            }
        } else if let Some(constant) = self.constants.get(name).copied() {
            let id = match self.tied.get(name) {
                Some(&known) => self.uses[known].id,
                None => self.add_constant(name, constant, None)?,
            };
            if !faults::dropped() {
                self.graph.pin_tensor(id, why);
            }
        }
        Ok(())
    }

    /// Something computes with these elements, so they must not change: axes that they are copies of are pinned, and
    /// constants keep their values.
    pub(crate) fn freeze(&mut self, ints: &[Int], why: ReasonId) {
        for int in ints {
            if let Some(axis) = int.copy_of {
                self.graph.pin(axis, why);
            }
            if let Some(source) = int.source {
                self.frozen.insert(source);
                if let Some(&axis) = self.lengths.get(&source) {
                    self.graph.pin(axis, why);
                }
            }
        }
    }

    /// An element has to be the length of an axis after every removal. If it is a copy of another axis's length, the
    /// two axes are joined. If it is a constant, the constant will get the new length at its source. Otherwise the axis
    /// is pinned.
    pub(crate) fn follow(&mut self, int: &Int, axis: TensorAxis, why: ReasonId) {
        match (int.copy_of, int.source) {
            (Some(copied), _) => self.graph.join(copied, axis, why),
            (None, Some(source)) if !self.frozen.contains(&source) => match self.lengths.get(&source) {
                Some(&other) => self.graph.join(other, axis, why),
                None => {
                    self.lengths.insert(source, axis);
                }
            },
            _ => self.graph.pin(axis, why),
        }
    }

    /// A reason that names a node.
    pub(crate) fn why(&mut self, node: &Node, why: &'static str) -> ReasonId {
        let name = if node.name().is_empty() { node.output(0).unwrap_or("") } else { node.name() };
        self.graph.reason(Reason::new(node.op_type(), name, why))
    }
}

fn axis_length(size: &Size) -> Option<usize> {
    size.length().filter(|&n| n <= LONGEST_AXIS)
}
