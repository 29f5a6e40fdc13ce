//! The oracle for units, slices and bounds: the elements of each unit, its score, and the choice of elements in turn,
//! as plain as the rules.
//!
//! Like [`oracle`](super::oracle), on which it builds, it shares nothing with the code it judges.

use std::collections::BTreeMap;

use crate::key::RankBy;
use crate::testing::oracle::{self, Answer, Layer, Refusal, index_of, kept_count};

/// The function that turns a unit's elements into one score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementPooling {
    /// Their mean.
    Mean,
    /// The highest.
    Max,
    /// The sum of magnitudes.
    L1,
    /// The root of the sum of squares.
    L2,
    /// The greatest magnitude.
    LMax,
}

/// The units of a layer: boxes as long as `sides` along each axis, in logical order, each with its elements.
pub fn members(shape: &[usize], sides: &[usize]) -> Vec<Vec<usize>> {
    let mut units: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for linear in 0..shape.iter().product() {
        let unit = index_of(linear, shape).iter().zip(sides).map(|(i, side)| i / side).collect();
        units.entry(unit).or_default().push(linear);
    }
    units.into_values().collect()
}

/// The score of each unit; dead elements count as 0.
///
/// # Errors
///
/// [`Refusal::Nan`].
pub fn unit_scores(
    layer: Layer<'_>,
    sides: &[usize],
    pooling: ElementPooling,
    by: RankBy,
) -> Result<Vec<f64>, Refusal> {
    // This ranking keeps nothing; it only refuses NaN.
    oracle::top(&[layer], 0, by)?;
    let by = if matches!(pooling, ElementPooling::Mean | ElementPooling::Max) { by } else { RankBy::Magnitude };
    let value = |&i: &usize| match (layer.alive.is_none_or(|alive| alive[i]), by) {
        (false, _) => 0.0,
        (true, RankBy::Magnitude) => layer.scores[i].abs(),
        (true, RankBy::Value) => layer.scores[i],
    };
    let score = |members: &Vec<usize>| pooled(&members.iter().map(value).collect::<Vec<f64>>(), pooling);
    Ok(members(layer.shape, sides).iter().map(score).collect())
}

fn pooled(values: &[f64], pooling: ElementPooling) -> f64 {
    if matches!(pooling, ElementPooling::Max | ElementPooling::LMax) {
        return values.iter().fold(f64::NEG_INFINITY, |a, &b| if b > a { b } else { a });
    }
    if values.contains(&f64::INFINITY) {
        return f64::INFINITY;
    }
    if values.contains(&f64::NEG_INFINITY) {
        return f64::NEG_INFINITY;
    }
    let top = values.iter().fold(0.0, |top: f64, value| top.max(value.abs()));
    if top == 0.0 {
        return 0.0;
    }
    // After dividing by the largest magnitude nothing overflows, and the squares do not all vanish. Whole numbers are
    // exact as they are.
    let unit = if values.iter().all(|value| value.fract() == 0.0 && value.abs() < 1e6) { 1.0 } else { top };
    let sum: f64 = values
        .iter()
        .map(|value| if pooling == ElementPooling::L2 { (value / unit).powi(2) } else { value / unit })
        .sum();
    let pooled = match pooling {
        ElementPooling::Mean => sum / values.len() as f64,
        ElementPooling::L2 => sum.sqrt(),
        _ => sum,
    };
    (pooled * unit).clamp(-f64::MAX, f64::MAX)
}

/// The best `density` of the units of a layer: their alive elements.
///
/// # Errors
///
/// [`Refusal::TooFewAlive`], in units; [`Refusal::Nan`].
pub fn units(
    layer: Layer<'_>,
    sides: &[usize],
    pooling: ElementPooling,
    density: f64,
    by: RankBy,
) -> Result<Answer, Refusal> {
    let members = members(layer.shape, sides);
    let alive = |i: &usize| layer.alive.is_none_or(|alive| alive[*i]);
    let alive_units: Vec<bool> = members.iter().map(|members| members.iter().any(alive)).collect();
    let (asked, some) = (kept_count(density, members.len()), alive_units.iter().filter(|&&alive| alive).count());
    if asked > some {
        return Err(Refusal::TooFewAlive { asked, alive: some });
    }
    let scores = unit_scores(layer, sides, pooling, by)?;
    let of_units = Layer { name: layer.name, shape: &[scores.len()], scores: &scores, alive: Some(&alive_units) };
    let chosen = oracle::top(&[of_units], asked, RankBy::Value)?.remove(0);
    let mut kept = vec![false; layer.scores.len()];
    for (members, _) in members.iter().zip(&chosen.kept).filter(|(_, kept)| **kept) {
        members.iter().filter(|i| alive(i)).for_each(|&i| kept[i] = true);
    }
    Ok(Answer { kept, ..chosen })
}

/// The best `density` of each slice along an existing axis.
///
/// # Errors
///
/// [`Refusal::TooFewAlive`] of the first slice that lacks elements, [`Refusal::Nan`].
pub fn each_along(layer: Layer<'_>, density: f64, axis: usize, by: RankBy) -> Result<Answer, Refusal> {
    let slices: Vec<Vec<usize>> = (0..layer.shape[axis])
        .map(|at| (0..layer.scores.len()).filter(|&i| index_of(i, layer.shape)[axis] == at).collect())
        .collect();
    let alive = |i: &usize| layer.alive.is_none_or(|alive| alive[*i]);
    for slice in &slices {
        let (asked, alive) = (kept_count(density, slice.len()), slice.iter().filter(|&i| alive(i)).count());
        if asked > alive {
            return Err(Refusal::TooFewAlive { asked, alive });
        }
    }
    oracle::top(&[layer], 0, by)?;
    let mut answer = Answer { kept: vec![false; layer.scores.len()], ties: 0, short_groups: 0 };
    for slice in &slices {
        let scores: Vec<f64> = slice.iter().map(|&i| layer.scores[i]).collect();
        let alive: Vec<bool> = slice.iter().map(alive).collect();
        let alone = Layer { name: "", shape: &[scores.len()], scores: &scores, alive: Some(&alive) };
        let of_slice = oracle::unstructured(alone, density, by)?;
        slice.iter().zip(&of_slice.kept).for_each(|(&i, &kept)| answer.kept[i] = kept);
        answer.ties += of_slice.ties;
    }
    Ok(answer)
}

/// Keeps each layer's best up to its minimum, and then goes element by element through the one ranking, passing over
/// layers that have reached their maximum. Returns a bool for each element, layer by layer. The bounds (minimum,
/// maximum) can be met.
///
/// # Errors
///
/// [`Refusal::Nan`].
pub fn top_within(
    layers: &[Layer<'_>],
    kept: usize,
    bounds: &[(usize, usize)],
    by: RankBy,
) -> Result<Vec<Vec<bool>>, Refusal> {
    let ranking = oracle::ranking(layers, by)?;
    let mut chosen: Vec<Vec<bool>> = layers.iter().map(|layer| vec![false; layer.scores.len()]).collect();
    let mut counts = vec![0; layers.len()];
    for &(layer, index) in &ranking {
        if counts[layer] < bounds[layer].0 {
            chosen[layer][index] = true;
            counts[layer] += 1;
        }
    }
    for &(layer, index) in &ranking {
        if !chosen[layer][index] && counts[layer] < bounds[layer].1 && counts.iter().sum::<usize>() < kept {
            chosen[layer][index] = true;
            counts[layer] += 1;
        }
    }
    Ok(chosen)
}
