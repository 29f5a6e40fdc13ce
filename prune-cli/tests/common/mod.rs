//! Helpers: small models made and read by the safetensors crate, runs of the command, and an oracle for its output.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "tests; each file uses some of it")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use half::{bf16, f16};
use prune_core::testing::generators::{ValueKind, many_values};
use prune_core::{LayerMut, LayerRef, Layers, LayersMut, PlainTensor};
use prune_schedule::{Evidence, Inputs, PruneError, Pruner, Report, Strategy};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// A tensor as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

pub type Tensors = BTreeMap<String, Tensor>;

/// A tensor of a type that is pruned, with numbers of a kind.
pub fn tensor(dtype: Dtype, shape: &[usize], kind: ValueKind, seed: u64) -> Tensor {
    let len = shape.iter().product();
    let bytes = match dtype {
        Dtype::F32 => many_values::<f32>(kind, len, seed).iter().flat_map(|x| x.to_le_bytes()).collect(),
        Dtype::F64 => many_values::<f64>(kind, len, seed).iter().flat_map(|x| x.to_le_bytes()).collect(),
        Dtype::F16 => many_values::<f16>(kind, len, seed).iter().flat_map(|x| x.to_le_bytes()).collect(),
        Dtype::BF16 => many_values::<bf16>(kind, len, seed).iter().flat_map(|x| x.to_le_bytes()).collect(),
        _ => (0..len * dtype.bitsize() / 8).map(|i| (i * 7 % 251) as u8).collect(),
    };
    Tensor { dtype, shape: shape.to_vec(), bytes }
}

/// A tensor of these numbers.
pub fn f32s(shape: &[usize], values: &[f32]) -> Tensor {
    assert_eq!(shape.iter().product::<usize>(), values.len());
    Tensor { dtype: Dtype::F32, shape: shape.to_vec(), bytes: values.iter().flat_map(|x| x.to_le_bytes()).collect() }
}

/// A mask of these values.
pub fn bools(shape: &[usize], values: &[bool]) -> Tensor {
    Tensor { dtype: Dtype::BOOL, shape: shape.to_vec(), bytes: values.iter().map(|&kept| u8::from(kept)).collect() }
}

pub fn tensors<const N: usize>(named: [(&str, Tensor); N]) -> Tensors {
    named.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect()
}

/// A model of all types and ranks, with a tensor of each kind that is not pruned.
pub fn mixed(kind: ValueKind) -> Tensors {
    tensors([
        ("a.weight", tensor(Dtype::F32, &[24, 40], kind, 1)),
        ("b.weight", tensor(Dtype::F64, &[7, 13], kind, 2)),
        ("conv.weight", tensor(Dtype::F16, &[6, 10, 3, 3], kind, 3)),
        ("d.weight", tensor(Dtype::BF16, &[16, 9], kind, 4)),
        ("empty.weight", tensor(Dtype::F32, &[0, 4], kind, 5)),
        ("norm.bias", tensor(Dtype::F32, &[40], kind, 6)),
        ("scale", tensor(Dtype::F32, &[], kind, 7)),
        ("ids", tensor(Dtype::I64, &[3, 5], kind, 8)),
        ("fp8.weight", tensor(Dtype::F8_E4M3, &[5, 3], kind, 9)),
    ])
}

pub fn write(path: &Path, tensors: &Tensors) {
    let views = tensors.iter().map(|(name, t)| (name, TensorView::new(t.dtype, t.shape.clone(), &t.bytes).unwrap()));
    let metadata = [("format".to_owned(), "pt".to_owned())].into_iter().collect();
    fs::write(path, safetensors::serialize(views, Some(metadata)).unwrap()).unwrap();
}

pub fn read(path: &Path) -> Tensors {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.iter()
        .map(|(name, view)| {
            let (dtype, shape, bytes) = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
            (name.to_owned(), Tensor { dtype, shape, bytes })
        })
        .collect()
}

/// Writes two shards and their index.
pub fn write_sharded(folder: &Path, tensors: &Tensors) {
    fs::create_dir_all(folder).unwrap();
    let names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let mut shards = [Tensors::new(), Tensors::new()];
    let mut map = BTreeMap::new();
    for (i, (name, tensor)) in tensors.iter().enumerate() {
        shards[i % 2].insert(name.clone(), tensor.clone());
        map.insert(name.clone(), names[i % 2]);
    }
    for (shard, name) in shards.iter().zip(names) {
        write(&folder.join(name), shard);
    }
    let index = serde_json::json!({ "metadata": { "total_size": 1 }, "weight_map": map });
    fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
}

pub fn read_sharded(folder: &Path) -> Tensors {
    let mut all = read(&folder.join("model-00001-of-00002.safetensors"));
    all.extend(read(&folder.join("model-00002-of-00002.safetensors")));
    all
}

pub fn prune(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("prune").unwrap();
    command.current_dir(folder).env_remove("RAYON_NUM_THREADS");
    command
}

