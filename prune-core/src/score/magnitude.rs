//! Magnitude: the weights are their own score.

use super::{From, ScoreKind, Scores};
use crate::key::RankBy;

pub(super) const KIND: ScoreKind = ScoreKind {
    name: "magnitude",
    needs: None,
    by: RankBy::Magnitude,
    within_outputs: false,
    drawn: false,
    scores: |subject, _| Ok(Scores { from: From::Lent(subject.weights), by: RankBy::Magnitude }),
    element: |weight, _| weight,
};
