//! A model as a description: its layers in order, from which everything else follows.
//!
//! A new model needs only a new [`ModelSpec`], and no new arithmetic. Layers with parameters are numbered by kind as
//! in Flax, which gave the original project's parameters their names: `Conv_0-kernel`, `Dense_1-bias`.

use std::fmt;

/// The treatment of the border of a convolution's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// Zeros are added so that the output is as large as the input. If their number is odd, one more is added below
    /// and to the right, as in XLA.
    Same,
    /// No zeros are added; the output shrinks by the kernel size less one.
    Valid,
}

/// One layer of a model. Images are in NHWC order: batch, height, width, channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// Convolution with stride 1 and a bias; its kernel is HWIO: (height, width, input channels, features).
    Conv {
        /// Output channels.
        features: usize,
        /// Height and width of the kernel.
        kernel: [usize; 2],
        /// The treatment of the border.
        padding: Padding,
    },
    /// A fully connected layer with a bias; its kernel is (inputs, features). An image is flattened in NHWC order.
    Dense {
        /// Outputs.
        features: usize,
    },
    /// The positive part, element by element.
    Relu,
    /// The mean over windows that do not overlap; rows and columns that fill no window are left out.
    AvgPool {
        /// Height and width of the window, and its stride.
        window: usize,
    },
    /// The maximum over windows that do not overlap; rows and columns that fill no window are left out.
    MaxPool {
        /// Height and width of the window, and its stride.
        window: usize,
    },
    /// A place where activations can be pruned; it passes everything until a pruner is set there.
    PruneAct,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conv { features, kernel: [height, width], padding } => {
                let padding = match padding {
                    Padding::Same => "same",
                    Padding::Valid => "valid",
                };
                write!(f, "conv {features} {height}x{width} {padding}")
            }
            Self::Dense { features } => write!(f, "dense {features}"),
            Self::Relu => write!(f, "relu"),
            Self::AvgPool { window } => write!(f, "avg-pool {window}"),
            Self::MaxPool { window } => write!(f, "max-pool {window}"),
            Self::PruneAct => write!(f, "prune activations"),
        }
    }
}

/// A sequential model: the shape of its input, and the layers in order.
///
/// # Examples
/// ```
/// use prune_mnist::nn::{Layer, ModelSpec};
///
/// let tiny = ModelSpec::new("tiny", [28, 28, 1], vec![Layer::Dense { features: 10 }]);
/// assert_eq!(tiny.parameters()?[0].name, "Dense_0-kernel");
/// assert_eq!(tiny.parameters()?[0].shape, [784, 10]);
/// # Ok::<(), prune_mnist::nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSpec {
    /// The name of the model in tables and errors.
    pub name: String,
    /// Height, width and channels of a sample.
    pub input: [usize; 3],
    /// The layers, from input to output. Softmax and cross-entropy follow the last one.
    pub layers: Vec<Layer>,
}

impl ModelSpec {
    /// A model of these layers. It is checked when it is first used.
    #[must_use]
    pub fn new(name: impl Into<String>, input: [usize; 3], layers: Vec<Layer>) -> Self {
        Self { name: name.into(), input, layers }
    }

    /// The features of each layer that has parameters.
    pub fn features(&self) -> impl Iterator<Item = usize> {
        self.layers.iter().filter_map(|layer| match *layer {
            Layer::Conv { features, .. } | Layer::Dense { features } => Some(features),
            _ => None,
        })
    }

    /// LeNet-300-100: 784-300-100-10 with relu between; 266,200 weights and 410 biases.
    #[must_use]
    pub fn mlp() -> Self {
        let dense = |features| Layer::Dense { features };
        Self::new("mlp", [28, 28, 1], vec![dense(300), Layer::Relu, dense(100), Layer::Relu, dense(10)])
    }

    /// LeNet-5 in Caffe's form: valid convolutions of 20 and 50 features, 5x5, each with max pooling by 2, then dense
    /// 500, relu, dense 10; 430,500 weights and 580 biases.
    #[must_use]
    pub fn lenet5() -> Self {
        let conv = |features| Layer::Conv { features, kernel: [5, 5], padding: Padding::Valid };
        let (pool, dense) = (Layer::MaxPool { window: 2 }, |features| Layer::Dense { features });
        Self::new("lenet5", [28, 28, 1], vec![conv(20), pool, conv(50), pool, dense(500), Layer::Relu, dense(10)])
    }

    /// The original project's CNN: convolutions of 32 and 64 features, 3x3 `same`, each with relu and average pooling
    /// by 2, then dense 256, relu, dense 10. Activations can be pruned after the first two relus.
    #[must_use]
    pub fn cnn() -> Self {
        let conv = |features| Layer::Conv { features, kernel: [3, 3], padding: Padding::Same };
        Self::new(
            "cnn",
            [28, 28, 1],
            vec![
                conv(32),
                Layer::Relu,
                Layer::PruneAct,
                Layer::AvgPool { window: 2 },
                conv(64),
                Layer::Relu,
                Layer::PruneAct,
                Layer::AvgPool { window: 2 },
                Layer::Dense { features: 256 },
                Layer::Relu,
                Layer::Dense { features: 10 },
            ],
        )
    }
}

/// The kind of a parameter: a layer's weights or its bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParamKind {
    /// Weights, to which weight decay and pruning apply.
    Kernel,
    /// The bias, one number for each feature.
    Bias,
}

/// One parameter tensor of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamSpec {
    /// `Conv_0-kernel`, `Dense_1-bias`, ...
    pub name: String,
    /// Weights or bias.
    pub kind: ParamKind,
    /// Logical shape: HWIO for a convolution, (inputs, features) for a dense kernel, (features) for a bias.
    pub shape: Vec<usize>,
    /// Rows of the matrix in the arithmetic: the product of all axes but the last; a bias has one row for each
    /// feature.
    pub rows: usize,
    /// Columns of that matrix: the features, or 1 for a bias.
    pub columns: usize,
    /// The number of inputs that are summed into one output. The scale of the initial values depends on it.
    pub fan_in: usize,
    /// The number of uses of each value in one sample's forward pass: the output pixels of a convolution, 1 for a
    /// dense kernel. Times the kept weights, this is the number of multiply-adds.
    pub uses: usize,
}

impl ParamSpec {
    /// Number of values.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no parameter is empty: a model with a zero dimension is refused")]
    pub fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// Multiply-adds of one sample's forward pass with `kept` non-zero weights; a bias has none.
    #[must_use]
    pub fn multiply_adds(&self, kept: usize) -> usize {
        match self.kind {
            ParamKind::Kernel => kept * self.uses,
            ParamKind::Bias => 0,
        }
    }
}

/// One row of a model's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSummary {
    /// `Conv_0`, `Dense_1`, or the operation of a layer without parameters.
    pub name: String,
    /// The layer as described.
    pub layer: Layer,
    /// Shape of one sample's output: height, width and channels, or features.
    pub output: Vec<usize>,
    /// Number of weights and biases.
    pub parameters: usize,
    /// Multiply-adds of one sample's forward pass.
    pub multiply_adds: usize,
}
