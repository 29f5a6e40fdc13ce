//! Shares the density of a whole model among its layers.

mod divisor;

use self::divisor::{Claim, share_out};
use crate::density::Density;
use crate::error::{Error, ErrorKind};
use crate::layout::checked_len;

/// One layer as a [`Distribution`] sees it: its shape, and the least and the most it may keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota<'a> {
    /// The layer's name, for errors. Equal claims are met in the order of names, so pass layers in that order, as
    /// everywhere.
    pub name: &'a str,
    /// The length of each dimension.
    pub shape: &'a [usize],
    /// The least it keeps, whatever the distribution says. None means no minimum.
    pub min: Option<Density>,
    /// The most it keeps. None means everything.
    pub max: Option<Density>,
}

impl<'a> Quota<'a> {
    /// A layer that may keep any number of its elements.
    pub fn new(name: &'a str, shape: &'a [usize]) -> Self {
        Quota { name, shape, min: None, max: None }
    }

    fn elements(&self) -> Result<usize, Error> {
        checked_len(self.shape)
    }
}

/// The rule that shares the kept elements of a model among its layers.
///
/// The counts add up to the asked total exactly. Units are given one after the other to the layer with the highest
/// claim / (count + 1/2), from the minima up to the maxima (the divisor method of Webster and Sainte-Lague); among
/// equals, to the first layer. So the counts nest: a larger total takes nothing from any layer.
///
/// # Examples
///
/// ```
/// use prune_core::{Density, Distribution, Quota};
///
/// // LeNet-300-100 at a tenth: the small last layer stays dense, inside the budget.
/// let shapes = [("fc1", [784, 300]), ("fc2", [300, 100]), ("fc3", [100, 10])];
/// let layers = shapes.each_ref().map(|(name, shape)| Quota::new(name, shape));
/// let counts = Distribution::Erk.counts(Density::new(0.1)?, &layers)?;
/// assert_eq!(counts.iter().sum::<usize>(), 26_620);
/// let densities = [counts[0] as f64 / 235_200.0, counts[1] as f64 / 30_000.0, counts[2] as f64 / 1_000.0];
/// assert!((densities[0] - 0.0796).abs() < 5e-5 && (densities[1] - 0.2302).abs() < 5e-5 && densities[2] == 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Distribution {
    /// The same density in each layer: a layer claims its elements.
    Uniform,
    /// Erdos-Renyi-Kernel (Evci et al. 2020, after Mocanu et al. 2018): a layer claims the sum of its dimensions,
    /// kernel sizes included, so narrow layers keep a larger share. Units that a layer cannot hold go to the others;
    /// such a layer is dense inside the budget.
    Erk,
}

