//! Operators that move elements or reduce several to one. A slice that is one number stays that number.

use super::{NodeFacts, Uniform};
use crate::error::Error;
use crate::shapes::Size;

impl NodeFacts<'_, '_> {
    pub(super) fn transpose(&self) -> Option<Uniform> {
        let read = self.value(0)?;
        let rank = self.shape(0)?.len();
        let axis = match self.node.ints("perm") {
            Some(order) => order.iter().position(|&from| usize::try_from(from) == Ok(read.axis))?,
            None => rank.checked_sub(read.axis + 1)?,
        };
        Some(Uniform { axis, numbers: read.numbers.clone() })
    }

    /// A concatenation. Nothing is known of inputs with facts about another axis.
    pub(super) fn concat(&self) -> Option<Uniform> {
        let rank = self.out_shape()?.len();
        let axis = self.node.int("axis")?;
        let axis = usize::try_from(if axis < 0 { axis + rank as i64 } else { axis }).ok()?;
        let mut numbers = Vec::new();
        for slot in 0..self.node.inputs().len() {
            let length = self.shape(slot)?.get(axis)?.length()?;
            match self.value(slot).filter(|read| read.axis == axis && read.numbers.len() == length) {
                Some(read) => numbers.extend_from_slice(&read.numbers),
                None => numbers.extend(std::iter::repeat_n(None, length)),
            }
        }
        Some(Uniform { axis, numbers })
    }

    /// A reshape that splits each channel, which is axis 1, into several channels or into one.
    pub(super) fn regroup(&self) -> Option<Uniform> {
        let read = self.value(0).filter(|read| read.axis == 1)?;
        let (before, after) = (self.shape(0)?, self.out_shape()?);
        let (first, rest) = (before.first()?, after.get(1..)?);
        let whole = |sizes: &[Size]| Size::product(sizes).and_then(|n| n.length());
        let (all, now) = (whole(&before[1..])?, after.get(1)?.length()?);
        let fits = after.first() == Some(first) && whole(rest) == Some(all) && now.is_multiple_of(read.numbers.len());
        let each = now / read.numbers.len().max(1);
        fits.then(|| Uniform { axis: 1, numbers: (0..now).map(|index| read.numbers[index / each]).collect() })
    }

    /// A mean, minimum or maximum over other axes.
    pub(super) fn reduce(&self) -> Result<Option<Uniform>, Error> {
        let (Some(read), Some(rank)) = (self.value(0), self.shape(0).map(|shape| shape.len())) else {
            return Ok(None);
        };
        let axes = match (self.node.ints("axes"), self.constant(1)) {
            (Some(axes), _) => axes.to_vec(),
            (None, Some(tensor)) => tensor.ints()?,
            (None, None) => return Ok(None),
        };
        let axes: Vec<i64> = axes.iter().map(|&axis| if axis < 0 { axis + rank as i64 } else { axis }).collect();
        if axes.is_empty() || axes.contains(&(read.axis as i64)) {
            return Ok(None);
        }
        let before = axes.iter().filter(|&&axis| axis < read.axis as i64).count();
        let axis = if self.node.int("keepdims").unwrap_or(1) != 0 { read.axis } else { read.axis - before };
        Ok(Some(Uniform { axis, numbers: read.numbers.clone() }))
    }
}
