//! Names, numbers and tables of texts, as messages show them and files hold them.

pub(crate) mod clipped;
pub(crate) mod size;
pub(crate) mod term;
pub(crate) mod texts;
