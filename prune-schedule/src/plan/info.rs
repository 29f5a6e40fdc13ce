//! The facts about a layer that are known without looking at its values.

use prune_core::{ElementType, Mask};

use super::coupling::Members;
use super::defaults::Defaults;
use crate::names::Role;

/// A layer as a plan sees it: name, shape, role, and alive elements.
///
/// # Examples
///
/// ```
/// use prune_schedule::{Alive, LayerInfo};
///
/// let info = LayerInfo::new("fc1.weight", &[300, 784]).with_alive(Alive::Count(23_520));
/// assert!(info.weight && !LayerInfo::new("fc1.bias", &[300]).weight);
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct LayerInfo<'a> {
    /// The layer's name.
    pub name: &'a str,
    /// Its logical shape.
    pub shape: &'a [usize],
    /// The type of its elements; `None` for a type that is not pruned.
    pub element: Option<ElementType>,
    /// The reason why its elements are not accessible, if so. An event that selects the layer is refused with this
    /// reason.
    pub opaque: Option<&'a str>,
    /// True if events select the layer without naming it.
    pub weight: bool,
    /// Its axes, if the door knows them. Otherwise the names and shapes of all layers tell them.
    pub role: Option<&'a Role>,
    /// The bias that goes with its outputs, if the door knows it. Otherwise the name of the layer tells.
    pub bias: Option<&'a str>,
    /// The elements that an event may keep.
    pub alive: Alive<'a>,
}

impl<'a> LayerInfo<'a> {
    /// A layer whose elements are all alive. It is a weight if it has two axes or more.
    pub fn new(name: &'a str, shape: &'a [usize]) -> Self {
        let (element, weight) = (Some(ElementType::F32), shape.len() >= 2);
        LayerInfo { name, shape, element, opaque: None, weight, role: None, bias: None, alive: Alive::All }
    }

    /// This layer with elements of another type; `None` is a type that is not pruned.
    #[must_use]
    pub fn with_element(self, element: Option<ElementType>) -> Self {
        LayerInfo { element, ..self }
    }

    /// This layer with elements that are not accessible, for this reason.
    #[must_use]
    pub fn with_opaque(self, opaque: Option<&'a str>) -> Self {
        LayerInfo { opaque, ..self }
    }

    /// This layer, selected or not selected by events that do not name it.
    #[must_use]
    pub fn with_weight(self, weight: bool) -> Self {
        LayerInfo { weight, ..self }
    }

    /// This layer with axes that the door knows.
    #[must_use]
    pub fn with_role(self, role: &'a Role) -> Self {
        LayerInfo { role: Some(role), ..self }
    }

    /// This layer with a bias of this name.
    #[must_use]
    pub fn with_bias(self, bias: Option<&'a str>) -> Self {
        LayerInfo { bias, ..self }
    }

    /// This layer with these elements alive.
    #[must_use]
    pub fn with_alive(self, alive: Alive<'a>) -> Self {
        LayerInfo { alive, ..self }
    }

    /// The number of axes.
    pub(crate) fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        len_of(self.shape)
    }
}

/// The number of elements of a shape. A layout may claim a false shape, which shows only when it is read; the count
/// must not overflow before that.
pub(crate) fn len_of(shape: &[usize]) -> usize {
    if shape.contains(&0) { 0 } else { shape.iter().copied().fold(1, usize::saturating_mul) }
}

/// The elements of a layer that an event may keep.
#[derive(Debug, Clone, Copy)]
pub enum Alive<'a> {
    /// All elements.
    All,
    /// This number of elements; it is not known which.
    Count(usize),
    /// The elements that a mask in force keeps.
    Mask(&'a Mask),
}

/// Everything but the event that determines a plan.
#[derive(Clone, Copy)]
pub(crate) struct PlanContext<'a> {
    pub(crate) layers: &'a [LayerInfo<'a>],
    pub(crate) couplings: &'a [Members],
    pub(crate) defaults: Defaults,
}
