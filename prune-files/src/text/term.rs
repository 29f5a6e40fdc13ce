//! Settings and functions that messages name. Each door spells them in its own way.

use core::fmt;
use std::sync::OnceLock;

static SPELLING: OnceLock<fn(Term) -> String> = OnceLock::new();

/// Defines [`Term`] from a table: a term, its name as an argument, and its spelling in Rust if that differs.
macro_rules! terms {
    ($($(#[$doc:meta])* $term:ident $name:literal $($rust:literal)?,)*) => {
        /// A setting or a function of this crate that texts of errors, reports and warnings name. It displays as Rust
        /// calls it, unless [`spell`] sets another spelling.
        ///
        /// # Examples
        ///
        /// ```
        /// use prune_files::{Error, Term};
        ///
        /// assert_eq!((Term::Also.name(), Term::Also.to_string()), ("also", "`also`".to_owned()));
        /// let error = Error::Exists { path: "sparse.safetensors".into() };
        /// assert_eq!(error.to_string(), "sparse.safetensors exists; add `force` to replace it");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Term {
            $($(#[$doc])* $term,)*
        }

        impl Term {
            /// All terms.
            pub const ALL: &[Term] = &[$(Term::$term),*];

            /// The name of the argument or function, as words joined by `_`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Term::$term => $name,)*
                }
            }

            fn in_rust(self) -> &'static str {
                match self {
                    $(Term::$term => [$($rust,)? $name][0],)*
                }
            }
        }
    };
}

terms! {
    /// Patterns of the layers that are meant.
    Include "include",
    /// Patterns of the layers that are left out.
    Exclude "exclude",
    /// Patterns of unknown names that are weights.
    Also "also",
    /// Every tensor of rank 2 or more.
    All "all",
    /// The axis of groups.
    Axis "axis",
    /// The epoch of a strategy's event.
    Epoch "epoch",
    /// A file of scores.
    Scores "scores",
    /// A file of gradients.
    Gradients "gradients",
    /// A file of the norms of inputs.
    Inputs "inputs",
    /// A file of masks.
    Masks "masks",
    /// The place of the output.
    Output "output" "Destination::new",
    /// Outputs that exist are replaced.
    Force "force",
    /// The model itself is replaced.
    InPlace "in_place" "Destination::in_place",
    /// Masks are made of zeros.
    FromZeros "from_zeros" "write_zero_masks",
    /// Makes packed checkpoints dense.
    Expand "expand",
    /// Shapes of a graph's inputs.
    InputShapes "inputs",
    /// A fraction of the multiply-adds is kept.
    KeepMacs "keep_macs" "ShrinkBy::MultiplyAdds",
    /// A fraction of the parameters is kept.
    KeepParams "keep_params" "ShrinkBy::Parameters",
    /// Channels without effect go.
    Dead "dead" "ShrinkBy::Dead",
    /// The report says why the rest stays.
    Explain "explain",
    /// The file of the indices that a shrink keeps, as it is written and read.
    Kept "kept",
    /// The same file, as its writer.
    KeptWriter "kept" "ShrinkOutputs::kept",
    /// Cuts checkpoints by the indices that a shrink kept.
    Slice "slice",
    /// A table from a checkpoint's names to those of a graph.
    Names "names",
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SPELLING.get() {
            Some(spelling) => f.write_str(&spelling(*self)),
            None => write!(f, "`{}`", self.in_rust()),
        }
    }
}

/// Sets the spelling of all [`Term`]s in the texts of this process. A program calls it once at its start if its users
/// know them as flags, or as arguments of another language. Libraries do not call it. Returns false if a spelling was
/// set before; that one stays.
pub fn spell(spelling: fn(Term) -> String) -> bool {
    SPELLING.set(spelling).is_ok()
}
