//! Tensors: the memory that a backend lends, and the layers that a model lists.

mod element;
mod layer;
mod layers;
mod lent;
mod list;
mod plain;
mod runs;
mod values;

pub use element::Element;
pub(crate) use layer::for_any_type;
pub use layer::{LayerMut, LayerRef};
pub(crate) use layers::distinct;
pub use layers::{Layers, LayersMut};
pub use lent::{Guarded, LentMut, LentTensor, Memory, MemoryMut, Run, Strided};
pub use plain::PlainTensor;
pub(crate) use runs::RunOrder;
pub use values::Values;

use crate::layout::Layout;

/// Weights in some backend, lent for reading.
///
/// The contract: `memory` lends either one piece that holds each element of `layout` exactly once, in any axis order
/// and direction, and then costs nothing; or, if the backend's memory has gaps or repeats, a copy in logical order,
/// for which only the layout's shape counts. Both are checked at each use.
///
/// The trait is open. A backend outside this workspace implements it for its own type, or for a thin view if the type
/// is foreign, and stamps [`conformance_tests!`](crate::conformance_tests) on it with one line.
///
/// # Examples
///
/// ```
/// use prune_core::{Density, Layout, Memory, PruneExt, Tensor};
///
/// /// A column-major matrix.
/// struct Columns { rows: usize, columns: usize, values: Vec<f32> }
///
/// impl Tensor for Columns {
///     type Elem = f32;
///     fn layout(&self) -> Layout {
///         Layout::new(&[self.rows, self.columns], &[1, self.rows as isize], 0).expect("one stride a dimension")
///     }
///     fn memory(&self) -> Memory<'_, f32> {
///         Memory::Dense(&self.values)
///     }
/// }
///
/// let weights = Columns { rows: 2, columns: 2, values: vec![0.5, -3.0, 2.0, 0.1] };
/// let mask = weights.mask_unstructured(Density::new(0.5)?)?;
/// assert_eq!(mask.iter().collect::<Vec<_>>(), [false, true, true, false]); // row by row: 0.5, 2.0, -3.0, 0.1
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Tensor {
    /// The element type.
    type Elem: Element;

    /// The place of each logical element in the memory lent.
    fn layout(&self) -> Layout;

    /// The elements.
    fn memory(&self) -> Memory<'_, Self::Elem>;
}

/// A [`Tensor`] that can be written.
pub trait TensorMut: Tensor {
    /// The elements, to be written in place: under the same [`Tensor::layout`] if they are in one piece.
    fn memory_mut(&mut self) -> MemoryMut<'_, Self::Elem>;

    /// A tensor of the same elements in memory of its own. By default a clone. A backend whose clones share memory
    /// must override this.
    fn duplicate(&self) -> Self
    where
        Self: Clone + Sized,
    {
        self.clone()
    }
}
