//! Live elements that a removal by masks takes away although no mask closes them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use prune_graph::{ClassId, Removal, Role, TensorAxis};

use super::Analysis;
use super::constants::{Constant, Use};
use crate::error::Error;

impl Analysis<'_> {
    /// The constants that write into removed classes and are not 0 there, in the order of names, each with the number
    /// of such slices. Constants with a mask, named in `masked`, do not count, since the mask closes those slices.
    /// Examples are biases and shifts of closed rows, or rows of another branch. Their values reached the readers of a
    /// class and no longer do. A class whose readers are all 0 does not count.
    ///
    /// # Errors
    ///
    /// Errors of reading constants.
    ///
    /// # Complexity
    ///
    /// One pass over the constants that lose indices.
    pub fn live_writers(&self, removal: &Removal, masked: &HashSet<&str>) -> Result<Vec<(String, usize)>, Error> {
        let mut written: Vec<(&Use, TensorAxis, usize, ClassId)> = Vec::new();
        let mut read = vec![[false; 2]; self.classes.bound()];
        for found in &self.uses {
            let Some(constant) = self.constants.get(found.name.as_str()) else { continue };
            let cut = |axis: &usize| removal.kept_len(&self.classes, found.id.axis(*axis)) != self.length(found, *axis);
            let axes: Vec<usize> = (0..constant.tensor.dims().len()).filter(cut).collect();
            if axes.is_empty() || !constant.tensor.data_type().is_floating() {
                continue;
            }
            let slices = nonzero_slices(constant)?;
            for axis in axes {
                let role = self.classes.role(found.id.axis(axis));
                for (index, &nonzero) in slices[axis].iter().enumerate() {
                    let class = self.classes.class_of(found.id.axis(axis), index);
                    let Some(class) = class.filter(|&class| removal.is_gone(class)) else { continue };
                    match role {
                        Some(Role::Reader) => {
                            read[class.index()][0] = true;
                            read[class.index()][1] |= nonzero;
                        }
                        Some(Role::Divisor) => {}
                        _ if nonzero && !masked.contains(found.name.as_str()) && !self.only_multiplies(found) => {
                            written.push((found, found.id.axis(axis), index, class));
                        }
                        _ => {}
                    }
                }
            }
        }
        let mut all: BTreeMap<&str, BTreeSet<(usize, usize)>> = BTreeMap::new();
        for (found, axis, index, class) in written {
            // If no constant reads the class, something else reads it.
            if read[class.index()] != [true, false] {
                all.entry(&found.name).or_default().insert((axis.axis, index));
            }
        }
        Ok(all.into_iter().map(|(name, slices)| (name.to_owned(), slices.len())).collect())
    }

    fn length(&self, found: &Use, axis: usize) -> Option<usize> {
        self.classes.size(found.id.axis(axis))
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

/// For each axis and each index, true if the slice has a value other than 0.
fn nonzero_slices(constant: &Constant<'_>) -> Result<Vec<Vec<bool>>, Error> {
    let dims = constant.tensor.dims();
    let mut nonzero: Vec<Vec<bool>> = dims.iter().map(|&n| vec![false; n]).collect();
    constant.tensor.visit(|mut index, value| {
        if value != 0.0 {
            for (axis, &n) in dims.iter().enumerate().rev() {
                nonzero[axis][index % n] = true;
                index /= n;
            }
        }
    })?;
    Ok(nonzero)
}
