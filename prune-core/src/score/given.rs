//! Scores that the user gives.

use super::{From, Need, ScoreKind, Scores, Subject};
use crate::error::Error;
use crate::key::RankBy;

pub(super) const KIND: ScoreKind = ScoreKind {
    name: "given",
    needs: Some(Need::Scores),
    by: RankBy::Value,
    within_outputs: false,
    drawn: false,
    scores,
    element: |_, given| given,
};

fn scores<'a>(subject: &Subject<'a>, _: u64) -> Result<Scores<'a>, Error> {
    Ok(Scores { from: From::Lent(subject.shaped(&KIND, "tensor of scores")?), by: RankBy::Value })
}
