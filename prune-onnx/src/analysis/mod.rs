//! A model's classes of indices: which of them can go, the cost and the saving of each removal, and the reasons that
//! keep the rest.
//!
//! `Engine` holds the knowledge during a walk over the nodes. `Site` is one node, as its operator sees it. Neither
//! knows any operator.

mod constants;
mod engine;
pub(crate) mod faults;
mod live;
mod outer;
mod site;
mod value;
mod warning;
mod work;

use std::collections::{BTreeMap, HashMap, HashSet};

use prune_graph::{ClassScore, Classes, Family, Removal, TensorAxis, TensorId, Weights};

use crate::edits::TensorPlace;
use crate::error::Error;
use crate::model::{Model, Tensor};
use crate::shapes::{ConstantPlace, Shape, Size};
pub(crate) use constants::{Constant, Use, is_vector};
pub(crate) use engine::Engine;
pub(crate) use outer::captured;
pub(crate) use site::{Site, State, StatementResult, Stop, followed_rank, position};
use value::Value;
pub use warning::Warning;
pub(crate) use work::NodeSum;
use work::WorkAxes;

/// The options of an analysis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnalysisOptions {
    /// Shapes of inputs, for counting multiply-adds if the file leaves lengths open. They never change which classes
    /// can be removed.
    pub inputs: BTreeMap<String, Vec<usize>>,
}

/// The classes of a model, and the effects of removing some of them.
///
/// # Examples
///
/// A hidden layer of four neurons loses two:
///
/// ```
/// use prune_core::Density;
/// use prune_graph::{Choice, ClassScore};
/// use prune_onnx::{AnalysisOptions, DataType, Dim, GraphBuilder, Model, ModelBuilder, analyse};
///
/// let mut graph = GraphBuilder::new("mlp");
/// graph.input("x", DataType::Float, &[Dim::Named("batch".into()), Dim::Known(1)]);
/// graph.floats("first", &[1, 4], &[3.0, 0.1, 2.0, 0.2]);
/// graph.floats("second", &[4, 1], &[1.0, 1.0, 1.0, 1.0]);
/// graph.node("MatMul", &["x", "first"], &["h"], &[]);
/// graph.node("Relu", &["h"], &["r"], &[]);
/// graph.node("MatMul", &["r", "second"], &["y"], &[]);
/// graph.output("y", DataType::Float, &[Dim::Named("batch".into()), Dim::Known(1)]);
/// let model = Model::parse(ModelBuilder::new(8, 17).finish(&graph), ".".as_ref())?;
///
/// let analysis = analyse(&model, &AnalysisOptions::default())?;
/// let scores = analysis.scores(ClassScore::L2)?;
/// let removal = Choice::local(Density::new(0.5)?).choose(analysis.classes(), &scores);
/// assert_eq!((analysis.parameters(&removal), analysis.all_parameters()), (4, 8));
/// let kept = analysis.kept(&removal);
/// assert_eq!((kept[0].tensor.as_str(), &kept[0].axes[&1]), ("first", &vec![0, 2]));
/// let edits = analysis.edits(&removal)?; // for Model::write
/// assert!(!edits.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Analysis<'m> {
    pub(crate) model: &'m Model,
    pub(crate) classes: Classes,
    pub(crate) constants: HashMap<&'m str, Constant<'m>>,
    pub(crate) uses: Vec<Use>,
    /// The use of each tensor in the graph of classes.
    by_id: HashMap<TensorId, usize>,
    /// The use behind each input of a node, by the node and the slot.
    by_reader: HashMap<(usize, usize), usize>,
    pub(crate) values: HashMap<&'m str, Value>,
    /// For each constant element that must be a length, the axis that it is the length of.
    pub(crate) follow: BTreeMap<ConstantPlace, TensorAxis>,
    works: Vec<WorkAxes>,
    /// For each work, the lengths of its axes that are open in the graph; `None` if the given shapes do not tell them
    /// either.
    lengths: Vec<Vec<Option<usize>>>,
    /// Shared constants whose uses are not tied, since copies of them free more than they cost.
    pub(crate) apart: HashSet<&'m str>,
}

/// The indices of a constant that some of its uses keep. All these uses are cut alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptUse {
    /// The constant's name.
    pub tensor: String,
    /// The positions of the nodes with these uses; empty if the only reader is not a node of the main graph.
    pub nodes: Vec<usize>,
    /// For each axis that loses indices, those that are kept, in order. The map is empty if the constant stays whole.
    pub axes: BTreeMap<usize, Vec<usize>>,
}

