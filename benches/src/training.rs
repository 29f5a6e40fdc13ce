//! The cost of an epoch of training: seconds, arithmetic a second, the share of each layer, and memory at the peak.

use std::time::{Duration, Instant};

use prune_core::{Layers, LayersMut};
use prune_mnist::data::{DataSource, Dataset, PIXELS};
use prune_mnist::nn::{
    Batch, Initialisation, ModelSpec, NalgebraParams, NdarrayParams, Network, Optimiser, ParamSet, ParamStorage,
    Samples, Sgd, initial_parameters, prune_activations, readme_rules,
};
use prune_mnist::rng::epoch_order;
use prune_schedule::Pruner;

use crate::MEMORY;
use crate::show::Page;

const BATCH: usize = 128;

/// The number of images of an epoch: those of the full training set.
const EPOCH: usize = 60_000;

/// One training setup.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    model: fn() -> ModelSpec,
    prunes_activations: bool,
    holds_masks: bool,
}

/// All cases. The same training with and without an option stands side by side.
const CASES: [Case; 6] = [
    Case { name: "CNN", model: ModelSpec::cnn, prunes_activations: false, holds_masks: false },
    Case { name: "CNN, activations pruned", model: ModelSpec::cnn, prunes_activations: true, holds_masks: false },
    Case { name: "CNN, masks held", model: ModelSpec::cnn, prunes_activations: false, holds_masks: true },
    Case { name: "LeNet-5", model: ModelSpec::lenet5, prunes_activations: false, holds_masks: false },
    Case { name: "LeNet-300-100", model: ModelSpec::mlp, prunes_activations: false, holds_masks: false },
    Case { name: "LeNet-300-100, masks held", model: ModelSpec::mlp, prunes_activations: false, holds_masks: true },
];

/// The table of all cases on both backends, and the share of each layer.
///
/// All of it runs on a thread of the pool, as in the demo: a thread outside would hand over to the pool and back at
/// every product.
pub(crate) fn run(args: &crate::Args, page: &mut Page) -> Result<(), String> {
    rayon::scope(|_| all(args, page))
}

fn all(args: &crate::Args, page: &mut Page) -> Result<(), String> {
    let (data, from) = match DataSource::Full.load() {
        Ok(data) => (data, "full MNIST"),
        Err(_) => (DataSource::Sample.load().map_err(|error| error.to_string())?, "the bundled sample, several times"),
    };
    page.line(&format!(
        "Training: an epoch of {EPOCH} images ({from}), batch {BATCH}, {} threads\n{:<38} {:>9} {:>9} {:>9} {:>9}",
        rayon::current_num_threads(),
        "",
        "backend",
        "seconds",
        "GFLOP/s",
        "peak MB"
    ));
    for case in CASES.iter().filter(|case| case.name.contains(&args.only)) {
        page.line(&row::<NdarrayParams<f32>>(case, "ndarray", &data)?);
        page.line(&row::<NalgebraParams<f32>>(case, "nalgebra", &data)?);
    }
    page.line("");
    for case in CASES.iter().filter(|case| !case.holds_masks && case.name.contains(&args.only)) {
        page.line(&shares(case, &data)?);
    }
    Ok(())
}

fn row<P>(case: &Case, backend: &str, data: &Dataset) -> Result<String, String>
where
    P: ParamStorage<f32> + Layers + LayersMut,
{
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let mut run = Run::<P>::new(case, data)?;
    // Not counted: memory and threads start up.
    run.steps(20)?;
    let steps = EPOCH.div_ceil(BATCH);
    let taken = run.steps(steps)?.as_secs_f64();
    // Forward, and backward for weights and inputs; the first layer's input needs no gradient.
    let layers = run.network.layers();
    let all: usize = layers.iter().map(|layer| layer.multiply_adds).sum();
    let first = layers.iter().map(|layer| layer.multiply_adds).find(|&count| count > 0).unwrap_or(0);
    let operations = 2.0 * (3 * all - first) as f64 * (steps * BATCH) as f64;
    let peak = MEMORY.peak_usage().saturating_sub(before) as f64 / 1e6;
    Ok(format!("{:<38} {backend:>9} {taken:>9.2} {:>9.1} {peak:>9.1}", case.name, operations / taken / 1e9))
}

