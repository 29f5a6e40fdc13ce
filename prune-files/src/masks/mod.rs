//! Masks made in parts: a plan becomes work, ranks decide it, a sink takes what was decided.

pub(crate) mod decide;
pub(crate) mod outside;
pub(crate) mod ranks;
pub(crate) mod sink;
pub(crate) mod source;
pub(crate) mod work;
