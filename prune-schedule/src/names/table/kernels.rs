//! Kernels of Flax and Keras.

use crate::names::entry::{Axes, NameEntry, weight};

pub(super) const ENTRIES: &[NameEntry] = &[
    weight("**.depthwise_kernel", Axes::Fixed(&[2], &[3])).rank(4),
    weight("**.pointwise_kernel", Axes::InOut),
    // Layers with several axes of inputs or of outputs. With three axes or more, nothing tells inputs from outputs.
    weight("**.{einsum_dense*,EinsumDense*,DenseGeneral*}.kernel", Axes::Open).ranks(3, usize::MAX),
    // Keras stores transposed convolutions as (.., out, in), Flax as (.., in, out) under other names.
    weight("**.conv1d_transpose*.kernel", Axes::Fixed(&[2], &[1])).rank(3),
    weight("**.conv2d_transpose*.kernel", Axes::Fixed(&[3], &[2])).rank(4),
    weight("**.conv3d_transpose*.kernel", Axes::Fixed(&[4], &[3])).rank(5),
    weight("**.kernel", Axes::InOut),
];
