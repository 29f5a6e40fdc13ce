//! The measurements.

use std::ops::ControlFlow;

use prune_schedule::Pruner;

use super::error::SensitivityError;
use super::goal::Goal;
use crate::nn::{ParamKind, ParamSpec, Score};
use crate::train::{Backend, Trainer};

/// The accuracies of a network with one layer pruned at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// The dense network, on the test images.
    pub dense: Score,
    /// The goals to which each layer was pruned.
    pub goals: Vec<Goal>,
    /// Every kernel, in the order of the model.
    pub layers: Vec<LayerScan>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerScan {
    /// Its name.
    pub name: String,
    /// The number of its weights.
    pub weights: usize,
    /// The measurements, one for each goal.
    pub measured: Vec<Measurement>,
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// The number of kept weights of the layer.
    pub kept: usize,
    /// The score on the test images.
    pub score: Score,
}

/// Prunes each kernel of `params` alone to each of `goals` by magnitude, and measures on the test images of `trainer`.
///
/// `params` are copied once; between measurements the pruned layer's values are restored. `tick` is called after each
/// measurement, the dense one first, with the number done and the number of all, and can break off there. The cost is
/// one evaluation for each layer and goal, and one more.
///
/// # Errors
///
/// [`SensitivityError::Interrupted`] if `tick` breaks off, [`SensitivityError::NotFinite`]; parameters that are not
/// the network's, weights that are NaN.
///
/// # Examples
/// ```
/// use std::ops::ControlFlow;
///
/// use prune_mnist::data::DataSource;
/// use prune_mnist::nn::{Initialisation, ModelSpec, NdarrayParams, initial_parameters};
/// use prune_mnist::sensitivity::{Goal, scan};
/// use prune_mnist::train::{Settings, Trainer};
///
/// let data = DataSource::Sample.load()?;
/// let settings = Settings { epochs: 1, lr: 0.1, momentum: 0.9, weight_decay: 0.0, batch_size: 128, seed: 0 };
/// let mut trainer = Trainer::new(&ModelSpec::mlp(), &data, settings)?;
/// let params: NdarrayParams<f32> = initial_parameters(trainer.network.parameters(), Initialisation::default(), 0);
/// let goals = [1.0, 0.1].map(|density| prune_core::Density::new(density).map(Goal::Density));
/// let goals = goals.into_iter().collect::<Result<Vec<_>, _>>()?;
/// let scan = scan(&mut trainer, &params, &goals, &mut |_, _| ControlFlow::Continue(()))?;
/// assert_eq!(scan.layers[0].measured[0].score, scan.dense);
/// assert_eq!(scan.layers[1].measured[1].kept, 3000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn scan<P: Backend>(
    trainer: &mut Trainer<'_, P>,
    params: &P,
    goals: &[Goal],
    tick: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Scan, SensitivityError> {
    let kernels: Vec<(usize, ParamSpec)> = trainer.network.parameters().iter().cloned().enumerate().collect();
    let kernels: Vec<_> = kernels.into_iter().filter(|(_, spec)| spec.kind == ParamKind::Kernel).collect();
    let all = 1 + kernels.len() * goals.len();
    let mut done = 0;
    let mut ticked = || {
        done += 1;
        if tick(done, all).is_break() { Err(SensitivityError::Interrupted) } else { Ok(()) }
    };
    let dense = trainer.evaluate(params)?;
    if !dense.loss().is_finite() {
        return Err(SensitivityError::NotFinite { loss: dense.loss() });
    }
    ticked()?;
    let mut work = params.clone();
    let mut layers = Vec::with_capacity(kernels.len());
    for (index, spec) in kernels {
        let mut measured = Vec::with_capacity(goals.len());
        for goal in goals {
            let mut pruner = Pruner::new(goal.strategy(&spec.name)?);
            pruner.start(&mut work)?;
            let kept = pruner.masks().get(&spec.name).map_or(spec.len(), prune_core::Mask::kept_len);
            let score = trainer.evaluate(&work)?;
            work.values_mut(index).copy_from_slice(params.values(index));
            measured.push(Measurement { kept, score });
            ticked()?;
        }
        layers.push(LayerScan { name: spec.name, weights: spec.rows * spec.columns, measured });
    }
    Ok(Scan { dense, goals: goals.to_vec(), layers })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use prune_core::Density;

    use super::*;
    use crate::data::{DataSource, Dataset};
    use crate::nn::{
        Initialisation, Layer, ModelSpec, NalgebraParams, NdarrayParams, Network, Order, Padding, ParamSet as _,
        ParamStorage as _, Samples, initial_parameters,
    };
    use crate::train::Settings;

    fn data() -> Dataset {
        let data = DataSource::Sample.load().unwrap();
        Dataset { train: data.train.head(64), test: data.test.head(200), ..data }
    }

    fn small() -> ModelSpec {
        let layers = vec![
            Layer::Conv { features: 3, kernel: [5, 5], padding: Padding::Valid },
            Layer::MaxPool { window: 4 },
            Layer::Dense { features: 12 },
            Layer::Relu,
            Layer::Dense { features: 10 },
        ];
        ModelSpec::new("small", [28, 28, 1], layers)
    }

    fn trainer<'d, P: Backend>(data: &'d Dataset) -> (Trainer<'d, P>, P) {
        let settings = Settings { epochs: 1, lr: 0.1, momentum: 0.9, weight_decay: 0.0, batch_size: 32, seed: 1 };
        let trainer = Trainer::new(&small(), data, settings).unwrap();
        let params = initial_parameters(trainer.network.parameters(), Initialisation::HeNormal, 1);
        (trainer, params)
    }

    fn goals() -> Vec<Goal> {
        let densities = [1.0, 0.3, 0.02].map(|density| Goal::Density(Density::new(density).unwrap()));
        [&densities[..], &[Goal::Nm("1:4".parse().unwrap())]].concat()
    }

    /// The score with one layer pruned, written out plainly: a full sort, groups of M in a row of features.
    fn naive(data: &Dataset, params: &NdarrayParams<f32>, index: usize, goal: Goal) -> (usize, Score) {
        let mut pruned = params.clone();
        let columns = params.specs()[index].columns;
        let values = pruned.values_mut(index);
        let mut kept = 0;
        let (lane, group, keeps) = match goal {
            Goal::Density(density) => (values.len(), values.len(), (density.get() * values.len() as f64).round()),
            Goal::Nm(pattern) => (columns, pattern.m(), pattern.n() as f64),
        };
        for lane in values.chunks_mut(lane) {
            for group in lane.chunks_mut(group) {
                let mut order: Vec<usize> = (0..group.len()).collect();
                order.sort_by(|&a, &b| group[b].abs().total_cmp(&group[a].abs()).then(a.cmp(&b)));
                let keeps = (keeps as usize).max(1).min(group.len());
                order[keeps..].iter().for_each(|&place| group[place] = 0.0);
                kept += keeps;
            }
        }
        let mut network = Network::<f32>::new(&small(), 32).unwrap();
        let samples = Samples::new(data.test.images(), data.test.labels(), 784).unwrap();
        (kept, network.evaluate(&pruned, &samples).unwrap())
    }

    #[test]
    fn every_measurement_is_that_of_a_fresh_copy() {
        let data = data();
        let (mut trainer, params) = trainer::<NdarrayParams<f32>>(&data);
        let before = params.clone();
        let mut ticks = Vec::new();
        let scan = scan(&mut trainer, &params, &goals(), &mut |done, all| {
            ticks.push((done, all));
            ControlFlow::Continue(())
        });
        let scan = scan.unwrap();
        assert_eq!(params, before);
        assert_eq!(ticks, (1..=13).map(|done| (done, 13)).collect::<Vec<_>>());
        assert_eq!(
            scan.layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>(),
            ["Conv_0-kernel", "Dense_0-kernel", "Dense_1-kernel"]
        );
        assert_eq!(scan.dense, trainer.evaluate(&before).unwrap());
        let mut fell = 0;
        for (place, layer) in scan.layers.iter().enumerate() {
            assert_eq!((layer.weights, layer.measured[0].score), (params.specs()[2 * place].len(), scan.dense));
            for (goal, measured) in scan.goals.iter().zip(&layer.measured) {
                let (kept, score) = naive(&data, &params, 2 * place, *goal);
                assert_eq!((measured.kept, measured.score), (kept, score), "{} {goal}", layer.name);
                fell += usize::from(score.loss_sum != scan.dense.loss_sum);
            }
        }
        assert_eq!(fell, 9, "all but density 1 must change something");
    }

    #[test]
    fn both_backends_measure_alike() {
        let data = data();
        let (mut rows, row_params) = trainer::<NdarrayParams<f32>>(&data);
        let (mut columns, column_params) = trainer::<NalgebraParams<f32>>(&data);
        let mut go_on = |_, _| ControlFlow::Continue(());
        let rows = scan(&mut rows, &row_params, &goals(), &mut go_on).unwrap();
        let columns = scan(&mut columns, &column_params, &goals(), &mut go_on).unwrap();
        assert_eq!(column_params.order(), Order::ColumnMajor);
        for (a, b) in rows.layers.iter().zip(&columns.layers) {
            for (a, b) in a.measured.iter().zip(&b.measured) {
                assert_eq!(a.kept, b.kept);
                assert!((a.score.loss() - b.score.loss()).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn a_wish_to_stop_and_a_broken_network_are_told() {
        let data = data();
        let (mut trainer, mut params) = trainer::<NdarrayParams<f32>>(&data);
        let stopped = scan(&mut trainer, &params, &goals(), &mut |done, _| match done {
            4 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        assert!(matches!(stopped, Err(SensitivityError::Interrupted)));
        params.values_mut(0)[0] = f32::INFINITY;
        let broken = scan(&mut trainer, &params, &goals(), &mut |_, _| ControlFlow::Continue(()));
        assert!(matches!(broken, Err(SensitivityError::NotFinite { .. })));
        let other = NdarrayParams::zeros(&ModelSpec::mlp().parameters().unwrap());
        let other = scan(&mut trainer, &other, &goals(), &mut |_, _| ControlFlow::Continue(()));
        assert!(matches!(other, Err(SensitivityError::Network(_))));
    }
}
