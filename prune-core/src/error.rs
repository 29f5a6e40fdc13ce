//! Everything that can be refused, one enum for each kind of thing refused.

use crate::element::ElementType;
use crate::printable::printable;

/// A number that is not a density.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DensityError {
    /// The fraction kept is outside `0 < d <= 1`.
    #[error("density {kept} is outside 0 < d <= 1 (density is the fraction kept)")]
    OutOfRange {
        /// The number given.
        kept: f64,
    },
    /// The fraction removed is outside `0 <= s < 1`.
    #[error("sparsity {removed} is outside 0 <= s < 1 (sparsity is the fraction removed)")]
    SparsityOutOfRange {
        /// The number given.
        removed: f64,
    },
    /// The text is not a number.
    #[error("`{}` is not a number; write a density as the fraction kept, such as 0.1", printable(text))]
    NotANumber {
        /// The text given.
        text: String,
    },
}

/// Something that is not an N:M pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// N or M is out of range.
    #[error("pattern {n}:{m} is not N:M with 1 <= N <= M (N of every M elements are kept)")]
    OutOfRange {
        /// Elements kept of each group.
        n: usize,
        /// Elements in each group.
        m: usize,
    },
    /// The text is not of the form `N:M`.
    #[error("`{}` is not a pattern; write N:M, such as 2:4 (2 of every 4 elements are kept)", printable(text))]
    Unreadable {
        /// The text given.
        text: String,
    },
}

/// An operation on tensors and masks that was refused. Nothing has been written when one of these is returned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
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
        shape: Vec<usize>,
        /// The strides claimed.
        strides: Vec<isize>,
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
        from: Vec<usize>,
        /// The tensor's strides.
        strides: Vec<isize>,
        /// The shape asked for.
        to: Vec<usize>,
        /// What does not fit.
        why: &'static str,
    },
    /// Two things that must have one shape have two.
    #[error("{}the {what} has shape {got:?} where {expected:?} is needed", in_layer(layer))]
    ShapeMismatch {
        /// The layer concerned; empty where the tensor has no name.
        layer: String,
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
    #[error(
        "{}it must keep at least {min} elements and at most {max}; lower the minimum or raise the maximum",
        in_layer(layer)
    )]
    BoundsCross {
        /// The layer concerned; empty where it has no name.
        layer: String,
        /// The least it must keep.
        min: usize,
        /// The most it may keep.
        max: usize,
    },
    /// A score is NaN.
    #[error(
        "{}the score at {index:?} is NaN, which has no rank; mend the values or leave the layer out",
        in_layer(layer)
    )]
    Nan {
        /// The layer concerned; empty where the tensor has no name.
        layer: String,
        /// The index of the first NaN in logical order.
        index: Vec<usize>,
    },
    /// More elements are asked for than earlier masks have left alive.
    #[error(
        "{}{asked} elements are asked for, but only {alive} are alive under the masks in force; masks only close unless \
         an event carries `reopen`",
        in_layer(layer)
    )]
    TooFewAlive {
        /// The layer concerned; empty for a ranking over several layers.
        layer: String,
        /// How many elements the density asks for.
        asked: usize,
        /// How many may be chosen.
        alive: usize,
    },
    /// A score lacks what it looks at besides the weights.
    #[error("{}the score `{score}` needs {needs}, and there is none", in_layer(layer))]
    EvidenceMissing {
        /// The layer concerned; empty where it has no name.
        layer: String,
        /// The score.
        score: &'static str,
        /// What it needs, in words.
        needs: String,
    },
    /// Two tensors that must be of one element type are of two.
    #[error("{}the values are {got} where {expected} is needed", in_layer(layer))]
    TypeMismatch {
        /// The layer concerned; empty where the tensor has no name.
        layer: String,
        /// The element type needed.
        expected: ElementType,
        /// The element type found.
        got: ElementType,
    },
    /// More elements of a slice are asked for than earlier masks have left alive in it.
    #[error(
        "{}{asked} elements are asked for at index {slice} of axis {axis}, but only {alive} are alive there under the \
         masks in force; masks only close unless an event carries `reopen`",
        in_layer(layer)
    )]
    TooFewAliveInSlice {
        /// The layer concerned; empty where the tensor has no name.
        layer: String,
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
    #[error("{}a dense layer has weights of rank 2, these are of shape {shape:?}", in_layer(layer))]
    NotAMatrix {
        /// The layer concerned; empty where it has no name.
        layer: String,
        /// The shape of its weights.
        shape: Vec<usize>,
    },
    /// A dense layer does not take what the one before it gives.
    #[error("{}it takes {inputs} inputs, but `{}` before it has {outputs} outputs", in_layer(layer), printable(before))]
    ChainBroken {
        /// The later layer.
        layer: String,
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
        "{}{asked} units are asked for, but only {alive} have an element alive under the masks in force; masks only close \
         unless an event carries `reopen`",
        in_layer(layer)
    )]
    TooFewUnits {
        /// The layer concerned; empty where the tensor has no name.
        layer: String,
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
    #[error("layer `{}` is given twice; every layer needs a name of its own", printable(layer))]
    DuplicateLayer {
        /// The name.
        layer: String,
    },
    /// A name stands for no layer.
    #[error("there is no layer `{}`{}", printable(layer), nearest_hint(nearest))]
    UnknownLayer {
        /// The name given.
        layer: String,
        /// The nearest known name, if there are any.
        nearest: Option<String>,
    },
    /// Something was refused in a layer; the cause says what.
    #[error("layer `{}`: {cause}", printable(layer))]
    InLayer {
        /// The layer concerned.
        layer: String,
        /// What was refused.
        cause: Box<Error>,
    },
    /// A source of chunks could not be read, or lied about its layers.
    #[error("{}reading failed: {why}", in_layer(layer))]
    Source {
        /// The layer concerned.
        layer: String,
        /// What went wrong, in the source's words.
        why: String,
    },
}

