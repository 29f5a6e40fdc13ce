//! The errors of operations on tensors and masks, each with its layer.

use core::fmt;

use crate::element_type::ElementType;
use crate::printable::printable;

/// An operation on tensors and masks that was refused. Nothing has been written when one of these is returned.
///
/// # Examples
///
/// ```
/// use prune_core::{Density, Error, ErrorKind, LayerRef, PlainTensor, Ranked, Selector};
///
/// let weights = PlainTensor::from_logical(&[2], vec![1.0f32, f32::NAN])?;
/// let weights = LayerRef::of(&weights);
/// let refused = Selector::default().unstructured(Ranked::new("fc", &weights), Density::new(0.5)?).unwrap_err();
/// assert_eq!(refused, Error::from(ErrorKind::Nan { index: vec![1] }).in_layer("fc"));
/// assert_eq!(
///     refused.to_string(),
///     "layer `fc`: the score at [1] is NaN, which has no rank; fix the value or exclude the layer"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// The refused layer; none if the tensor has no name, or if several layers together were refused.
    pub layer: Option<String>,
    /// The reason.
    pub kind: ErrorKind,
}

/// The reason why an operation was refused, apart from the layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A shape has more elements than can be counted.
    #[error("shape {shape:?} has more elements than memory can address")]
    ShapeOverflow {
        /// The shape given.
        shape: Vec<usize>,
    },
    /// A backend lent memory that does not fit the layout it claims.
    #[error(
        "layout of shape {shape:?}, strides {strides:?} and offset {offset} does not fit its {memory_len} elements of \
         memory: {why}"
    )]
    Layout {
        /// The shape claimed.
        shape: Box<[usize]>,
        /// The strides claimed.
        strides: Box<[isize]>,
        /// The offset claimed.
        offset: usize,
        /// The number of elements lent.
        memory_len: usize,
        /// The claim that does not fit.
        why: &'static str,
    },
    /// A tensor cannot be seen under another shape.
    #[error("a tensor of shape {from:?} and strides {strides:?} cannot be seen as {to:?}: {why}")]
    Reshape {
        /// The tensor's shape.
        from: Box<[usize]>,
        /// The tensor's strides.
        strides: Box<[isize]>,
        /// The shape asked for.
        to: Box<[usize]>,
        /// The reason, in words.
        why: &'static str,
    },
    /// Two things that must have one shape have two.
    #[error("the {what} has shape {got:?} where {expected:?} is needed")]
    ShapeMismatch {
        /// The thing that has the wrong shape.
        what: &'static str,
        /// The shape needed.
        expected: Vec<usize>,
        /// The shape found.
        got: Vec<usize>,
    },
    /// The number of values does not fit a shape.
    #[error("shape {shape:?} has {expected} elements, but {got} were given")]
    WrongLen {
        /// The shape given.
        shape: Vec<usize>,
        /// The number of elements of that shape.
        expected: usize,
        /// The number of values given.
        got: usize,
    },
    /// Packed bits are set past the end of a mask.
    #[error("bits are set past the last of the {len} elements of a mask")]
    TailBits {
        /// The number of elements of the mask.
        len: usize,
    },
    /// There is no such axis.
    #[error("axis {axis} does not exist: the tensor has {rank} axes, {}", axes_of(*rank))]
    AxisOutOfRange {
        /// The axis given.
        axis: isize,
        /// The number of axes.
        rank: usize,
    },
    /// The least that layers may keep is more than the budget for all of them.
    #[error(
        "{asked} elements are to be kept in all, but the minima of the layers add up to {least}; lower them or keep more"
    )]
    BudgetTooSmall {
        /// Elements asked for.
        asked: usize,
        /// The sum of the minima.
        least: usize,
    },
    /// The most that layers may keep is less than the budget for all of them.
    #[error(
        "{asked} elements are to be kept in all, but the maxima of the layers add up to {most}; raise them or keep fewer"
    )]
    BudgetTooLarge {
        /// Elements asked for.
        asked: usize,
        /// The sum of the maxima.
        most: usize,
    },
    /// A layer's least is above its most.
    #[error("it must keep at least {min} elements and at most {max}; lower the minimum or raise the maximum")]
    BoundsCross {
        /// The least it must keep.
        min: usize,
        /// The most it may keep.
        max: usize,
    },
    /// A score is NaN.
    #[error("the score at {index:?} is NaN, which has no rank; fix the value or exclude the layer")]
    Nan {
        /// The index of the first NaN in logical order.
        index: Vec<usize>,
    },
    /// The elements of an opaque layer are needed.
    #[error("it cannot be pruned: {why}; exclude it")]
    Opaque {
        /// The reason, in the backend's words.
        why: String,
    },
    /// More elements are asked for than the masks in force have left alive.
    #[error("{asked} elements are asked for, but only {alive} are alive under the masks in force; masks only close")]
    TooFewAlive {
        /// The number of elements asked for.
        asked: usize,
        /// The number of elements alive.
        alive: usize,
    },
    /// A score lacks data that it needs besides the weights.
    #[error("the score `{score}` needs {needs}, and there is none")]
    EvidenceMissing {
        /// The score.
        score: &'static str,
        /// The data it needs, in words.
        needs: String,
    },
    /// Two tensors that must have one element type have two.
    #[error("the values are {got} where {expected} is needed")]
    TypeMismatch {
        /// The element type needed.
        expected: ElementType,
        /// The element type found.
        got: ElementType,
    },
    /// More elements of a slice are asked for than the masks in force have left alive in it.
    #[error(
        "{asked} elements are asked for at index {slice} of axis {axis}, but only {alive} are alive there under the \
         masks in force; masks only close"
    )]
    TooFewAliveInSlice {
        /// The axis whose indices are each ranked alone, counted from the first.
        axis: usize,
        /// The first index at which too few are alive.
        slice: usize,
        /// The number of elements that the density asks for.
        asked: usize,
        /// The number of elements alive there.
        alive: usize,
    },
    /// A dense layer is no matrix.
    #[error("a dense layer has weights of rank 2, these are of shape {shape:?}")]
    NotAMatrix {
        /// The shape of its weights.
        shape: Vec<usize>,
    },
    /// A dense layer does not take the outputs of the layer before it.
    #[error("it takes {inputs} inputs, but `{}` before it has {outputs} outputs", printable(before))]
    ChainBroken {
        /// The number of inputs it takes.
        inputs: usize,
        /// The layer before it.
        before: String,
        /// The number of outputs of the layer before it.
        outputs: usize,
    },
    /// There are not as many bounds as layers.
    #[error("{bounds} bounds are given for {layers} layers; each layer needs one")]
    BoundCount {
        /// The number of layers.
        layers: usize,
        /// The number of bounds.
        bounds: usize,
    },
    /// More units are asked for than have any element alive.
    #[error(
        "{asked} units are asked for, but only {alive} have an element alive under the masks in force; masks only close"
    )]
    TooFewUnits {
        /// The number of units that the density asks for.
        asked: usize,
        /// The number of units that have an element alive.
        alive: usize,
    },
    /// No tensor has blocks of these sizes and axes.
    #[error("blocks of sizes {sizes:?} along {}: {why}", along(axes))]
    Blocks {
        /// The length of the blocks along each axis.
        sizes: Vec<usize>,
        /// The axes given; none for the last ones.
        axes: Vec<isize>,
        /// The reason, in words.
        why: &'static str,
    },
    /// The blocks have more axes than the tensor.
    #[error(
        "blocks of sizes {sizes:?} need {} axes, but the tensor of shape {shape:?} has {}; give fewer sizes",
        sizes.len(), shape.len()
    )]
    BlockRank {
        /// The length of the blocks along each axis.
        sizes: Vec<usize>,
        /// The shape of the tensor.
        shape: Vec<usize>,
    },
    /// One name stands for two layers.
    #[error("layer `{}` is given twice; every layer needs a name of its own", printable(name))]
    DuplicateLayer {
        /// The name.
        name: String,
    },
    /// Two layers share one memory and have different masks.
    #[error(
        "layers `{}` and `{}` are the same memory and have different masks; keep one name, or give both one mask",
        printable(first),
        printable(second)
    )]
    SharedMemory {
        /// One of the names.
        first: String,
        /// The other.
        second: String,
    },
    /// No layer has this name.
    #[error("there is no layer `{}`{}", printable(name), nearest_hint(nearest))]
    UnknownLayer {
        /// The name given.
        name: String,
        /// The nearest known name, if there are any.
        nearest: Option<String>,
    },
    /// A source of chunks could not be read, or its layers are not as it said.
    #[error("reading failed: {why}")]
    Source {
        /// The reason, in the source's words.
        why: String,
    },
}