impl Distribution {
    /// The number of elements that each layer keeps, so that all together keep `density` of their elements.
    ///
    /// Do not pass a layer that stays dense outside the budget.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BudgetTooSmall`] and [`ErrorKind::BudgetTooLarge`] if minima or maxima cannot meet the total;
    /// [`ErrorKind::BoundsCross`] if a layer's minimum is above its maximum; [`ErrorKind::ShapeOverflow`].
    ///
    /// # Complexity
    ///
    /// O(layers * log layers), whatever the number of elements.
    pub fn counts(self, density: Density, layers: &[Quota<'_>]) -> Result<Vec<usize>, Error> {
        let mut all = 0usize;
        let mut claims = Vec::with_capacity(layers.len());
        for quota in layers {
            let elements = quota.elements()?;
            all = all.checked_add(elements).ok_or_else(|| ErrorKind::ShapeOverflow { shape: quota.shape.to_vec() })?;
            let kept_of = |bound: Option<Density>, without: usize| match bound {
                Some(density) if elements > 0 => density.kept_of(elements),
                _ => without,
            };
            let (min, max) = (kept_of(quota.min, 0), kept_of(quota.max, elements));
            if min > max {
                return Err(ErrorKind::BoundsCross { min, max }.in_layer(quota.name));
            }
            claims.push(Claim { claim: self.claim(quota.shape, elements), min, max });
        }
        let asked = if all == 0 { 0 } else { density.kept_of(all) };
        let (least, most) =
            claims.iter().fold((0usize, 0usize), |(least, most), claim| (least + claim.min, most + claim.max));
        if asked < least {
            return Err(ErrorKind::BudgetTooSmall { asked, least }.into());
        }
        if asked > most {
            return Err(ErrorKind::BudgetTooLarge { asked, most }.into());
        }
        Ok(share_out(asked, &claims))
    }

    fn claim(self, shape: &[usize], elements: usize) -> f64 {
        match self {
            _ if elements == 0 => 0.0,
            Self::Uniform => elements as f64,
            Self::Erk => shape.iter().map(|&side| side as f64).sum::<f64>().max(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn density(kept: f64) -> Density {
        Density::new(kept).unwrap()
    }

    #[test]
    fn erk_gives_the_cnn_its_published_densities() {
        // jaxpruner's figures at 0.1: the first and the last layer are dense, inside the budget.
        let shapes: [(&str, &[usize]); 4] = [
            ("Conv_0", &[3, 3, 1, 32]),
            ("Conv_1", &[3, 3, 32, 64]),
            ("Dense_0", &[3136, 256]),
            ("Dense_1", &[256, 10]),
        ];
        let layers = shapes.map(|(name, shape)| Quota::new(name, shape));
        let counts = Distribution::Erk.counts(density(0.1), &layers).unwrap();
        let sizes: Vec<usize> = shapes.iter().map(|(_, shape)| shape.iter().product()).collect();
        assert_eq!(counts.iter().sum::<usize>(), density(0.1).kept_of(sizes.iter().sum()));
        for ((count, size), expected) in counts.iter().zip(&sizes).zip([1.0, 0.126, 0.0962, 1.0]) {
            let found = *count as f64 / *size as f64;
            assert!((found - expected).abs() < 5e-4, "{found} is not {expected}");
        }
    }

    #[test]
    fn bounds_that_cannot_be_met_are_errors_with_the_numbers() {
        let quota = |min: Option<f64>, max: Option<f64>| Quota {
            min: min.map(density),
            max: max.map(density),
            ..Quota::new("fc", &[10, 10])
        };
        let refused = |at: f64, layer| Distribution::Uniform.counts(density(at), &[layer]).unwrap_err();
        assert_eq!(refused(0.1, quota(Some(0.2), None)), ErrorKind::BudgetTooSmall { asked: 10, least: 20 }.into());
        assert_eq!(refused(0.9, quota(None, Some(0.5))), ErrorKind::BudgetTooLarge { asked: 90, most: 50 }.into());
        let crossed = ErrorKind::BoundsCross { min: 50, max: 20 }.in_layer("fc");
        assert_eq!(refused(0.3, quota(Some(0.5), Some(0.2))), crossed);
        assert!(crossed.to_string().starts_with("layer `fc`: "), "{crossed}");
        let huge = Quota::new("fc", &[usize::MAX, 2]);
        assert!(matches!(
            Distribution::Erk.counts(density(0.5), &[huge]),
            Err(Error { kind: ErrorKind::ShapeOverflow { .. }, .. })
        ));
    }

    #[test]
    fn models_without_elements_keep_none() {
        assert_eq!(Distribution::Erk.counts(density(0.5), &[]), Ok(vec![]));
        // A shape with a length of 0 has no elements, wherever the 0 stands and however long the other axes are.
        for shape in [[0, usize::MAX, usize::MAX], [usize::MAX, 0, usize::MAX], [usize::MAX, usize::MAX, 0]] {
            let layers = [Quota::new("a", &shape), Quota::new("b", &[2, 2])];
            assert_eq!(Distribution::Erk.counts(density(0.5), &layers), Ok(vec![0, 2]));
        }
        let layers = [Quota::new("a", &[0, 3]), Quota::new("b", &[2, 2])];
        assert_eq!(Distribution::Erk.counts(density(0.5), &layers), Ok(vec![0, 2]));
        assert_eq!(Distribution::Uniform.counts(density(0.5), &layers[..1]), Ok(vec![0]));
    }

    proptest! {
        /// Every total from one end to the other: the counts add up exactly, stay within the bounds, and nest.
        #[test]
        fn budgets_close_within_bounds_and_nest(
            shapes in prop::collection::vec(prop::collection::vec(1usize..6, 1..4), 1..6),
            bounds in prop::collection::vec((0.0f64..0.4, 0.5f64..1.0), 6),
            erk in any::<bool>(),
        ) {
            let layers: Vec<Quota<'_>> = shapes.iter().zip(&bounds).map(|(shape, &(min, max))| Quota {
                min: (min > 0.1).then(|| density(min)),
                max: (max < 0.9).then(|| density(max)),
                ..Quota::new("", shape)
            }).collect();
            let distribution = if erk { Distribution::Erk } else { Distribution::Uniform };
            let elements: Vec<usize> = shapes.iter().map(|shape| shape.iter().product()).collect();
            let all: usize = elements.iter().sum();
            let mut before: Option<Vec<usize>> = None;
            for total in 1..=all {
                let at = density(total as f64 / all as f64);
                prop_assert_eq!(at.kept_of(all), total);
                let Ok(counts) = distribution.counts(at, &layers) else { continue };
                prop_assert_eq!(counts.iter().sum::<usize>(), total);
                for ((&count, quota), &n) in counts.iter().zip(&layers).zip(&elements) {
                    prop_assert!(quota.min.is_none_or(|min| count >= min.kept_of(n)));
                    prop_assert!(count <= quota.max.map_or(n, |max| max.kept_of(n)));
                }
                if let Some(before) = &before {
                    prop_assert!(counts.iter().zip(before).all(|(now, before)| now >= before));
                }
                before = Some(counts);
            }
        }
    }
}
