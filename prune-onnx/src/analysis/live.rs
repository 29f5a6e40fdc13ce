//! Constants that lose values other than 0 with the classes that masks remove, though no mask closes those values.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use prune_core::Mask;
use prune_graph::{ClassId, Role, TensorAxis, TensorId};

use super::Analysis;
use super::constants::{Constant, Use};
use crate::error::Error;

/// Slices of a constant by axis and index, each with its class.
type LiveSlices = Vec<(TensorAxis, usize, ClassId)>;

impl Analysis<'_> {
    /// The constants that are not 0 in these classes, in the order of names, each with the number of such slices.
    /// Constants that add something to a class count. Constants that multiply count only in classes to which none adds.
    /// `zeros` has, for each class, the uses that are 0 in it.
    ///
    /// # Errors
    ///
    /// Errors of reading constants.
    ///
    /// # Complexity
    ///
    /// One pass over the constants that meet these classes.
    pub(crate) fn constants_in(
        &self,
        classes: &HashSet<ClassId>,
        zeros: &HashMap<ClassId, Vec<TensorId>>,
        masks: &HashMap<&str, &Mask>,
    ) -> Result<Vec<(String, usize)>, Error> {
        let mut adds: HashSet<ClassId> = HashSet::new();
        let mut slices = Vec::new();
        for found in &self.uses {
            let Some(constant) = self.constants.get(found.name.as_str()) else { continue };
            let met = self.slices_in(found, constant, classes);
            if met.is_empty() || !constant.tensor.data_type().is_floating() {
                continue;
            }
            let nonzero = nonzero_slices(constant, masks.get(found.name.as_str()).copied())?;
            let met = met.into_iter().filter(|(axis, index, _)| nonzero[axis.axis][*index]);
            for (axis, index, class) in met {
                let is_zero = |id: TensorId| zeros.get(&class).is_some_and(|zeros| zeros.contains(&id));
                let writes = match self.classes.role(axis) {
                    Some(Role::Reader) => false,
                    Some(Role::Divisor) => self.is_subtracted(found, is_zero),
                    _ => true,
                };
                if writes {
                    let multiplies = self.only_multiplies(found);
                    if !multiplies {
                        adds.insert(class);
                    }
                    slices.push((found, multiplies, (axis.axis, index), class));
                }
            }
        }
        let mut all: BTreeMap<&str, BTreeSet<(usize, usize)>> = BTreeMap::new();
        for (found, multiplies, slice, class) in slices {
            if !multiplies || !adds.contains(&class) {
                all.entry(&found.name).or_default().insert(slice);
            }
        }
        Ok(all.into_iter().map(|(name, slices)| (name.to_owned(), slices.len())).collect())
    }

    /// The slices of a constant that belong to these classes.
    fn slices_in(&self, found: &Use, constant: &Constant<'_>, classes: &HashSet<ClassId>) -> LiveSlices {
        let mut slices = LiveSlices::new();
        for (axis, &n) in constant.tensor.dims().iter().enumerate() {
            let axis = found.id.axis(axis);
            let class = |index: usize| self.classes.class_of(axis, index).filter(|class| classes.contains(class));
            slices.extend((0..n).filter_map(|index| Some((axis, index, class(index)?))));
        }
        slices
    }

    /// True if a BatchNormalization subtracts the constant as its mean, and its scale is not 0. It then makes another
    /// value of 0, and the removal takes this value out with the mean.
    fn is_subtracted(&self, found: &Use, is_zero: impl Fn(TensorId) -> bool) -> bool {
        found.readers.iter().any(|&(node, slot)| {
            let scale = self.use_read_at(node, 1);
            slot == 3
                && self.model.graph().nodes()[node].op_type() == "BatchNormalization"
                && !scale.is_some_and(|scale| is_zero(scale.id))
        })
    }

    /// True if each node that reads a constant multiplies by it, so that 0 stays 0.
    fn only_multiplies(&self, found: &Use) -> bool {
        let multiplies = |&(node, slot): &(usize, usize)| {
            let factor = match self.model.graph().nodes()[node].op_type() {
                "Mul" => return true,
                "BatchNormalization"
                | "InstanceNormalization"
                | "GroupNormalization"
                | "LayerNormalization"
                | "RMSNormalization"
                | "PRelu" => 1,
                _ => return false,
            };
            slot == factor
        };
        !found.readers.is_empty() && found.readers.iter().all(multiplies)
    }
}

/// For each axis, the slices with a value other than 0 that no mask closes.
fn nonzero_slices(constant: &Constant<'_>, mask: Option<&Mask>) -> Result<Vec<Vec<bool>>, Error> {
    let dims = constant.tensor.dims();
    let mut nonzero: Vec<Vec<bool>> = dims.iter().map(|&n| vec![false; n]).collect();
    constant.tensor.visit(|mut index, value| {
        if value != 0.0 && mask.is_none_or(|mask| mask.is_kept(index)) {
            for (axis, &n) in dims.iter().enumerate().rev() {
                nonzero[axis][index % n] = true;
                index /= n;
            }
        }
    })?;
    Ok(nonzero)
}
