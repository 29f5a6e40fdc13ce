//! Looks at checkpoints without writing.

pub(crate) mod check;
pub(crate) mod inspect;
