//! The cost of keeping masks in force, against forward, backward and the optimiser's step: a block of a transformer and
//! LeNet-300-100, at density 0.1. Steps alternate, and medians are printed. `--test` runs each once.

use std::time::{Duration, Instant};

use burn::module::Module;
use burn::nn::transformer::{TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Distribution, Tensor};
use peak_alloc::PeakAlloc;
use prune_burn::{ModulePruner, StepAction};

/// Counts the bytes that are allocated, even in memory that is used again.
#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const STRATEGY: &str = "{0: {'method': 'unstr_unified_local', 'density': 0.1, 'exclude': 'input'}}";

trait Network: Module {
    fn loss(&self) -> Tensor<1>;
}

#[derive(Module, Debug)]
struct Block {
    encoder: TransformerEncoder,
    input: burn::module::Param<Tensor<3>>,
}

impl Network for Block {
    fn loss(&self) -> Tensor<1> {
        let input = TransformerEncoderInput::new(self.input.val());
        self.encoder.forward(input).powf_scalar(2.0).mean()
    }
}

#[derive(Module, Debug)]
struct LeNet {
    layers: Vec<Linear>,
    input: burn::module::Param<Tensor<2>>,
}

impl Network for LeNet {
    fn loss(&self) -> Tensor<1> {
        let mut value = self.input.val();
        for (i, layer) in self.layers.iter().enumerate() {
            value = layer.forward(value);
            if i + 1 < self.layers.len() {
                value = relu(value);
            }
        }
        value.powf_scalar(2.0).mean()
    }
}

fn main() {
    // `cargo bench` passes `--bench`; `cargo test` passes nothing or `--test`.
    let counts = if std::env::args().any(|argument| argument == "--bench") { (25, 200) } else { (1, 1) };
    let device = Device::default().autodiff();
    device.seed(1);
    let frozen = |tensor: Tensor<3>| burn::module::Param::initialized(burn::module::ParamId::new(), tensor);
    let block = Block {
        encoder: TransformerEncoderConfig::new(512, 2048, 8, 1).with_dropout(0.0).init(&device),
        input: frozen(Tensor::random([8, 64, 512], Distribution::Default, &device)),
    };
    measure("transformer block", block, counts.0, 0.05);
    let sizes = [(784, 300), (300, 100), (100, 10)];
    let lenet = LeNet {
        layers: sizes.iter().map(|&(inputs, outputs)| LinearConfig::new(inputs, outputs).init(&device)).collect(),
        input: burn::module::Param::initialized(
            burn::module::ParamId::new(),
            Tensor::random([128, 784], Distribution::Default, &device),
        ),
    };
    measure("LeNet-300-100", lenet, counts.1, 0.10);
}

/// A network in training.
struct Run<M> {
    model: Option<M>,
    optimizer: ModuleOptimizer,
    pruner: ModulePruner,
}

impl<M: Network> Run<M> {
    fn new(model: &M, pruner: ModulePruner) -> Self {
        let mut pruner = pruner;
        let (model, _) = pruner.start(model.clone()).unwrap_or_else(|error| panic!("{error}"));
        Run { model: Some(model), optimizer: AdamWConfig::new().with_weight_decay(0.01).init(), pruner }
    }

    /// The time of forward, backward and step, and the time that the pruner adds.
    fn step(&mut self) -> (Duration, Duration) {
        let Some(model) = self.model.take() else { unreachable!("a step gives the model back") };
        let begun = Instant::now();
        let gradients = GradientsParams::from_grads(model.loss().backward(), &model);
        let backward = begun.elapsed();
        let begun = Instant::now();
        let (gradients, action) = self.pruner.before_step(&model, gradients).unwrap_or_else(|error| panic!("{error}"));
        let before = begun.elapsed();
        assert_eq!(action, StepAction::Go);
        let begun = Instant::now();
        let model = self.optimizer.step(1e-3, model, gradients);
        let step = begun.elapsed();
        let begun = Instant::now();
        let (model, _) = self.pruner.after_step(model, &mut self.optimizer).unwrap_or_else(|error| panic!("{error}"));
        let after = begun.elapsed();
        self.model = Some(model);
        (backward + step, before + after)
    }

    /// The bytes that holding gradients adds to the peak of allocations, and those that holding weights adds.
    fn extra_of_holds(&mut self) -> (usize, usize) {
        let Some(model) = self.model.take() else { unreachable!("a step gives the model back") };
        let gradients = GradientsParams::from_grads(model.loss().backward(), &model);
        let begin = || {
            ALLOCATED.reset_peak_usage();
            ALLOCATED.current_usage()
        };
        let before = begin();
        let held = self.pruner.before_step(&model, gradients).unwrap_or_else(|error| panic!("{error}"));
        let of_gradients = ALLOCATED.peak_usage().saturating_sub(before);
        drop(held);
        let before = begin();
        self.model = Some(self.pruner.hold(model).unwrap_or_else(|error| panic!("{error}")));
        (of_gradients, ALLOCATED.peak_usage().saturating_sub(before))
    }

    fn revivals(&self) -> usize {
        let Some(model) = &self.model else { unreachable!("a step gives the model back") };
        let weights = self.pruner.revivals(model);
        let moments = self.pruner.moment_revivals(model, &self.optimizer);
        weights.and_then(|weights| Ok(weights + moments?)).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn measure<M: Network>(name: &str, model: M, count: usize, bar: f64) {
    let pruner = |strategy: &str| ModulePruner::new(strategy.parse().unwrap_or_else(|error| panic!("{error}")));
    let mut dense = Run::new(&model, pruner("{}"));
    let mut held = Run::new(&model, pruner(STRATEGY));
    let mut within = Run::new(&model, pruner(STRATEGY).with_masks_in_module());
    drop(model);
    let mut times: [Vec<Duration>; 3] = Default::default();
    let (mut gradients_peak, mut weights_peak) = (0, 0);
    for round in 0..count + usize::from(count > 1) {
        let (plain, _) = dense.step();
        let (_, hold) = held.step();
        let (masked, also) = within.step();
        let (gradients, weights) = held.extra_of_holds();
        (gradients_peak, weights_peak) = (gradients_peak.max(gradients), weights_peak.max(weights));
        // The first round warms caches.
        if round > 0 || count == 1 {
            for (times, time) in times.iter_mut().zip([plain, hold, masked + also]) {
                times.push(time);
            }
        }
    }
    assert_eq!(held.revivals() + within.revivals(), 0, "{name}: pruned weights or moments have come back");
    let [plain, hold, masked] = times.map(median);
    let ratio = hold.as_secs_f64() / plain.as_secs_f64();
    let in_module = masked.as_secs_f64() / plain.as_secs_f64() - 1.0;
    let masks = held.pruner.masks().iter().map(|(_, mask)| mask.len()).sum::<usize>();
    println!(
        "{name}: step {:.1} ms; hold of gradients and weights {:.2} ms, {:.1}% (at most {:.0}%); masks within the module \
         {:+.1}%; masks on the device {:.2} MB; above that at most {:.2} MB to hold gradients and {:.2} MB weights, of {:.2} MB \
         masked",
        1e3 * plain.as_secs_f64(),
        1e3 * hold.as_secs_f64(),
        100.0 * ratio,
        100.0 * bar,
        100.0 * in_module,
        masks as f64 / 1e6,
        gradients_peak as f64 / 1e6,
        weights_peak as f64 / 1e6,
        4.0 * masks as f64 / 1e6
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
