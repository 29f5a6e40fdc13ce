//! The storage of parameters, the only part that a tensor backend supplies.
//!
//! The arithmetic sees every parameter as a matrix over a slice: rows, columns, and two strides, which is enough for
//! row-major and column-major storage. Gradients and optimiser buffers are sets of the same kind, so an element has
//! the same place in memory in all of them, and the optimiser can walk them side by side.

use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

use super::error::NnError;
use super::real::Real;
use super::spec::ParamSpec;

/// The order of a matrix in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Rows are contiguous, as in ndarray.
    RowMajor,
    /// Columns are contiguous, as in nalgebra.
    ColumnMajor,
}

/// One tensor for each parameter of a model: the parameters themselves, their gradients, or an optimiser's buffer.
///
/// # Contract
/// Tensor `index` belongs to `specs()[index]`, holds exactly its number of values without gaps, and lies in
/// [`order`](Self::order) as a matrix of `rows` x `columns`. The network checks the lengths before it writes anything.
pub trait ParamSet<T: Real>: Send + Sync {
    /// The tensors' names and shapes, in the order of the model.
    fn specs(&self) -> &[ParamSpec];

    /// The order of every tensor in memory.
    fn order(&self) -> Order;

    /// The values of tensor `index` in memory order.
    ///
    /// # Panics
    /// If there is no such tensor.
    fn values(&self, index: usize) -> &[T];

    /// The values of tensor `index` in memory order, to write.
    ///
    /// # Panics
    /// If there is no such tensor.
    fn values_mut(&mut self, index: usize) -> &mut [T];
}

/// A backend's set of parameters, made from a model's description.
pub trait ParamStorage<T: Real>: ParamSet<T> + Sized {
    /// A set of zeros.
    fn zeros(specs: &[ParamSpec]) -> Self;
}

impl<T: Real> dyn ParamSet<T> + '_ {
    /// Tensor `index` as a matrix.
    pub(super) fn matrix(&self, index: usize) -> ArrayView2<'_, T> {
        let spec = &self.specs()[index];
        matrix(self.values(index), spec.rows, spec.columns, self.order())
    }

    /// Tensor `index` as a matrix, to write.
    pub(super) fn matrix_mut(&mut self, index: usize) -> ArrayViewMut2<'_, T> {
        let (rows, columns, order) = (self.specs()[index].rows, self.specs()[index].columns, self.order());
        matrix_mut(self.values_mut(index), rows, columns, order)
    }

    /// Checks that this set fits the model with `specs`.
    pub(super) fn check(&self, role: &'static str, specs: &[ParamSpec]) -> Result<(), NnError> {
        let got = self.specs().len();
        if got != specs.len() {
            return Err(NnError::WrongParameterCount { role, got, expected: specs.len() });
        }
        for (index, spec) in specs.iter().enumerate() {
            let got = self.values(index).len();
            let own = &self.specs()[index];
            if got != spec.len() || own.rows != spec.rows || own.columns != spec.columns {
                let (name, shape) = (spec.name.clone(), spec.shape.clone());
                return Err(NnError::WrongParameter { role, name, got, expected: spec.len(), shape });
            }
        }
        Ok(())
    }
}

/// `values` as a matrix in `order`.
pub(super) fn matrix<T>(values: &[T], rows: usize, columns: usize, order: Order) -> ArrayView2<'_, T> {
    let shape = (rows, columns).set_f(order == Order::ColumnMajor);
    ArrayView2::from_shape(shape, values).unwrap_or_else(|_| broken(values.len(), rows, columns))
}

/// `values` as a matrix in `order`, to write.
pub(super) fn matrix_mut<T>(values: &mut [T], rows: usize, columns: usize, order: Order) -> ArrayViewMut2<'_, T> {
    let shape = (rows, columns).set_f(order == Order::ColumnMajor);
    let len = values.len();
    ArrayViewMut2::from_shape(shape, values).unwrap_or_else(|_| broken(len, rows, columns))
}

/// `values` as a row-major matrix of `columns` columns.
pub(super) fn row_major<T>(values: &[T], columns: usize) -> ArrayView2<'_, T> {
    matrix(values, values.len() / columns, columns, Order::RowMajor)
}

/// `values` as a row-major matrix of `columns` columns, to write.
pub(super) fn row_major_mut<T>(values: &mut [T], columns: usize) -> ArrayViewMut2<'_, T> {
    let rows = values.len() / columns;
    matrix_mut(values, rows, columns, Order::RowMajor)
}

/// Every length was checked with the model or the set; a call is a fault of this module.
fn broken(len: usize, rows: usize, columns: usize) -> ! {
    unreachable!("{len} values for a matrix of {rows} x {columns}")
}
