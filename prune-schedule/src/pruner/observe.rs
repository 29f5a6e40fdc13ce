//! Gradients on the way to an event that looks at them.

use prune_core::Layers;

use super::Pruner;
use super::clock::Token;
use super::evidence::GradientsWanted;
use super::listed::LayerList;
use crate::moment::Moment;
use crate::prune_error::PruneError;
use crate::strategy::Strategy;

impl Pruner {
    /// Takes note of the gradients of one backward pass, before they are masked, for an event that asks for them.
    /// `snip` and `'reopen': 'gradient'` add up all gradients since the last epoch ended. `saliency` and `rigl` use the
    /// last ones. The call costs nothing unless the epoch in training, or the step, ends in such an event. Before
    /// [`Pruner::start`] the gradients are for the event at epoch 0.
    ///
    /// # Errors
    ///
    /// [`PruneError::Layers`], [`PruneError::GradientShape`] if a gradient has changed its shape.
    pub fn observe(&mut self, gradients: &(impl Layers + ?Sized)) -> Result<(), PruneError> {
        for moment in self.in_training() {
            if let Some((key, event)) = self.strategy.at(moment)
                && let Some(wanted) = GradientsWanted::by(event)
            {
                let clock = if moment.is_step() { &mut self.steps } else { &mut self.epochs };
                clock.observed.add(key, event, &LayerList::of(gradients)?, wanted)?;
                self.token = Token::default();
            }
        }
        Ok(())
    }

    /// True if [`Pruner::observe`] would take note of gradients now. Otherwise the caller need not make or copy them.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_schedule::{Moment, Pruner};
    ///
    /// let mut pruner = Pruner::new("{2: {'method': 'unstr_global', 'density': 0.5, 'score': 'snip'}}".parse()?);
    /// pruner.pass(Moment::Epoch(0))?;
    /// assert!(!pruner.observes());
    /// pruner.pass(Moment::Epoch(1))?;
    /// assert!(pruner.observes() && pruner.strategy().observes());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn observes(&self) -> bool {
        let looks = |moment| self.strategy.at(moment).is_some_and(|(_, event)| GradientsWanted::by(event).is_some());
        self.in_training().any(looks)
    }

    /// The moments that the next backward pass belongs to: its step, and its epoch if that epoch ends in an event.
    fn in_training(&self) -> impl Iterator<Item = Moment> + use<> {
        let next = self.strategy.next_after(Moment::Epoch, self.epochs.last).filter(|&next| next <= self.epochs.next());
        next.map(Moment::Epoch).into_iter().chain([Moment::Step(self.step_in_training())])
    }
}

impl Strategy {
    /// True if any event looks at gradients, so that a training loop must show them: see [`Pruner::observes`].
    pub fn observes(&self) -> bool {
        self.events().any(|(_, event)| GradientsWanted::by(event).is_some())
    }
}
