//! Decides which factor of each reshape can be removed.

use std::collections::HashMap;

use crate::factoring::{FactoredAxis, Factoring};
use crate::graph::Graph;
use crate::tensor::TensorAxis;
use crate::union::Sets;

/// The place of a factor within an axis: its length, and the product of the lengths inside it.
type FactorPlace = (usize, usize);

impl Factoring {
    fn cuts(&self) -> Option<&FactoredAxis> {
        self.before.iter().find(|axis| axis.factors.len() > 1)
    }

    fn place(&self, axis: &FactoredAxis, factor: usize) -> Option<FactorPlace> {
        let at = axis.factors.iter().position(|&f| f == factor)?;
        let inner = axis.factors[at + 1..]
            .iter()
            .try_fold(1usize, |product, &f| product.checked_mul((*self.lengths.get(f)?)?))?;
        Some(((*self.lengths.get(factor)?)?, inner))
    }

    /// The axes on either side that contain a factor.
    fn holders(&self, factor: usize) -> impl Iterator<Item = &FactoredAxis> {
        self.before.iter().chain(&self.after).filter(move |axis| axis.factors.contains(&factor))
    }

    /// True if the factor could join now: both its axes have known lengths, and neither is pinned whole.
    fn is_free(&self, graph: &mut Graph, factor: usize) -> bool {
        let holders: Vec<_> = self.holders(factor).collect();
        holders.len() == 2
            && self.lengths.get(factor).copied().flatten().is_some_and(|n| n > 1)
            && holders.iter().all(|holder| self.place(holder, factor).is_some() && !graph.is_pinned(holder.axis))
    }

    /// The axes that hold a factor, each with the factor's place on it.
    fn places(&self, factor: usize) -> impl Iterator<Item = (TensorAxis, FactorPlace)> {
        self.holders(factor).filter_map(move |holder| Some((holder.axis, self.place(holder, factor)?)))
    }

    /// The first free factor that meets a condition. Factors of which some coordinate can still go come first.
    fn first_free(&self, graph: &mut Graph, allowed: impl Fn(usize) -> bool) -> Option<usize> {
        let free: Vec<usize> =
            (0..self.lengths.len()).filter(|&factor| allowed(factor) && self.is_free(graph, factor)).collect();
        free.iter()
            .copied()
            .find(|&factor| leaves_a_choice(graph, self.places(factor)))
            .or_else(|| free.first().copied())
    }

    /// Joins one factor, or none, and pins all others.
    fn settle(&self, graph: &mut Graph, chosen: Option<usize>) {
        let mut joined = Vec::new();
        if let Some(factor) = chosen {
            for holder in self.holders(factor) {
                if let Some((n, inner)) = self.place(holder, factor) {
                    graph.join_within(holder.axis, n, inner, self.reason);
                    joined.push((holder.axis, inner));
                }
            }
        }
        if let (&[(a, inner_a), (b, inner_b)], Some(n)) = (joined.as_slice(), chosen.and_then(|f| self.lengths[f])) {
            for i in 0..n {
                match (graph.indices(a), graph.indices(b)) {
                    (Some((x, n)), Some((y, m))) if i * inner_a < n && i * inner_b < m => {
                        graph.sets.join(x + (i * inner_a) as u32, y + (i * inner_b) as u32);
                    }
                    _ => [a, b].into_iter().for_each(|axis| graph.pin(axis, self.reason)),
                }
            }
        }
        for axis in self.before.iter().chain(&self.after) {
            if !joined.iter().any(|(joined, _)| *joined == axis.axis) {
                graph.pin(axis.axis, self.reason);
            }
        }
    }
}

