//! From a choice of classes to edits of the file: constants are cut, and nodes get new lengths.

mod constants;

use prune_graph::Removal;

use crate::analysis::Analysis;
use crate::dead::{Addend, Dead};
use crate::edits::Edits;
use crate::error::Error;
use crate::ops;
use crate::rewrite::{self, Rewrite};

impl Analysis<'_> {
    /// The edits of the file; none if nothing is removed.
    ///
    /// # Errors
    ///
    /// [`Error::Classes`] if an axis would be empty, and errors of reading constants.
    pub fn edits(&self, removal: &Removal) -> Result<Edits, Error> {
        removal.check(&self.classes)?;
        edits(self, removal, Vec::new())
    }

    /// The edits for classes without effect: as [`Analysis::edits`], and biases take over the constants of those
    /// classes.
    ///
    /// # Errors
    ///
    /// As [`Analysis::edits`].
    pub fn edits_of_dead(&self, dead: &Dead) -> Result<Edits, Error> {
        dead.removal().check(&self.classes)?;
        edits(self, dead.removal(), self.additions(dead)?)
    }
}

/// The edits of a removal, with numbers that are added to biases.
fn edits(analysis: &Analysis<'_>, removal: &Removal, additions: Vec<(Addend<'_>, Vec<f64>)>) -> Result<Edits, Error> {
    let mut edits = Edits::new();
    if removal.is_empty() {
        return Ok(edits);
    }
    let mut names = rewrite::Names::new(analysis.model);
    constants::cut(analysis, removal, &mut edits, &mut names, additions)?;
    rewrite::lengths(analysis, removal, &mut edits, &mut names)?;
    for (at, node) in analysis.model.graph().nodes().iter().enumerate() {
        if let Some(rewrite) = ops::find(analysis.model, node).and_then(|operator| operator.rewrite) {
            rewrite(&mut Rewrite::new(analysis, removal, &mut edits, &mut names, at, node))?;
        }
    }
    for (name, value) in &analysis.values {
        stated_lengths(analysis, removal, &mut edits, name, value.id);
    }
    Ok(edits)
}

/// Corrects lengths that the file states.
fn stated_lengths(
    analysis: &Analysis<'_>,
    removal: &Removal,
    edits: &mut Edits,
    name: &str,
    id: prune_graph::TensorId,
) {
    for (axis, size) in analysis.classes.sizes(id).iter().enumerate() {
        let left = removal.kept_len(&analysis.classes, id.axis(axis));
        if let (Some(size), Some(left)) = (size, left)
            && *size != left
        {
            edits.set_length(name, axis, left as i64);
        }
    }
}
