//! Kernels of Flax and Keras.

use crate::names::entry::{Axes, Entry, weight};

pub(super) const ENTRIES: &[Entry] = &[
    weight("**.depthwise_kernel", Axes::Fixed(&[2], &[3])).rank(4),
    weight("**.pointwise_kernel", Axes::InOut),
    weight("**.kernel", Axes::InOut),
];
