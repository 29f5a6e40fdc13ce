//! Magnitude: the weights are their own score.

use super::{From, Kind, Scores};
use crate::key::RankBy;

pub(super) const KIND: Kind = Kind {
    name: "magnitude",
    needs: None,
    by: RankBy::Magnitude,
    within_outputs: false,
    drawn: false,
    scores: |subject, _| Ok(Scores { from: From::Lent(subject.weights), by: RankBy::Magnitude }),
    element: |weight, _| weight,
};
