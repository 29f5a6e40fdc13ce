//! Constants: cut where they are, or in a copy where uses want different cuts.

use std::collections::BTreeMap;

use prune_graph::Removal;

use super::rewrite::Names;
use crate::analysis::{Analysis, Use};
use crate::edits::{Edits, TensorPlace};
use crate::error::{Error, TensorProblem};

/// The indices kept of the axes that lose some.
type Cut = BTreeMap<usize, Vec<usize>>;

pub(super) fn cut(
    analysis: &Analysis<'_>,
    removal: &Removal,
    edits: &mut Edits,
    names: &mut Names,
) -> Result<(), Error> {
    let mut by_name: BTreeMap<&str, Vec<(&Use, Cut)>> = BTreeMap::new();
    for found in &analysis.uses {
        let rank = analysis.classes.sizes(found.id).len();
        let kept = |axis: usize| removal.kept(&analysis.classes, found.id.axis(axis)).map(|kept| (axis, kept));
        by_name.entry(&found.name).or_default().push((found, (0..rank).filter_map(kept).collect()));
    }
    for (name, uses) in by_name {
        let Some(place) = analysis.place(name) else { continue };
        // What is read from outside of nodes, and what loses nothing, keeps the original.
        let whole = uses.iter().position(|(found, cut)| found.readers.is_empty() || cut.is_empty());
        let stays = whole.unwrap_or(0);
        let mut copies: Vec<(&Cut, String)> = vec![(&uses[stays].1, name.to_owned())];
        apply(edits, place, &uses[stays].1);
        for (found, cut) in &uses {
            let known = copies.iter().find(|(other, _)| *other == cut).map(|(_, name)| name.clone());
            let source = match known {
                Some(known) => known,
                None => {
                    let copy = names.fresh(name);
                    add_copy(analysis, edits, place, (name, &copy), cut)?;
                    copies.push((cut, copy.clone()));
                    copy
                }
            };
            if source != name {
                found.readers.iter().for_each(|&(node, slot)| edits.set_input(node, slot, &source));
            }
        }
    }
    Ok(())
}

fn apply(edits: &mut Edits, place: TensorPlace, cut: &Cut) {
    for (&axis, kept) in cut {
        edits.keep(place, axis, kept.clone());
    }
}

/// Adds a copy of a constant with a cut.
fn add_copy(
    analysis: &Analysis<'_>,
    edits: &mut Edits,
    place: TensorPlace,
    (name, copy): (&str, &str),
    cut: &Cut,
) -> Result<(), Error> {
    if let TensorPlace::Initializer(at) = place {
        let place = edits.copy_initializer(at, copy);
        apply(edits, place, cut);
        return Ok(());
    }
    // The tensor of a node cannot be referred to, so its cut elements are added as they are.
    let Some(constant) = analysis.constants.get(name) else { return Ok(()) };
    let tensor = constant.tensor;
    let Some(width) = tensor.data_type().bytes() else {
        return Error::tensor(name, TensorProblem::Cut("its elements are not whole bytes"));
    };
    let (mut bytes, mut dims) = (tensor.bytes()?.to_vec(), tensor.dims().to_vec());
    for (&axis, kept) in cut {
        let inner = dims[axis + 1..].iter().product::<usize>() * width;
        let slab = dims[axis] * inner;
        let pieces =
            bytes.chunks(slab.max(1)).flat_map(|outer| kept.iter().map(move |&i| &outer[i * inner..(i + 1) * inner]));
        bytes = pieces.collect::<Vec<_>>().concat();
        dims[axis] = kept.len();
    }
    edits.add_initializer(copy, tensor.data_type(), dims, bytes);
    Ok(())
}
