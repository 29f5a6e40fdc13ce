//! Constants: each is cut in place, or in a copy if its uses need different cuts. Numbers are added to those that are
//! biases.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use half::{bf16, f16};
use prune_graph::Removal;

use crate::analysis::{Analysis, Use};
use crate::data_type::DataType;
use crate::dead::Addend;
use crate::edits::{Edits, TensorPlace};
use crate::error::{Error, TensorProblem};
use crate::model::Tensor;
use crate::rewrite::Names;

/// The change of a constant that one of its uses needs.
#[derive(Debug, Default)]
struct ConstantChange {
    /// The kept indices of each axis that loses some.
    kept: BTreeMap<usize, Vec<usize>>,
    /// Numbers to add, one for each element before the cut; empty if nothing is added.
    add: Vec<f64>,
}

/// A key for finding equal changes: the kept indices, and the bits of the numbers.
type ChangeKey<'c> = (&'c BTreeMap<usize, Vec<usize>>, Vec<u64>);

impl ConstantChange {
    fn key(&self) -> ChangeKey<'_> {
        (&self.kept, self.add.iter().map(|number| number.to_bits()).collect())
    }

    fn is_nothing(&self) -> bool {
        self.kept.is_empty() && self.add.is_empty()
    }
}

pub(super) fn cut(
    analysis: &Analysis<'_>,
    removal: &Removal,
    edits: &mut Edits,
    names: &mut Names<'_>,
    additions: Vec<(Addend<'_>, Vec<f64>)>,
) -> Result<(), Error> {
    let mut added: HashMap<(usize, usize), Vec<f64>> = HashMap::new();
    for (addend, numbers) in additions {
        match addend.tensor {
            Some(_) => _ = added.insert((addend.node, addend.slot), numbers),
            None => add_bias(analysis, removal, edits, names, addend, &numbers),
        }
    }
    let mut by_name: BTreeMap<&str, Vec<(&Use, ConstantChange)>> = BTreeMap::new();
    for found in &analysis.uses {
        let rank = analysis.classes.sizes(found.id).len();
        let kept = |axis: usize| removal.kept(&analysis.classes, found.id.axis(axis)).map(|kept| (axis, kept));
        let add = found.readers.iter().find_map(|reader| added.remove(reader)).unwrap_or_default();
        let change = ConstantChange { kept: (0..rank).filter_map(kept).collect(), add };
        by_name.entry(&found.name).or_default().push((found, change));
    }
    for (name, uses) in by_name {
        let Some(constant) = analysis.constants.get(name).copied() else { continue };
        // The original goes to a use that something outside of nodes reads, or to one that loses nothing.
        let whole = uses.iter().position(|(found, change)| found.readers.is_empty() || change.is_nothing());
        let stays = &uses[whole.unwrap_or(0)].1;
        let mut copies: HashMap<ChangeKey<'_>, String> = HashMap::from([(stays.key(), name.to_owned())]);
        apply(edits, constant.place, constant.tensor, stays)?;
        for (&axis, kept) in &stays.kept {
            edits.set_length(name, axis, kept.len() as i64);
        }
        for (found, change) in &uses {
            let source = match copies.entry(change.key()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let copy = names.fresh(name);
                    add_copy(edits, constant.place, constant.tensor, &copy, change)?;
                    new.insert(copy)
                }
            };
            if source != name {
                found.readers.iter().for_each(|&(node, slot)| edits.set_input(node, slot, source));
            }
        }
    }
    Ok(())
}

fn apply(edits: &mut Edits, place: TensorPlace, tensor: &Tensor, change: &ConstantChange) -> Result<(), Error> {
    if change.add.is_empty() {
        for (&axis, kept) in &change.kept {
            edits.keep(place, axis, kept.clone());
        }
    } else {
        let (dims, bytes) = changed(tensor, change)?;
        edits.replace(place, dims, bytes);
    }
    Ok(())
}

/// Adds a copy of a constant with a change.
fn add_copy(
    edits: &mut Edits,
    place: TensorPlace,
    tensor: &Tensor,
    copy: &str,
    change: &ConstantChange,
) -> Result<(), Error> {
    if let TensorPlace::Initializer(at) = place
        && change.add.is_empty()
    {
        let place = edits.copy_initializer(at, copy);
        return apply(edits, place, tensor, change);
    }
    // Edits cannot copy the tensor of a node, so its elements are cut here and added.
    let (dims, bytes) = changed(tensor, change)?;
    edits.add_initializer(copy, tensor.data_type(), dims, bytes);
    Ok(())
}

/// The shape and the bytes of a constant after a change.
fn changed(tensor: &Tensor, change: &ConstantChange) -> Result<(Vec<usize>, Vec<u8>), Error> {
    let Some(width) = tensor.data_type().bytes() else {
        return Error::tensor(tensor.name(), TensorProblem::Cut("its elements are not whole bytes"));
    };
    let mut bytes = if change.add.is_empty() {
        tensor.bytes()?.to_vec()
    } else {
        let values = tensor.floats()?;
        encoded(tensor.data_type(), values.iter().zip(&change.add).map(|(value, add)| value + add))
    };
    let mut dims = tensor.dims().to_vec();
    for (&axis, kept) in &change.kept {
        let inner = dims[axis + 1..].iter().product::<usize>() * width;
        let slab = dims[axis] * inner;
        let pieces =
            bytes.chunks(slab.max(1)).flat_map(|outer| kept.iter().map(move |&i| &outer[i * inner..(i + 1) * inner]));
        bytes = pieces.collect::<Vec<_>>().concat();
        dims[axis] = kept.len();
    }
    Ok((dims, bytes))
}

/// Gives a bias to a layer that has none.
fn add_bias(
    analysis: &Analysis<'_>,
    removal: &Removal,
    edits: &mut Edits,
    names: &mut Names<'_>,
    addend: Addend<'_>,
    numbers: &[f64],
) {
    let output = analysis.model.graph().nodes()[addend.node].output(0).unwrap_or("bias");
    let channels = analysis.values.get(output).map(|value| value.id.axis(1));
    let kept = channels.and_then(|axis| removal.kept(&analysis.classes, axis));
    let numbers: Vec<f64> = match kept {
        Some(kept) => kept.iter().map(|&index| numbers[index]).collect(),
        None => numbers.to_vec(),
    };
    let name = names.fresh(output);
    let bytes = encoded(addend.data_type, numbers.iter().copied());
    edits.add_initializer(&name, addend.data_type, vec![numbers.len()], bytes);
    edits.set_input(addend.node, addend.slot, &name);
}

/// Floats in the bytes of a type.
fn encoded(data_type: DataType, values: impl Iterator<Item = f64>) -> Vec<u8> {
    match data_type {
        DataType::Double => values.flat_map(f64::to_le_bytes).collect(),
        DataType::Float16 => values.flat_map(|value| f16::from_f64(value).to_le_bytes()).collect(),
        DataType::Bfloat16 => values.flat_map(|value| bf16::from_f64(value).to_le_bytes()).collect(),
        _ => values.flat_map(|value| (value as f32).to_le_bytes()).collect(),
    }
}
