//! Makes masks in parts: a plan becomes work, ranks decide it, and a sink takes the results.

pub(crate) mod decide;
pub(crate) mod outside;
pub(crate) mod ranks;
pub(crate) mod sink;
pub(crate) mod source;
pub(crate) mod work;