/// The time of each layer in some steps, as shares of the whole.
fn shares(case: &Case, data: &Dataset) -> Result<String, String> {
    let mut run = Run::<NdarrayParams<f32>>::new(case, data)?;
    run.steps(20)?;
    run.network.set_profile(true);
    run.steps(100)?;
    let times = run.network.profile();
    let total: f64 = times.iter().map(|time| (time.forward + time.backward).as_secs_f64()).sum();
    let mut text = format!("Shares of the layers: {} (forward, backward)\n", case.name);
    for time in times {
        let share = |time: Duration| 100.0 * time.as_secs_f64() / total;
        text += &format!("  {:<36} {:>8.1}% {:>8.1}%\n", time.name, share(time.forward), share(time.backward));
    }
    Ok(text)
}

/// A network in training.
struct Run<'d, P> {
    network: Network<f32>,
    samples: Samples<'d>,
    params: P,
    gradients: P,
    sgd: Sgd<f32, P>,
    pruner: Option<Pruner>,
    batch: Batch<f32>,
    order: Vec<u32>,
    next: usize,
}

impl<'d, P> Run<'d, P>
where
    P: ParamStorage<f32> + Layers + LayersMut,
{
    fn new(case: &Case, data: &'d Dataset) -> Result<Self, String> {
        let spec = (case.model)();
        let mut network = Network::<f32>::new(&spec, BATCH).map_err(|error| error.to_string())?;
        if case.prunes_activations {
            prune_activations(&mut network, &spec, &readme_rules()).map_err(|error| error.to_string())?;
        }
        let specs = network.parameters();
        let mut params: P = initial_parameters(specs, Initialisation::LecunNormal, 42);
        let (gradients, sgd) = (P::zeros(specs), Sgd::new(specs, 0.9, 0.0));
        let mut pruner = None;
        if case.holds_masks {
            let strategy = "{0: {'method': 'str_unified_local', 'pattern': (2, 4)}}";
            let mut made =
                Pruner::new(strategy.parse().map_err(|error: prune_schedule::StrategyError| error.to_string())?);
            made.start(&mut params).map_err(|error| error.to_string())?;
            pruner = Some(made);
        }
        let samples =
            Samples::new(data.train.images(), data.train.labels(), PIXELS).map_err(|error| error.to_string())?;
        let (batch, order) = (Batch::new(), Vec::new());
        Ok(Run { network, samples, params, gradients, sgd, pruner, batch, order, next: 0 })
    }

    /// The time of `count` steps, reading the images over and over in a random order.
    fn steps(&mut self, count: usize) -> Result<Duration, String> {
        let start = Instant::now();
        for _ in 0..count {
            self.step().map_err(|error| error.to_string())?;
        }
        Ok(start.elapsed())
    }

    fn step(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        if self.next + BATCH > self.order.len() {
            epoch_order(42, 1, self.samples.len() as u32, &mut self.order);
            self.next = 0;
        }
        self.batch.fill(&self.samples, &self.order[self.next..self.next + BATCH])?;
        self.next += BATCH;
        let (images, labels) = (self.batch.images(), self.batch.labels());
        let params: &dyn ParamSet<f32> = &self.params;
        self.network.gradients(params, images, labels, &mut self.gradients)?;
        if let Some(pruner) = &mut self.pruner {
            let _ = pruner.before_step(&self.gradients)?;
        }
        self.sgd.step(&mut self.params, &self.gradients, 0.01)?;
        if let Some(pruner) = &mut self.pruner {
            let mut buffers = self.sgd.buffers_mut();
            let mut velocities: Vec<&mut dyn LayersMut> =
                buffers.iter_mut().map(|(_, buffer)| &mut **buffer as &mut dyn LayersMut).collect();
            pruner.after_step(&mut self.params, &mut velocities)?;
        }
        Ok(())
    }
}
