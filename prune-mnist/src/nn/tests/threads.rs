//! The number of threads must not change a bit.

use super::*;

/// Trains three steps with a full batch, a partial one and a tiny one; returns all results of training, as bits.
fn train<P: ParamStorage<f32>>(spec: &ModelSpec, threads: usize) -> Vec<u32> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut fixture = Fixture::<f32, P>::new(spec, 72, true);
        let size = fixture.network.sample_len();
        let mut gradients = P::zeros(fixture.network.parameters());
        let mut sgd = Sgd::new(fixture.network.parameters(), 0.9, 1e-4);
        let mut bits = Vec::new();
        for count in [72, 41, 5] {
            let (images, labels) = (&fixture.images[..count * size], &fixture.labels[..count]);
            let score = fixture.network.gradients(&fixture.params, images, labels, &mut gradients).unwrap();
            bits.extend([score.loss_sum.to_bits() as u32, (score.loss_sum.to_bits() >> 32) as u32]);
            sgd.step(&mut fixture.params, &gradients, 0.05).unwrap();
        }
        let momentum = sgd.buffers()[0].1.clone_values();
        let params = fixture.params.clone_values();
        bits.extend(params.into_iter().chain(momentum).map(f32::to_bits));
        bits
    })
}

trait CloneValues {
    fn clone_values(&self) -> Vec<f32>;
}

impl<P: ParamStorage<f32>> CloneValues for P {
    fn clone_values(&self) -> Vec<f32> {
        (0..self.specs().len()).flat_map(|index| self.values(index).to_vec()).collect()
    }
}

fn check<P: ParamStorage<f32>>(spec: &ModelSpec) {
    let one = train::<P>(spec, 1);
    assert!(one.iter().all(|&bits| !f32::from_bits(bits).is_nan()));
    for threads in [2, 3, 7] {
        assert!(train::<P>(spec, threads) == one, "{} with {threads} threads", spec.name);
    }
}

#[test]
fn the_mlp_trains_to_the_same_bits_at_any_thread_count() {
    check::<NdarrayParams<f32>>(&ModelSpec::mlp());
    check::<NalgebraParams<f32>>(&ModelSpec::mlp());
}

#[test]
fn the_cnn_trains_to_the_same_bits_at_any_thread_count() {
    check::<NdarrayParams<f32>>(&ModelSpec::cnn());
    check::<NalgebraParams<f32>>(&ModelSpec::cnn());
}

#[test]
fn unusual_models_train_to_the_same_bits_at_any_thread_count() {
    for spec in unusual() {
        check::<NdarrayParams<f32>>(&spec);
    }
}
