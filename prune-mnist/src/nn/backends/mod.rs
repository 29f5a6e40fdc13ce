//! The two tensor backends as storage for parameters.

mod nalgebra;
mod ndarray;

pub use self::nalgebra::{NalgebraParams, NalgebraTensor};
pub use self::ndarray::NdarrayParams;
