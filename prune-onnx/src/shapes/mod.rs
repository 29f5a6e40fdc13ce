//! Lengths of axes and elements of integer tensors, as far as they are known before a model runs. Each is a number or a
//! product of symbols.

mod int;
mod size;

pub(crate) use int::{ConstantPlace, Int};
pub(crate) use size::{Size, Symbols};

/// The shape of a value.
pub(crate) type Shape = Vec<Size>;