/// Runs the command in a folder.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    prune(folder).args(arguments).output().unwrap()
}

/// Runs the command, which must succeed, and returns its output.
pub fn ok(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    assert!(error.is_empty(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the command, which must fail with this exit code, and returns its message.
pub fn fails(folder: &Path, code: i32, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    assert!(!error.contains("panicked"), "{error}");
    error
}

/// Names in a folder, hidden ones too.
pub fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A model in memory, for the pruner of a training loop.
struct InMemory(Vec<(String, Memory)>);

enum Memory {
    F32(PlainTensor<f32>),
    F64(PlainTensor<f64>),
    F16(PlainTensor<f16>),
    Bf16(PlainTensor<bf16>),
}

impl Layers for InMemory {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        fn layer(memory: &Memory) -> LayerRef<'_> {
            match memory {
                Memory::F32(tensor) => LayerRef::of(tensor),
                Memory::F64(tensor) => LayerRef::of(tensor),
                Memory::F16(tensor) => LayerRef::of(tensor),
                Memory::Bf16(tensor) => LayerRef::of(tensor),
            }
        }
        self.0.iter().map(|(name, memory)| (name.as_str().into(), layer(memory))).collect()
    }
}

impl LayersMut for InMemory {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        fn layer(memory: &mut Memory) -> LayerMut<'_> {
            match memory {
                Memory::F32(tensor) => LayerMut::of(tensor),
                Memory::F64(tensor) => LayerMut::of(tensor),
                Memory::F16(tensor) => LayerMut::of(tensor),
                Memory::Bf16(tensor) => LayerMut::of(tensor),
            }
        }
        self.0.iter_mut().map(|(name, memory)| (name.as_str().into(), layer(memory))).collect()
    }
}

/// Values that may accompany a model: gradients, norms of inputs, scores.
#[derive(Default)]
pub struct Beside {
    pub gradients: Tensors,
    pub inputs: Tensors,
    pub scores: Tensors,
}

/// The tensors after all events of a strategy, as a training loop's pruner makes them.
pub fn oracle(tensors: &Tensors, strategy: &str) -> Tensors {
    oracle_with(tensors, strategy, &Beside::default()).unwrap().0
}

fn in_memory(tensors: &Tensors) -> InMemory {
    macro_rules! numbers {
        ($float:ty, $t:expr) => {{
            let size = size_of::<$float>();
            let values = $t.bytes.chunks(size).map(|b| <$float>::from_le_bytes(b.try_into().unwrap())).collect();
            PlainTensor::from_logical(&$t.shape, values).unwrap()
        }};
    }
    let memory = |t: &Tensor| {
        Some(match t.dtype {
            Dtype::F32 => Memory::F32(numbers!(f32, t)),
            Dtype::F64 => Memory::F64(numbers!(f64, t)),
            Dtype::F16 => Memory::F16(numbers!(f16, t)),
            Dtype::BF16 => Memory::Bf16(numbers!(bf16, t)),
            _ => return None,
        })
    };
    // The order of a file: first by type, then by name.
    let mut tensors: Vec<(&String, &Tensor)> = tensors.iter().collect();
    tensors.sort_by_key(|(_, about)| std::cmp::Reverse(about.dtype));
    InMemory(tensors.into_iter().filter_map(|(name, t)| memory(t).map(|memory| (name.clone(), memory))).collect())
}

/// The same with the values that events look at beside the weights. Also returns the reports, or the pruner's refusal.
pub fn oracle_with(tensors: &Tensors, strategy: &str, beside: &Beside) -> Result<(Tensors, Vec<Report>), PruneError> {
    let mut model = in_memory(tensors);
    let (gradients, inputs, scores) =
        (in_memory(&beside.gradients), in_memory(&beside.inputs), in_memory(&beside.scores));
    let strategy: Strategy = strategy.parse().unwrap();
    let last = strategy.last_event_epoch().unwrap();
    let mut pruner = Pruner::new(strategy);
    let mut reports = Vec::new();
    for epoch in 0..=last {
        let evidence = Evidence {
            gradients: Some(&gradients),
            inputs: Some(Inputs::Norms(&inputs)),
            scores: Some(&scores),
            ..Evidence::default()
        };
        reports.extend(pruner.end_epoch_with(epoch, &mut model, evidence)?);
    }
    let mut pruned = tensors.clone();
    for (name, memory) in model.0 {
        pruned.get_mut(&name).unwrap().bytes = match memory {
            Memory::F32(tensor) => tensor.values().iter().flat_map(|x| x.to_le_bytes()).collect(),
            Memory::F64(tensor) => tensor.values().iter().flat_map(|x| x.to_le_bytes()).collect(),
            Memory::F16(tensor) => tensor.values().iter().flat_map(|x| x.to_le_bytes()).collect(),
            Memory::Bf16(tensor) => tensor.values().iter().flat_map(|x| x.to_le_bytes()).collect(),
        };
    }
    Ok((pruned, reports))
}