/// Decides every reshape in the order that [`Factoring`] states.
pub(crate) fn decide(graph: &mut Graph, factorings: Vec<Factoring>) {
    let (cuts, products): (Vec<_>, Vec<_>) = factorings.into_iter().partition(|f| f.cuts().is_some());
    for product in &products {
        let chosen = product.first_free(graph, |_| true);
        product.settle(graph, chosen);
    }
    for group in alike(graph, &cuts) {
        let places: Vec<FactorPlace> = group
            .first()
            .and_then(|first| first.cuts().map(|axis| (first, axis)))
            .map(|(first, axis)| axis.factors.iter().filter_map(|&f| first.place(axis, f)).collect())
            .unwrap_or_default();
        let free: Vec<FactorPlace> = places
            .into_iter()
            .filter(|&place| {
                group.iter().all(|cut| at_place(cut, place).is_some_and(|factor| cut.is_free(graph, factor)))
            })
            .collect();
        // An earlier reshape may have joined the indices of this axis by one factor: in `batch * heads`, by the heads.
        // Only a later reshape may show that the batch stays. To choose another factor here would join all that is
        // left.
        let chosen = free.iter().find(|&&place| {
            let places = group.iter().flat_map(|cut| at_place(cut, place).map(|factor| cut.places(factor)));
            leaves_a_choice(graph, places.flatten())
        });
        let common = chosen.or(free.first()).copied();
        for cut in group {
            let factor = common.and_then(|place| at_place(cut, place));
            // Another run of axes in the same reshape may have a free factor.
            let factor = factor.or_else(|| {
                let cut_axis = cut.cuts().map(|axis| axis.axis);
                cut.first_free(graph, |f| cut.holders(f).all(|axis| Some(axis.axis) != cut_axis))
            });
            cut.settle(graph, factor);
        }
    }
}

/// True if something can still go when all these axes lose the same coordinates, each at its place. Indices that
/// already go together join their coordinates. The coordinates must not be one class, and one of them must hold nothing
/// that is pinned.
fn leaves_a_choice(graph: &mut Graph, places: impl Iterator<Item = (TensorAxis, FactorPlace)>) -> bool {
    let mut coordinates = Sets::default();
    let mut known: HashMap<u32, u32> = HashMap::new();
    for (axis, (len, inner)) in places {
        let Some((first, n)) = graph.indices(axis).filter(|_| len > 0 && inner > 0) else { return false };
        coordinates.grow(len.saturating_sub(coordinates.len()));
        for index in 0..n {
            let (root, at) = (graph.sets.root(first + index as u32), (index / inner % len) as u32);
            coordinates.join(*known.entry(root).or_insert(at), at);
            if graph.sets.pinned(root).is_some() {
                coordinates.pin(at, 0);
            }
        }
    }
    let count = coordinates.len() as u32;
    let first = (count > 0).then(|| coordinates.root(0));
    let differs = (0..count).any(|at| Some(coordinates.root(at)) != first);
    differs && (0..count).any(|at| coordinates.pinned(at).is_none())
}

/// The factor at a place of the axis that is cut.
fn at_place(cut: &Factoring, place: FactorPlace) -> Option<usize> {
    let axis = cut.cuts()?;
    axis.factors.iter().copied().find(|&factor| cut.place(axis, factor) == Some(place))
}

/// Groups cuts whose axes are joined index by index. Groups are in the order of their first cut.
fn alike<'a>(graph: &mut Graph, cuts: &'a [Factoring]) -> Vec<Vec<&'a Factoring>> {
    let mut groups: Vec<Vec<&Factoring>> = Vec::new();
    let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
    for cut in cuts {
        let nodes = cut.cuts().and_then(|axis| graph.indices(axis.axis));
        let roots: Option<Vec<u32>> = nodes.map(|(x, n)| (0..n as u32).map(|i| graph.sets.root(x + i)).collect());
        match roots {
            Some(roots) => {
                let at = *known.entry(roots).or_insert(groups.len());
                if at == groups.len() {
                    groups.push(Vec::new());
                }
                groups[at].push(cut);
            }
            None => groups.push(vec![cut]),
        }
    }
    groups
}
