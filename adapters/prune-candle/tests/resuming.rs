//! Training that is saved and resumed goes on to the bit: weights, buffers, masks and the state of the pruner.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::{Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, linear};
use prune_candle::{AdamW, CandleError, Gradients, LayersMut, Params, Pruner, Sgd, SgdConfig, StateMismatch};
use prune_schedule::StepAction;

/// An optimiser with its buffers.
trait Held: Optimizer {
    fn buffers(&mut self) -> Vec<&mut Params>;
    fn save_to(&self, path: &Path);
    fn load_from(&mut self, path: &Path);
}

impl Held for AdamW {
    fn buffers(&mut self) -> Vec<&mut Params> {
        self.moments_mut().into()
    }

    fn save_to(&self, path: &Path) {
        self.save(path).unwrap();
    }

    fn load_from(&mut self, path: &Path) {
        self.load(path).unwrap();
    }
}

impl Held for Sgd {
    fn buffers(&mut self) -> Vec<&mut Params> {
        vec![self.momentum_mut()]
    }

    fn save_to(&self, path: &Path) {
        self.save(path).unwrap();
    }

    fn load_from(&mut self, path: &Path) {
        self.load(path).unwrap();
    }
}

struct Run<O> {
    varmap: VarMap,
    layers: [Linear; 2],
    params: Params,
    optimiser: O,
    pruner: Pruner,
}

const STRATEGY: &str = "{0: {'method': 'unstr_unified_local', 'density': 0.5},
                         '2..=6 steps': {'method': 'rigl', 'every': 2, 'fraction': 0.5}}";

impl<O: Held> Run<O> {
    fn new(optimiser: impl Fn(&Params) -> O) -> Self {
        let varmap = VarMap::new();
        let vars = VarBuilder::from_varmap(&varmap, DType::F32, &Device::Cpu);
        let layers = [linear(5, 7, vars.pp("hidden")).unwrap(), linear(7, 3, vars.pp("out")).unwrap()];
        let params = Params::of(&varmap).unwrap();
        // The initial values are always the same.
        for (place, (_, var)) in params.iter().enumerate() {
            let values: Vec<f32> = (0..var.elem_count()).map(|i| ((i * 7 + place * 13) as f32).sin()).collect();
            var.set(&Tensor::from_vec(values, var.dims(), &Device::Cpu).unwrap()).unwrap();
        }
        let optimiser = optimiser(&params);
        Run { varmap, layers, params, optimiser, pruner: Pruner::new(STRATEGY.parse().unwrap()) }
    }

    fn step(&mut self, step: usize) {
        let values: Vec<f32> = (0..20).map(|i| ((i * 3 + step * 11) as f32).cos()).collect();
        let input = Tensor::from_vec(values, (4, 5), &Device::Cpu).unwrap();
        let hidden = self.layers[0].forward(&input).unwrap().tanh().unwrap();
        let loss = self.layers[1].forward(&hidden).unwrap().sqr().unwrap().mean_all().unwrap();
        let store = loss.backward().unwrap();
        if self.pruner.before_step(&Gradients::of(&self.params, &store)).unwrap() == StepAction::Go {
            self.optimiser.step(&store).unwrap();
        }
        let mut buffers: Vec<&mut dyn LayersMut> = Vec::new();
        for buffer in self.optimiser.buffers() {
            buffers.push(buffer);
        }
        self.pruner.after_step(&mut self.params, &mut buffers).unwrap();
    }

    fn bits(&mut self) -> Vec<(String, Vec<u32>)> {
        let mut all: Vec<(String, Tensor)> =
            self.params.iter().map(|(name, var)| (name.to_owned(), var.as_tensor().clone())).collect();
        for (place, buffer) in self.optimiser.buffers().into_iter().enumerate() {
            all.extend(buffer.iter().map(|(name, var)| (format!("{place} {name}"), var.as_tensor().clone())));
        }
        let bits = |tensor: Tensor| {
            let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            values.into_iter().map(f32::to_bits).collect()
        };
        all.into_iter().map(|(name, tensor)| (name, bits(tensor))).collect()
    }
}

