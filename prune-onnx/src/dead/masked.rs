//! Classes that masks close, without those that their readers would still see as something other than 0.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use prune_core::Mask;
use prune_graph::{ClassId, Family, MaskRemoval, Reason, Removal, Role, TensorAxis, TensorId};

use super::Dead;
use crate::analysis::{Analysis, NodeSum};
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

    /// The constants that a removal by masks takes out although they are not 0 there and no mask closes them, in the
    /// order of names, each with the number of its slices. Examples are biases and shifts of closed rows, means that
    /// are subtracted from those rows, and rows of another branch. A class counts only if one of its readers got
    /// something other than 0 from it. If the list is empty, the removal changes no output of the model that has 0
    /// wherever a mask closes.
    ///
    /// # Errors
    ///
    /// Errors of reading constants, and [`GraphError::UnknownTensor`](prune_graph::GraphError::UnknownTensor) and
    /// [`GraphError::MaskShape`](prune_graph::GraphError::MaskShape) if a mask fits no constant.
    ///
    /// # Complexity
    ///
    /// Two passes over the constants, and walks as for [`Analysis::closed_by`].
    pub fn live_writers(&self, removal: &Removal, masks: &[(&str, &Mask)]) -> Result<Vec<(String, usize)>, Error> {
        self.classes.check_masks(masks)?;
        let masks: HashMap<&str, &Mask> = masks.iter().copied().collect();
        let zeros = self.zero_slices(&Dead::none(&self.classes), &masks)?;
        let read = self.read_as_more(removal, |_, class| zeros.get(&class).into_iter().flatten().copied().collect())?;
        let lost: HashSet<ClassId> = read.into_iter().map(|read| read.class).collect();
        self.constants_in(&lost, &zeros, &masks)
    }

    /// The classes of a removal whose values are not 0 at a reader although all their writers are: an activation makes
    /// 0.5 of 0, say, or a number is added. `closed` are the readers whose slices of a class masks close. The value
    /// does not matter there, nor where those slices are 0. [`Analysis::dead`] adds such values to biases if it can.
    fn made_of_zero(&self, removal: &Removal, closed: &[(ClassId, TensorId)]) -> Result<Vec<MadeOfZero>, Error> {
        let mut zeros = self.zero_slices(&Dead::none(&self.classes), &HashMap::new())?;
        closed.iter().for_each(|&(class, tensor)| zeros.entry(class).or_default().push(tensor));
        let writes = |axis: &&TensorAxis| !matches!(self.classes.role(**axis), Some(Role::Reader | Role::Divisor));
        let read = self.read_as_more(removal, |family, class| {
            let writers = family.axes().iter().filter(writes).map(|axis| axis.tensor);
            zeros.get(&class).into_iter().flatten().copied().chain(writers).collect()
        })?;
        let made = read.into_iter().map(|LiveClass { class, family, node }| {
            let axis = self.written(family.axes());
            let index = self.index_of(class, axis).unwrap_or(0);
            MadeOfZero { class, axis, index, reason: self.reason(node, WHY) }
        });
        Ok(made.collect())
    }

    /// The classes of a removal that are not 0 at some reader when the constants that `zeros` names for each class are
    /// 0.
    fn read_as_more(
        &self,
        removal: &Removal,
        zeros: impl Fn(&Family, ClassId) -> BTreeSet<TensorId>,
    ) -> Result<Vec<LiveClass<'_>>, Error> {
        let mut alike: BTreeMap<(usize, BTreeSet<TensorId>), Vec<ClassId>> = BTreeMap::new();
        for (number, family) in self.classes.families().iter().enumerate() {
            for &class in family.classes().iter().filter(|&&class| removal.is_gone(class)) {
                alike.entry((number, zeros(family, class))).or_default().push(class);
            }
        }
        let mut found = Vec::new();
        for ((number, zeros), classes) in alike {
            let family = &self.classes.families()[number];
            let sums = self.sums(zeros.into_iter().collect())?;
            let reads = |sum: &&NodeSum| !sum.zero && sum.axes.iter().any(|axis| family.axes().contains(axis));
            let reading: Vec<&NodeSum> = sums.iter().filter(reads).collect();
            for class in classes {
                let meets = |sum: &&&NodeSum| sum.axes.iter().any(|&axis| self.index_of(class, axis).is_some());
                if let Some(sum) = reading.iter().find(meets) {
                    found.push(LiveClass { class, family, node: sum.node });
                }
            }
        }
        Ok(found)
    }

    /// The first index of a class on an axis.
    fn index_of(&self, class: ClassId, axis: TensorAxis) -> Option<usize> {
        (0..self.classes.size(axis).unwrap_or(0)).find(|&index| self.classes.class_of(axis, index) == Some(class))
    }
}

/// A class of a family that is not 0 where a node sums over it.
struct LiveClass<'a> {
    class: ClassId,
    family: &'a Family,
    node: usize,
}
