//! Classes that masks close, without those that their readers would still see as something other than 0.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prune_core::Mask;
use prune_graph::{ClassId, Family, MaskRemoval, Reason, Removal, Role, TensorAxis, TensorId};

use super::Dead;
use crate::analysis::{Analysis, Sum};
use crate::error::Error;

/// A class that masks close, but whose removal would change the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeOfZero {
    /// The class.
    pub class: ClassId,
    /// An axis of a weight that writes it.
    pub axis: TensorAxis,
    /// Its index there.
    pub index: usize,
    /// The reader that would get another value, and why.
    pub reason: Reason,
}

/// The reader's part of such a reason.
const WHY: &str = "reads something else than 0 there, such as a sigmoid's 0.5, and would lose it";

impl Analysis<'_> {
    /// The classes that masks close in the selected families, as
    /// [`Classes::closed_by`](prune_graph::Classes::closed_by) finds them. Second, those among them that stay, because
    /// a reader gets something other than 0 from them. The removal has only classes that can go; it is empty if all of
    /// them stay.
    ///
    /// # Errors
    ///
    /// [`Error::Classes`] for masks that do not fit or close nothing, and errors of reading constants.
    ///
    /// # Complexity
    ///
    /// One pass over the masks, times their rank, and one over the constants. Then one walk over the model for each
    /// family that loses classes and each set of its readers that are 0 in some class.
    pub fn closed_by(
        &self,
        masks: &[(&str, &Mask)],
        selected: impl Fn(&Family) -> bool,
    ) -> Result<(MaskRemoval, Vec<MadeOfZero>), Error> {
        let mut closed = self.classes.closed_by(masks)?;
        for family in self.classes.families().iter().filter(|family| !selected(family)) {
            family.classes().iter().for_each(|&class| closed.removal.reopen(class));
        }
        let made = self.made_of_zero(&closed.removal, &closed.closed_readers)?;
        made.iter().for_each(|made| closed.removal.reopen(made.class));
        Ok((closed, made))
    }

    /// The removed classes that a reader sees as something other than 0, although every constant that writes them is 0:
    /// an activation makes 0.5 of 0, for example, or a number is added. A reader does not matter if its slices of the
    /// class are 0, or if masks close them, which `closed` tells. [`Analysis::dead`] adds such values to biases where
    /// it can.
    fn made_of_zero(&self, removal: &Removal, closed: &[(ClassId, TensorId)]) -> Result<Vec<MadeOfZero>, Error> {
        let mut zeros: HashMap<ClassId, BTreeSet<TensorId>> = HashMap::new();
        for (class, constants) in self.zero_slices(&Dead::none(&self.classes))? {
            zeros.entry(class).or_default().extend(constants);
        }
        closed.iter().for_each(|&(class, tensor)| _ = zeros.entry(class).or_default().insert(tensor));
        let mut alike: BTreeMap<(usize, BTreeSet<TensorId>), Vec<ClassId>> = BTreeMap::new();
        for (number, family) in self.classes.families().iter().enumerate() {
            let writes = |axis: &&TensorAxis| !matches!(self.classes.role(**axis), Some(Role::Reader | Role::Divisor));
            let writers: BTreeSet<TensorId> = family.axes().iter().filter(writes).map(|axis| axis.tensor).collect();
            for &class in family.classes().iter().filter(|&&class| removal.is_gone(class)) {
                let zeros = zeros.get(&class).into_iter().flatten().chain(&writers).copied().collect();
                alike.entry((number, zeros)).or_default().push(class);
            }
        }
        let mut found = Vec::new();
        for ((number, zeros), classes) in alike {
            let family = &self.classes.families()[number];
            let sums = self.sums(zeros.into_iter().collect())?;
            let reads = |sum: &&Sum| !sum.zero && sum.axes.iter().any(|axis| family.axes().contains(axis));
            let read: Vec<&Sum> = sums.iter().filter(reads).collect();
            for class in classes {
                let has = |axis: TensorAxis| {
                    (0..self.classes.size(axis).unwrap_or(0))
                        .find(|&index| self.classes.class_of(axis, index) == Some(class))
                };
                if let Some(sum) = read.iter().find(|sum| sum.axes.iter().any(|&axis| has(axis).is_some())) {
                    let axis = self.written(family.axes());
                    let reason = self.reason(sum.node, WHY);
                    found.push(MadeOfZero { class, axis, index: has(axis).unwrap_or(0), reason });
                }
            }
        }
        Ok(found)
    }
}
