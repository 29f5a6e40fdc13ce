//! The time of a hold of weights and moments, as a fraction of the training step before it.
//!
//! ```text
//! cargo bench -p prune-candle --bench hold
//! ```
//!
//! Steps and holds take turns, and medians are compared. As a test, or with `--test`, everything runs once.

use std::error::Error;
use std::time::{Duration, Instant};

use candle_core::{D, DType, Device, Tensor};
use candle_nn::{Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, linear, loss, ops};
use prune_candle::{AdamW, Evidence, Params, Pruner};

const STRATEGY: &str = "{1: {'method': 'unstr_unified_local', 'density': 0.1}}";

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test` does not pass `--bench`.
    let given = |word| std::env::args().any(|argument| argument == word);
    let is_test = given("--test") || !given("--bench");
    println!("{:<52} {:>9} {:>9} {:>7} {:>5}", "", "step", "hold", "share", "bar");
    let (varmap, vars) = model();
    let lenet = LeNet::new(&vars)?;
    report("LeNet-300-100, batch 128", 10.0, &varmap, &|| lenet.loss(), if is_test { 1 } else { 201 })?;
    let (varmap, vars) = model();
    let block = Block::new(&vars)?;
    let name = "transformer block, d 512, 8 heads, ff 2048, 8 x 64";
    report(name, 5.0, &varmap, &|| block.loss(), if is_test { 1 } else { 41 })
}

fn model() -> (VarMap, VarBuilder<'static>) {
    let varmap = VarMap::new();
    let vars = VarBuilder::from_varmap(&varmap, DType::F32, &Device::Cpu);
    (varmap, vars)
}

/// Trains and holds in turns, and prints a line of the table.
fn report(
    name: &str,
    bar: f64,
    varmap: &VarMap,
    loss: &dyn Fn() -> candle_core::Result<Tensor>,
    turns: usize,
) -> Result<(), Box<dyn Error>> {
    let mut params = Params::of(varmap)?;
    let mut optimiser = AdamW::for_params(&params, ParamsAdamW::default())?;
    let mut pruner = Pruner::new(STRATEGY.parse()?);
    params.end_epoch(&mut pruner, 1, &mut [], Evidence::default())?;
    let (mut steps, mut holds) = (Vec::with_capacity(turns), Vec::with_capacity(turns));
    // The first turn warms up.
    for turn in 0..=turns {
        let begin = Instant::now();
        optimiser.backward_step(&loss()?)?;
        let step = begin.elapsed();
        let begin = Instant::now();
        let [first, second] = optimiser.moments_mut();
        pruner.hold_each(&mut [&mut params, first, second])?;
        if turn > 0 {
            steps.push(step);
            holds.push(begin.elapsed());
        }
    }
    for set in [&params, optimiser.moments()[0], optimiser.moments()[1]] {
        assert_eq!(set.revivals(pruner.masks())?, 0, "{name}");
    }
    let (step, hold) = (median(&mut steps), median(&mut holds));
    let share = 100.0 * hold.as_secs_f64() / step.as_secs_f64();
    let millis = |time: Duration| format!("{:.2} ms", 1e3 * time.as_secs_f64());
    println!("{name:<52} {:>9} {:>9} {share:>6.2}% {bar:>4}%", millis(step), millis(hold));
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn waves(shape: &[usize]) -> candle_core::Result<Tensor> {
    let len: usize = shape.iter().product();
    Tensor::from_vec((0..len).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>(), shape, &Device::Cpu)
}

struct LeNet {
    layers: [Linear; 3],
    images: Tensor,
    labels: Tensor,
}

impl LeNet {
    fn new(vars: &VarBuilder<'_>) -> candle_core::Result<Self> {
        let layers =
            [linear(784, 300, vars.pp("fc1"))?, linear(300, 100, vars.pp("fc2"))?, linear(100, 10, vars.pp("fc3"))?];
        let labels = Tensor::from_vec((0..128u32).map(|i| i % 10).collect::<Vec<_>>(), 128, &Device::Cpu)?;
        Ok(LeNet { layers, images: waves(&[128, 784])?, labels })
    }

    fn loss(&self) -> candle_core::Result<Tensor> {
        let [first, second, third] = &self.layers;
        let hidden = second.forward(&first.forward(&self.images)?.relu()?)?.relu()?;
        loss::cross_entropy(&third.forward(&hidden)?, &self.labels)
    }
}

const WIDTH: usize = 512;
const HEADS: usize = 8;
const WIDE: usize = 2048;
const LENGTH: usize = 64;
const BATCH: usize = 8;

/// Attention and a feed-forward network, each behind a norm and with a skip connection.
struct Block {
    attention: [Linear; 4],
    feed: [Linear; 2],
    norms: [(Tensor, Tensor); 2],
    input: Tensor,
}

impl Block {
    fn new(vars: &VarBuilder<'_>) -> candle_core::Result<Self> {
        let square = |name| linear(WIDTH, WIDTH, vars.pp(name));
        let norm = |name: &str| -> candle_core::Result<(Tensor, Tensor)> {
            let vars = vars.pp(name);
            Ok((vars.get_with_hints(WIDTH, "weight", candle_nn::Init::Const(1.0))?, vars.get(WIDTH, "bias")?))
        };
        Ok(Block {
            attention: [square("q")?, square("k")?, square("v")?, square("o")?],
            feed: [linear(WIDTH, WIDE, vars.pp("up"))?, linear(WIDE, WIDTH, vars.pp("down"))?],
            norms: [norm("norm1")?, norm("norm2")?],
            input: waves(&[BATCH, LENGTH, WIDTH])?,
        })
    }

    fn norm(&self, which: usize, values: &Tensor) -> candle_core::Result<Tensor> {
        let (weight, bias) = &self.norms[which];
        // candle's fast layer norm has no backward pass.
        ops::layer_norm_slow(values, weight, bias, 1e-5)
    }

    fn loss(&self) -> candle_core::Result<Tensor> {
        let [query, key, value, out] = &self.attention;
        let normed = self.norm(0, &self.input)?;
        let heads =
            |values: Tensor| values.reshape((BATCH, LENGTH, HEADS, WIDTH / HEADS))?.transpose(1, 2)?.contiguous();
        let (query, key, value) =
            (heads(query.forward(&normed)?)?, heads(key.forward(&normed)?)?, heads(value.forward(&normed)?)?);
        let scores = (query.matmul(&key.transpose(2, 3)?.contiguous()?)? / ((WIDTH / HEADS) as f64).sqrt())?;
        let mixed =
            ops::softmax(&scores, D::Minus1)?.matmul(&value)?.transpose(1, 2)?.reshape((BATCH, LENGTH, WIDTH))?;
        let values = (&self.input + out.forward(&mixed)?)?;
        let [up, down] = &self.feed;
        let values = (&values + down.forward(&up.forward(&self.norm(1, &values)?)?.gelu()?)?)?;
        values.sqr()?.mean_all()
    }
}