/// The multiply-adds of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeWork {
    /// The node's position in the graph.
    pub node: usize,
    /// Multiply-adds; `None` if a length is not known.
    pub multiply_adds: Option<u128>,
}

impl<'m> Analysis<'m> {
    /// The findings of a walk over the model. `bound` is the same walk with given shapes, if there are any. Its works
    /// have the same order.
    pub(crate) fn of(open: Engine<'m>, bound: Option<&Engine<'m>>) -> Self {
        let lengths = {
            let bound = bound.unwrap_or(&open);
            let length = |axis: &TensorAxis| bound.graph.sizes(axis.tensor).get(axis.axis).copied().flatten();
            bound.works.iter().map(|work| work.axes.iter().map(length).collect()).collect()
        };
        let Engine { model, graph, constants, uses, values, works, lengths: follow, apart, .. } = open;
        let by_id = uses.iter().enumerate().map(|(at, found)| (found.id, at)).collect();
        let readers = uses.iter().enumerate().flat_map(|(at, found)| found.readers.iter().map(move |&slot| (slot, at)));
        let by_reader = readers.collect();
        Analysis {
            model,
            classes: graph.close(),
            constants,
            uses,
            by_id,
            by_reader,
            values,
            follow,
            works,
            lengths,
            apart,
        }
    }

    /// The model.
    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// The classes.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// A score for each class.
    ///
    /// # Errors
    ///
    /// [`Error::Classes`] for values that are NaN or cannot be read.
    pub fn scores(&self, score: ClassScore) -> Result<Vec<f64>, Error> {
        Ok(self.classes.scores(score, &ConstantValues(self))?)
    }

    /// The name of the constant behind a tensor of the graph of classes.
    pub fn constant_of(&self, tensor: TensorId) -> Option<&str> {
        self.by_id.get(&tensor).map(|&at| self.uses[at].name.as_str())
    }

    /// The use of a constant that a node reads at a slot.
    pub(crate) fn use_read_at(&self, node: usize, slot: usize) -> Option<&Use> {
        self.by_reader.get(&(node, slot)).map(|&at| &self.uses[at])
    }

    /// Every use of a constant: the tensor in the graph of classes, the constant's name, and the nodes and slots that
    /// read it. The readers are empty if the only reader is not a node of the main graph. [`Analysis::edits`] copies a
    /// constant whose uses are cut in different ways.
    pub fn uses(&self) -> impl Iterator<Item = (TensorId, &str, &[(usize, usize)])> {
        self.uses.iter().map(|found| (found.id, found.name.as_str(), found.readers.as_slice()))
    }

    /// The names of the floating constants of rank 2 or more that have slices in the classes of a family. Each occurs
    /// once.
    pub fn weights_of(&self, family: &Family) -> Vec<&str> {
        let mut names: Vec<&str> = family
            .axes()
            .iter()
            .filter(|axis| self.classes.is_weight(axis.tensor))
            .filter_map(|axis| self.constant_of(axis.tensor))
            .collect();
        names.dedup();
        names
    }

    /// Elements of the model's floating constants.
    pub fn all_parameters(&self) -> u128 {
        self.floating().map(|constant| constant.tensor.elements() as u128).sum()
    }

    /// Elements of the floating constants after a removal, copies of shared ones included.
    pub fn parameters(&self, removal: &Removal) -> u128 {
        let mut lengths = Lengths::new(&self.classes, removal);
        let mut used: HashMap<&str, Vec<Vec<usize>>> = HashMap::new();
        for found in &self.uses {
            let rank = self.classes.sizes(found.id).len();
            let left = (0..rank).map(|axis| lengths.of(found.id.axis(axis)).unwrap_or(1)).collect();
            let shapes = used.entry(found.name.as_str()).or_default();
            // Uses of one constant that are cut to the same shape nearly always keep the same indices.
            if !shapes.contains(&left) {
                shapes.push(left);
            }
        }
        self.floating()
            .map(|constant| match used.get(constant.name) {
                Some(shapes) => shapes.iter().map(|shape| shape.iter().map(|&n| n as u128).product::<u128>()).sum(),
                None => constant.tensor.elements() as u128,
            })
            .sum()
    }

    fn floating(&self) -> impl Iterator<Item = NamedTensor<'_, 'm>> {
        let constants = self.constants.iter().filter(|(_, constant)| constant.tensor.data_type().is_floating());
        constants.map(|(name, constant)| NamedTensor { name, tensor: constant.tensor })
    }

