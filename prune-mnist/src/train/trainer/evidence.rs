//! Measures the evidence that methods need besides the weights, on training images without a step.

use super::Trainer;
use crate::nn::{InputNorms, NnError, Score};
use crate::rng::epoch_order;
use crate::train::Backend;

impl<P: Backend> Trainer<'_, P> {
    /// Training images to measure on: `count` of them, or all if there are fewer, drawn without replacement by the
    /// seed of the run.
    ///
    /// They are the first in the order of epoch 0, which is never trained, so training needs no other draw for them.
    #[must_use]
    pub fn calibration(&self, count: usize) -> Vec<u32> {
        let mut order = Vec::new();
        // The largest set has 60,000 images.
        epoch_order(self.settings.seed, 0, self.train.len() as u32, &mut order);
        order.truncate(count);
        order
    }

    /// The gradients of the mean loss over these training images, with their score. The mean over batches, each
    /// weighted by its images, is taken before anything is multiplied with weights. SNIP (Lee et al. 2019) ranks by
    /// them.
    ///
    /// The images are cut into batches of the run's size in the given order. Sums are in f64 in that order, so
    /// threads do not change a bit. No step is taken.
    ///
    /// # Errors
    ///
    /// [`NnError::EmptyBatch`] without images, [`NnError::NoSuchSample`]; parameters that are not the network's; a
    /// NaN found by activation pruning.
    pub fn mean_gradients(&mut self, images: &[u32], params: &P) -> Result<(Score, P), NnError> {
        if images.is_empty() {
            return Err(NnError::EmptyBatch);
        }
        let specs = self.network.parameters().to_vec();
        let mut sums: Vec<Vec<f64>> = specs.iter().map(|spec| vec![0.0; spec.len()]).collect();
        let mut total = Score::default();
        for batch in images.chunks(self.network.capacity()) {
            self.batch.fill(&self.train, batch)?;
            let (images, labels) = (self.batch.images(), self.batch.labels());
            total.add(self.network.gradients(params, images, labels, &mut self.gradients)?);
            for (index, sums) in sums.iter_mut().enumerate() {
                let values = sums.iter_mut().zip(self.gradients.values(index));
                values.for_each(|(sum, &value)| *sum += f64::from(value) * batch.len() as f64);
            }
        }
        let mut mean = P::zeros(&specs);
        for (index, sums) in sums.iter().enumerate() {
            let values = mean.values_mut(index).iter_mut().zip(sums);
            values.for_each(|(value, sum)| *value = (sum / images.len() as f64) as f32);
        }
        Ok((total, mean))
    }

    /// The norm of each input of each kernel over these training images: see [`Network::input_norms`].
    ///
    /// [`Network::input_norms`]: crate::nn::Network::input_norms
    ///
    /// # Errors
    ///
    /// As [`mean_gradients`](Self::mean_gradients).
    pub fn input_norms(&mut self, images: &[u32], params: &P) -> Result<InputNorms, NnError> {
        self.batch.fill(&self.train, images)?;
        self.network.input_norms(params, self.batch.images())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::data::{DataSource, Dataset};
    use crate::nn::{
        Batch, Initialisation, ModelSpec, NalgebraParams, NdarrayParams, Network, Samples, initial_parameters,
    };
    use crate::train::Settings;

    fn data() -> Dataset {
        let data = DataSource::Sample.load().unwrap();
        Dataset { train: data.train.head(100), test: data.test.head(20), ..data }
    }

    fn trainer<P: Backend>(data: &Dataset) -> Trainer<'_, P> {
        let settings = Settings { epochs: 1, lr: 0.1, momentum: 0.9, weight_decay: 0.0, batch_size: 16, seed: 3 };
        Trainer::new(&ModelSpec::mlp(), data, settings).unwrap()
    }

    /// The same images as one batch.
    fn at_once<P: Backend>(data: &Dataset, images: &[u32], params: &P) -> (Score, P, InputNorms) {
        let mut network = Network::<f32>::new(&ModelSpec::mlp(), images.len()).unwrap();
        let mut batch = Batch::new();
        batch.fill(&Samples::new(data.train.images(), data.train.labels(), 784).unwrap(), images).unwrap();
        let mut gradients = P::zeros(network.parameters());
        let score = network.gradients(params, batch.images(), batch.labels(), &mut gradients).unwrap();
        let norms = network.input_norms(params, batch.images()).unwrap();
        (score, gradients, norms)
    }

    fn check<P: Backend>() {
        let data = data();
        let mut trainer = trainer::<P>(&data);
        let params: P = initial_parameters(trainer.network.parameters(), Initialisation::default(), 1);
        // The last batch has 5 images, so the test sees equal weights for unequal batches.
        let images = trainer.calibration(37);
        let (score, mean) = trainer.mean_gradients(&images, &params).unwrap();
        let (expected, gradients, norms) = at_once(&data, &images, &params);
        assert_eq!((score.count, score.correct), (37, expected.correct));
        for index in 0..mean.specs().len() {
            let largest = gradients.values(index).iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            assert!(largest > 0.0);
            for (mean, whole) in mean.values(index).iter().zip(gradients.values(index)) {
                assert!((mean - whole).abs() <= 1e-5 * largest, "{mean} {whole}");
            }
        }
        let parts = trainer.input_norms(&images, &params).unwrap();
        for ((name, part), (_, whole)) in parts.iter().zip(norms.iter()) {
            let pairs = part.values().iter().zip(whole.values());
            pairs.for_each(|(part, whole)| assert!((part - whole).abs() <= 1e-5 * whole.max(1.0), "{name}"));
        }
    }

    #[test]
    fn the_mean_over_batches_is_the_gradient_of_all_their_images() {
        check::<NdarrayParams<f32>>();
        check::<NalgebraParams<f32>>();
    }

    #[test]
    fn images_are_drawn_once_each_and_training_is_not_disturbed() {
        let data = data();
        let mut trainer = trainer::<NdarrayParams<f32>>(&data);
        let mut all = trainer.calibration(1000);
        assert_eq!(all[..37], trainer.calibration(37));
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        let params = initial_parameters(trainer.network.parameters(), Initialisation::default(), 1);
        trainer.gradients(1, 2, &params).unwrap();
        let undisturbed = trainer.gradient().clone();
        let images = trainer.calibration(20);
        trainer.mean_gradients(&images, &params).unwrap();
        trainer.gradients(1, 2, &params).unwrap();
        assert_eq!(trainer.gradient(), &undisturbed);
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let data = data();
        let mut trainer = trainer::<NdarrayParams<f32>>(&data);
        let params = initial_parameters(trainer.network.parameters(), Initialisation::default(), 1);
        assert!(matches!(trainer.mean_gradients(&[], &params), Err(NnError::EmptyBatch)));
        let message = trainer.mean_gradients(&[3, 100], &params).unwrap_err().to_string();
        assert_eq!(message, "sample 100 was asked for, but there are 100");
        assert!(matches!(trainer.input_norms(&[], &params), Err(NnError::EmptyBatch)));
        assert!(trainer.input_norms(&[100], &params).is_err());
    }
}
