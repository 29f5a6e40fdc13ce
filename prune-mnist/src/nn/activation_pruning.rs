//! Activation pruning: the core's rules in the network's hook, and counts of their effect.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prune_core::{ActivationReport, ActivationRule, Density, Element, NmPattern, Scratch, prune_sample, zero_outside};

use super::{ActivationError, Layer, ModelSpec, Network, NnError, Real, activation};

/// The rules of the original README's CNN, in the order of its places: density 0.9, then 2:4.
#[must_use]
pub fn readme_rules() -> [ActivationRule; 2] {
    let (Ok(density), Ok(pattern)) = (Density::new(0.9), NmPattern::new(2, 4)) else {
        unreachable!("0.9 is a density and 2:4 a pattern")
    };
    [ActivationRule::Unstructured(density), ActivationRule::Nm(pattern)]
}

/// A NaN, which has no rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("activation {index} is NaN")]
pub struct NanActivation {
    /// Its place in the sample, in logical order.
    pub index: usize,
}

/// One place of a network where activations are pruned: its rule, and counts of its effect.
#[derive(Debug)]
pub struct Place {
    /// The layer whose output is pruned, such as `Conv_0`.
    pub layer: String,
    /// The rule.
    pub rule: ActivationRule,
    /// The pooling that comes next, if there is one.
    pool: Option<Pooling>,
    /// Sums of counts, which do not depend on the order in which threads add to them.
    total: Mutex<ActivationReport>,
    /// True if the pooled pattern is counted too, which takes a pass of its own.
    looks_behind_pool: AtomicBool,
    groups: AtomicUsize,
    broken: AtomicUsize,
}

/// A pooling layer, by its kind and window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// `average` or `max`.
    pub kind: &'static str,
    /// Height and width of the window.
    pub window: usize,
}

impl Pooling {
    fn of(layer: &Layer) -> Option<Self> {
        match *layer {
            Layer::AvgPool { window } => Some(Self { kind: "average", window }),
            Layer::MaxPool { window } => Some(Self { kind: "max", window }),
            _ => None,
        }
    }
}

/// Counts of an N:M pattern after pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PooledCounts {
    /// The pooling.
    pub pooling: Pooling,
    /// Groups of M pooled activations.
    pub groups: usize,
    /// Groups with more than N non-zeros.
    pub broken: usize,
}

impl Place {
    fn new(layer: String, rule: ActivationRule, pool: Option<Pooling>) -> Self {
        let total = Mutex::default();
        let (groups, broken) = Default::default();
        Self { layer, rule, pool, total, looks_behind_pool: AtomicBool::new(false), groups, broken }
    }

    /// Sets all counts to zero. With `behind_pool` the pattern is counted after pooling too from now on.
    pub fn reset(&self, behind_pool: bool) {
        *self.total() = ActivationReport::default();
        [&self.groups, &self.broken].into_iter().for_each(|count| count.store(0, Ordering::Relaxed));
        self.looks_behind_pool.store(behind_pool, Ordering::Relaxed);
    }

    /// The counts since the last reset.
    #[must_use]
    pub fn report(&self) -> ActivationReport {
        *self.total()
    }

    fn total(&self) -> MutexGuard<'_, ActivationReport> {
        // A thread that panicked with the lock has left whole numbers.
        self.total.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts of the pattern after pooling; `None` for a density, without pooling, or if it was not counted.
    #[must_use]
    pub fn pooled(&self) -> Option<PooledCounts> {
        let groups = self.groups.load(Ordering::Relaxed);
        let pooled = |pooling| PooledCounts { pooling, groups, broken: self.broken.load(Ordering::Relaxed) };
        self.pool.map(pooled).filter(|_| groups > 0)
    }

    /// Counts the groups of M channels of each pooled pixel, and those with more than N non-zeros. Activations after
    /// a relu are not negative, so a pooled one is zero exactly if its whole window is.
    fn look_behind_pool<T: Real>(&self, sample: &[T], shape: &[usize], window: usize, pattern: NmPattern) {
        let &[height, width, channels] = shape else { return };
        let (mut groups, mut broken) = (0, 0);
        for row in 0..height / window {
            for column in 0..width / window {
                for start in (0..channels).step_by(pattern.m()) {
                    let is_alive = |channel: &usize| {
                        (0..window * window).any(|i| {
                            let (y, x) = (row * window + i / window, column * window + i % window);
                            sample[(y * width + x) * channels + channel] != T::zero()
                        })
                    };
                    let alive = (start..channels.min(start + pattern.m())).filter(is_alive).count();
                    groups += 1;
                    broken += usize::from(alive > pattern.n());
                }
            }
        }
        self.groups.fetch_add(groups, Ordering::Relaxed);
        self.broken.fetch_add(broken, Ordering::Relaxed);
    }
}

impl<T: Real + Element> activation::ActivationPruning<T> for Place {
    fn prune(
        &self,
        sample: &mut [T],
        shape: &[usize],
        mask: &mut [u64],
        scratch: &mut (dyn Any + Send + Sync),
    ) -> Result<(), ActivationError> {
        let lane = shape.last().copied().unwrap_or(1);
        let mut own = Scratch::default();
        let scratch = scratch.downcast_mut().unwrap_or(&mut own);
        let report = prune_sample(self.rule, sample, lane, mask, scratch).map_err(|index| NanActivation { index })?;
        // Without effect, every element outside the mask is zero already.
        if report.had_effect() {
            zero_outside(sample, mask);
        }
        *self.total() += report;
        if let (ActivationRule::Nm(pattern), Some(Pooling { window, .. })) = (self.rule, self.pool)
            && self.looks_behind_pool.load(Ordering::Relaxed)
        {
            self.look_behind_pool(sample, shape, window, pattern);
        }
        Ok(())
    }