    /// Multiply-adds of convolutions and matrix products after a removal, node by node.
    pub fn work(&self, removal: &Removal) -> Vec<NodeWork> {
        let mut lengths = Lengths::new(&self.classes, removal);
        self.works
            .iter()
            .zip(&self.lengths)
            .map(|(work, given)| {
                let all = work.axes.iter().zip(given).map(|(&axis, &given)| lengths.of(axis).or(given));
                let multiply_adds = all.map(|n| n.map(|n| n as u128)).try_fold(1u128, |p, n| p.checked_mul(n?));
                NodeWork { node: work.node, multiply_adds }
            })
            .collect()
    }

    /// All multiply-adds after a removal; `None` if a length is not known, and then the shapes of the inputs are
    /// needed.
    pub fn multiply_adds(&self, removal: &Removal) -> Option<u128> {
        self.work(removal).iter().map(|work| work.multiply_adds).sum()
    }

    /// The kept indices of every constant that loses some, in the order of names. A constant whose uses are cut in
    /// different ways occurs once for each way; a use that stays whole is one of them.
    pub fn kept(&self, removal: &Removal) -> Vec<KeptUse> {
        let mut all: BTreeMap<&str, Vec<KeptUse>> = BTreeMap::new();
        let mut known: HashMap<(&str, BTreeMap<usize, Vec<usize>>), usize> = HashMap::new();
        for found in &self.uses {
            let rank = self.classes.sizes(found.id).len();
            let kept = |axis: usize| removal.kept(&self.classes, found.id.axis(axis)).map(|kept| (axis, kept));
            let axes: BTreeMap<usize, Vec<usize>> = (0..rank).filter_map(kept).collect();
            let nodes = found.readers.iter().map(|&(node, _)| node);
            let uses = all.entry(&found.name).or_default();
            let at = *known.entry((&found.name, axes.clone())).or_insert(uses.len());
            match uses.get_mut(at) {
                Some(known) => known.nodes.extend(nodes),
                None => uses.push(KeptUse { tensor: found.name.clone(), nodes: nodes.collect(), axes }),
            }
        }
        all.into_values().filter(|uses| uses.iter().any(|found| !found.axes.is_empty())).flatten().collect()
    }

    /// The shape of a value or a constant.
    pub(crate) fn shape_of(&self, name: &str) -> Option<Shape> {
        match self.constants.get(name) {
            Some(constant) => Some(constant.tensor.dims().iter().map(|&n| Size::of(n)).collect()),
            None => self.values.get(name)?.shape.clone(),
        }
    }

    /// Names of all constants, in order.
    pub fn constant_names(&self) -> Vec<&'m str> {
        let mut names: Vec<&str> = self.constants.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// The constant of a name: an initializer, or the tensor of a node.
    pub fn constant(&self, name: &str) -> Option<&'m Tensor> {
        self.constants.get(name).map(|constant| constant.tensor)
    }

    /// The place in the model of the constant of a name.
    pub fn place(&self, constant: &str) -> Option<TensorPlace> {
        self.constants.get(constant).map(|constant| constant.place)
    }
}

struct NamedTensor<'a, 'm> {
    name: &'a str,
    tensor: &'m Tensor,
}

/// Lengths of axes after a removal. Each is computed once.
pub(crate) struct Lengths<'a> {
    classes: &'a Classes,
    removal: &'a Removal,
    known: HashMap<TensorAxis, Option<usize>>,
}

impl<'a> Lengths<'a> {
    pub(crate) fn new(classes: &'a Classes, removal: &'a Removal) -> Self {
        Lengths { classes, removal, known: HashMap::new() }
    }

    pub(crate) fn of(&mut self, axis: TensorAxis) -> Option<usize> {
        let (classes, removal) = (self.classes, self.removal);
        *self.known.entry(axis).or_insert_with(|| removal.kept_len(classes, axis))
    }
}

/// Values of constants for scores.
struct ConstantValues<'a, 'm>(&'a Analysis<'m>);

/// Values are passed on in pieces of this length.
const PIECE: usize = 4096;

impl Weights for ConstantValues<'_, '_> {
    fn visit(&self, tensor: TensorId, visit: &mut dyn FnMut(&[f64])) -> Result<(), String> {
        let constant = self.0.constant_of(tensor).and_then(|name| self.0.constants.get(name));
        let Some(constant) = constant else { return Err("it is no constant of the model".to_owned()) };
        let mut piece = Vec::with_capacity(PIECE);
        let read = constant.tensor.visit(|_, value| {
            piece.push(value);
            if piece.len() == PIECE {
                visit(&piece);
                piece.clear();
            }
        });
        visit(&piece);
        read.map_err(|error| error.to_string())
    }
}
