//! The entries of the table of names, one a line. The first entry that fits decides, in the order of the files here.
//!
//! To add an architecture, write its entries into the file of their idea. An entry for one kind of model stands before
//! entries for all kinds.

mod adapters;
mod attention;
mod buffers;
mod embeddings;
mod experts;
mod gpt2;
mod heads;
mod kernels;
mod norms;
mod parameters;
mod plain;
mod quantised;
mod recurrent;
mod routers;
mod tokens;
mod transposed;

use super::entry::NameEntry;

/// All files of entries, in the order in which they decide.
const FILES: [&[NameEntry]; 16] = [
    adapters::ENTRIES,
    quantised::ENTRIES,
    buffers::ENTRIES,
    norms::ENTRIES,
    tokens::ENTRIES,
    embeddings::ENTRIES,
    heads::ENTRIES,
    routers::ENTRIES,
    experts::ENTRIES,
    gpt2::ENTRIES,
    transposed::ENTRIES,
    recurrent::ENTRIES,
    attention::ENTRIES,
    parameters::ENTRIES,
    kernels::ENTRIES,
    plain::ENTRIES,
];

/// All entries, in the order in which they decide.
pub(super) fn entries() -> impl Iterator<Item = &'static NameEntry> {
    FILES.into_iter().flatten()
}
