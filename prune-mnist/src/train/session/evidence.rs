//! Gathers the evidence that events need besides the weights.

use std::cell::RefCell;

use prune_core::{Error, ErrorKind, Layers, Masks, Need, PlainTensor};
use prune_schedule::{Evidence, Inputs, PruneError, Reopen, Report};

use super::{Session, TrainError, TwinRole};
use crate::nn::{NnError, Score};
use crate::train::Backend;

/// The number of training images for gradients before training and for the inputs of layers.
const CALIBRATION: usize = 1280;

impl<P: Backend> Session<'_, P> {
    /// Keeps the parameters if an event rewinds to the end of this epoch. The state is that before the epoch's own
    /// event; elements that this event closes stay closed by its mask.
    pub(super) fn snapshot(&mut self, epoch: u64) {
        let rewinds =
            |session: &Self| session.pruner.strategy().events().any(|(_, event)| event.rewind() == Some(epoch));
        if rewinds(self) {
            self.snapshots.insert(epoch, self.pruned.params.clone());
        }
    }

    /// True if an epoch trains otherwise than the twin's would: its forward pass is masked, or an event follows one
    /// of its steps.
    pub(super) fn differs_in(&self, epoch: u64) -> bool {
        let (steps, strategy) = (self.trainer.steps(), self.pruner.strategy());
        let first = epoch.saturating_sub(1) * steps + 1;
        self.pruner.passes_straight_through()
            || (strategy.has_steps() && (first..first + steps).any(|step| strategy.event_at_step(step).is_some()))
    }

    /// Carries out the epoch's event, with all the evidence it needs.
    pub(super) fn carry_out(&mut self, epoch: u64) -> Result<Result<Option<Report>, PruneError>, TrainError> {
        let event = self.pruner.strategy().event_at(epoch).map(|(_, event)| event.clone());
        let Some(event) = event else { return Ok(self.pruner.end_epoch(epoch, &mut self.pruned.params)) };
        let need = event.score().needs();
        let by_gradient = event.reopen() == Some(Reopen::Gradient);
        let mut images = if need.is_some() || by_gradient { self.trainer.calibration(CALIBRATION) } else { Vec::new() };
        if need == Some(Need::Gradient) {
            images.truncate(usize::try_from(self.settings.batch_size).unwrap_or(usize::MAX));
        }
        // Before training the pruner has observed nothing.
        let wanted = epoch == 0 && (by_gradient || matches!(need, Some(Need::Gradient | Need::MeanGradient)));
        let gradients = if wanted { Some(self.trainer.mean_gradients(&images, &self.pruned.params)?.1) } else { None };
        let rewind = event.rewind().and_then(|epoch| self.snapshots.get(&epoch));
        let weights = if need == Some(Need::InputNorms) { Some(self.pruned.params.clone()) } else { None };
        let trainer = RefCell::new(&mut self.trainer);
        let measure = |layer: &str, masks: &Masks| -> Result<PlainTensor<f64>, Error> {
            let refused = |why: String| ErrorKind::Source { why }.in_layer(layer);
            let mut params = weights.clone().ok_or_else(|| refused("inputs are not asked for".to_owned()))?;
            masks.hold(&mut params)?;
            let norms =
                trainer.borrow_mut().input_norms(&images, &params).map_err(|error| refused(error.to_string()))?;
            norms.get(layer).cloned().ok_or_else(|| refused("it is no kernel, and has no inputs".to_owned()))
        };
        let evidence = Evidence {
            gradients: gradients.as_ref().map(|gradients| gradients as &dyn Layers),
            inputs: (need == Some(Need::InputNorms)).then_some(Inputs::Measure(&measure)),
            rewind: rewind.map(|params| params as &dyn Layers),
            ..Evidence::default()
        };
        let (params, mut buffers) = self.pruned.parts();
        Ok(self.pruner.end_epoch_and_hold(epoch, params, &mut buffers, evidence))
    }

    /// Loss and accuracy on the test images; those of the pruned network in the form of its forward pass.
    pub(super) fn measure(&mut self, epoch: u64, role: TwinRole) -> Result<Score, TrainError> {
        let score = match (role, &self.twin) {
            (TwinRole::Twin, Some(twin)) => self.trainer.evaluate(&twin.params),
            _ if self.pruner.passes_straight_through() => {
                let forward = self.trainer.forward_copy(&self.pruner, &self.pruned.params)?;
                self.trainer.evaluate(&forward)
            }
            _ => self.trainer.evaluate(&self.pruned.params),
        };
        self.scored(epoch, role, score)
    }

    fn scored(&self, epoch: u64, role: TwinRole, score: Result<Score, NnError>) -> Result<Score, TrainError> {
        match score {
            Ok(score) if !score.loss().is_finite() => {
                Err(self.diverged(epoch, role, format!("a test loss of {}", score.loss())))
            }
            Ok(score) => Ok(score),
            Err(error) => Err(self.network_error(epoch, role, error)),
        }
    }
}
