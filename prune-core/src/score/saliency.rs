//! Weight times gradient: the change of the loss, to first order, if the weight became zero.

use super::{Need, ScoreKind, Scores, Subject};
use crate::error::Error;
use crate::key::RankBy;

/// Uses the gradient of the current batch (Mozer and Smolensky 1989, Molchanov et al. 2016).
pub(super) const SALIENCY: ScoreKind = ScoreKind {
    name: "saliency",
    needs: Some(Need::Gradient),
    by: RankBy::Value,
    within_outputs: false,
    drawn: false,
    scores: |s, _| products(s, &SALIENCY),
    element,
};

/// Uses the mean gradient over batches, before training (Lee et al. 2019).
pub(super) const SNIP: ScoreKind = ScoreKind {
    name: "snip",
    needs: Some(Need::MeanGradient),
    by: RankBy::Value,
    within_outputs: false,
    drawn: false,
    scores: |s, _| products(s, &SNIP),
    element,
};

fn element(weight: f64, gradient: f64) -> f64 {
    (weight * gradient).abs()
}

fn products<'a>(subject: &Subject<'a>, kind: &'static ScoreKind) -> Result<Scores<'a>, Error> {
    let gradient = subject.shaped(kind, "gradient")?.to_logical_f64()?;
    let mut scores = subject.weights.to_logical_f64()?;
    scores.iter_mut().zip(gradient).for_each(|(score, gradient)| *score = element(*score, gradient));
    Scores::own(subject.weights.shape(), scores)
}
