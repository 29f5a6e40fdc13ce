//! Arguments and functions of Python, as messages of the library name them.

use prune_files::Term;

/// The argument or function that a setting or function of the library is here.
pub(crate) fn argument(term: Term) -> String {
    match term {
        Term::InPlace => "`output=None`".to_owned(),
        Term::FromZeros => "`mask(from_zeros=True)`".to_owned(),
        Term::KeptWriter => "`shrink(kept=...)`".to_owned(),
        term => format!("`{}`", term.name()),
    }
}
