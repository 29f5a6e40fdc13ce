//! Plain tensors in memory of every order.

#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(dead_code, reason = "not every test needs every order")]

use prune_core::PlainTensor;
use prune_core::testing::generators::{TestElement, dense_layout, to_memory_order};

/// A plain tensor whose memory runs through the axes in `order`, backwards along axes that are `reversed`.
fn lying<E: TestElement>(shape: &[usize], logical: &[E], order: &[usize], reversed: &[bool]) -> PlainTensor<E> {
    let layout = dense_layout(shape, order, reversed);
    let memory = to_memory_order(&layout, logical);
    PlainTensor::from_memory(layout, memory).unwrap()
}

pub(crate) fn row_major<E: TestElement>(shape: &[usize], logical: Vec<E>) -> PlainTensor<E> {
    PlainTensor::from_logical(shape, logical).unwrap()
}

pub(crate) fn column_major<E: TestElement>(shape: &[usize], logical: Vec<E>) -> PlainTensor<E> {
    let order: Vec<usize> = (0..shape.len()).rev().collect();
    lying(shape, &logical, &order, &vec![false; shape.len()])
}

/// Every other axis backwards, beginning with the last.
pub(crate) fn reversed<E: TestElement>(shape: &[usize], logical: Vec<E>) -> PlainTensor<E> {
    let order: Vec<usize> = (0..shape.len()).collect();
    let reversed: Vec<bool> = order.iter().map(|axis| (shape.len() - axis) % 2 == 1).collect();
    lying(shape, &logical, &order, &reversed)
}

/// Axes rotated by one, every third backwards.
pub(crate) fn permuted<E: TestElement>(shape: &[usize], logical: Vec<E>) -> PlainTensor<E> {
    let mut order: Vec<usize> = (0..shape.len()).collect();
    order.rotate_left(usize::from(shape.len() > 1));
    let reversed: Vec<bool> = (0..shape.len()).map(|axis| axis % 3 == 1).collect();
    lying(shape, &logical, &order, &reversed)
}
