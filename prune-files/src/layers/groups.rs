//! The number of non-zero elements in each group. It tells which N:M patterns the weights keep to.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;
use crate::layers::inputs::ModelInputs;
use crate::parts::buffer::layer;
use crate::parts::drive::{PartScratch, in_order};
use crate::parts::runs::{PART, Part, groups};
use crate::watch::Watch;

/// Groups of `m` elements along an axis of a tensor.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// The tensor's place in the model.
    pub(crate) tensor: usize,
    pub(crate) axis: usize,
    /// The group lengths, each a divisor of the last, and for each the number of elements of a group that may be
    /// non-zero.
    pub(crate) allowed: Vec<(usize, usize)>,
    /// True if the rest may be skipped once every group length has a group without zeros.
    pub(crate) may_stop: bool,
}

/// The counts for one group length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Groups {
    /// The most non-zeros in one group.
    pub(crate) most: usize,
    /// The number of groups.
    pub(crate) groups: usize,
    /// Groups with more non-zeros than are allowed.
    pub(crate) over: usize,
}

/// The answers, one for each group length of each question.
pub(crate) fn ask(inputs: &ModelInputs<'_>, questions: &[Question], watch: &Watch) -> Result<Vec<Vec<Groups>>, Error> {
    let mut work = Vec::new();
    for (place, question) in questions.iter().enumerate() {
        let m = question.allowed.last().map_or(1, |&(m, _)| m);
        let shape = &inputs.model.tensor(question.tensor).shape;
        work.extend(groups(shape, question.axis, m, PART).into_iter().map(|part| (place, part)));
    }
    let hopeless: Vec<AtomicBool> = questions.iter().map(|_| AtomicBool::new(false)).collect();
    let found = in_order(&work, watch, |&(place, part), scratch| {
        let question = &questions[place];
        watch.progress.advance(part.runs.elements() as u64);
        if hopeless[place].load(Ordering::Relaxed) {
            return Ok((place, Vec::new()));
        }
        let found = answer(inputs, question, part, scratch)?;
        if question.may_stop && found.iter().zip(&question.allowed).all(|(found, (m, _))| found.most == *m) {
            hopeless[place].store(true, Ordering::Relaxed);
        }
        Ok((place, found))
    })?;
    let mut answers: Vec<Vec<Groups>> =
        questions.iter().map(|question| vec![Groups::default(); question.allowed.len()]).collect();
    for (place, found) in found {
        for (answer, found) in answers[place].iter_mut().zip(found) {
            answer.most = answer.most.max(found.most);
            answer.groups += found.groups;
            answer.over += found.over;
        }
    }
    Ok(answers)
}

fn answer(
    inputs: &ModelInputs<'_>,
    question: &Question,
    part: Part,
    scratch: &mut PartScratch,
) -> Result<Vec<Groups>, Error> {
    let bytes = inputs.read_in_force(question.tensor, part.runs, scratch)?;
    let Some(element) = inputs.model.tensor(question.tensor).element_type() else { return Ok(Vec::new()) };
    let mut non_zero: Vec<u8> = Vec::with_capacity(part.runs.elements());
    layer(element, scratch.weights.bytes(bytes), &part.shape)?
        .for_each_logical(|value| non_zero.push(u8::from(value != 0.0)))?;
    Ok(question.allowed.iter().map(|&(m, n)| count(&non_zero, part.shape, m, n)).collect())
}

/// Counts the groups of `m` along the middle axis.
fn count(non_zero: &[u8], [_, rows, columns]: [usize; 3], m: usize, n: usize) -> Groups {
    let mut found = Groups::default();
    let mut counts = vec![0usize; columns];
    for block in non_zero.chunks_exact((rows * columns).max(1)) {
        for group in block.chunks(m.saturating_mul(columns)) {
            counts.fill(0);
            for row in group.chunks_exact(columns) {
                counts.iter_mut().zip(row).for_each(|(count, &flag)| *count += usize::from(flag));
            }
            found.groups += columns;
            for &count in &counts {
                found.most = found.most.max(count);
                found.over += usize::from(count > n);
            }
        }
    }
    found
}
