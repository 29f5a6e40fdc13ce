//! Masks for a forward pass of dense weights: the straight-through estimator.

use prune_core::{Layers, Masks};

use super::Pruner;
use super::evidence::{EventEvidence, Evidence};
use super::listed::LayerList;
use super::prepare::Happening;
use crate::moment::Moment;
use crate::prune_error::PruneError;

impl Pruner {
    /// True if the epoch in training passes straight through, so that forward passes need [`Pruner::forward_masks`].
    pub fn passes_straight_through(&self) -> bool {
        self.strategy.covering(Moment::Epoch(self.epochs.next())).is_some_and(|(_, event)| event.straight_through())
    }

    /// The masks for the next forward pass. Under `straight_through` the event of the epoch in training makes them from
    /// the present weights; otherwise they are the held masks.
    ///
    /// A training loop copies the dense weights, holds the copy to these masks, and runs forward and backward through
    /// the copy. Then it moves the dense weights along the copy's gradient, as if there were no masks (Bengio, Leonard
    /// and Courville 2013, "Estimating or propagating gradients through stochastic neurons").
    ///
    /// # Errors
    ///
    /// As [`Pruner::end_epoch`], for the event of the epoch in training.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_core::{LayerMut, PlainTensor};
    /// use prune_schedule::Pruner;
    ///
    /// let mut dense = PlainTensor::from_logical(&[1, 4], vec![0.9f32, -0.1, 0.3, 0.2])?;
    /// let strategy = "{'1..=2': {'method': 'unstr_global', 'density': 0.5, 'straight_through': True}}";
    /// let mut pruner = Pruner::new(strategy.parse()?);
    /// for epoch in 1..=2 {
    ///     let mut forward = dense.clone();
    ///     pruner.forward_masks(&[("fc", LayerMut::of(&mut dense))])?.hold(&mut [("fc", LayerMut::of(&mut forward))])?;
    ///     assert_eq!(forward.values().iter().filter(|value| **value == 0.0).count(), 2);
    ///     // The gradient of the copy moves the dense weights: here it brings back one that was masked.
    ///     dense.values_mut()[3] += 0.2;
    ///     pruner.end_epoch(epoch, &mut [("fc", LayerMut::of(&mut dense))])?;
    /// }
    /// // At the end of the range the last mask is applied, and held from then on.
    /// assert_eq!(dense.values(), [0.9, 0.0, 0.0, 0.6]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forward_masks(&self, model: &(impl Layers + ?Sized)) -> Result<Masks, PruneError> {
        self.forward_masks_with(model, Evidence::default())
    }

    /// As [`Pruner::forward_masks`], for scores that look at more than the weights. If the evidence has no gradients,
    /// those observed since the last epoch ended are used; before the first backward pass of an epoch there are none.
    ///
    /// # Errors
    ///
    /// As [`Pruner::end_epoch_with`], for the event of the epoch in training.
    pub fn forward_masks_with(
        &self,
        model: &(impl Layers + ?Sized),
        evidence: Evidence<'_>,
    ) -> Result<Masks, PruneError> {
        let moment = Moment::Epoch(self.epochs.next());
        let mut masks = self.held().clone();
        if let Some((key, event)) = self.strategy.covering(moment)
            && event.straight_through()
        {
            let in_event = PruneError::in_event(moment.key());
            let layers = LayerList::of(model).map_err(in_event)?;
            let given = EventEvidence::of(evidence, &self.epochs.observed).map_err(in_event)?;
            let happening = Happening { epoch: moment.time(), moment, key, event: event.clone() };
            for (name, made) in self.masks_of(&happening, &layers, &given)? {
                masks.insert(name, made.mask);
            }
        }
        Ok(masks)
    }
}
