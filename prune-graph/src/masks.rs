//! Classes that masks from training close.

use prune_core::{Mask, nearest};

use crate::classes::{ClassId, Classes};
use crate::error::GraphError;
use crate::removal::Removal;
use crate::tensor::{Role, TensorAxis, TensorId};

/// The classes that masks close, and the slices that they close in vain.
#[derive(Debug, Clone)]
pub struct MaskRemoval {
    /// The classes that go.
    pub removal: Removal,
    /// Closed slices of classes that stay because the mask of another layer keeps its slice of the class.
    pub kept_elsewhere: Vec<(TensorAxis, usize)>,
    /// The classes whose slices in a reading tensor are closed, each with that tensor.
    pub closed_readers: Vec<(ClassId, TensorId)>,
    /// Closed slices that an operator pins.
    pub pinned: Vec<(TensorAxis, usize)>,
}

impl Classes {
    /// The classes that masks close. A class goes if every masked layer that writes its channel has its whole slice
    /// masked. If no writer has a mask, the masked readers decide. Layers without a mask do not count; their slices go
    /// too.
    ///
    /// # Errors
    ///
    /// [`GraphError::UnknownTensor`], [`GraphError::MaskShape`], [`GraphError::NoChannel`] if nothing is closed,
    /// [`GraphError::EmptyAxis`] if an axis would lose all its indices; it names the axis of a masked constant if there
    /// is one.
    ///
    /// # Complexity
    ///
    /// One pass over the masks, times their rank.
    pub fn closed_by(&self, masks: &[(&str, &Mask)]) -> Result<MaskRemoval, GraphError> {
        // For each class, the numbers of open and closed slices, first of writers, then of readers.
        let mut votes = vec![[[0u32; 2]; 2]; self.bound()];
        let mut slices = Vec::new();
        let mut pinned = Vec::new();
        for (name, mask) in masks {
            let tensor = self.masked(name, mask)?;
            for (axis, closed) in closed_slices(mask).into_iter().enumerate() {
                let axis = tensor.axis(axis);
                let side = usize::from(self.role(axis) == Some(Role::Reader));
                for (index, closed) in closed.into_iter().enumerate() {
                    match self.class_of(axis, index).filter(|&class| self.family_of(class).is_some()) {
                        Some(class) => {
                            votes[class.index()][side][usize::from(closed)] += 1;
                            if closed {
                                slices.push((class, axis, index, side));
                            }
                        }
                        None if closed && mask.kept_len() > 0 => pinned.push((axis, index)),
                        None => {}
                    }
                }
            }
        }
        let mut removal = Removal::none(self);
        for (class, votes) in votes.iter().enumerate() {
            let [writers, readers] = votes;
            let decide = if writers[0] + writers[1] > 0 { writers } else { readers };
            if decide[1] > 0 && decide[0] == 0 {
                removal.close(ClassId(class as u32));
            }
        }
        if removal.is_empty() {
            let pinned = pinned.first().map(|(axis, i)| (self.name(axis.tensor).to_owned(), axis.axis, *i));
            return Err(GraphError::NoChannel { pinned });
        }
        if let Err(empty) = removal.check(self) {
            // Name the axis of a masked weight. It tells the user more than the axis of a value between two layers.
            let emptied = slices.iter().filter(|(class, ..)| removal.is_gone(*class)).map(|&(_, axis, ..)| axis);
            let emptied = emptied
                .filter(|&axis| removal.kept_len(self, axis) == Some(0))
                .min_by_key(|&axis| (self.role(axis) == Some(Role::Reader), self.name(axis.tensor), axis.axis));
            return Err(emptied.map_or(empty, |axis| GraphError::EmptyAxis {
                name: self.name(axis.tensor).to_owned(),
                axis: axis.axis,
            }));
        }
        let readers = slices.iter().filter(|(.., side)| *side == 1);
        let closed_readers = readers.map(|&(class, axis, ..)| (class, axis.tensor)).collect();
        let kept_elsewhere = slices
            .into_iter()
            .filter(|&(class, _, _, side)| side == 0 && !removal.is_gone(class))
            .map(|(_, axis, index, _)| (axis, index))
            .collect();
        Ok(MaskRemoval { removal, kept_elsewhere, closed_readers, pinned })
    }

    /// Checks that each mask names a constant and has its shape.
    ///
    /// # Errors
    ///
    /// [`GraphError::UnknownTensor`], [`GraphError::MaskShape`].
    pub fn check_masks(&self, masks: &[(&str, &Mask)]) -> Result<(), GraphError> {
        masks.iter().try_for_each(|(name, mask)| self.masked(name, mask).map(|_| ()))
    }

    fn masked(&self, name: &str, mask: &Mask) -> Result<TensorId, GraphError> {
        let Some(tensor) = self.find(name).filter(|&tensor| self.is_constant(tensor)) else {
            let known = self.tensors().iter().filter(|&&t| self.is_constant(t)).map(|&t| self.name(t));
            let nearest = nearest(name, known).map(|name| name.to_string());
            return Err(GraphError::UnknownTensor { name: name.to_owned(), nearest });
        };
        let constant: Vec<usize> = self.sizes(tensor).iter().map(|n| n.unwrap_or(0)).collect();
        if constant != mask.shape() {
            return Err(GraphError::MaskShape { name: name.to_owned(), mask: mask.shape().to_vec(), constant });
        }
        Ok(tensor)
    }
}

/// For each axis and index, true if the mask keeps nothing of the slice.
fn closed_slices(mask: &Mask) -> Vec<Vec<bool>> {
    let shape = mask.shape();
    let mut closed: Vec<Vec<bool>> = shape.iter().map(|&n| vec![true; n]).collect();
    for index in (0..mask.len()).filter(|&index| mask.is_kept(index)) {
        let mut rest = index;
        for (axis, &n) in shape.iter().enumerate().rev() {
            closed[axis][rest % n] = false;
            rest /= n;
        }
    }
    closed
}
