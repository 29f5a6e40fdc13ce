//! Every wrong call gets an error with a sentence, and writes nothing.

use super::*;

fn fixture() -> Fixture<f32, NdarrayParams<f32>> {
    Fixture::new(&small_cnn(), 32, false)
}

fn refusal(change: impl FnOnce(&mut Fixture<f32, NdarrayParams<f32>>)) -> String {
    let mut fixture = fixture();
    change(&mut fixture);
    let mut gradients = NdarrayParams::<f32>::zeros(fixture.network.parameters());
    gradients.values_mut(0).fill(7.0);
    let result = fixture.network.gradients(&fixture.params, &fixture.images, &fixture.labels, &mut gradients);
    assert!(gradients.values(0).iter().all(|&v| v == 7.0));
    result.unwrap_err().to_string()
}

#[test]
fn batches_that_do_not_fit_are_refused() {
    let none = refusal(|f| {
        f.labels.clear();
        f.images.clear();
    });
    assert_eq!(none, "a batch of 0 samples; the batch size must be at least 1");
    assert_eq!(refusal(|f| f.labels.push(0)), "33 samples in a batch, but the network was built for at most 32");
    let counts = refusal(|f| f.images.truncate(100));
    assert_eq!(counts, "100 image values for 32 labels; a sample of this model has 72 values");
    let label = refusal(|f| f.labels[5] = 3);
    assert_eq!(label, "sample 5 has label 3, but the model has 3 outputs (0 to 2)");
    assert!(matches!(Network::<f32>::new(&small_cnn(), 0), Err(NnError::EmptyBatch)));
}

#[test]
fn parameters_of_another_model_are_refused() {
    let others = small_mlp().parameters().unwrap();
    let message = refusal(|f| f.params = NdarrayParams::zeros(&others));
    assert_eq!(message, "parameters: 6 tensors, but the model has 8");
    let mut fixture = Fixture::<f32, NalgebraParams<f32>>::new(&small_mlp(), 4, false);
    let mut gradients = NalgebraParams::zeros(fixture.network.parameters());
    if let Some((_, tensor)) = fixture.params.iter_mut().nth(2) {
        *tensor = NalgebraTensor::Vector(nalgebra::DVector::from_element(5, 0.0));
    }
    let result = fixture.network.gradients(&fixture.params, &fixture.images, &fixture.labels, &mut gradients);
    let message = result.unwrap_err().to_string();
    assert_eq!(message, "parameters `Dense_1-kernel` has 5 values; the model's has 63 ([9, 7])");
}

#[test]
fn a_place_without_activation_pruning_is_refused() {
    let mut network = Network::<f32>::new(&small_cnn(), 1).unwrap();
    let message = network.set_activation_pruner(2, Some(Arc::new(FixedMask))).unwrap_err().to_string();
    assert_eq!(message, "activation pruning 2 was set, but model `small cnn` has 2");
}

/// Refuses samples whose first activation is above a bound that only some reach.
struct Refuses;

impl ActivationPruning<f32> for Refuses {
    fn prune(
        &self,
        sample: &mut [f32],
        _: &[usize],
        _: &mut [u64],
        scratch: &mut (dyn Any + Send + Sync),
    ) -> Result<(), ActivationError> {
        let calls = scratch.downcast_mut::<usize>().ok_or("the scratch is that of another pruner")?;
        *calls += 1;
        if sample.iter().any(|v| v.is_nan()) { Err("NaN in an activation".into()) } else { Ok(()) }
    }

    fn scratch(&self) -> Scratch {
        Box::new(0_usize)
    }
}

#[test]
fn a_pruners_error_names_the_layer_and_the_first_sample() {
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let message = pool.install(|| {
            refusal(|f| {
                f.network.set_activation_pruner(1, Some(Arc::new(Refuses))).unwrap();
                for sample in [19, 21, 30] {
                    f.images[sample * 72] = f32::NAN;
                }
            })
        });
        assert_eq!(message, "pruning the activations after Conv_1, sample 19 of the batch: NaN in an activation");
    }
    let mut after = fixture();
    after.network.set_activation_pruner(1, Some(Arc::new(Refuses))).unwrap();
    after.images[0] = f32::NAN;
    let params = &after.params;
    assert!(after.network.score_batch(params, &after.images, &after.labels).is_err());
    after.images[0] = 0.0;
    assert!(after.network.score_batch(params, &after.images, &after.labels).is_ok());
}
