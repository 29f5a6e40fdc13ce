//! From a choice of classes to edits of the file: constants are cut, nodes are given new lengths.

mod constants;
mod rewrite;
mod types;

use prune_graph::Removal;

use crate::analysis::{Addend, Analysis};
use crate::edits::Edits;
use crate::error::Error;
use crate::ops;
pub(crate) use rewrite::Rewrite;

/// The edits of a removal, with numbers that are added to biases.
pub(crate) fn edits(
    analysis: &Analysis<'_>,
    removal: &Removal,
    additions: Vec<(Addend<'_>, Vec<f64>)>,
) -> Result<Edits, Error> {
    let mut edits = Edits::new();
    if removal.is_empty() {
        return Ok(edits);
    }
    let mut names = rewrite::Names::new(analysis.model);
    constants::cut(analysis, removal, &mut edits, &mut names, additions)?;
    rewrite::lengths(analysis, removal, &mut edits, &mut names)?;
    for (at, node) in analysis.model.graph().nodes().iter().enumerate() {
        let followed = node.domain().is_empty() && !analysis.model.has_function("", node.op_type());
        if let Some(operator) = ops::find(node.op_type()).filter(|_| followed)
            && let Some(rewrite) = operator.rewrite
        {
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