    fn scratch(&self) -> activation::Scratch {
        Box::new(Scratch::<T>::default())
    }
}

/// Sets `rules` at the places that `spec` has for them, in order, and returns those places. A model with fewer places
/// takes fewer rules.
///
/// # Errors
///
/// None if `network` was made from `spec`.
pub fn prune_activations<T: Real + Element>(
    network: &mut Network<T>,
    spec: &ModelSpec,
    rules: &[ActivationRule],
) -> Result<Vec<Arc<Place>>, NnError> {
    let mut places: Vec<Arc<Place>> = Vec::new();
    let mut producer = "";
    for (summary, next) in network.layers().iter().zip(spec.layers.iter().skip(1).map(Some).chain([None])) {
        match summary.layer {
            Layer::PruneAct => {}
            Layer::Relu => continue,
            _ => {
                producer = &summary.name;
                continue;
            }
        }
        let Some(&rule) = rules.get(places.len()) else { break };
        places.push(Arc::new(Place::new(producer.to_owned(), rule, next.and_then(Pooling::of))));
    }
    for (index, place) in places.iter().enumerate() {
        network.set_activation_pruner(index, Some(place.clone()))?;
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::nn::ActivationPruning as _;

    const AVERAGE: Pooling = Pooling { kind: "average", window: 2 };

    fn pattern() -> NmPattern {
        NmPattern::new(2, 4).unwrap()
    }

    fn scratch(place: &Place) -> activation::Scratch {
        activation::ActivationPruning::<f32>::scratch(place)
    }

    #[test]
    fn the_cnn_has_both_places_and_the_mlp_none() {
        let rules = readme_rules();
        let places = |spec: &ModelSpec| {
            let mut network = Network::<f32>::new(spec, 4).unwrap();
            let places = prune_activations(&mut network, spec, &rules).unwrap();
            places.iter().map(|place| (place.layer.clone(), place.pool)).collect::<Vec<_>>()
        };
        assert_eq!(
            places(&ModelSpec::cnn()),
            [("Conv_0".to_owned(), Some(AVERAGE)), ("Conv_1".to_owned(), Some(AVERAGE))]
        );
        assert!(places(&ModelSpec::mlp()).is_empty());
    }

    #[test]
    fn a_sample_is_pruned_counted_and_its_mask_left() {
        let place = Place::new("x".to_owned(), ActivationRule::Nm(pattern()), None);
        let mut sample = [1.0_f32, 4.0, 3.0, 2.0, 0.0, 0.0, 5.0, 0.0];
        let mut mask = [u64::MAX];
        place.prune(&mut sample, &[1, 2, 4], &mut mask, &mut *scratch(&place)).unwrap();
        assert_eq!(sample, [0.0, 4.0, 3.0, 0.0, 0.0, 0.0, 5.0, 0.0]);
        assert_eq!(mask, [0b0101_0110]);
        let report = place.report();
        assert_eq!((report.elements, report.kept, report.non_zero_before, report.non_zero_after), (8, 4, 5, 3));
        place.reset(false);
        assert_eq!(place.report(), ActivationReport::default());
    }

    #[test]
    fn a_density_above_what_a_relu_left_has_no_effect_and_says_so() {
        let rule = readme_rules()[0];
        let place = Place::new("x".to_owned(), rule, Some(AVERAGE));
        let mut sample = [0.0_f32; 100];
        sample[..27].fill(0.5);
        let before = sample;
        place.prune(&mut sample, &[5, 5, 4], &mut [0; 2], &mut *scratch(&place)).unwrap();
        assert_eq!(sample, before);
        assert_eq!(place.report().to_string(), "no effect: 73% were already zero");
        assert_eq!(place.pooled(), None);
    }

    #[test]
    fn pooling_is_seen_to_undo_the_pattern() {
        let place = Place::new("x".to_owned(), ActivationRule::Nm(pattern()), Some(AVERAGE));
        place.reset(true);
        // Two by two pixels of four channels: the pixels keep different channels, so all four are alive once pooled.
        let mut sample = [9.0_f32, 8.0, 1.0, 1.0, 1.0, 1.0, 9.0, 8.0, 9.0, 8.0, 1.0, 1.0, 9.0, 8.0, 1.0, 1.0];
        place.prune(&mut sample, &[2, 2, 4], &mut [0], &mut *scratch(&place)).unwrap();
        assert_eq!(place.pooled(), Some(PooledCounts { pooling: AVERAGE, groups: 1, broken: 1 }));
        // All pixels keep the same two.
        let mut sample = [9.0_f32, 8.0, 1.0, 1.0].repeat(4);
        place.prune(&mut sample, &[2, 2, 4], &mut [0], &mut *scratch(&place)).unwrap();
        assert_eq!(place.pooled(), Some(PooledCounts { pooling: AVERAGE, groups: 2, broken: 1 }));
    }

    #[test]
    fn nan_is_named() {
        let place = Place::new("x".to_owned(), ActivationRule::Nm(pattern()), None);
        let error = place.prune(&mut [0.0, f32::NAN], &[2], &mut [0], &mut ()).unwrap_err();
        assert_eq!(error.to_string(), "activation 1 is NaN");
    }
}
