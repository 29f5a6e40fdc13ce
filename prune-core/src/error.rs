//! Everything that operations on tensors and masks can refuse: in which layer, and what.

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
///     "layer `fc`: the score at [1] is NaN, which has no rank; mend the values or leave the layer out"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// The layer that was refused; none where the tensor has no name, or where several layers together were refused.
    pub layer: Option<String>,
    /// What was refused.
    pub kind: ErrorKind,
}

/// What was refused, wherever it was.
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
        /// How many elements were lent.
        memory_len: usize,
        /// What does not fit.
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
        /// What does not fit.
        why: &'static str,
    },
    /// Two things that must have one shape have two.
    #[error("the {what} has shape {got:?} where {expected:?} is needed")]
    ShapeMismatch {
        /// Which thing is of the wrong shape.
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
        /// How many elements it has.
        expected: usize,
        /// How many values were given.
        got: usize,
    },
    /// Packed bits are set past the end of a mask.
    #[error("bits are set past the last of the {len} elements of a mask")]
    TailBits {
        /// How many elements the mask has.
        len: usize,
    },
    /// There is no such axis.
    #[error("axis {axis} does not exist: the tensor has {rank} axes, {}", axes_of(*rank))]
    AxisOutOfRange {
        /// The axis given.
        axis: isize,
        /// How many axes there are.
        rank: usize,
    },
    /// The least that layers may keep is more than the budget for all of them.
    #[error(
        "{asked} elements are to be kept in all, but the minima of the layers add up to {least}; lower them or keep more"
    )]
    BudgetTooSmall {
        /// Elements asked for.
        asked: usize,
        /// What the minima add up to.
        least: usize,
    },
    /// The most that layers may keep is less than the budget for all of them.
    #[error(
        "{asked} elements are to be kept in all, but the maxima of the layers add up to {most}; raise them or keep fewer"
    )]
    BudgetTooLarge {
        /// Elements asked for.
        asked: usize,
        /// What the maxima add up to.
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
    #[error("the score at {index:?} is NaN, which has no rank; mend the values or leave the layer out")]
    Nan {
        /// The index of the first NaN in logical order.
        index: Vec<usize>,
    },
    /// The elements of an opaque layer are needed.
    #[error("it cannot be pruned: {why}; exclude it")]
    Opaque {
        /// Why they cannot be had, in the backend's words.
        why: String,
    },
    /// More elements are asked for than the masks in force have left alive.
    #[error("{asked} elements are asked for, but only {alive} are alive under the masks in force; masks only close")]
    TooFewAlive {
        /// How many elements are asked for.
        asked: usize,
        /// How many may be chosen.
        alive: usize,
    },
    /// A score lacks what it looks at besides the weights.
    #[error("the score `{score}` needs {needs}, and there is none")]
    EvidenceMissing {
        /// The score.
        score: &'static str,
        /// What it needs, in words.
        needs: String,
    },
    /// Two tensors that must be of one element type are of two.
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
        /// The axis of which each index is ranked by itself, counted from the first.
        axis: usize,
        /// The first index at which too few are alive.
        slice: usize,
        /// How many elements the density asks for.
        asked: usize,
        /// How many may be chosen.
        alive: usize,
    },
    /// A dense layer is no matrix.
    #[error("a dense layer has weights of rank 2, these are of shape {shape:?}")]
    NotAMatrix {
        /// The shape of its weights.
        shape: Vec<usize>,
    },
    /// A dense layer does not take what the one before it gives.
    #[error("it takes {inputs} inputs, but `{}` before it has {outputs} outputs", printable(before))]
    ChainBroken {
        /// How many inputs it takes.
        inputs: usize,
        /// The layer before it.
        before: String,
        /// How many outputs that one has.
        outputs: usize,
    },
    /// There are not as many bounds as layers.
    #[error("{bounds} bounds are given for {layers} layers; each layer needs one")]
    BoundCount {
        /// How many layers there are.
        layers: usize,
        /// How many bounds there are.
        bounds: usize,
    },
    /// More units are asked for than have any element alive.
    #[error(
        "{asked} units are asked for, but only {alive} have an element alive under the masks in force; masks only close"
    )]
    TooFewUnits {
        /// How many units the density asks for.
        asked: usize,
        /// How many may be chosen.
        alive: usize,
    },
    /// Blocks that no tensor has.
    #[error("blocks of sizes {sizes:?} along {}: {why}", along(axes))]
    Blocks {
        /// How long they are along each axis.
        sizes: Vec<usize>,
        /// The axes given; none for the last ones.
        axes: Vec<isize>,
        /// What is wrong.
        why: &'static str,
    },
    /// Blocks of more axes than a tensor has.
    #[error(
        "blocks of sizes {sizes:?} need {} axes, but the tensor of shape {shape:?} has {}; give fewer sizes",
        sizes.len(), shape.len()
    )]
    BlockRank {
        /// How long the blocks are along each axis.
        sizes: Vec<usize>,
        /// The shape of the tensor.
        shape: Vec<usize>,
    },
    /// A name stands for two layers.
    #[error("layer `{}` is given twice; every layer needs a name of its own", printable(name))]
    DuplicateLayer {
        /// The name.
        name: String,
    },
    /// Two layers are one memory, and have two masks.
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
    /// A name stands for no layer.
    #[error("there is no layer `{}`{}", printable(name), nearest_hint(nearest))]
    UnknownLayer {
        /// The name given.
        name: String,
        /// The nearest known name, if there are any.
        nearest: Option<String>,
    },
    /// A source of chunks could not be read, or lied about its layers.
    #[error("reading failed: {why}")]
    Source {
        /// What went wrong, in the source's words.
        why: String,
    },
}

impl Error {
    /// The same error, saying in which layer it happened, where it does not say so yet and is about one layer. An empty
    /// name is none.
    #[must_use]
    pub fn in_layer(mut self, name: &str) -> Self {
        if self.layer.is_none() && !name.is_empty() && self.kind.is_of_one_layer() {
            self.layer = Some(name.to_owned());
        }
        self
    }
}

impl ErrorKind {
    /// The same, refused in a layer; an empty name is none.
    #[must_use]
    pub fn in_layer(self, name: &str) -> Error {
        Error::from(self).in_layer(name)
    }

    /// Whether one layer is to blame, and not how several of them go together.
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

    /// Errors of other crates hold one, and are returned by value.
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
