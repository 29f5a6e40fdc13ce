//! The sizes of the tensors, and the number of tensors that take turns.

use std::cell::Cell;

/// More bytes than any cache of the measured machines holds.
const COLD: usize = 256 << 20;

/// The number of elements of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) elements: usize,
    /// The end of the row's name; empty if the user chose the size.
    pub(crate) label: &'static str,
}

/// The sizes of the table: one beyond every cache, and three typical of layers.
pub(crate) const SIZES: [Size; 4] = [
    Size { elements: 100_000_000, label: ", 100M" },
    Size { elements: 1 << 24, label: ", 16M" },
    Size { elements: 1 << 22, label: ", 4M" },
    Size { elements: 1 << 20, label: ", 1M" },
];

/// A ratio that must be reached, and a better one.
pub(crate) type Bar = (f64, f64);

impl Size {
    /// The bar for this size, from the bars for each of [`SIZES`].
    pub(crate) fn bar(&self, bars: [Bar; 4]) -> Bar {
        let place = SIZES.iter().position(|size| self.elements >= size.elements);
        bars[place.unwrap_or(SIZES.len() - 1)]
    }
}

/// Things of one size that are used in turns. Together they are larger than the caches, so each has left them when
/// its turn comes again.
#[derive(Debug)]
pub(crate) struct Rotation<T> {
    all: Vec<T>,
    turn: Cell<usize>,
}

impl<T: Clone> Rotation<T> {
    /// Enough clones of the result of `make` to fill 256 MiB at `bytes` each; only one if it is larger.
    pub(crate) fn new(bytes: usize, make: impl FnOnce() -> T) -> Self {
        Rotation { all: vec![make(); COLD.div_ceil(bytes)], turn: Cell::new(0) }
    }
}

impl<T> Rotation<T> {
    /// The one whose turn it is.
    pub(crate) fn next(&self) -> &T {
        let turn = self.turn.get();
        self.turn.set((turn + 1) % self.all.len());
        &self.all[turn]
    }

    /// Always the same one.
    pub(crate) fn first(&self) -> &T {
        &self.all[0]
    }

    /// True if there are several, so that [`Rotation::next`] is out of the caches and [`Rotation::first`] may be in
    /// them.
    pub(crate) fn turns(&self) -> bool {
        self.all.len() > 1
    }
}
