//! Tensors in the graph: a name, the lengths of axes, and for constants the roles of their axes.

/// A tensor of one [`Graph`](crate::Graph).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorId(pub(crate) u32);

impl TensorId {
    /// The position of the tensor, in the order in which tensors were added.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// Axis `axis` of this tensor.
    pub fn axis(self, axis: usize) -> TensorAxis {
        TensorAxis { tensor: self, axis }
    }
}

/// One axis of one tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorAxis {
    /// The tensor.
    pub tensor: TensorId,
    /// The position of the axis in the tensor's shape.
    pub axis: usize,
}

/// The role of a constant's axis in the operator that reads the constant.
///
/// It tells which values have to be zero for a channel to be closed: the rows of its [`Role::Writer`]s. Columns of a
/// [`Role::Reader`] then multiply a value that is zero already. A [`Role::Divisor`] stays as it is, since a division by
/// zero is no removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Values along the axis become values of the channel: rows of a weight, biases, scales and shifts.
    #[default]
    Writer,
    /// The operator sums over the axis: columns of the next weight.
    Reader,
    /// Values are divisors or normalise: variances, means, divisors.
    Divisor,
}

/// An added tensor.
#[derive(Debug, Clone)]
pub(crate) struct TensorEntry {
    pub(crate) name: String,
    /// Lengths of the axes; `None` for an unknown length.
    pub(crate) sizes: Vec<Option<usize>>,
    /// For each axis of unknown length that consists of whole runs, the length of a run.
    pub(crate) runs: Vec<Option<usize>>,
    /// The first node of each axis of known length or of runs.
    pub(crate) first: Vec<u32>,
    pub(crate) constant: bool,
    /// True if its slices are scored: a floating constant of rank 2 or more.
    pub(crate) weight: bool,
    /// Roles of the axes, if it is a constant and they are known.
    pub(crate) roles: Vec<Option<Role>>,
}

impl TensorEntry {
    /// The indices of an axis that have nodes: all, or those of one run, or none.
    pub(crate) fn indices(&self, axis: usize) -> Option<usize> {
        (*self.sizes.get(axis)?).or(self.runs[axis])
    }
}
