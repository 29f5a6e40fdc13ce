//! Names, numbers and tables of texts, in the form of messages and files.

pub(crate) mod clipped;
pub(crate) mod size;
pub(crate) mod term;
pub(crate) mod texts;
