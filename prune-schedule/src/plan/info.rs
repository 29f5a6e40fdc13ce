//! What is known of a layer before its values are looked at.

use prune_core::{ElementType, Mask};

use super::coupling::Members;
use super::defaults::Defaults;
use crate::names::Role;

/// A layer as a plan sees it: its name and shape, what it is for, and what of it is alive.
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
    /// The type of its elements; none where it is one that is not pruned.
    pub element: Option<ElementType>,
    /// Why its elements cannot be had, where they cannot: an event that selects it is refused with this reason.
    pub opaque: Option<&'a str>,
    /// Whether events select it without being told its name.
    pub weight: bool,
    /// Its axes, as its door knows them. Without one they are told by the names and shapes of all layers.
    pub role: Option<&'a Role>,
    /// The bias that goes with its outputs, where something else than its name tells.
    pub bias: Option<&'a str>,
    /// What of it an event may keep.
    pub alive: Alive<'a>,
}

impl<'a> LayerInfo<'a> {
    /// A layer that is alive as a whole; a weight where it has two axes or more.
    pub fn new(name: &'a str, shape: &'a [usize]) -> Self {
        let (element, weight) = (Some(ElementType::F32), shape.len() >= 2);
        LayerInfo { name, shape, element, opaque: None, weight, role: None, bias: None, alive: Alive::All }
    }

    /// The same of elements of another type; none is one that is not pruned.
    #[must_use]
    pub fn with_element(self, element: Option<ElementType>) -> Self {
        LayerInfo { element, ..self }
    }

    /// The same of elements that cannot be had, for this reason.
    #[must_use]
    pub fn with_opaque(self, opaque: Option<&'a str>) -> Self {
        LayerInfo { opaque, ..self }
    }

    /// The same that events select without being told its name, or do not.
    #[must_use]
    pub fn with_weight(self, weight: bool) -> Self {
        LayerInfo { weight, ..self }
    }

    /// The same with axes that its door knows.
    #[must_use]
    pub fn with_role(self, role: &'a Role) -> Self {
        LayerInfo { role: Some(role), ..self }
    }

    /// The same with a bias of this name.
    #[must_use]
    pub fn with_bias(self, bias: Option<&'a str>) -> Self {
        LayerInfo { bias, ..self }
    }

    /// The same with less of it alive.
    #[must_use]
    pub fn with_alive(self, alive: Alive<'a>) -> Self {
        LayerInfo { alive, ..self }
    }

    /// How many axes it has.
    pub(crate) fn rank(&self) -> usize {
        self.shape.len()
    }

    /// How many elements it has.
    pub(crate) fn len(&self) -> usize {
        len_of(self.shape)
    }
}

/// How many elements a shape has. What a layout claims may be false, which is found out when it is read: it must not
/// overflow before.
pub(crate) fn len_of(shape: &[usize]) -> usize {
    if shape.contains(&0) { 0 } else { shape.iter().copied().fold(1, usize::saturating_mul) }
}

/// What of a layer an event may keep.
#[derive(Debug, Clone, Copy)]
pub enum Alive<'a> {
    /// Everything.
    All,
    /// So many of its elements, nobody knows yet which.
    Count(usize),
    /// What a mask in force keeps.
    Mask(&'a Mask),
}

/// What a plan follows from besides its event.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) layers: &'a [LayerInfo<'a>],
    pub(crate) couplings: &'a [Members],
    pub(crate) defaults: Defaults,
}
