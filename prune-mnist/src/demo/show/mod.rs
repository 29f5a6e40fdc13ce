//! The demo's output: lines and tables on standard output, warnings and the progress bar on standard error.

mod comparison;
mod intro;
mod rows;
mod small;

pub(crate) use self::comparison::{activations, comparison};
pub(crate) use self::intro::{Intro, intro};
pub(crate) use self::rows::{event, header, later, row, steps};
pub(crate) use self::small::small;
