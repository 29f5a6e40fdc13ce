//! A choice of classes to remove, and the indices that it leaves.

use crate::classes::{ClassId, Classes};
use crate::error::GraphError;
use crate::tensor::TensorAxis;

/// The classes that go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    gone: Vec<bool>,
}

impl Removal {
    /// A removal of nothing.
    pub fn none(classes: &Classes) -> Self {
        Removal { gone: vec![false; classes.bound()] }
    }

    /// Marks a class as one that goes.
    pub fn close(&mut self, class: ClassId) {
        if let Some(gone) = self.gone.get_mut(class.index()) {
            *gone = true;
        }
    }

    /// Marks a class as one that stays.
    pub fn reopen(&mut self, class: ClassId) {
        if let Some(gone) = self.gone.get_mut(class.index()) {
            *gone = false;
        }
    }

    /// True if the class goes.
    pub fn is_gone(&self, class: ClassId) -> bool {
        self.gone.get(class.index()).copied().unwrap_or(false)
    }

    /// The number of classes that go.
    pub fn len(&self) -> usize {
        self.gone.iter().filter(|&&gone| gone).count()
    }

    /// True if nothing goes.
    pub fn is_empty(&self) -> bool {
        !self.gone.contains(&true)
    }

    /// True if the index goes.
    pub fn removes(&self, classes: &Classes, axis: TensorAxis, index: usize) -> bool {
        classes.class_of(axis, index).is_some_and(|class| self.is_gone(class))
    }

    /// The indices of an axis that stay; `None` if all do, or if the length of the axis is not known.
    pub fn kept(&self, classes: &Classes, axis: TensorAxis) -> Option<Vec<usize>> {
        let n = classes.size(axis)?;
        let kept: Vec<usize> = (0..n).filter(|&i| !self.removes(classes, axis, i)).collect();
        (kept.len() < n).then_some(kept)
    }

    /// The number of indices of an axis that stay; `None` if its length is not known.
    pub fn kept_len(&self, classes: &Classes, axis: TensorAxis) -> Option<usize> {
        let n = classes.size(axis)?;
        Some((0..n).filter(|&i| !self.removes(classes, axis, i)).count())
    }

    /// The number of indices of a run that stay, and the length of a run before the removal; `None` if the axis has no
    /// runs.
    pub fn kept_of_run(&self, classes: &Classes, axis: TensorAxis) -> Option<(usize, usize)> {
        let mut count = (0, 0);
        for class in classes.run(axis)? {
            count.0 += usize::from(!class.is_some_and(|class| self.is_gone(class)));
            count.1 += 1;
        }
        Some(count)
    }

    /// Checks that something stays of every axis.
    ///
    /// # Errors
    ///
    /// [`GraphError::EmptyAxis`] with the first axis that would be empty.
    pub fn check(&self, classes: &Classes) -> Result<(), GraphError> {
        let empty =
            |axis: &TensorAxis| classes.size(*axis).is_some_and(|n| n > 0) && self.kept_len(classes, *axis) == Some(0);
        let has_no_run = |axis: &TensorAxis| self.kept_of_run(classes, *axis).is_some_and(|(kept, _)| kept == 0);
        match classes.axes().find(|axis| empty(axis) || has_no_run(axis)) {
            Some(axis) => Err(GraphError::EmptyAxis { name: classes.name(axis.tensor).to_owned(), axis: axis.axis }),
            None => Ok(()),
        }
    }

    /// The number of elements of a tensor that stay. An axis of unknown length counts as 1.
    pub fn kept_elements(&self, classes: &Classes, tensor: crate::TensorId) -> usize {
        (0..classes.sizes(tensor).len())
            .map(|axis| self.kept_len(classes, tensor.axis(axis)).unwrap_or(1))
            .fold(1, usize::saturating_mul)
    }
}
