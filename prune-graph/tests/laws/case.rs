//! Generated statements about axes, the graph that they make, and a naive oracle for its classes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use prune_graph::{Classes, Graph, Reason, TensorId, Weights};

/// A statement about axes. An axis is a position in the list of all axes.
#[derive(Debug, Clone)]
pub(super) enum Statement {
    Join(usize, usize),
    Segment(usize, usize, usize, usize, usize),
    Groups(usize, usize),
    Blocks(usize, usize, usize),
    Pin(usize),
    PinIndex(usize, usize),
}

#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) shapes: Vec<Vec<usize>>,
    pub(super) constant: Vec<bool>,
    pub(super) statements: Vec<Statement>,
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let shapes = prop::collection::vec(prop::collection::vec(1usize..7, 1..4), 1..6);
    let statement = prop_oneof![
        4 => (0usize..20, 0usize..20).prop_map(|(a, b)| Statement::Join(a, b)),
        3 => (0usize..20, 0usize..6, 0usize..20, 0usize..6, 0usize..4)
            .prop_map(|(a, i, b, j, n)| Statement::Segment(a, i, b, j, n)),
        1 => (0usize..20, 1usize..4).prop_map(|(a, n)| Statement::Groups(a, n)),
        1 => (0usize..20, 0usize..20, 1usize..4).prop_map(|(a, b, n)| Statement::Blocks(a, b, n)),
        1 => (0usize..20).prop_map(Statement::Pin),
        1 => (0usize..20, 0usize..7).prop_map(|(a, i)| Statement::PinIndex(a, i)),
    ];
    (shapes, prop::collection::vec(any::<bool>(), 6), prop::collection::vec(statement, 0..8))
        .prop_map(|(shapes, constant, statements)| Case { shapes, constant, statements })
}

/// The order of names is the reverse of the order in which tensors are added.
pub(super) fn name(tensor: usize) -> String {
    format!("t{}", 9 - tensor)
}

pub(super) fn axes(case: &Case) -> Vec<(usize, usize, usize)> {
    let shapes = case.shapes.iter().enumerate();
    shapes.flat_map(|(t, shape)| shape.iter().enumerate().map(move |(a, &n)| (t, a, n))).collect()
}

pub(super) fn build(case: &Case) -> Classes {
    let mut graph = Graph::new();
    let ids: Vec<TensorId> = case
        .shapes
        .iter()
        .enumerate()
        .map(|(t, shape)| {
            if case.constant[t] {
                graph.constant(&name(t), shape, true).expect("new")
            } else {
                let sizes: Vec<_> = shape.iter().copied().map(Some).collect();
                graph.tensor(&name(t), &sizes).expect("new")
            }
        })
        .collect();
    let axes = axes(case);
    let axis = |a: usize| {
        let (t, a, _) = axes[a % axes.len()];
        ids[t].axis(a)
    };
    for (number, statement) in case.statements.iter().enumerate() {
        let why = graph.reason(Reason::new("Op", format!("{number}"), "says so"));
        match *statement {
            Statement::Join(a, b) => graph.join(axis(a), axis(b), why),
            Statement::Segment(a, i, b, j, n) => graph.join_segment((axis(a), i), (axis(b), j), n, why),
            Statement::Groups(a, n) => graph.join_groups(axis(a), n, why),
            Statement::Blocks(a, b, n) => graph.join_blocks(axis(a), axis(b), n, why),
            Statement::Pin(a) => graph.pin(axis(a), why),
            Statement::PinIndex(a, i) => graph.pin_index(axis(a), i, why),
        }
    }
    graph.close()
}

pub(super) type Node = (String, usize, usize);

/// The classes by a naive method: statements become pairs of nodes, and the smallest member spreads until nothing
/// changes.
pub(super) fn naive(case: &Case) -> BTreeMap<Node, Option<Node>> {
    let axes = axes(case);
    let axis = |a: usize| axes[a % axes.len()];
    let node = |(t, a, _): (usize, usize, usize), i: usize| (name(t), a, i);
    let mut pairs: Vec<(Node, Node)> = Vec::new();
    let mut pinned: BTreeSet<Node> = BTreeSet::new();
    let pin = |a: (usize, usize, usize), pinned: &mut BTreeSet<Node>| {
        (0..a.2).for_each(|i| {
            pinned.insert(node(a, i));
        })
    };
    for statement in &case.statements {
        match *statement {
            Statement::Join(a, b) => {
                let (a, b) = (axis(a), axis(b));
                if a.2 == b.2 {
                    (0..a.2).for_each(|i| pairs.push((node(a, i), node(b, i))));
                } else {
                    pin(a, &mut pinned);
                    pin(b, &mut pinned);
                }
            }
            Statement::Segment(a, i, b, j, n) => {
                let (a, b) = (axis(a), axis(b));
                if i + n <= a.2 && j + n <= b.2 {
                    (0..n).for_each(|k| pairs.push((node(a, i + k), node(b, j + k))));
                } else {
                    pin(a, &mut pinned);
                    pin(b, &mut pinned);
                }
            }
            Statement::Groups(a, n) => {
                let a = axis(a);
                if a.2 % n == 0 {
                    let local = a.2 / n;
                    (0..n).for_each(|g| (0..local).for_each(|k| pairs.push((node(a, k), node(a, g * local + k)))));
                } else {
                    pin(a, &mut pinned);
                }
            }
            Statement::Blocks(a, b, inner) => {
                let (a, b) = (axis(a), axis(b));
                if a.2 % (inner * b.2) == 0 {
                    (0..a.2).for_each(|i| pairs.push((node(a, i), node(b, (i / inner) % b.2))));
                } else {
                    pin(a, &mut pinned);
                    pin(b, &mut pinned);
                }
            }
            Statement::Pin(a) => pin(axis(a), &mut pinned),
            Statement::PinIndex(a, i) => {
                let a = axis(a);
                if i < a.2 {
                    pinned.insert(node(a, i));
                } else {
                    pin(a, &mut pinned);
                }
            }
        }
    }
    let mut label: BTreeMap<Node, Node> = BTreeMap::new();
    for &a in &axes {
        (0..a.2).for_each(|i| {
            label.insert(node(a, i), node(a, i));
        });
    }
    loop {
        let mut changed = false;
        for (x, y) in &pairs {
            let least = label[x].clone().min(label[y].clone());
            for z in [x, y] {
                if label[z] != least {
                    label.insert(z.clone(), least.clone());
                    changed = true;
                }
            }
        }
        if !changed {
            break;
        }
    }
    let dead: BTreeSet<Node> = pinned.iter().map(|node| label[node].clone()).collect();
    label.into_iter().map(|(node, first)| (node, (!dead.contains(&first)).then_some(first))).collect()
}

pub(super) struct Values(pub(super) BTreeMap<TensorId, Vec<f64>>);

impl Weights for Values {
    fn visit(&self, tensor: TensorId, visit: &mut dyn FnMut(&[f64])) -> Result<(), String> {
        self.0[&tensor].chunks(5).for_each(visit);
        Ok(())
    }
}

pub(super) fn values(case: &Case, classes: &Classes, seed: u64) -> Values {
    let tensors = case.shapes.iter().enumerate().filter(|(t, _)| case.constant[*t]);
    Values(
        tensors
            .map(|(t, shape)| {
                let n: usize = shape.iter().product();
                // Coarse values, so that some scores are equal.
                let values = (0..n as u64).map(|i| (prune_core::draw(seed, &name(t), i) * 4.0).floor() - 1.0).collect();
                (classes.find(&name(t)).expect("known"), values)
            })
            .collect(),
    )
}
