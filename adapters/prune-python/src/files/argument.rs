//! Names of Python's arguments and functions, for messages of the library.

use prune_files::Term;

/// The name that a setting or function of the library has in Python.
pub(crate) fn argument(term: Term) -> String {
    match term {
        Term::InPlace => "`output=None`".to_owned(),
        Term::FromZeros => "`mask(from_zeros=True)`".to_owned(),
        Term::KeptWriter => "`shrink(kept=...)`".to_owned(),
        term => format!("`{}`", term.name()),
    }
}
