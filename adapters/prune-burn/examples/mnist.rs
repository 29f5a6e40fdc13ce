//! LeNet-300-100 on the bundled sample of MNIST: dense, pruned 2:4, and trained sparse by RigL, with the same first
//! weights and the same batches. Every seed is fixed.
//!
//! ```text
//! cargo xtask demo --backend burn
//! ```
//!
//! `--help` has the options.

use std::error::Error;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::store::ModuleRecord;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor, TensorData};
use prune_burn::{ModulePruner, PruneExt};

const BATCH: usize = 100;
const RATE: f64 = 1e-3;
const PIXELS: usize = 784;

const HELP: &str = "\
LeNet-300-100 on a bundled sample of MNIST, trained with burn: dense, pruned 2:4, and sparse from the start by RigL.

  --epochs N    how long each of the three trains [6]
  --out FOLDER  the folder that the networks are saved to [prune-burn-mnist, among temporary files]
  --help        this text";

/// The names and strategies of the networks: dense, 2:4 after a third of the epochs, and updates of RigL until two
/// thirds of the steps.
fn runs(epochs: u64, steps: u64) -> [(&'static str, String); 3] {
    let (first, last) = (epochs.div_ceil(3), (epochs.saturating_mul(2 * steps) / 3).max(20));
    let pattern = "'method': 'str_unified_local', 'pattern': '2:4', 'axis': 'reduction'";
    let random = "'method': 'unstr_global', 'density': 0.1, 'distribution': 'erk', 'score': 'random', 'seed': 1";
    let rigl = "'method': 'rigl', 'every': 20";
    [
        ("dense", "{}".to_owned()),
        ("2:4", format!("{{{first}: {{{pattern}}}}}")),
        ("RigL, 10% kept", format!("{{0: {{{random}}}, '20..={last} steps': {{{rigl}}}}}")),
    ]
}

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

fn main() -> ExitCode {
    let asked = Arguments::read(std::env::args_os().skip(1));
    match asked.and_then(|asked| asked.map_or(Ok(()), |asked| compare(&asked).map(|_| ()))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

pub(crate) struct Arguments {
    pub(crate) epochs: u64,
    pub(crate) out: PathBuf,
}

impl Arguments {
    /// Reads the command line. If it asks for help, prints the help and returns `None`.
    fn read(mut words: impl Iterator<Item = OsString>) -> Result<Option<Self>, Box<dyn Error>> {
        let mut asked = Arguments { epochs: 6, out: std::env::temp_dir().join("prune-burn-mnist") };
        while let Some(word) = words.next() {
            let word = word.to_string_lossy().into_owned();
            let mut value = || words.next().ok_or(format!("`{word}` needs a value; --help says which"));
            match word.as_str() {
                "--help" | "-h" => {
                    println!("{HELP}");
                    return Ok(None);
                }
                "--epochs" => {
                    let text = value()?.to_string_lossy().into_owned();
                    let epochs = text.parse().ok().filter(|&epochs| epochs > 0);
                    asked.epochs = epochs.ok_or(format!("`--epochs {text}`: it takes a whole number above 0"))?;
                }
                "--out" => asked.out = value()?.into(),
                _ => return Err(format!("there is no option `{word}`; there are --epochs, --out and --help").into()),
            }
        }
        Ok(Some(asked))
    }
}

/// The results of a trained network.
pub(crate) struct Trained {
    pub(crate) accuracy: f64,
    /// The share of its weights that are not zero.
    pub(crate) kept: f64,
    /// The file that the network is saved to.
    pub(crate) file: PathBuf,
}

/// Trains the three networks, saves them, and prints a line for each.
pub(crate) fn compare(asked: &Arguments) -> Result<[Trained; 3], Box<dyn Error>> {
    let Arguments { epochs, out } = asked;
    std::fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let (train, test) = (Split::read("train")?, Split::read("t10k")?);
    println!("LeNet-300-100, {} and {} images of MNIST, {epochs} epochs", train.labels.len(), test.labels.len());
    println!("{:<16}{:>10}{:>10}{:>10}{:>10}  file", "", "kept", "accuracy", "revivals", "seconds");
    let [dense, pattern, sparse] = runs(*epochs, train.labels.len().div_ceil(BATCH) as u64);
    let run = |(name, strategy): (&str, String)| run(name, &strategy, *epochs, (&train, &test), out);
    Ok([run(dense)?, run(pattern)?, run(sparse)?])
}

/// Trains a network, saves it, and prints its line of the table.
fn run(
    name: &str,
    strategy: &str,
    epochs: u64,
    (train, test): (&Split, &Split),
    folder: &Path,
) -> Result<Trained, Box<dyn Error>> {
    let device = Device::default().autodiff();
    let begun = Instant::now();
    device.seed(1);
    let mut model = LeNet::new(&device);
    let mut optimizer = AdamWConfig::new().init();
    let loss = CrossEntropyLossConfig::new().init(&device);
    let mut pruner = ModulePruner::new(strategy.parse()?);
    pruner.check(&model)?;
    (model, _) = pruner.start(model)?;
    let mut revivals = 0;
    for epoch in 1..=epochs {
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
    let reached = accuracy(&model, test);

    // The network answers the same after it is saved and read back.
    let path = folder.join(format!("{}.bpk", name.split([':', ',']).collect::<Vec<_>>().join("-").replace(' ', "")));
    model.into_record().save(&path)?;
    let loaded = LeNet::new(&device).load_record(ModuleRecord::load(&path)?);
    assert_eq!(accuracy(&loaded, test), reached);
    assert_eq!(pruner.revivals(&loaded)? + revivals, 0);
    let trained = Trained { accuracy: reached, kept: kept as f64 / of as f64, file: path };
    let (share, percent) = (format!("{:.1}%", 100.0 * trained.kept), format!("{:.2}%", 100.0 * trained.accuracy));
    let (seconds, file) = (begun.elapsed().as_secs_f64(), trained.file.display());
    println!("{name:<16}{share:>10}{percent:>10}{revivals:>10}{seconds:>10.1}  {file}");
    Ok(trained)
}
