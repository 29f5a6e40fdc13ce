//! Arithmetic with two inputs, one of which may be a constant that is broadcast.

use super::{MOST_ELEMENTS, NodeFacts, Uniform};
use crate::error::Error;
use crate::model::Tensor;

impl NodeFacts<'_, '_> {
    /// An operator with two inputs. With more, nothing is known.
    pub(super) fn combine(&self) -> Result<Option<Uniform>, Error> {
        let (Some(left), Some(right), Some(out)) = (self.shape(0), self.shape(1), self.out_shape()) else {
            return Ok(None);
        };
        if self.node.inputs().len() != 2 {
            return Ok(None);
        }
        // The axis of the facts about an input, or else the only axis of a list of constants, counted from the end.
        let from_end = |slot: usize, rank: usize| {
            let known = self.value(slot).map(|known| rank - known.axis);
            known.or_else(|| self.constant(slot).and_then(only_axis).map(|axis| rank - axis))
        };
        let ends = [from_end(0, left.len()), from_end(1, right.len())];
        let first = self.value(0).and(ends[0]).or_else(|| self.value(1).and(ends[1]));
        let Some(end) = first.or(ends[0]).or(ends[1]) else { return Ok(None) };
        let Some(axis) = out.len().checked_sub(end) else { return Ok(None) };
        let Some(count) = out[axis].length() else { return Ok(None) };
        let sides = [self.side(0, left.len(), end, count)?, self.side(1, right.len(), end, count)?];
        let number = |i: usize| {
            let (a, b) = (sides[0][i], sides[1][i]);
            match self.node.op_type() {
                "Mul" if a == Some(0.0) || b == Some(0.0) => Some(0.0),
                "Add" | "Sum" => Some(a? + b?),
                "Sub" => Some(a? - b?),
                "Mul" => Some(a? * b?),
                "Div" => Some(a? / b?),
                "Max" => Some(a?.max(b?)),
                "Min" => Some(a?.min(b?)),
                "Pow" => Some(a?.powf(b?)),
                "PRelu" => Some(if a? < 0.0 { a? * b? } else { a? }),
                _ => None,
            }
        };
        Ok(Some(Uniform { axis, numbers: (0..count).map(number).collect() }))
    }

    /// The numbers of one input along an axis, which is given by its distance from the end.
    fn side(&self, slot: usize, rank: usize, end: usize, count: usize) -> Result<Vec<Option<f64>>, Error> {
        let unknown = vec![None; count];
        let axis = rank.checked_sub(end);
        if let Some(tensor) = self.constant(slot) {
            if !tensor.data_type().is_floating() || tensor.elements() > MOST_ELEMENTS {
                return Ok(unknown);
            }
            let values = tensor.floats()?;
            return Ok(match axis.map(|axis| (axis, tensor.dims()[axis])) {
                Some((axis, length)) if length == count && count > 1 => slices(tensor.dims(), axis, &values),
                None | Some((_, 1)) => vec![one_number(&values); count],
                Some(_) => unknown,
            });
        }
        let known = self.value(slot).filter(|known| Some(known.axis) == axis);
        Ok(match known {
            Some(known) if known.numbers.len() == count => known.numbers.clone(),
            Some(known) if known.numbers.len() == 1 => vec![known.numbers[0]; count],
            _ => unknown,
        })
    }
}

/// The only axis of a constant that is longer than 1.
fn only_axis(tensor: &Tensor) -> Option<usize> {
    let mut long = tensor.dims().iter().enumerate().filter(|(_, length)| **length != 1);
    match (long.next(), long.next()) {
        (Some((axis, _)), None) => Some(axis),
        _ => None,
    }
}

/// The number that all these values are, if they are equal.
fn one_number(values: &[f64]) -> Option<f64> {
    let (first, rest) = values.split_first()?;
    rest.iter().all(|value| value == first).then_some(*first)
}

/// For each slice along an axis, the number that all its elements are.
fn slices(dims: &[usize], axis: usize, values: &[f64]) -> Vec<Option<f64>> {
    let (count, inner) = (dims[axis], dims[axis + 1..].iter().product::<usize>().max(1));
    let mut found: Vec<Option<Option<f64>>> = vec![None; count];
    for (index, &value) in values.iter().enumerate() {
        let slot = &mut found[index / inner % count];
        *slot = match *slot {
            None => Some(Some(value)),
            Some(known) => Some(known.filter(|known| *known == value)),
        };
    }
    found.into_iter().map(Option::flatten).collect()
}
