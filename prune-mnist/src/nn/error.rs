//! The errors of describing, building and running a model.

/// An error of this module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NnError {
    /// A model without a layer that has an output.
    #[error("model `{model}` has no layers; describe at least one dense or convolution layer")]
    NoLayers {
        /// Name of the model.
        model: String,
    },
    /// A dimension that must be at least 1 is 0.
    #[error("model `{model}`, layer {index} ({layer}): {what} is 0; it must be at least 1")]
    Zero {
        /// Name of the model.
        model: String,
        /// Place of the layer in the description, from 0.
        index: usize,
        /// The layer, as described.
        layer: String,
        /// The value that is 0.
        what: &'static str,
    },
    /// A window larger than the layer's input.
    #[error(
        "model `{model}`, layer {index} ({layer}): a window of {window:?} does not fit into an input of {input:?} \
         (height, width)"
    )]
    WindowTooLarge {
        /// Name of the model.
        model: String,
        /// Place of the layer in the description, from 0.
        index: usize,
        /// The layer, as described.
        layer: String,
        /// Height and width of the window.
        window: [usize; 2],
        /// Height and width of the input.
        input: [usize; 2],
    },
    /// A relu or an activation pruning before any layer with an output of its own.
    #[error(
        "model `{model}`, layer {index} ({layer}) has no layer before it; put it after a dense, conv or pool layer"
    )]
    NothingBefore {
        /// Name of the model.
        model: String,
        /// Place of the layer in the description, from 0.
        index: usize,
        /// The layer, as described.
        layer: String,
    },
    /// Two activation prunings without a layer between them.
    #[error("model `{model}`, layer {index} ({layer}): the output before it is pruned already; keep one of the two")]
    PrunedTwice {
        /// Name of the model.
        model: String,
        /// Place of the layer in the description, from 0.
        index: usize,
        /// The layer, as described.
        layer: String,
    },
    /// A size beyond memory addresses.
    #[error("model `{model}`, layer {index} ({layer}): its size overflows; make the input or the features smaller")]
    TooLarge {
        /// Name of the model.
        model: String,
        /// Place of the layer in the description, from 0.
        index: usize,
        /// The layer, as described.
        layer: String,
    },
    /// A batch size of 0.
    #[error("a batch of 0 samples; the batch size must be at least 1")]
    EmptyBatch,
    /// More samples than the network was built for.
    #[error("{got} samples in a batch, but the network was built for at most {capacity}")]
    BatchTooLarge {
        /// Samples given.
        got: usize,
        /// The most that fit.
        capacity: usize,
    },
    /// Images and labels whose counts disagree.
    #[error("{images} image values for {labels} labels; a sample of this model has {sample} values")]
    CountsDisagree {
        /// Number of image values.
        images: usize,
        /// Number of labels.
        labels: usize,
        /// Values a sample.
        sample: usize,
    },
    /// Image values that are not a whole number of samples.
    #[error("{values} image values are no whole number of samples; a sample of this model has {sample} values")]
    PartSample {
        /// Number of image values.
        values: usize,
        /// Values a sample.
        sample: usize,
    },
    /// A label that names no output of the model.
    #[error("sample {sample} has label {label}, but the model has {classes} outputs (0 to {})", .classes - 1)]
    LabelTooLarge {
        /// Index of the sample within the data given.
        sample: usize,
        /// Its label.
        label: u8,
        /// Number of outputs.
        classes: usize,
    },
    /// A sample index outside the data.
    #[error("sample {index} was asked for, but there are {count}")]
    NoSuchSample {
        /// The index.
        index: u32,
        /// The number of samples.
        count: usize,
    },
    /// Parameters, gradients or buffers that are not the model's.
    #[error("{role} `{name}` has {got} values; the model's has {expected} ({shape:?})")]
    WrongParameter {
        /// The set: parameters, gradients or a buffer.
        role: &'static str,
        /// Name of the parameter.
        name: String,
        /// Values found.
        got: usize,
        /// Values expected.
        expected: usize,
        /// Logical shape expected.
        shape: Vec<usize>,
    },
    /// A set of parameters with other members than the model's.
    #[error("{role}: {got} tensors, but the model has {expected}")]
    WrongParameterCount {
        /// The set: parameters, gradients or a buffer.
        role: &'static str,
        /// Tensors found.
        got: usize,
        /// Tensors expected.
        expected: usize,
    },
    /// An activation pruning that the model does not have.
    #[error("activation pruning {index} was set, but model `{model}` has {count}")]
    NoSuchActivation {
        /// Name of the model.
        model: String,
        /// The place asked for, from 0.
        index: usize,
        /// The number in the model.
        count: usize,
    },
    /// Activation pruning refused a sample.
    #[error("pruning the activations after {layer}, sample {sample} of the batch: {source}")]
    Activation {
        /// Name of the layer whose output was to be pruned.
        layer: String,
        /// Index of the sample within its batch.
        sample: usize,
        /// The pruner's error.
        source: ActivationError,
    },
}

/// The error of an activation pruner that cannot prune a sample.
pub type ActivationError = Box<dyn std::error::Error + Send + Sync>;
