//! The rows of the table: the work, its base, and the ratio that it should reach.

mod applying;
mod columns;
mod hard;
mod models;
mod pieces;
mod plain;
mod sets;
mod small;
mod types;

use std::ops::Deref;

use prune_core::{Density, Element, Mask, NmPattern, PlainTensor};

use crate::Args;
use crate::inputs::{make, weight};
use crate::measure::in_turns;
use crate::reading::{Words, read};
use crate::show::{Outcome, Row};
use crate::size::{Bar, Rotation};

/// Every row, measured when the iterator reaches it.
pub(crate) fn all(args: &Args) -> impl Iterator<Item = Row> {
    let groups: [fn(&mut Group<'_>); 10] = [
        types::f32_by_size,
        applying::rows,
        plain::rows,
        models::rows,
        types::other_types,
        pieces::rows,
        columns::rows,
        small::rows,
        sets::rows,
        hard::rows,
    ];
    groups.into_iter().flat_map(move |group| {
        let mut rows = Vec::new();
        group(&mut Group { args, rounds: args.rounds, rows: &mut rows });
        rows
    })
}

/// Collects the rows of a group, except the unwanted ones.
struct Group<'a> {
    args: &'a Args,
    rounds: usize,
    rows: &'a mut Vec<Row>,
}

impl Group<'_> {
    fn wants(&self, name: &str) -> bool {
        name.contains(&self.args.only)
    }

    fn push(&mut self, name: &str, bar: Option<Bar>, outcome: Outcome) {
        self.rows.push(Row { name: name.to_owned(), bar, outcome });
    }

    /// A row of two things that are timed in turns.
    fn time<R, B>(&mut self, name: &str, bar: Option<Bar>, work: impl FnMut() -> R, base: impl FnMut() -> B) {
        if self.wants(name) {
            let measured = in_turns(self.rounds, work, base);
            self.push(name, bar, Outcome::Time { measured, read: None, hot: None });
        }
    }

    /// A row of work on a tensor, compared with reading it, on tensors that take turns and come from memory. If a
    /// tensor fits the caches, the work is also timed on one that stays in them.
    fn against_reading<E: Words, R>(
        &mut self,
        name: &str,
        bar: Option<Bar>,
        tensors: &impl Deref<Target = Rotation<PlainTensor<E>>>,
        work: impl Fn(&PlainTensor<E>) -> R,
    ) {
        if self.wants(name) {
            let tensors: &Rotation<_> = tensors;
            let measured = in_turns(self.rounds, || work(tensors.next()), || read(tensors.next().values()));
            let first = tensors.first();
            let hot = || in_turns(self.rounds, || work(first), || read(first.values()));
            let hot = tensors.turns().then(hot);
            self.push(name, bar, Outcome::Time { measured, read: Some(size_of_val(first.values())), hot });
        }
    }
}

fn density(kept: f64) -> Density {
    Density::new(kept).unwrap_or(Density::ONE)
}

fn pattern(n: usize, m: usize) -> NmPattern {
    NmPattern::new(n, m).unwrap_or_else(|_| unreachable!("written here"))
}

/// The side of a square matrix of about `size` elements, a multiple of 8.
fn side(size: usize) -> usize {
    (size as f64).sqrt() as usize / 8 * 8
}

fn matrix(size: usize) -> PlainTensor<f32> {
    let side = side(size);
    tensor(&[side, side], make(side * side, |i| weight(i) as f32))
}

fn tensor<E: Element>(shape: &[usize], values: Vec<E>) -> PlainTensor<E> {
    PlainTensor::from_logical(shape, values).unwrap_or_else(|_| unreachable!("as many values as elements"))
}

/// The mask, which must be made. Its bits are not checked here; the tests check them.
fn must<T>(mask: Result<T, prune_core::Error>) -> T {
    mask.unwrap_or_else(|error| panic!("{error}"))
}

/// The mask of the largest weights.
fn mask_of(weights: &PlainTensor<f32>, kept: f64) -> Mask {
    use prune_core::PruneExt as _;
    must(weights.mask_unstructured(density(kept)))
}
