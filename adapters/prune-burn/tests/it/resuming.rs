//! A run that is saved and goes on equals one that was never stopped.

use burn::module::Module;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamWConfig, ModuleOptimizer, SgdConfig};
use prune_burn::ModulePruner;

use crate::nets::{Mlp, device, values};

const STRATEGY: &str = "{0: {'method': 'unstr_global', 'density': 0.5, 'score': 'random', 'seed': 1},
                         '3..=9 steps': {'method': 'rigl', 'every': 3},
                         2: {'method': 'str_unified_local', 'pattern': '1:4', 'axis': 'reduction'}}";

/// The names of an optimiser's buffers, with their bytes.
type Buffers = Vec<(String, Vec<u8>)>;

struct Run {
    pruner: ModulePruner,
    model: Mlp,
    optimizer: ModuleOptimizer,
}

impl Run {
    fn epoch(mut self, epoch: u64) -> Run {
        for batch in 0..4 {
            let gradients = self.model.gradients(epoch * 100 + batch);
            self.model = self.pruner.step(0.01, self.model, gradients, &mut self.optimizer).unwrap().0;
        }
        self.model = self.pruner.end_epoch(epoch, self.model, &mut self.optimizer).unwrap().0;
        self
    }

    /// Saves everything as bytes, and loads it into new objects.
    fn reloaded(self, optimizer: ModuleOptimizer, build: impl Fn(ModulePruner) -> ModulePruner) -> Run {
        let (state, moments) = (self.pruner.to_json(), self.optimizer.into_bytes().unwrap());
        let record = self.model.into_record().into_bytes().unwrap();
        let mut pruner = build(ModulePruner::from_json(&state).unwrap());
        let model = pruner.attach(Mlp::new(99, &device())).unwrap();
        let model = model.load_record(burn::store::ModuleRecord::from_bytes(record).unwrap());
        Run { pruner, model, optimizer: optimizer.from_bytes(moments).unwrap() }
    }

    /// Weights, buffers and state. Ids differ in every run.
    fn bits(&self) -> (Vec<u32>, Buffers, String) {
        let weights = [&self.model.fc1, &self.model.fc2].map(|layer| values(&layer.weight)).concat();
        let reader = burn_pack::Reader::from_bytes(self.optimizer.into_bytes().unwrap()).unwrap();
        let buffer = |tensor: burn_pack::Tensor| {
            let (name, _, _, _, bytes) = tensor.into_parts().unwrap();
            (name.split_once('.').unwrap().1.to_owned(), bytes.to_vec())
        };
        let mut buffers: Buffers = reader.into_tensors().unwrap().into_iter().map(buffer).collect();
        buffers.sort();
        assert!(!buffers.is_empty());
        (weights.into_iter().map(f32::to_bits).collect(), buffers, self.pruner.to_json())
    }
}

fn started(optimizer: ModuleOptimizer, strategy: &str, build: impl Fn(ModulePruner) -> ModulePruner) -> Run {
    let mut pruner = build(ModulePruner::new(strategy.parse().unwrap()));
    let model = Mlp::new(3, &device());
    pruner.check(&model).unwrap();
    let (model, _) = pruner.start(model).unwrap();
    Run { pruner, model, optimizer }
}

fn resumes(
    optimizer: impl Fn() -> ModuleOptimizer,
    strategy: &str,
    build: impl Fn(ModulePruner) -> ModulePruner + Copy,
) {
    let whole = started(optimizer(), strategy, build).epoch(1).epoch(2).epoch(3);
    let first = started(optimizer(), strategy, build).epoch(1);
    let resumed = first.reloaded(optimizer(), build).epoch(2).reloaded(optimizer(), build).epoch(3);
    assert_eq!(whole.bits(), resumed.bits());
    assert_eq!(resumed.pruner.revivals(&resumed.model).unwrap(), 0);
    assert_eq!(resumed.pruner.moment_revivals(&resumed.model, &resumed.optimizer).unwrap(), 0);
}

#[test]
fn a_run_goes_on_bit_for_bit() {
    resumes(|| AdamWConfig::new().init(), STRATEGY, |pruner| pruner);
    resumes(|| SgdConfig::new().with_momentum(Some(MomentumConfig::new())).init(), STRATEGY, |pruner| pruner);
}

#[test]
fn masks_within_the_module_are_attached_before_the_record_is_loaded() {
    let strategy = "{0: {'method': 'unstr_global', 'density': 0.5, 'score': 'random', 'seed': 1},
                     2: {'method': 'unstr_global', 'density': 0.25}}";
    resumes(|| AdamWConfig::new().init(), strategy, ModulePruner::with_masks_in_module);
}

#[test]
fn text_that_is_not_a_saved_state_is_refused() {
    let error = ModulePruner::from_json("{}").unwrap_err().to_string();
    assert!(error.starts_with("the state cannot be read: the saved state cannot be read: missing field"), "{error}");
}