impl Error {
    /// The same error, saying in which layer it happened where it does not say so yet.
    #[must_use]
    pub fn in_layer(mut self, name: &str) -> Self {
        match &mut self {
            // These have a place for the name.
            Error::ShapeMismatch { layer, .. }
            | Error::Nan { layer, .. }
            | Error::TooFewAlive { layer, .. }
            | Error::EvidenceMissing { layer, .. }
            | Error::TypeMismatch { layer, .. }
            | Error::TooFewAliveInSlice { layer, .. }
            | Error::TooFewUnits { layer, .. }
            | Error::NotAMatrix { layer, .. }
            | Error::Source { layer, .. }
                if layer.is_empty() =>
            {
                name.clone_into(layer);
                self
            }
            Error::Layout { .. }
            | Error::AxisOutOfRange { .. }
            | Error::Reshape { .. }
            | Error::Blocks { .. }
            | Error::BlockRank { .. }
            | Error::ShapeOverflow { .. }
                if !name.is_empty() =>
            {
                Error::InLayer { layer: name.to_owned(), cause: Box::new(self) }
            }
            _ => self,
        }
    }
}

fn in_layer(layer: &str) -> String {
    if layer.is_empty() { String::new() } else { format!("layer `{}`: ", printable(layer)) }
}

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
        let unknown = Error::UnknownLayer { layer: red.clone(), nearest: Some("f\nc".to_owned()) };
        assert_eq!(unknown.to_string(), r"there is no layer `\u{1b}[31mfc`; did you mean `f\nc`?");
        let nan = Error::Nan { layer: red, index: vec![1] }.to_string();
        assert!(nan.starts_with(r"layer `\u{1b}[31mfc`: the score"), "{nan}");
        assert!("\u{7}".parse::<crate::Density>().is_err_and(|error| error.to_string().starts_with(r"`\u{7}` is not")));
    }
}
