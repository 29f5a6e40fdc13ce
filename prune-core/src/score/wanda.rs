//! Magnitude times the norm of the input (Sun et al. 2023, "A simple and effective pruning approach for large language
//! models").

use super::{Need, ScoreKind, Scores, Subject};
use crate::error::{Error, ErrorKind};
use crate::key::RankBy;

pub(super) const KIND: ScoreKind = ScoreKind {
    name: "wanda",
    needs: Some(Need::InputNorms),
    by: RankBy::Value,
    within_outputs: true,
    drawn: false,
    scores,
    element,
};

fn element(weight: f64, norm: f64) -> f64 {
    weight.abs() * norm
}

fn scores<'a>(subject: &Subject<'a>, _: u64) -> Result<Scores<'a>, Error> {
    let norms = subject.needed(&KIND)?;
    let shape = subject.weights.shape();
    let rank = shape.len();
    let axis = match (subject.output_axis, rank) {
        (None, 0) => return Err(ErrorKind::AxisOutOfRange { axis: -1, rank }.into()),
        (Some(axis), _) if axis >= rank => return Err(ErrorKind::AxisOutOfRange { axis: axis as isize, rank }.into()),
        (axis, _) => axis.unwrap_or(rank - 1),
    };
    let inputs: Vec<usize> = [&shape[..axis], &shape[axis + 1..]].concat();
    subject.same_shape("tensor of input norms", &inputs, norms)?;
    let norms = norms.to_logical_f64()?;
    let mut scores = subject.weights.to_logical_f64()?;
    if scores.is_empty() {
        return Scores::own(shape, scores);
    }
    // Logical order is (before, output, after); an input is (before, after).
    let (outputs, after) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    for (index, score) in scores.iter_mut().enumerate() {
        let (before, after_index) = (index / after / outputs, index % after);
        *score = element(*score, norms[before * after + after_index]);
    }
    Scores::own(shape, scores)
}
