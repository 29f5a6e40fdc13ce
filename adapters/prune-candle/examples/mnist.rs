//! LeNet-300-100 on a sample of MNIST, dense, pruned 2:4 after the second epoch, and sparse from the start by RigL.
//!
//! ```text
//! cargo xtask demo --backend candle
//! ```
//!
//! Initial weights, batches and masks are the same in every run. `--help` lists the options.

use std::error::Error;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use candle_nn::{Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, linear, loss};
use flate2::read::GzDecoder;
use prune_candle::{AdamW, Evidence, Gradients, Params, Pruner};
use prune_schedule::StepAction;

const BATCH: usize = 100;
const PIXELS: usize = 28 * 28;

const HELP: &str = "\
LeNet-300-100 on a bundled sample of MNIST, trained with candle: dense, pruned 2:4 halfway, and sparse from the start by RigL.

  --epochs N    how long each of the three trains [4]
  --out FOLDER  the folder that the networks are saved to [prune-candle-mnist, among temporary files]
  --help        this text";

fn main() -> ExitCode {
    match Arguments::read(std::env::args_os().skip(1)).and_then(|asked| asked.map_or(Ok(()), |asked| compare(&asked))) {
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
    /// Reads the command line; `None` if it asked for help, which is printed.
    fn read(mut words: impl Iterator<Item = OsString>) -> Result<Option<Self>, Box<dyn Error>> {
        let mut asked = Arguments { epochs: 4, out: std::env::temp_dir().join("prune-candle-mnist") };
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

pub(crate) fn compare(asked: &Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments { epochs, out } = asked;
    std::fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let (train, test) = (Split::read("train")?, Split::read("t10k")?);
    println!(
        "LeNet-300-100 on a bundled sample of MNIST: {} training and {} test images, {epochs} epochs, AdamW\n",
        train.len, test.len
    );
    println!(
        "{:<6} {:>9} {:>16} {:>9} {:>9} {:>8}  file",
        "", "accuracy", "weights kept", "density", "revivals", "seconds"
    );
    let (middle, last) = (epochs.div_ceil(2), epochs.saturating_mul(3 * (train.len / BATCH) as u64) / 4);
    let runs = [
        ("dense", "{}".to_owned(), None),
        (
            "2:4",
            format!("{{{middle}: {{'method': 'str_unified_local', 'pattern': (2, 4), 'axis': 'reduction'}}}}"),
            Some("--pattern 2:4"),
        ),
        (
            "rigl",
            format!(
                "{{0: {{'method': 'unstr_global', 'density': 0.1, 'distribution': 'erk', 'score': 'random'}},
                  '25..={last} steps': {{'method': 'rigl', 'every': 25}}}}"
            ),
            Some("--density 0.1 --together"),
        ),
    ];
    let mut checks = Vec::new();
    for (name, strategy, check) in runs {
        let file = out.join(format!("{}.safetensors", name.replace(':', "of")));
        run(name, &strategy, *epochs, (&train, &test), &file)?;
        checks
            .extend(check.map(|check| format!("cargo run --release -p prune-cli -- check {} {check}", file.display())));
    }
    println!("\nThe files, looked at by the command `prune`, from the workspace's folder:\n{}", checks.join("\n"));
    Ok(())
}

/// Trains a network, saves it, and prints its line of the table.
fn run(
    name: &str,
    strategy: &str,
    epochs: u64,
    (train, test): (&Split, &Split),
    file: &Path,
) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let varmap = VarMap::new();
    let net = Net::new(&varmap)?;
    let mut params = Params::of(&varmap)?;
    start(&params)?;
    let mut optimiser = AdamW::for_params(&params, ParamsAdamW { lr: 1e-3, ..ParamsAdamW::default() })?;
    let mut pruner = Pruner::new(strategy.parse()?);
    for warning in params.check(&pruner)? {
        println!("{warning}");
    }
    pruner.start(&mut params)?;
    for epoch in 1..=epochs {
        let order = shuffled(train.len, epoch);
        for batch in order.chunks_exact(BATCH) {
            let (images, labels) = train.batch(batch)?;
            let store = loss::cross_entropy(&net.forward(&images)?, &labels)?.backward()?;
            if pruner.before_step(&Gradients::of(&params, &store))? == StepAction::Go {
                optimiser.step(&store)?;
            }
            let [first, second] = optimiser.moments_mut();
            pruner.after_step(&mut params, &mut [first, second])?;
        }
        let [first, second] = optimiser.moments_mut();
        params.end_epoch(&mut pruner, epoch, &mut [first, second], Evidence::default())?;
    }
    varmap.save(file)?;

    let accuracy = net.accuracy(test)?;
    let weights = params.iter().filter(|(_, var)| var.rank() >= 2);
    let (mut kept, mut all, mut revivals) = (0, 0, params.revivals(pruner.held())?);
    for (name, var) in weights {
        all += var.elem_count();
        kept += pruner.masks().get(name).map_or(var.elem_count(), |mask| mask.kept_len());
    }
    for moments in optimiser.moments() {
        revivals += moments.revivals(pruner.held())?;
    }
    println!(
        "{name:<6} {:>8.2}% {:>16} {:>8.2}% {revivals:>9} {:>8.1}  {}",
        100.0 * accuracy,
        format!("{kept} of {all}"),
        100.0 * kept as f64 / all as f64,
        begin.elapsed().as_secs_f64(),
        file.display()
    );
    Ok(())
}

