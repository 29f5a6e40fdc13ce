//! The graph while operators make statements: joins of axes, segments and blocks, and pins.

use std::collections::HashMap;

use crate::error::GraphError;
use crate::factoring::Factoring;
use crate::reason::{Reason, ReasonId};
use crate::tensor::{Role, TensorAxis, TensorEntry, TensorId};
use crate::union::Sets;

/// The most indices in a graph. Each takes two words, so a graph takes at most a gigabyte.
pub const MOST_INDICES: usize = 1 << 27;

/// Tensors of a network and the statements of its operators about them.
///
/// Every index of every axis of known length is a node. Operators join nodes that must go together, and pin nodes that
/// may not go. If a join is impossible (axes of different or unknown length, indices out of range), its axes are
/// pinned. So a statement with wrong sizes never makes anything removable.
///
/// # Examples
///
/// A dense layer of 3 neurons feeds another: a neuron is a row of the first weight and a column of the second.
///
/// ```
/// use prune_graph::{Graph, Reason};
///
/// let mut graph = Graph::new();
/// let first = graph.constant("first", &[3, 2], true)?;
/// let second = graph.constant("second", &[1, 3], true)?;
/// let why = graph.reason(Reason::new("Gemm", "", "reads the axis"));
/// graph.join(first.axis(0), second.axis(1), why);
/// graph.pin(first.axis(1), why);
/// graph.pin(second.axis(0), why);
/// let classes = graph.close();
/// assert_eq!((classes.families().len(), classes.len()), (1, 3));
/// # Ok::<(), prune_graph::GraphError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub(crate) tensors: Vec<TensorEntry>,
    pub(crate) names: HashMap<String, TensorId>,
    pub(crate) sets: Sets,
    pub(crate) reasons: Vec<Reason>,
    numbers: HashMap<Reason, ReasonId>,
    /// For each axis that is a view, the axis that it views.
    views: HashMap<TensorAxis, TensorAxis>,
    pub(crate) factorings: Vec<Factoring>,
}

impl Graph {
    /// A graph without tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tensor that is an input of the network or is computed by it.
    ///
    /// # Errors
    ///
    /// [`GraphError::DuplicateTensor`] and [`GraphError::TooManyIndices`].
    pub fn tensor(&mut self, name: &str, sizes: &[Option<usize>]) -> Result<TensorId, GraphError> {
        self.add(name, sizes, false, false)
    }

    /// Adds a constant. `weight` says that its slices are scored; it is true for floating constants. A constant of rank
    /// 0 or 1 is never scored.
    ///
    /// # Errors
    ///
    /// As [`Graph::tensor`].
    pub fn constant(&mut self, name: &str, sizes: &[usize], weight: bool) -> Result<TensorId, GraphError> {
        let sizes: Vec<_> = sizes.iter().copied().map(Some).collect();
        self.add(name, &sizes, true, weight && sizes.len() >= 2)
    }

    fn add(
        &mut self,
        name: &str,
        sizes: &[Option<usize>],
        constant: bool,
        weight: bool,
    ) -> Result<TensorId, GraphError> {
        if self.names.contains_key(name) {
            return Err(GraphError::DuplicateTensor { name: name.to_owned() });
        }
        let more: u128 = sizes.iter().flatten().map(|&n| n as u128).sum();
        let indices = self.sets.len() as u128 + more;
        if indices > MOST_INDICES as u128 {
            return Err(GraphError::TooManyIndices { name: name.to_owned(), indices, most: MOST_INDICES });
        }
        let first = sizes.iter().map(|n| self.sets.grow(n.unwrap_or(0))).collect();
        let id = TensorId(self.tensors.len() as u32);
        self.names.insert(name.to_owned(), id);
        let (roles, runs) = (vec![None; sizes.len()], vec![None; sizes.len()]);
        self.tensors.push(TensorEntry {
            name: name.to_owned(),
            sizes: sizes.to_vec(),
            runs,
            first,
            constant,
            weight,
            roles,
        });
        Ok(id)
    }