impl Error {
    /// The same error with the name of the layer added. Nothing is added if the error names a layer already, if it is
    /// about several layers, or if the name is empty.
    #[must_use]
    pub fn in_layer(mut self, name: &str) -> Self {
        if self.layer.is_none() && !name.is_empty() && self.kind.is_of_one_layer() {
            self.layer = Some(name.to_owned());
        }
        self
    }
}

impl ErrorKind {
    /// The same reason as an error of this layer; an empty name is no name.
    #[must_use]
    pub fn in_layer(self, name: &str) -> Error {
        Error::from(self).in_layer(name)
    }

    /// True if the error is about one layer, false if it is about how several layers go together.
    fn is_of_one_layer(&self) -> bool {
        !matches!(
            self,
            ErrorKind::BudgetTooSmall { .. }
                | ErrorKind::BudgetTooLarge { .. }
                | ErrorKind::BoundCount { .. }
                | ErrorKind::DuplicateLayer { .. }
                | ErrorKind::SharedMemory { .. }
                | ErrorKind::UnknownLayer { .. }
        )
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error { layer: None, kind }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(layer) = &self.layer {
            write!(f, "layer `{}`: ", printable(layer))?;
        }
        self.kind.fmt(f)
    }
}

impl core::error::Error for Error {}

fn axes_of(rank: usize) -> String {
    match rank {
        0 => "it is a single number".to_owned(),
        1 => "0 (or -1)".to_owned(),
        _ => format!("0 to {} (or -{rank} to -1)", rank - 1),
    }
}

