//! Numbers whose element type is a value, so that the laws are compiled once, and not once for each type in each
//! backend.

use core::fmt;

use half::{bf16, f16};
use proptest::prelude::*;

use crate::element_type::ElementType;
use crate::layout::Layout;
use crate::tensor::PlainTensor;
use crate::testing::conformance::{Subject, adapt_plain};
use crate::testing::generators::{self, TestElement, ValueKind, to_memory_order};

/// A number of one of the element types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Number {
    element_type: ElementType,
    bits: u64,
}

/// Runs `$body` with `$E` as the type of `$element_type`.
macro_rules! for_type {
    ($element_type:expr, $E:ident => $body:expr) => {
        match $element_type {
            ElementType::F32 => {
                type $E = f32;
                $body
            }
            ElementType::F64 => {
                type $E = f64;
                $body
            }
            ElementType::F16 => {
                type $E = f16;
                $body
            }
            ElementType::Bf16 => {
                type $E = bf16;
                $body
            }
        }
    };
}

impl Number {
    pub(crate) fn of<E: TestElement>(value: E) -> Self {
        Number { element_type: E::TYPE, bits: value.low_bits() }
    }

    pub(crate) fn all<E: TestElement>(values: Vec<E>) -> Vec<Self> {
        values.into_iter().map(Number::of).collect()
    }

    /// The numbers as values of their type.
    pub(crate) fn typed<E: TestElement>(numbers: &[Number]) -> Vec<E> {
        numbers.iter().map(|number| E::from_low_bits(number.bits)).collect()
    }

    pub(crate) fn nearest(element_type: ElementType, value: f64) -> Self {
        for_type!(element_type, E => Number::of(<E as TestElement>::nearest(value)))
    }

    /// The nearest number of the same type.
    pub(crate) fn like(self, value: f64) -> Self {
        Number::nearest(self.element_type, value)
    }

    pub(crate) fn to_f64(self) -> f64 {
        for_type!(self.element_type, E => crate::Element::to_f64(E::from_low_bits(self.bits)))
    }

    pub(crate) fn low_bits(self) -> u64 {
        self.bits
    }

    pub(crate) fn flipped(self) -> Self {
        for_type!(self.element_type, E => Number::of(E::from_low_bits(self.bits).flipped()))
    }

    /// [`generators::values`].
    pub(crate) fn values(element_type: ElementType, len: usize) -> BoxedStrategy<Vec<Number>> {
        for_type!(element_type, E => generators::values::<E>(len).prop_map(Number::all).boxed())
    }

    /// [`generators::values_with_nan`].
    pub(crate) fn values_with_nan(element_type: ElementType, len: usize) -> BoxedStrategy<Vec<Number>> {
        for_type!(element_type, E => generators::values_with_nan::<E>(len).prop_map(Number::all).boxed())
    }

    /// [`generators::many_values`].
    pub(crate) fn many(element_type: ElementType, kind: ValueKind, len: usize, seed: u64) -> Vec<Number> {
        for_type!(element_type, E => Number::all(generators::many_values::<E>(kind, len, seed)))
    }

    /// The reference tensor with these logical values in memory of a layout.
    pub(crate) fn plain(element_type: ElementType, layout: Layout, logical: &[Number]) -> Box<dyn Subject> {
        for_type!(element_type, E => {
            let memory = to_memory_order(&layout, &Number::typed::<E>(logical));
            match PlainTensor::from_memory(layout, memory) {
                Ok(tensor) => adapt_plain(tensor),
                Err(error) => unreachable!("the generators' layouts are dense: {error}"),
            }
        })
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for_type!(self.element_type, E => fmt::Debug::fmt(&E::from_low_bits(self.bits), f))
    }
}