    /// States that an axis of unknown length consists of whole runs of `len` indices. For example, `batch * heads`
    /// consists of runs of heads. Index `i` of a run stands for index `i` of every run. Such an axis joins only axes
    /// with runs of this length, and reshapes join it only by factors of `len`. An axis of known length, or one that
    /// has runs, stays as it is.
    pub fn set_runs(&mut self, axis: TensorAxis, len: usize) {
        let fits = self.sets.len().checked_add(len).is_some_and(|indices| indices <= MOST_INDICES);
        let entry = self.tensors.get_mut(axis.tensor.index());
        if let Some(entry) = entry.filter(|entry| entry.sizes.get(axis.axis) == Some(&None))
            && entry.runs[axis.axis].is_none()
            && fits
        {
            entry.first[axis.axis] = self.sets.grow(len);
            entry.runs[axis.axis] = Some(len);
        }
    }

    /// The length of the runs of an axis of unknown length, if it has any.
    pub fn runs(&self, axis: TensorAxis) -> Option<usize> {
        *self.tensors.get(axis.tensor.index())?.runs.get(axis.axis)?
    }

    /// The tensor of a name.
    pub fn find(&self, name: &str) -> Option<TensorId> {
        self.names.get(name).copied()
    }

    /// The lengths of a tensor's axes; `None` for an unknown length.
    pub fn sizes(&self, tensor: TensorId) -> &[Option<usize>] {
        self.tensors.get(tensor.index()).map_or(&[], |entry| &entry.sizes)
    }

    /// Adds a reason for later pins.
    pub fn reason(&mut self, reason: Reason) -> ReasonId {
        if let Some(&known) = self.numbers.get(&reason) {
            return known;
        }
        let id = ReasonId(self.reasons.len() as u32);
        self.reasons.push(reason.clone());
        self.numbers.insert(reason, id);
        id
    }

    /// States the role of a constant's axis, and of the axis that it [views](Graph::view). The first statement counts,
    /// but [`Role::Divisor`] overrides it: a value that divides somewhere must not become zero anywhere.
    pub fn role(&mut self, axis: TensorAxis, role: Role) {
        let mut next = Some(axis);
        while let Some(axis) = next {
            let roles = self.tensors.get_mut(axis.tensor.index()).map(|entry| &mut entry.roles);
            if let Some(slot) = roles.and_then(|roles| roles.get_mut(axis.axis))
                && (slot.is_none() || role == Role::Divisor)
            {
                *slot = Some(role);
            }
            next = self.views.get(&axis).copied();
        }
    }

    /// States that `axis` holds the values of `of` unchanged, as in a transposed or converted constant. Roles of `axis`
    /// that are stated from here on are roles of `of` too. Joins have to be stated for each. A tensor can view only a
    /// tensor that was added before it.
    pub fn view(&mut self, axis: TensorAxis, of: TensorAxis) {
        if of.tensor < axis.tensor {
            self.views.insert(axis, of);
        }
    }

    /// Joins two axes index by index. Pins both if their lengths, or the lengths of their runs, differ or are unknown.
    pub fn join(&mut self, a: TensorAxis, b: TensorAxis, why: ReasonId) {
        let alike = self.runs(a) == self.runs(b);
        match (self.indices(a), self.indices(b)) {
            (Some((x, n)), Some((y, m))) if n == m && alike => (0..n as u32).for_each(|i| self.sets.join(x + i, y + i)),
            _ => self.pin_both(a, b, why),
        }
    }

    /// Joins `len` indices of `a` from `from_a` with those of `b` from `from_b`. Pins both axes if either is too short.
    pub fn join_segment(
        &mut self,
        (a, from_a): (TensorAxis, usize),
        (b, from_b): (TensorAxis, usize),
        len: usize,
        why: ReasonId,
    ) {
        match (self.nodes(a), self.nodes(b)) {
            (Some((x, n)), Some((y, m))) if fits(from_a, len, n) && fits(from_b, len, m) => {
                let (x, y) = (x + from_a as u32, y + from_b as u32);
                (0..len as u32).for_each(|i| self.sets.join(x + i, y + i));
            }
            _ => self.pin_both(a, b, why),
        }
    }

    /// Joins two indices. Pins both axes if either index is out of range.
    pub fn join_index(&mut self, (a, i): (TensorAxis, usize), (b, j): (TensorAxis, usize), why: ReasonId) {
        self.join_segment((a, i), (b, j), 1, why);
    }

