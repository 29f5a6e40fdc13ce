//! One element of an integer tensor.

use prune_graph::TensorAxis;

use super::Size;

/// An element of an integer tensor: its value, as far as it is known, and the axis whose length it is a copy of.
///
/// A copy follows its axis: when indices of the axis are removed, the element is the new length without any change to
/// it. An operator that computes with a copy pins the axis. An element of a constant in the model can get another value
/// at its source, the place where it enters a chain of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Int {
    pub(crate) value: Option<Size>,
    pub(crate) copy_of: Option<TensorAxis>,
    pub(crate) source: Option<ConstantPlace>,
}

/// The place where a constant element enters a chain of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConstantPlace {
    /// The node that reads the constant.
    pub(crate) node: usize,
    /// The input that takes it.
    pub(crate) slot: usize,
    /// The element.
    pub(crate) element: usize,
}

impl Int {
    pub(crate) fn known(value: i64) -> Self {
        Int { value: Some(Size::known(value)), copy_of: None, source: None }
    }

    pub(crate) fn unknown() -> Self {
        Int { value: None, copy_of: None, source: None }
    }

    pub(crate) fn plain(value: Option<Size>) -> Self {
        Int { value, copy_of: None, source: None }
    }

    /// The number of an element that removals leave unchanged.
    pub(crate) fn constant(&self) -> Option<i64> {
        match self.copy_of {
            None => self.number(),
            Some(_) => None,
        }
    }

    pub(crate) fn number(&self) -> Option<i64> {
        self.value.as_ref().and_then(Size::number)
    }
}
