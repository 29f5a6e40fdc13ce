//! The laws, by subject, and their shared parts: cases, and the comparison with the oracle.

mod activating;
mod applying;
mod layouts;
mod number;
mod selecting;
mod structures;
mod threads;

pub use activating::*;
pub use applying::*;
pub use layouts::*;
pub use number::Number;
pub use selecting::*;
pub use structures::*;
pub use threads::*;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use crate::error::{Error, ErrorKind};
use crate::key::RankBy;
use crate::mask::Mask;
use crate::select::Selected;
use crate::tensor::{LayerRef, for_any_type};
use crate::testing::conformance::Suite;
use crate::testing::generators::{Brief, TestElement, values};
use crate::testing::oracle::{self, Answer, Refusal};

/// A shape with values in logical order.
type Values = (Vec<usize>, Vec<Number>);

/// A shape with values and a choice among its elements.
type Masked = (Vec<usize>, Vec<Number>, Vec<bool>);

fn tensors(suite: &Suite, shapes: BoxedStrategy<Vec<usize>>) -> BoxedStrategy<Values> {
    let element_type = suite.element_type();
    shapes
        .prop_flat_map(move |shape| {
            let len = shape.iter().product();
            (Just(shape), Number::values(element_type, len))
        })
        .boxed()
}

/// Small tensors in which some values may be NaN.
fn with_nan(suite: &Suite) -> BoxedStrategy<Values> {
    let element_type = suite.element_type();
    suite
        .shapes()
        .small()
        .prop_flat_map(move |shape| {
            let len = shape.iter().product();
            (Just(shape), Number::values_with_nan(element_type, len))
        })
        .boxed()
}

fn small(suite: &Suite) -> BoxedStrategy<Values> {
    tensors(suite, suite.shapes().small())
}

/// Small tensors of at least one dimension, as N:M needs.
fn with_axes(suite: &Suite) -> BoxedStrategy<(Values, isize)> {
    let shapes = suite.shapes().small().prop_filter("groups run along an axis", |shape| !shape.is_empty());
    tensors(suite, shapes.boxed())
        .prop_flat_map(|(shape, data)| {
            let axes = super::generators::axes(shape.len());
            (Just((shape, data)), axes)
        })
        .boxed()
}

/// Any chosen elements of a tensor whose values come from `values`.
fn masked(tensors: BoxedStrategy<Values>) -> BoxedStrategy<Masked> {
    tensors
        .prop_flat_map(|(shape, data)| {
            let len = data.len();
            (Just(shape), Just(data), super::generators::alive(len))
        })
        .boxed()
}

fn scores(data: &[Number]) -> Vec<f64> {
    data.iter().map(|value| value.to_f64()).collect()
}

fn mask_of(shape: &[usize], kept: &[bool]) -> Result<Mask, TestCaseError> {
    Mask::from_bools(shape, kept).map_err(failed)
}

/// An error that must not happen.
fn failed(error: Error) -> TestCaseError {
    TestCaseError::fail(format!("refused: {error}"))
}

/// The bits of every element in logical order.
fn logical_bits(layer: &LayerRef<'_>) -> Result<Vec<u64>, TestCaseError> {
    fn bits<E: TestElement>(layout: &crate::Layout, values: &[E]) -> Vec<u64> {
        (0..values.len()).map(|i| values[super::generators::place_of(layout, i)].low_bits()).collect()
    }
    Ok(for_any_type!(LayerRef, layer, lent => {
        let (layout, values) = lent.dense().map_err(failed)?;
        bits(&layout, values)
    }))
}

fn bits_of(data: &[Number]) -> Vec<u64> {
    data.iter().map(|value| value.low_bits()).collect()
}

/// Both keep the same elements, count the same ties and short groups, or refuse for the same reason.
fn same(got: Result<&Selected, &Error>, wanted: Result<&Answer, &Refusal>) -> TestCaseResult {
    match (got, wanted) {
        (Ok(got), Ok(wanted)) => {
            same_elements(&got.mask, &wanted.kept)?;
            prop_assert_eq!(got.ties, wanted.ties, "ties");
            prop_assert_eq!(got.short_groups, wanted.short_groups, "short groups");
            Ok(())
        }
        (Err(got), Err(wanted)) => same_refusal(got, wanted),
        (got, wanted) => Err(TestCaseError::fail(format!("got {got:?} where the oracle has {wanted:?}"))),
    }
}

/// The same for a bare mask.
fn same_mask(got: Result<Mask, Error>, wanted: Result<Answer, Refusal>) -> TestCaseResult {
    match (got, wanted) {
        (Ok(got), Ok(wanted)) => same_elements(&got, &wanted.kept),
        (Err(got), Err(wanted)) => same_refusal(&got, &wanted),
        (got, wanted) => Err(TestCaseError::fail(format!("got {got:?} where the oracle has {wanted:?}"))),
    }
}

/// The same for the layers of one ranking.
fn same_all(got: Result<Vec<Selected>, Error>, wanted: Result<Vec<Answer>, Refusal>) -> TestCaseResult {
    match (got, wanted) {
        (Ok(got), Ok(wanted)) => {
            prop_assert_eq!(got.len(), wanted.len());
            got.iter().zip(&wanted).try_for_each(|(got, wanted)| same(Ok(got), Ok(wanted)))
        }
        (Err(got), Err(wanted)) => same_refusal(&got, &wanted),
        (got, wanted) => Err(TestCaseError::fail(format!("got {got:?} where the oracle has {wanted:?}"))),
    }
}

fn same_elements(got: &Mask, wanted: &[bool]) -> TestCaseResult {
    prop_assert_eq!(got.len(), wanted.len());
    let differing: Vec<usize> = (0..wanted.len()).filter(|&i| got.is_kept(i) != wanted[i]).collect();
    prop_assert!(differing.is_empty(), "kept where the oracle does not, or the reverse, at {}", Brief(&differing));
    Ok(())
}

fn same_refusal(got: &Error, wanted: &Refusal) -> TestCaseResult {
    let same = match (&got.kind, wanted) {
        (ErrorKind::Nan { index }, Refusal::Nan { layer, index: wanted }) => {
            (got.layer.as_deref().unwrap_or_default(), index) == (layer, wanted)
        }
        (ErrorKind::TooFewAlive { asked, alive, .. }, Refusal::TooFewAlive { asked: wanted, alive: wanted_alive }) => {
            (asked, alive) == (wanted, wanted_alive)
        }
        (ErrorKind::AxisOutOfRange { .. }, Refusal::NoSuchAxis) => true,
        _ => false,
    };
    prop_assert!(same, "refused with {got:?} where the oracle refuses with {wanted:?}");
    Ok(())
}

fn ranking() -> BoxedStrategy<RankBy> {
    prop_oneof![Just(RankBy::Magnitude), Just(RankBy::Value)].boxed()
}

/// A nameless layer for the oracle.
fn nameless<'a>(shape: &'a [usize], scores: &'a [f64], alive: Option<&'a [bool]>) -> oracle::Layer<'a> {
    oracle::Layer { name: "", shape, scores, alive }
}

/// A second and a third layer of another element type, for rankings over several.
fn companions() -> BoxedStrategy<(Vec<f64>, Vec<half::bf16>)> {
    (0usize..70, 0usize..70).prop_flat_map(|(a, b)| (values::<f64>(a), values::<half::bf16>(b))).boxed()
}