    /// Joins the indices of an axis that have the same position in each of `groups` equal groups. Pins the axis if
    /// there are no equal groups.
    pub fn join_groups(&mut self, axis: TensorAxis, groups: usize, why: ReasonId) {
        match self.nodes(axis) {
            Some((x, n)) if groups > 0 && n % groups == 0 => {
                let local = n / groups;
                (local..n).for_each(|i| self.sets.join(x + (i % local) as u32, x + i as u32));
            }
            _ => self.pin(axis, why),
        }
    }

    /// Joins index `i` of `flat` with index `(i / inner) % n` of `factor`, where `n` is the length of `factor`. Pins
    /// both axes if `flat` does not consist of whole runs.
    pub fn join_blocks(&mut self, flat: TensorAxis, factor: TensorAxis, inner: usize, why: ReasonId) {
        match (self.nodes(flat), self.nodes(factor)) {
            (Some((x, n)), Some((y, m))) if divides(m, inner, n) => {
                (0..n).for_each(|i| self.sets.join(y + (i / inner % m) as u32, x + i as u32));
            }
            _ => self.pin_both(flat, factor, why),
        }
    }

    /// Joins indices of an axis that have the same `(i / inner) % len`. Pins the axis if it does not consist of whole
    /// runs.
    pub fn join_within(&mut self, flat: TensorAxis, len: usize, inner: usize, why: ReasonId) {
        match self.indices(flat) {
            Some((x, n)) if divides(len, inner, n) => {
                (0..n).for_each(|i| self.sets.join(x + (i / inner % len * inner) as u32, x + i as u32));
            }
            _ => self.pin(flat, why),
        }
    }

    /// States that a reshape regroups axes. [`Graph::close`] decides which factor joins.
    pub fn factor(&mut self, factoring: Factoring) {
        self.factorings.push(factoring);
    }

    /// Pins every index of an axis.
    pub fn pin(&mut self, axis: TensorAxis, why: ReasonId) {
        if let Some((x, n)) = self.indices(axis) {
            (0..n as u32).for_each(|i| self.sets.pin(x + i, why.0));
        }
    }

    /// Pins one index of an axis. An index out of range pins the axis.
    pub fn pin_index(&mut self, axis: TensorAxis, index: usize, why: ReasonId) {
        match self.nodes(axis) {
            Some((x, n)) if index < n => self.sets.pin(x + index as u32, why.0),
            _ => self.pin(axis, why),
        }
    }

    /// Pins every axis of a tensor.
    pub fn pin_tensor(&mut self, tensor: TensorId, why: ReasonId) {
        (0..self.sizes(tensor).len()).for_each(|axis| self.pin(tensor.axis(axis), why));
    }

    fn pin_both(&mut self, a: TensorAxis, b: TensorAxis, why: ReasonId) {
        self.pin(a, why);
        self.pin(b, why);
    }

    /// The first node and the length of an axis of known length.
    pub(crate) fn nodes(&self, axis: TensorAxis) -> Option<(u32, usize)> {
        let entry = self.tensors.get(axis.tensor.index())?;
        let n = (*entry.sizes.get(axis.axis)?)?;
        Some((entry.first[axis.axis], n))
    }

    /// The first node of an axis and the number of its nodes: one for each index, or for each index of a run.
    pub(crate) fn indices(&self, axis: TensorAxis) -> Option<(u32, usize)> {
        let entry = self.tensors.get(axis.tensor.index())?;
        Some((*entry.first.get(axis.axis)?, entry.indices(axis.axis)?))
    }

    /// Every index of the axis is pinned so far, or the axis has none that could be removed.
    pub fn is_pinned(&mut self, axis: TensorAxis) -> bool {
        match self.indices(axis) {
            Some((x, n)) => (0..n as u32).all(|i| self.sets.pinned(x + i).is_some()),
            None => true,
        }
    }
}

fn fits(from: usize, len: usize, n: usize) -> bool {
    from.checked_add(len).is_some_and(|end| end <= n)
}

fn divides(len: usize, inner: usize, n: usize) -> bool {
    len.checked_mul(inner).is_some_and(|run| run > 0 && n.is_multiple_of(run))
}