fn resumes<O: Held>(optimiser: impl Fn(&Params) -> O) {
    let mut whole = Run::new(&optimiser);
    whole.pruner.start(&mut whole.params).unwrap();
    (1..=6).for_each(|step| whole.step(step));

    let folder = tempfile::tempdir().unwrap();
    let (weights, buffers) = (folder.path().join("weights.safetensors"), folder.path().join("buffers.safetensors"));
    let saved = {
        let mut first = Run::new(&optimiser);
        first.pruner.start(&mut first.params).unwrap();
        (1..=3).for_each(|step| first.step(step));
        first.varmap.save(&weights).unwrap();
        first.optimiser.save_to(&buffers);
        first.pruner.to_json()
    };
    let mut second = Run::new(&optimiser);
    second.varmap.load(&weights).unwrap();
    second.optimiser.load_from(&buffers);
    second.pruner = Pruner::from_json(&saved).unwrap();
    (4..=6).for_each(|step| second.step(step));
    assert!(second.bits() == whole.bits());
    assert_eq!(second.pruner, whole.pruner);
    assert_eq!(second.pruner.last_step(), Some(6));
    // Something was pruned, and something has trained.
    assert!(whole.pruner.masks().iter().all(|(_, mask)| mask.kept_len() * 2 <= mask.len() + 1));
    assert!(whole.bits() != Run::new(&optimiser).bits());
}

#[test]
fn adam_w_resumes() {
    resumes(|params| AdamW::for_params(params, ParamsAdamW { lr: 0.05, ..ParamsAdamW::default() }).unwrap());
}

#[test]
fn sgd_resumes() {
    resumes(|params| {
        Sgd::for_params(params, SgdConfig { weight_decay: 0.01, nesterov: true, ..SgdConfig::default() }).unwrap()
    });
}

/// The state of another model is refused, and nothing changes.
#[test]
fn states_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let var = |shape: &[usize], dtype| candle_core::Var::ones(shape, dtype, &Device::Cpu).unwrap();
    let adam = |name: &str, shape: &[usize], dtype| {
        AdamW::for_params(&Params::named([(name, var(shape, dtype))]).unwrap(), ParamsAdamW::default()).unwrap()
    };
    let mut here = adam("w", &[2, 3], DType::F32);
    let why = |here: &mut AdamW, name: &str| match here.load(at(name)).unwrap_err() {
        CandleError::State { why, .. } => why,
        other => panic!("{other}"),
    };
    adam("v", &[2, 3], DType::F32).save(at("name")).unwrap();
    assert_eq!(why(&mut here, "name"), StateMismatch::Unknown { name: "first_moment/v".to_owned() });
    adam("w", &[3, 2], DType::F32).save(at("shape")).unwrap();
    assert!(matches!(why(&mut here, "shape"), StateMismatch::Differs { .. }));
    adam("w", &[2, 3], DType::F64).save(at("type")).unwrap();
    assert!(matches!(why(&mut here, "type"), StateMismatch::Differs { .. }));
    let params = Params::named([("w", var(&[2, 3], DType::F32))]).unwrap();
    Sgd::for_params(&params, SgdConfig::default()).unwrap().save(at("sgd")).unwrap();
    assert_eq!(why(&mut here, "sgd"), StateMismatch::Missing { name: "steps".to_owned() });
    std::fs::write(at("text"), "no safetensors").unwrap();
    assert!(matches!(here.load(at("text")), Err(CandleError::Candle(_))));
    assert!(matches!(here.load(at("absent")), Err(CandleError::File { .. })));
    assert!(matches!(here.save(at("absent/folder")), Err(CandleError::File { .. } | CandleError::Candle(_))));
    assert_eq!(here.steps(), 0);
    assert_eq!(here.moments()[0].get("w").unwrap().to_vec2::<f32>().unwrap(), [[0.0; 3]; 2]);
    // No other file is left.
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".partial")), "{left:?}");
}
