//! A layer as a ranking takes it.

use crate::error::Error;
use crate::mask::Mask;
use crate::tensor::LayerRef;

/// A layer to rank: its scores, and the elements that may be chosen.
///
/// Under [`RankBy::Magnitude`](crate::RankBy) the scores are the weights themselves.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    /// The layer's name. Among equal scores the smaller name comes first, bytewise; errors name it. It is empty for a
    /// tensor without a name, such as a converted [`LayerRef`].
    pub name: &'a str,
    /// A score for every element.
    pub scores: &'a LayerRef<'a>,
    /// The elements that may be chosen; all of them if there is no mask. Dead elements are not examined.
    pub alive: Option<&'a Mask>,
}

impl<'a> Ranked<'a> {
    /// A layer whose elements may all be chosen.
    pub fn new(name: &'a str, scores: &'a LayerRef<'a>) -> Self {
        Ranked { name, scores, alive: None }
    }

    /// The same layer, but only elements that `alive` keeps may be chosen.
    #[must_use]
    pub fn with_alive(self, alive: Option<&'a Mask>) -> Self {
        Ranked { alive, ..self }
    }

    /// The number of elements that may be chosen.
    pub(crate) fn alive_len(&self) -> usize {
        self.alive.map_or(self.scores.len(), Mask::kept_len)
    }

    /// Refuses a mask of another shape.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.alive {
            Some(alive) => alive.fits("mask in force", self.scores.shape()).map_err(|e| e.in_layer(self.name)),
            None => Ok(()),
        }
    }
}

/// A tensor without a name, whose elements may all be chosen.
impl<'a> From<&'a LayerRef<'_>> for Ranked<'a> {
    fn from(scores: &'a LayerRef<'_>) -> Self {
        Ranked::new("", scores)
    }
}

impl<'a> From<&Ranked<'a>> for Ranked<'a> {
    fn from(ranked: &Ranked<'a>) -> Self {
        *ranked
    }
}
