//! The closed graph: classes of indices that go together, and families of similar classes.

use std::collections::HashMap;

use crate::factor::decide;
use crate::graph::Graph;
use crate::reason::{Reason, ReasonId};
use crate::tensor::{Role, TensorAxis, TensorEntry, TensorId};

/// Indices that can only be removed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub(crate) u32);

impl ClassId {
    /// The position of the class. Classes are ordered by their first member: tensor name, axis, index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Classes whose members lie on exactly the same axes: the channels of one layer, or of several that are tied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    axes: Vec<TensorAxis>,
    classes: Vec<ClassId>,
    ranked: bool,
}

impl Family {
    /// The axes, in order of tensor name and axis.
    pub fn axes(&self) -> &[TensorAxis] {
        &self.axes
    }

    /// The classes, in order.
    pub fn classes(&self) -> &[ClassId] {
        &self.classes
    }
}

/// The mark of a pinned index, which has no class.
const PINNED: u32 = u32::MAX;

/// The classes and families of a graph, and the reasons for everything that stays.
///
/// A class is ranked if one of its axes belongs to a floating constant of rank 2 or more. Other classes are neither
/// ranked nor counted, since removing them frees nothing.
#[derive(Debug, Clone)]
pub struct Classes {
    tensors: Vec<TensorEntry>,
    names: HashMap<String, TensorId>,
    /// The class of each node, or [`PINNED`].
    class: Vec<u32>,
    /// For each pinned node, the number of its reason plus one. Other slots are 0.
    pin: Vec<u32>,
    reasons: Vec<Reason>,
    first: Vec<(TensorAxis, usize)>,
    family: Vec<u32>,
    all: Vec<Family>,
    ranked: usize,
    /// Tensors in order of their names.
    order: Vec<TensorId>,
}

impl Graph {
    /// Decides the reshapes and closes the graph. Its classes are final.
    ///
    /// # Complexity
    ///
    /// Nearly linear in the number of indices. Reshapes of one axis are compared index by index.
    pub fn close(mut self) -> Classes {
        let factorings = std::mem::take(&mut self.factorings);
        decide(&mut self, factorings);
        Classes::new(self)
    }
}

impl Classes {
    fn new(graph: Graph) -> Self {
        let Graph { tensors, names, mut sets, reasons, .. } = graph;
        let mut order: Vec<TensorId> = (0..tensors.len() as u32).map(TensorId).collect();
        order.sort_by(|a, b| tensors[a.index()].name.cmp(&tensors[b.index()].name));
        // Nodes are visited in the order of names, so that classes are numbered by their first member.
        let mut of_root = vec![PINNED; sets.len()];
        let mut class = vec![PINNED; sets.len()];
        let mut pin = vec![0; sets.len()];
        let mut first = Vec::new();
        for axis in axes(&tensors, &order) {
            for (i, node) in span(&tensors, axis).enumerate() {
                let root = sets.root(node as u32);
                if let Some(reason) = sets.pinned(root) {
                    pin[node] = reason + 1;
                    continue;
                }
                let slot = &mut of_root[root as usize];
                if *slot == PINNED {
                    *slot = first.len() as u32;
                    first.push((axis, i));
                }
                class[node] = *slot;
            }
        }
        let mut classes = Classes {
            tensors,
            names,
            class,
            pin,
            reasons,
            first,
            family: Vec::new(),
            all: Vec::new(),
            ranked: 0,
            order,
        };
        classes.find_families();
        classes
    }

    /// Splits one family of all classes, axis by axis. Two classes stay together if they lie on the same axes.
    fn find_families(&mut self) {
        let mut part = vec![0u32; self.first.len()];
        // Each part is stored as the part that it was split from, and the axis that split it. Whole lists of axes would
        // take memory quadratic in the number of axes.
        let mut parts: Vec<(u32, Option<TensorAxis>)> = vec![(0, None)];
        for axis in axes(&self.tensors, &self.order) {
            let mut finer: HashMap<u32, u32> = HashMap::new();
            let mut seen: Vec<u32> =
                span(&self.tensors, axis).map(|n| self.class[n]).filter(|&c| c != PINNED).collect();
            seen.sort_unstable();
            seen.dedup();
            for class in seen {
                let old = part[class as usize];
                let new = *finer.entry(old).or_insert_with(|| {
                    parts.push((old, Some(axis)));
                    parts.len() as u32 - 1
                });
                part[class as usize] = new;
            }
        }
        let mut number: HashMap<u32, u32> = HashMap::new();
        self.family = Vec::with_capacity(part.len());
        for (class, part) in part.iter().enumerate() {
            let family = *number.entry(*part).or_insert_with(|| {
                let axes = path(&parts, *part);
                let ranked = axes.iter().any(|axis| self.tensors[axis.tensor.index()].weight);
                self.all.push(Family { axes, classes: Vec::new(), ranked });
                self.all.len() as u32 - 1
            });
            self.family.push(family);
            self.all[family as usize].classes.push(ClassId(class as u32));
        }
        // Ranked families come first. Both parts keep the order of first members.
        let mut sorted: Vec<usize> = (0..self.all.len()).collect();
        sorted.sort_by_key(|&at| !self.all[at].ranked);
        self.ranked = self.all.iter().filter(|family| family.ranked).count();
        let mut place = vec![0; sorted.len()];
        sorted.iter().enumerate().for_each(|(new, &old)| place[old] = new as u32);
        self.family.iter_mut().for_each(|family| *family = place[*family as usize]);
        self.all.sort_by_key(|family| !family.ranked);
    }

