//! A network in training: its weights, and the optimiser that moves them.

use prune_core::{Error, LayersMut, Masks};

use super::Backend;
use crate::nn::{Optimiser, Sgd};

/// A network's weights with its optimiser. A run and its twin share everything else.
#[derive(Clone, Debug)]
pub struct State<P, O> {
    /// The weights and biases.
    pub params: P,
    /// The optimiser that moves them.
    pub optimiser: O,
}

/// A network with stochastic gradient descent.
pub type TrainedState<P> = State<P, Sgd<f32, P>>;

impl<P: Backend> TrainedState<P> {
    /// `params` with momentum at rest.
    #[must_use]
    pub fn at_rest(params: P, momentum: f64, weight_decay: f64) -> Self {
        let optimiser = Sgd::new(params.specs(), momentum as f32, weight_decay as f32);
        Self { params, optimiser }
    }
}

impl<P: Backend, O: Optimiser<f32, P>> State<P, O> {
    /// The weights, and every buffer of the optimiser.
    pub fn parts(&mut self) -> (&mut P, Vec<&mut dyn LayersMut>) {
        let buffers = self.optimiser.buffers_mut().into_iter().map(|(_, buffer)| buffer as &mut dyn LayersMut);
        (&mut self.params, buffers.collect())
    }

    /// The number of elements outside masks that are not zero, in the weights and in every buffer of the optimiser.
    ///
    /// # Errors
    ///
    /// Masks of other shapes.
    pub fn revivals(&self, masks: &Masks) -> Result<usize, Error> {
        let buffers = self.optimiser.buffers();
        let buffers = buffers.iter().map(|(_, buffer)| masks.revivals(*buffer));
        [masks.revivals(&self.params)].into_iter().chain(buffers).sum()
    }
}