struct Net {
    layers: [Linear; 3],
}

impl Net {
    fn new(varmap: &VarMap) -> candle_core::Result<Self> {
        let vars = VarBuilder::from_varmap(varmap, DType::F32, &Device::Cpu);
        Ok(Net {
            layers: [
                linear(PIXELS, 300, vars.pp("fc1"))?,
                linear(300, 100, vars.pp("fc2"))?,
                linear(100, 10, vars.pp("fc3"))?,
            ],
        })
    }

    fn forward(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        let [first, second, third] = &self.layers;
        third.forward(&second.forward(&first.forward(images)?.relu()?)?.relu()?)
    }

    fn accuracy(&self, test: &Split) -> candle_core::Result<f64> {
        let (images, labels) = test.batch(&(0..test.len).collect::<Vec<_>>())?;
        let right = self.forward(&images)?.argmax(1)?.eq(&labels)?.to_dtype(DType::F64)?;
        right.mean_all()?.to_scalar::<f64>()
    }
}

/// Images with their labels.
struct Split {
    images: Vec<f32>,
    labels: Vec<u32>,
    len: usize,
}

impl Split {
    /// Reads the files of one set of prune-mnist's sample.
    fn read(set: &str) -> Result<Self, Box<dyn Error>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../prune-mnist/data/sample");
        let unpacked = |name: String| -> Result<Vec<u8>, Box<dyn Error>> {
            let path = folder.join(name);
            let file = std::fs::File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let mut bytes = Vec::new();
            GzDecoder::new(file).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let (images, labels) =
            (unpacked(format!("{set}-images-idx3-ubyte.gz"))?, unpacked(format!("{set}-labels-idx1-ubyte.gz"))?);
        // The numbers come after headers of 16 and 8 bytes.
        let (images, labels) = (images.get(16..).unwrap_or_default(), labels.get(8..).unwrap_or_default());
        if labels.is_empty() || images.len() != labels.len() * PIXELS {
            return Err(format!("the {set} set has {} labels and {} pixels", labels.len(), images.len()).into());
        }
        let images = images.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
        Ok(Split { images, len: labels.len(), labels: labels.iter().map(|&label| u32::from(label)).collect() })
    }

    fn batch(&self, indices: &[usize]) -> candle_core::Result<(Tensor, Tensor)> {
        let images = indices.iter().flat_map(|&i| &self.images[i * PIXELS..(i + 1) * PIXELS]).copied().collect();
        let labels = indices.iter().map(|&i| self.labels[i]).collect();
        Ok((
            Tensor::from_vec::<_, f32>(images, (indices.len(), PIXELS), &Device::Cpu)?,
            Tensor::from_vec::<_, u32>(labels, indices.len(), &Device::Cpu)?,
        ))
    }
}

/// Sets all parameters to the same initial values in every run, since candle's generator on the host takes no seed.
/// Weights are uniform within He's bounds, and biases zero.
fn start(params: &Params) -> candle_core::Result<()> {
    let mut draws = Draws(1);
    for (_, var) in params.iter() {
        let bound = if var.rank() < 2 { 0.0 } else { (6.0 / var.dim(1)? as f64).sqrt() };
        let values: Vec<f32> = (0..var.elem_count()).map(|_| ((2.0 * draws.unit() - 1.0) * bound) as f32).collect();
        var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu)?)?;
    }
    Ok(())
}

fn shuffled(len: usize, seed: u64) -> Vec<usize> {
    let (mut order, mut draws): (Vec<usize>, _) = ((0..len).collect(), Draws(seed << 32));
    for last in (1..len).rev() {
        order.swap(last, (draws.unit() * (last + 1) as f64) as usize);
    }
    order
}

/// Random numbers from 0 to 1 (SplitMix64, Steele et al. 2014).
struct Draws(u64);

impl Draws {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) as f64 / 2f64.powi(64)
    }
}
