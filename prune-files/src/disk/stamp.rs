//! Marks that tell one file from all others, and from its own earlier state.

use std::fs::Metadata;
use std::time::SystemTime;

/// Device and number of a file or folder, if the system has them.
#[cfg(unix)]
pub(crate) fn id(about: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((about.dev(), about.ino()))
}

/// Device and number of a file or folder, if the system has them.
#[cfg(not(unix))]
pub(crate) fn id(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// A file at a moment: its identity, its length, and the time of the last write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    id: Option<(u64, u64)>,
    len: u64,
    written: Option<SystemTime>,
}

impl Stamp {
    pub(crate) fn of(about: &Metadata) -> Self {
        Stamp { id: id(about), len: about.len(), written: about.modified().ok() }
    }
}
