//! Looking at what is there, without writing.

pub(crate) mod check;
pub(crate) mod inspect;
