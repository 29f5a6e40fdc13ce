//! Weights that are parameters by names of their own.

use crate::names::entry::{Axes, Entry, weight};

pub(super) const ENTRIES: &[Entry] = &[
    weight("visual.proj", Axes::Fixed(&[0], &[1])).rank(2),
    weight("text_projection", Axes::Fixed(&[0], &[1])).rank(2),
];
