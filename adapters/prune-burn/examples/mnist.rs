//! LeNet-300-100 on the bundled sample of MNIST: dense, pruned 2:4, and trained sparse by RigL, with the same first
//! weights and the same batches. Every seed is fixed.
//!
//! ```text
//! cargo run --release -p prune-burn --example mnist [FOLDER]
//! ```
//!
//! The pruned networks are saved in FOLDER, or in one of the system's temporary folders.

use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::store::ModuleRecord;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor, TensorData};
use prune_burn::{ModulePruner, PruneExt};

const EPOCHS: u64 = 6;
const BATCH: usize = 100;
const RATE: f64 = 1e-3;
const PIXELS: usize = 784;

/// A name and a strategy. An epoch has 100 steps.
const RUNS: [(&str, &str); 3] = [
    ("dense", "{}"),
    ("2:4", "{2: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 'reduction'}}"),
    (
        "RigL, 10% kept",
        "{0: {'method': 'unstr_global', 'density': 0.1, 'distribution': 'erk', 'score': 'random', 'seed': 1},
          '20..=400 steps': {'method': 'rigl', 'every': 20}}",
    ),
];

#[derive(Module, Debug)]
struct LeNet {
    fc1: Linear,
    fc2: Linear,
    fc3: Linear,
}

impl LeNet {
    fn new(device: &Device) -> Self {
        LeNet {
            fc1: LinearConfig::new(PIXELS, 300).init(device),
            fc2: LinearConfig::new(300, 100).init(device),
            fc3: LinearConfig::new(100, 10).init(device),
        }
    }

    fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        self.fc3.forward(relu(self.fc2.forward(relu(self.fc1.forward(images)))))
    }
}

/// Images with their labels.
struct Split {
    pixels: Vec<f32>,
    labels: Vec<i32>,
}

impl Split {
    /// Reads the files of the bundled sample.
    fn read(name: &str) -> Result<Self, Box<dyn Error>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../prune-mnist/data/sample");
        let file = |kind: &str, header: usize| -> Result<Vec<u8>, Box<dyn Error>> {
            let path = folder.join(format!("{name}-{kind}-ubyte.gz"));
            let file = std::fs::File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(file).read_to_end(&mut bytes)?;
            Ok(bytes.split_off(header.min(bytes.len())))
        };
        let pixels = file("images-idx3", 16)?.into_iter().map(|pixel| f32::from(pixel) / 255.0).collect();
        Ok(Split { pixels, labels: file("labels-idx1", 8)?.into_iter().map(i32::from).collect() })
    }

    fn batch(&self, places: &[usize], device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
        let pixels: Vec<f32> =
            places.iter().flat_map(|&i| &self.pixels[i * PIXELS..(i + 1) * PIXELS]).copied().collect();
        let labels: Vec<i32> = places.iter().map(|&i| self.labels[i]).collect();
        let images = Tensor::from_data(TensorData::new(pixels, [places.len(), PIXELS]), device);
        (images, Tensor::from_data(TensorData::new(labels, [places.len()]), device))
    }

    /// The positions of the images, in an order that depends only on the epoch.
    fn shuffled(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        let mut state = epoch;
        for last in (1..order.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(last, (state >> 33) as usize % (last + 1));
        }
        order
    }
}

fn accuracy(model: &LeNet, test: &Split) -> f64 {
    let model = model.valid();
    let device = model.fc1.weight.device();
    let all: Vec<usize> = (0..test.labels.len()).collect();
    let right = |places: &[usize]| {
        let (images, labels) = test.batch(places, &device);
        let answers = model.forward(images).argmax(1).reshape([places.len()]);
        answers.equal(labels).int().sum().into_scalar::<i64>()
    };
    all.chunks(500).map(right).sum::<i64>() as f64 / all.len() as f64
}

fn main() -> Result<(), Box<dyn Error>> {
    let given = std::env::args_os().nth(1);
    if let Some(option) = given.as_ref().map(|word| word.to_string_lossy()).filter(|word| word.starts_with('-')) {
        return Err(format!("there is no option `{option}`; the only argument is the folder to save into").into());
    }
    let folder = given.map_or_else(|| std::env::temp_dir().join("prune-burn-mnist"), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    let (train, test) = (Split::read("train")?, Split::read("t10k")?);
    let device = Device::default().autodiff();
    println!("LeNet-300-100, {} and {} images of MNIST, {EPOCHS} epochs", train.labels.len(), test.labels.len());
    println!("{:<16}{:>10}{:>10}{:>10}{:>10}", "", "kept", "accuracy", "revivals", "seconds");
    for (name, strategy) in RUNS {
        let begun = Instant::now();
        device.seed(1);
        let mut model = LeNet::new(&device);
        let mut optimizer = AdamWConfig::new().init();
        let loss = CrossEntropyLossConfig::new().init(&device);
        let mut pruner = ModulePruner::new(strategy.parse()?);
        pruner.check(&model)?;
        (model, _) = pruner.start(model)?;
        let mut revivals = 0;
        for epoch in 1..=EPOCHS {
            for places in train.shuffled(epoch).chunks(BATCH) {
                let (images, labels) = train.batch(places, &device);
                let gradients = loss.forward(model.forward(images), labels).backward();
                let gradients = GradientsParams::from_grads(gradients, &model);
                (model, _) = pruner.step(RATE, model, gradients, &mut optimizer)?;
            }
            revivals += pruner.revivals(&model)? + pruner.moment_revivals(&model, &optimizer)?;
            (model, _) = pruner.end_epoch(epoch, model, &mut optimizer)?;
        }
        revivals += pruner.revivals(&model)? + pruner.moment_revivals(&model, &optimizer)?;

        let weights = [&model.fc1, &model.fc2, &model.fc3].map(|layer| layer.weight.val());
        let kept: usize = weights.iter().map(|weight| weight.layer().non_zero_len()).sum::<Result<_, _>>()?;
        let of: usize = weights.iter().map(|weight| weight.shape().num_elements()).sum();
        let reached = accuracy(&model, &test);

        // Once saved and read back, it gives the same answers.
        let path =
            folder.join(format!("{}.bpk", name.split([':', ',']).collect::<Vec<_>>().join("-").replace(' ', "")));
        model.into_record().save(&path)?;
        let loaded = LeNet::new(&device).load_record(ModuleRecord::load(&path)?);
        assert_eq!(accuracy(&loaded, &test), reached);
        assert_eq!(pruner.revivals(&loaded)? + revivals, 0);
        let share = format!("{:.1}%", 100.0 * kept as f64 / of as f64);
        let (percent, seconds) = (format!("{:.2}%", 100.0 * reached), begun.elapsed().as_secs_f64());
        println!("{name:<16}{share:>10}{percent:>10}{revivals:>10}{seconds:>10.1}");
    }
    println!("saved in {}", folder.display());
    Ok(())
}