    /// The ranked families, in the order of their first members.
    pub fn families(&self) -> &[Family] {
        &self.all[..self.ranked]
    }

    /// The number of ranked classes.
    pub fn len(&self) -> usize {
        self.families().iter().map(|family| family.classes.len()).sum()
    }

    /// True if nothing can be removed.
    pub fn is_empty(&self) -> bool {
        self.ranked == 0
    }

    /// The number of all classes, ranked or not. Every [`ClassId::index`] is less.
    pub fn bound(&self) -> usize {
        self.first.len()
    }

    /// The position of a ranked class's family in [`Classes::families`].
    pub fn family_of(&self, class: ClassId) -> Option<usize> {
        let family = *self.family.get(class.index())? as usize;
        (family < self.ranked).then_some(family)
    }

    /// The class of an index; `None` if the index is pinned or does not exist.
    pub fn class_of(&self, axis: TensorAxis, index: usize) -> Option<ClassId> {
        let node = self.node(axis, index)?;
        Some(self.class[node]).filter(|&class| class != PINNED).map(ClassId)
    }

    /// The reason why an index stays; `None` if it can be removed or does not exist.
    pub fn pin_of(&self, axis: TensorAxis, index: usize) -> Option<&Reason> {
        let node = self.node(axis, index)?;
        self.pin[node].checked_sub(1).map(|reason| &self.reasons[reason as usize])
    }

    /// The number of a pinned index's reason, for grouping.
    pub fn pin_id(&self, axis: TensorAxis, index: usize) -> Option<ReasonId> {
        let node = self.node(axis, index)?;
        self.pin[node].checked_sub(1).map(ReasonId)
    }

    /// The reason of a number.
    pub fn reason(&self, id: ReasonId) -> Option<&Reason> {
        self.reasons.get(id.0 as usize)
    }

    /// The first member of a class. It decides ties.
    pub fn first_member(&self, class: ClassId) -> Option<(TensorAxis, usize)> {
        self.first.get(class.index()).copied()
    }

    /// Every tensor, in the order of names.
    pub fn tensors(&self) -> &[TensorId] {
        &self.order
    }

    /// The tensor of a name.
    pub fn find(&self, name: &str) -> Option<TensorId> {
        self.names.get(name).copied()
    }

    /// The name of a tensor.
    pub fn name(&self, tensor: TensorId) -> &str {
        self.tensors.get(tensor.index()).map_or("", |entry| &entry.name)
    }

    /// The lengths of a tensor's axes; `None` for an unknown length.
    pub fn sizes(&self, tensor: TensorId) -> &[Option<usize>] {
        self.tensors.get(tensor.index()).map_or(&[], |entry| &entry.sizes)
    }

    /// The length of an axis, if it is known.
    pub fn size(&self, axis: TensorAxis) -> Option<usize> {
        self.sizes(axis.tensor).get(axis.axis).copied().flatten()
    }

    /// True if the tensor is a constant.
    pub fn is_constant(&self, tensor: TensorId) -> bool {
        self.tensors.get(tensor.index()).is_some_and(|entry| entry.constant)
    }

    /// True if slices of the tensor are scored: it is a floating constant of rank 2 or more.
    pub fn is_weight(&self, tensor: TensorId) -> bool {
        self.tensors.get(tensor.index()).is_some_and(|entry| entry.weight)
    }

    /// The stated role of a constant's axis.
    pub fn role(&self, axis: TensorAxis) -> Option<Role> {
        *self.tensors.get(axis.tensor.index())?.roles.get(axis.axis)?
    }

    /// Every axis, in order of tensor name and axis.
    pub fn axes(&self) -> impl Iterator<Item = TensorAxis> {
        axes(&self.tensors, &self.order)
    }

    /// The classes of one run of an axis that has runs, `None` for indices that are pinned.
    pub(crate) fn run(&self, axis: TensorAxis) -> Option<impl Iterator<Item = Option<ClassId>>> {
        self.tensors.get(axis.tensor.index())?.runs.get(axis.axis)?.as_ref()?;
        let class = |node: usize| Some(self.class[node]).filter(|&class| class != PINNED).map(ClassId);
        Some(span(&self.tensors, axis).map(class))
    }

    fn node(&self, axis: TensorAxis, index: usize) -> Option<usize> {
        (index < self.size(axis)?).then(|| self.tensors[axis.tensor.index()].first[axis.axis] as usize + index)
    }
}

fn axes(tensors: &[TensorEntry], order: &[TensorId]) -> impl Iterator<Item = TensorAxis> {
    order.iter().flat_map(|&tensor| (0..tensors[tensor.index()].sizes.len()).map(move |axis| tensor.axis(axis)))
}

/// The axes that split off a part, first to last.
fn path(parts: &[(u32, Option<TensorAxis>)], mut part: u32) -> Vec<TensorAxis> {
    let mut axes = Vec::new();
    while let (up, Some(axis)) = parts[part as usize] {
        axes.push(axis);
        part = up;
    }
    axes.reverse();
    axes
}

/// The nodes of an axis.
fn span(tensors: &[TensorEntry], axis: TensorAxis) -> std::ops::Range<usize> {
    let entry = &tensors[axis.tensor.index()];
    let first = entry.first[axis.axis] as usize;
    first..first + entry.indices(axis.axis).unwrap_or(0)
}