fn along(axes: &[isize]) -> String {
    if axes.is_empty() { "the last axes".to_owned() } else { format!("axes {axes:?}") }
}

fn nearest_hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean `{}`?", printable(name))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_a_terminal_nothing() {
        let red = "\u{1b}[31mfc".to_owned();
        let unknown = Error::from(ErrorKind::UnknownLayer { name: red.clone(), nearest: Some("f\nc".to_owned()) });
        assert_eq!(unknown.to_string(), r"there is no layer `\u{1b}[31mfc`; did you mean `f\nc`?");
        let nan = ErrorKind::Nan { index: vec![1] }.in_layer(&red).to_string();
        assert!(nan.starts_with(r"layer `\u{1b}[31mfc`: the score"), "{nan}");
        assert!("\u{7}".parse::<crate::Density>().is_err_and(|error| error.to_string().starts_with(r"`\u{7}` is not")));
    }

    /// Errors of other crates hold an [`Error`] and are returned by value.
    #[test]
    fn errors_are_small() {
        assert!(size_of::<Error>() <= 96, "{}", size_of::<Error>());
    }

    #[test]
    fn the_first_name_stays_and_sums_have_none() {
        let of = |kind: ErrorKind| Error::from(kind).in_layer("").in_layer("a").in_layer("b").layer;
        assert_eq!(of(ErrorKind::TailBits { len: 3 }), Some("a".to_owned()));
        assert_eq!(of(ErrorKind::BudgetTooSmall { asked: 1, least: 2 }), None);
        assert_eq!(of(ErrorKind::DuplicateLayer { name: "c".to_owned() }), None);
    }
}
