//! The oracle: every selection as plain as its rule, by sorting everything.
//!
//! It shares nothing with the code it judges: numbers compare as `f64`, indices are lists of one number a dimension,
//! counts are counted. It is slow on purpose.

use core::cmp::Ordering;
use std::collections::BTreeMap;

use crate::key::RankBy;

/// A layer as the oracle sees it.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// Smaller names win ties, bytewise.
    pub name: &'a str,
    /// The length of each dimension.
    pub shape: &'a [usize],
    /// The scores in logical order, widened to `f64`.
    pub scores: &'a [f64],
    /// The elements that may be chosen, in logical order; all of them if there is no list.
    pub alive: Option<&'a [bool]>,
}

/// The oracle's answer for one layer, in the terms of [`Selected`](crate::Selected).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// A bool for each element, true if it is kept, in logical order.
    pub kept: Vec<bool>,
    /// As [`Selected::ties`](crate::Selected::ties).
    pub ties: usize,
    /// As [`Selected::short_groups`](crate::Selected::short_groups).
    pub short_groups: usize,
}

/// The oracle's reason for refusing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A score that is ranked is NaN: the first, by layer name and logical index.
    Nan {
        /// The layer's name.
        layer: String,
        /// One number a dimension.
        index: Vec<usize>,
    },
    /// More elements are asked for than are alive.
    TooFewAlive {
        /// The number asked for.
        asked: usize,
        /// The number that may be chosen.
        alive: usize,
    },
    /// There is no such axis.
    NoSuchAxis,
}

/// Rule 1: the number of `n` units that the density keeps.
pub fn kept_count(density: f64, n: usize) -> usize {
    if n == 0 {
        return 0;
    }
    let product = density * n as f64;
    let whole = product.floor();
    let rounded = if product - whole >= 0.5 { whole + 1.0 } else { whole };
    n.min(1.max(rounded as usize))
}

/// The best `density` of one layer.
///
/// # Errors
///
/// [`Refusal::TooFewAlive`], [`Refusal::Nan`].
pub fn unstructured(layer: Layer<'_>, density: f64, by: RankBy) -> Result<Answer, Refusal> {
    let mut answers = top(&[layer], kept_count(density, layer.scores.len()), by)?;
    Ok(answers.remove(0))
}

