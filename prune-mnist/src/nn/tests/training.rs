//! Training, evaluation and profiles of small models.

use super::*;

fn train<P: ParamStorage<f32>>(spec: &ModelSpec, steps: u64, rate: f64) -> (Score, Fixture<f32, P>) {
    let mut fixture = Fixture::<f32, P>::new(spec, 32, false);
    let mut gradients = P::zeros(fixture.network.parameters());
    let mut sgd = Sgd::new(fixture.network.parameters(), 0.9, 0.0);
    for step in 0..steps {
        let (images, labels) = (&fixture.images, &fixture.labels);
        fixture.network.gradients(&fixture.params, images, labels, &mut gradients).unwrap();
        sgd.step(&mut fixture.params, &gradients, linear_rate(rate, step, steps) as f32).unwrap();
    }
    let score = fixture.network.score_batch(&fixture.params, &fixture.images, &fixture.labels).unwrap();
    (score, fixture)
}

#[test]
fn a_few_samples_of_noise_are_learnt_by_heart() {
    for spec in [small_cnn(), small_mlp(), small_lenet()] {
        let (score, _) = train::<NdarrayParams<f32>>(&spec, 800, 0.05);
        assert!(score.loss() < 0.05 && score.correct == 32, "{}: {score:?}", spec.name);
    }
}

#[test]
fn both_storages_train_alike() {
    for spec in [small_cnn(), small_mlp(), small_lenet()] {
        let (rows, row_fixture) = train::<NdarrayParams<f32>>(&spec, 10, 0.05);
        let (columns, column_fixture) = train::<NalgebraParams<f32>>(&spec, 10, 0.05);
        assert!((rows.loss() - columns.loss()).abs() < 1e-4, "{}: {rows:?} {columns:?}", spec.name);
        let (rows, columns): (&dyn ParamSet<f32>, &dyn ParamSet<f32>) = (&row_fixture.params, &column_fixture.params);
        for index in 0..rows.specs().len() {
            for (a, b) in rows.matrix(index).iter().zip(columns.matrix(index)) {
                assert!((a - b).abs() < 1e-4, "{} {a} {b}", spec.name);
            }
        }
    }
}

#[test]
fn evaluation_in_batches_is_that_of_all_samples() {
    let spec = small_mlp();
    let mut fixture = Fixture::<f64, NdarrayParams<f64>>::new(&spec, 16, false);
    let pixels: Vec<u8> = pattern::<f64>(50 * 20, 9).iter().map(|v| (v * 127.0 + 128.0) as u8).collect();
    let labels: Vec<u8> = (0..50).map(|i| (i % 4) as u8).collect();
    let samples = Samples::new(&pixels, &labels, 20).unwrap();
    let batched = fixture.network.evaluate(&fixture.params, &samples).unwrap();
    let mut whole = Network::<f64>::new(&spec, 50).unwrap();
    let whole = whole.evaluate(&fixture.params, &samples).unwrap();
    assert_eq!((batched.count, batched.correct), (50, whole.correct));
    assert!((batched.loss() - whole.loss()).abs() < 1e-12);
    assert!(batched.accuracy() > 0.0 && batched.accuracy() < 1.0);
    let none = Samples::new(&[], &[], 20).unwrap();
    assert!(fixture.network.evaluate(&fixture.params, &none).unwrap().loss().is_nan());
}

#[test]
fn profiles_count_every_layer_that_was_timed() {
    let mut fixture = Fixture::<f32, NdarrayParams<f32>>::new(&small_cnn(), 32, false);
    fixture.network.set_profile(true);
    fixture.gradients();
    let times = fixture.network.profile();
    let names: Vec<_> = times.iter().map(|time| time.name.as_str()).collect();
    assert_eq!(names, ["Conv_0", "avg-pool 2", "Conv_1", "avg-pool 2", "Dense_0", "Dense_1"]);
    assert!(times.iter().all(|time| !time.forward.is_zero() && !time.backward.is_zero()));
    assert_eq!(times[0].multiply_adds, 9 * 8 * 9 * 3);
    fixture.network.set_profile(false);
    fixture.gradients();
    assert!(fixture.network.profile().iter().all(|time| time.forward.is_zero()));
}

#[test]
fn a_diverged_model_has_a_loss_that_is_not_finite() {
    let mut fixture = Fixture::<f32, NdarrayParams<f32>>::new(&small_cnn(), 8, false);
    fixture.params.values_mut(0)[0] = f32::NAN;
    assert!(fixture.loss().is_nan());
}
