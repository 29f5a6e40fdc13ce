//! The conformance suite on the plain reference tensor: every element type, in memory of every kind of order.

#![allow(clippy::unwrap_used, reason = "tests")]

use half::{bf16, f16};
use prune_core::testing::generators::{TestElement, dense_layout, to_memory_order};
use prune_core::{PlainTensor, PruneExt, conformance_tests};

/// A plain tensor whose memory runs through the axes in `order`, backwards where `reversed` says so.
fn lying<E: TestElement>(shape: &[usize], logical: &[E], order: &[usize], reversed: &[bool]) -> PlainTensor<E> {
    let layout = dense_layout(shape, order, reversed);
    let memory = to_memory_order(&layout, logical);
    PlainTensor::from_memory(layout, memory).unwrap()
}

fn row_major<E: TestElement>(shape: &[usize], logical: Vec<E>) -> PlainTensor<E> {
    PlainTensor::from_logical(shape, logical).unwrap()
}

fn column_major<E: TestElement>(shape: &[usize], logical: Vec<E>) -> PlainTensor<E> {
    let order: Vec<usize> = (0..shape.len()).rev().collect();
    lying(shape, &logical, &order, &vec![false; shape.len()])
}

/// Every other axis backwards, the last one first of all.
fn reversed<E: TestElement>(shape: &[usize], logical: Vec<E>) -> PlainTensor<E> {
    let order: Vec<usize> = (0..shape.len()).collect();
    let reversed: Vec<bool> = order.iter().map(|axis| (shape.len() - axis) % 2 == 1).collect();
    lying(shape, &logical, &order, &reversed)
}

/// Axes rotated by one, every third backwards.
fn permuted<E: TestElement>(shape: &[usize], logical: Vec<E>) -> PlainTensor<E> {
    let mut order: Vec<usize> = (0..shape.len()).collect();
    order.rotate_left(usize::from(shape.len() > 1));
    let reversed: Vec<bool> = (0..shape.len()).map(|axis| axis % 3 == 1).collect();
    lying(shape, &logical, &order, &reversed)
}

conformance_tests!(row_major_f32: f32, |shape, data| row_major(shape, data));
conformance_tests!(row_major_f64: f64, |shape, data| row_major(shape, data));
conformance_tests!(row_major_f16: f16, |shape, data| row_major(shape, data));
conformance_tests!(row_major_bf16: bf16, |shape, data| row_major(shape, data));

conformance_tests!(column_major_f32: f32, |shape, data| column_major(shape, data));
conformance_tests!(column_major_f64: f64, |shape, data| column_major(shape, data));
conformance_tests!(column_major_f16: f16, |shape, data| column_major(shape, data));
conformance_tests!(column_major_bf16: bf16, |shape, data| column_major(shape, data));

conformance_tests!(reversed_f32: f32, |shape, data| reversed(shape, data));
conformance_tests!(reversed_f64: f64, |shape, data| reversed(shape, data));
conformance_tests!(reversed_f16: f16, |shape, data| reversed(shape, data));
conformance_tests!(reversed_bf16: bf16, |shape, data| reversed(shape, data));

conformance_tests!(permuted_f32: f32, |shape, data| permuted(shape, data));
conformance_tests!(permuted_f64: f64, |shape, data| permuted(shape, data));
conformance_tests!(permuted_f16: f16, |shape, data| permuted(shape, data));
conformance_tests!(permuted_bf16: bf16, |shape, data| permuted(shape, data));