/// The best `density` of all the layers in one ranking.
///
/// # Errors
///
/// [`Refusal::TooFewAlive`], [`Refusal::Nan`].
pub fn global(layers: &[Layer<'_>], density: f64, by: RankBy) -> Result<Vec<Answer>, Refusal> {
    let elements = layers.iter().map(|layer| layer.scores.len()).sum();
    top(layers, kept_count(density, elements), by)
}

/// The best `kept` elements of all the layers in one ranking.
///
/// # Errors
///
/// [`Refusal::TooFewAlive`], [`Refusal::Nan`].
pub fn top(layers: &[Layer<'_>], kept: usize, by: RankBy) -> Result<Vec<Answer>, Refusal> {
    let alive =
        (0..layers.len()).map(|i| (0..layers[i].scores.len()).filter(|&j| is_alive(&layers[i], j)).count()).sum();
    if kept > alive {
        return Err(Refusal::TooFewAlive { asked: kept, alive });
    }
    let ranking = ranking(layers, by)?;
    let score = |&(i, index): &(usize, usize)| rank_value(layers[i].scores[index], by);
    let mut answers = nothing_kept(layers);
    for &(i, index) in &ranking[..kept] {
        answers[i].kept[index] = true;
    }
    if kept > 0 && kept < ranking.len() && score(&ranking[kept - 1]) == score(&ranking[kept]) {
        let last = score(&ranking[kept]);
        for element in &ranking {
            if score(element) == last {
                answers[element.0].ties += 1;
            }
        }
    }
    Ok(answers)
}

/// Rule 2: all elements that may be chosen, the best first, as (layer, index).
///
/// # Errors
///
/// [`Refusal::Nan`].
pub fn ranking(layers: &[Layer<'_>], by: RankBy) -> Result<Vec<(usize, usize)>, Refusal> {
    let mut ranking: Vec<(usize, usize)> = Vec::new();
    for (i, layer) in layers.iter().enumerate() {
        for index in 0..layer.scores.len() {
            if is_alive(layer, index) {
                ranking.push((i, index));
            }
        }
    }
    refuse_nan(layers)?;
    let score = |&(i, index): &(usize, usize)| rank_value(layers[i].scores[index], by);
    ranking.sort_by(|a, b| {
        higher_first(score(a), score(b))
            .then_with(|| layers[a.0].name.as_bytes().cmp(layers[b.0].name.as_bytes()))
            .then_with(|| a.1.cmp(&b.1))
    });
    Ok(ranking)
}

/// N of every M consecutive elements along an axis, which may be negative.
///
/// # Errors
///
/// [`Refusal::NoSuchAxis`], [`Refusal::Nan`].
pub fn n_m(layer: Layer<'_>, n: usize, m: usize, axis: isize, by: RankBy) -> Result<Answer, Refusal> {
    let rank = layer.shape.len() as isize;
    if axis < -rank || axis >= rank {
        return Err(Refusal::NoSuchAxis);
    }
    let axis = if axis < 0 { (axis + rank) as usize } else { axis as usize };
    refuse_nan(&[layer])?;
    // The key of a group: the index before the axis, the number of the group in its lane, and the index after the
    // axis.
    let (lane, after): (usize, usize) = (layer.shape[axis], layer.shape[axis + 1..].iter().product());
    let mut groups: BTreeMap<(usize, usize, usize), Vec<(usize, usize)>> = BTreeMap::new();
    for linear in 0..layer.scores.len() {
        let name = (linear / after / lane, linear / after % lane / m, linear % after);
        groups.entry(name).or_default().push((0, linear));
    }
    let mut answers = nothing_kept(&[layer]);
    for members in groups.values() {
        keep_best(members, n, &[layer], by, &mut answers);
    }
    Ok(answers.remove(0))
}

/// N of every M consecutive elements of all layers, one after the other by name; groups straddle layers.
///
/// # Errors
///
/// [`Refusal::Nan`].
pub fn n_m_concatenated(layers: &[Layer<'_>], n: usize, m: usize, by: RankBy) -> Result<Vec<Answer>, Refusal> {
    refuse_nan(layers)?;
    let mut everything = Vec::new();
    for i in by_name(layers) {
        for index in 0..layers[i].scores.len() {
            everything.push((i, index));
        }
    }
    let mut answers = nothing_kept(layers);
    for members in everything.chunks(m) {
        keep_best(members, n, layers, by, &mut answers);
    }
    Ok(answers)
}

/// Rule 7: zero where the mask is false.
pub fn apply(values: &[f64], kept: &[bool]) -> Vec<f64> {
    values.iter().zip(kept).map(|(&value, &kept)| if kept { value } else { 0.0 }).collect()
}

/// The number of elements outside the mask that are not a zero of either sign; NaN counts.
pub fn revivals(values: &[f64], kept: &[bool]) -> usize {
    let mut count = 0;
    for (value, kept) in values.iter().zip(kept) {
        if !kept && *value != 0.0 {
            count += 1;
        }
    }
    count
}

/// The index of each dimension for a place in logical order.
pub fn index_of(linear: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = Vec::new();
    for dimension in 0..shape.len() {
        let step: usize = shape[dimension + 1..].iter().product();
        index.push(linear / step % shape[dimension]);
    }
    index
}

/// Keeps the best `n` alive members (layer, index) of a group, counting for the layer of the first.
fn keep_best(members: &[(usize, usize)], n: usize, layers: &[Layer<'_>], by: RankBy, answers: &mut [Answer]) {
    let first = members[0].0;
    let mut alive: Vec<(usize, usize)> =
        members.iter().copied().filter(|&(i, index)| is_alive(&layers[i], index)).collect();
    let score = |&(i, index): &(usize, usize)| rank_value(layers[i].scores[index], by);
    // A stable sort: equal scores stay in the order of the group.
    alive.sort_by(|a, b| higher_first(score(a), score(b)));
    for &(i, index) in alive.iter().take(n) {
        answers[i].kept[index] = true;
    }
    if alive.len() > n && score(&alive[n - 1]) == score(&alive[n]) {
        answers[first].ties += 1;
    }
    if alive.len() < n.min(members.len()) {
        answers[first].short_groups += 1;
    }
}

fn is_alive(layer: &Layer<'_>, index: usize) -> bool {
    match layer.alive {
        Some(alive) => alive[index],
        None => true,
    }
}

fn rank_value(score: f64, by: RankBy) -> f64 {
    match by {
        RankBy::Magnitude => score.abs(),
        RankBy::Value => score,
    }
}

fn higher_first(a: f64, b: f64) -> Ordering {
    match b.partial_cmp(&a) {
        Some(order) => order,
        None => panic!("the oracle refuses NaN before it sorts"),
    }
}

fn by_name(layers: &[Layer<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..layers.len()).collect();
    order.sort_by(|&a, &b| layers[a].name.as_bytes().cmp(layers[b].name.as_bytes()));
    order
}

fn refuse_nan(layers: &[Layer<'_>]) -> Result<(), Refusal> {
    for i in by_name(layers) {
        for (index, score) in layers[i].scores.iter().enumerate() {
            if score.is_nan() && is_alive(&layers[i], index) {
                let layer = layers[i].name.to_owned();
                return Err(Refusal::Nan { layer, index: index_of(index, layers[i].shape) });
            }
        }
    }
    Ok(())
}

fn nothing_kept(layers: &[Layer<'_>]) -> Vec<Answer> {
    layers.iter().map(|layer| Answer { kept: vec![false; layer.scores.len()], ties: 0, short_groups: 0 }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Checks the oracle itself on cases small enough to work out by hand.
    #[test]
    fn agrees_with_pencil_and_paper() {
        let scores = [0.5, -3.0, 2.0, -2.0, 0.0, -0.0];
        let layer = Layer { name: "a", shape: &[2, 3], scores: &scores, alive: None };
        let answer = unstructured(layer, 0.3, RankBy::Magnitude).unwrap();
        assert_eq!(answer.kept, [false, true, true, false, false, false]);
        assert_eq!(answer.ties, 2);
        let answer = unstructured(layer, 0.5, RankBy::Value).unwrap();
        assert_eq!(answer.kept, [true, false, true, false, true, false]);
        assert_eq!(answer.ties, 2);
        // Columns of two: (0.5, -2), (-3, 0), (2, -0).
        let answer = n_m(layer, 1, 2, 0, RankBy::Magnitude).unwrap();
        assert_eq!(answer.kept, [false, true, true, true, false, false]);
        // Rows in groups of two and one.
        let answer = n_m(layer, 1, 2, -1, RankBy::Magnitude).unwrap();
        assert_eq!(answer.kept, [false, true, true, true, false, true]);
        assert_eq!(n_m(layer, 1, 2, 2, RankBy::Magnitude), Err(Refusal::NoSuchAxis));
        let alive = [true, false, false, true, true, true];
        let answer = n_m(Layer { alive: Some(&alive), ..layer }, 2, 3, 1, RankBy::Magnitude).unwrap();
        assert_eq!(answer.kept, [true, false, false, true, true, false]);
        assert_eq!((answer.ties, answer.short_groups), (1, 1));
        assert_eq!(apply(&scores, &answer.kept), [0.5, 0.0, 0.0, -2.0, 0.0, 0.0]);
        assert_eq!(revivals(&scores, &answer.kept), 2);
    }

    #[test]
    fn counts_round_half_away_from_zero() {
        assert_eq!([0, 1, 2, 3, 5, 7].map(|n| kept_count(0.5, n)), [0, 1, 1, 2, 3, 4]);
        assert_eq!(kept_count(1e-9, 10), 1);
        assert_eq!(kept_count(1.0, 10), 10);
    }
}
