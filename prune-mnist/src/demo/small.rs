//! The end of a run that prunes channels: the network without them, which any engine runs.

use std::time::{Duration, Instant};

use prune_core::Masks;
use prune_graph::GraphError;
use prune_onnx::{AnalysisOptions, Model, analyse};
use prune_schedule::{Piece, Rule, Strategy};

use super::error::DemoError;
use crate::data::{PIXELS, Split};
use crate::nn::{Batch, ModelSpec, NdarrayParams, Network, ParamSet, ParamSpec, Samples};
use crate::onnx::{self, OnnxError};
use crate::train::Backend;

/// The file of the trained network.
pub const ONNX_FILE: &str = "model.onnx";
/// The file of the network without its closed channels.
pub const SMALL_FILE: &str = "small.onnx";

/// The number of images in a timed batch.
const BATCH: usize = 64;
/// The number of rounds whose median is the time.
const ROUNDS: usize = 5;

/// The network left without closed channels.
#[derive(Debug)]
pub(super) struct Small {
    pub(super) spec: ModelSpec,
    /// The bytes of [`SMALL_FILE`].
    pub(super) file: Vec<u8>,
    pub(super) comparison: Comparison,
}

/// Both networks on the test images, activations dense in both.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) parameters: [usize; 2],
    pub(super) multiply_adds: [usize; 2],
    pub(super) bytes: [usize; 2],
    pub(super) accuracy: [f64; 2],
    /// Time of one image, in batches.
    pub(super) time: [Duration; 2],
    /// The largest difference of two outputs, and the largest output.
    pub(super) difference: f32,
    pub(super) scale: f32,
    /// The number of images to which both give the same class, and of all images.
    pub(super) same: usize,
    pub(super) images: usize,
}

/// True if a strategy prunes channels with their biases; `None` if it prunes no channels.
pub(super) fn closes_biases(strategy: &Strategy) -> Option<bool> {
    let biases = strategy.events().filter_map(|(_, event)| match event.rule() {
        Rule::Pieces { piece: Piece::Channels { bias, .. }, .. } => Some(*bias),
        _ => None,
    });
    biases.reduce(|all, bias| all && bias)
}

/// True if each kernel with a mask has a mask for its bias too. Without it the bias of a closed channel still adds to
/// the output, and removing the channel would change that.
fn biases_close(specs: &[ParamSpec], masks: &Masks) -> bool {
    let masked = |spec: &ParamSpec| masks.get(&spec.name).is_some();
    specs.chunks_exact(2).all(|pair| !masked(&pair[0]) || masked(&pair[1]))
}

/// Removes the channels that masks close from the network in the file `model`; or gives the reason why none can be
/// removed.
pub(super) fn small<P: Backend>(
    spec: &ModelSpec,
    params: &P,
    masks: &Masks,
    model: &[u8],
    test: &Split,
) -> Result<Result<Small, String>, DemoError> {
    if !biases_close(&spec.parameters()?, masks) {
        return Ok(Err("channels were closed, but not their biases, which still give something; write 'bias': True \
                       into the events that prune channels, and they close too"
            .to_owned()));
    }
    let file = |error: prune_onnx::Error| DemoError::from(OnnxError::from(error));
    let whole = Model::parse(model.to_vec(), ".".as_ref()).map_err(file)?;
    let analysis = analyse(&whole, &AnalysisOptions::default()).map_err(file)?;
    // Biases need no choice of their own: they close with their kernels.
    let kernels: Vec<_> = masks.iter().filter(|(_, mask)| mask.shape().len() > 1).collect();
    let removal = match analysis.closed_by(&kernels, |_| true) {
        Ok((closed, _)) => closed.removal,
        Err(prune_onnx::Error::Classes(GraphError::NoChannel { .. })) => {
            return Ok(Err("the masks close no whole channel".to_owned()));
        }
        Err(prune_onnx::Error::Classes(GraphError::EmptyAxis { name, .. })) => {
            let empty = kernels.iter().find(|(_, mask)| mask.kept_len() == 0);
            let name = empty.map_or(name.as_str(), |(kernel, _)| kernel);
            return Ok(Err(format!("the masks close every channel of `{name}`; keep more of it")));
        }
        Err(error) => return Err(file(error)),
    };
    let edits = analysis.edits(&removal).map_err(file)?;
    let mut bytes = Vec::new();
    whole.write(&edits, &mut bytes, None).map_err(file)?;
    let (small_spec, small_params) = onnx::read(spec, &Model::parse(bytes.clone(), ".".as_ref()).map_err(file)?)?;
    let comparison = compare(spec, params, &small_spec, &small_params, test)?;
    let comparison = Comparison { bytes: [model.len(), bytes.len()], ..comparison };
    Ok(Ok(Small { spec: small_spec, comparison, file: bytes }))
}

/// The test accuracy of a network, activations dense.
pub(super) fn accuracy<P: Backend>(spec: &ModelSpec, params: &P, test: &Split) -> Result<f64, DemoError> {
    let samples = Samples::new(test.images(), test.labels(), PIXELS)?;
    let mut network = Network::<f32>::new(spec, test.len().min(BATCH))?;
    Ok(network.evaluate(params, &samples)?.accuracy())
}

fn compare<P: Backend>(
    spec: &ModelSpec,
    params: &P,
    small_spec: &ModelSpec,
    small_params: &NdarrayParams<f32>,
    test: &Split,
) -> Result<Comparison, DemoError> {
    let samples = Samples::new(test.images(), test.labels(), PIXELS)?;
    let count = test.len().min(BATCH);
    let [mut whole, mut small] = [Network::<f32>::new(spec, count)?, Network::<f32>::new(small_spec, count)?];
    let mut batch = Batch::<f32>::new();
    let mut made = Comparison {
        parameters: [parameters(&whole), parameters(&small)],
        multiply_adds: [multiply_adds(&whole), multiply_adds(&small)],
        bytes: [0; 2],
        accuracy: [0.0; 2],
        time: [Duration::ZERO; 2],
        difference: 0.0,
        scale: 0.0,
        same: 0,
        images: test.len(),
    };
    let mut correct = [0; 2];
    let indices: Vec<u32> = (0..test.len() as u32).collect();
    for part in indices.chunks(count) {
        batch.fill(&samples, part)?;
        correct[0] += whole.score_batch(params, batch.images(), batch.labels())?.correct;
        correct[1] += small.score_batch(small_params, batch.images(), batch.labels())?.correct;
        let classes = whole.classes();
        let rows = whole.logits()[..part.len() * classes].chunks_exact(classes);
        for (a, b) in rows.zip(small.logits().chunks_exact(classes)) {
            for (a, b) in a.iter().zip(b) {
                made.difference = made.difference.max((a - b).abs());
                made.scale = made.scale.max(a.abs());
            }
            made.same += usize::from(highest(a) == highest(b));
        }
    }
    made.accuracy = correct.map(|correct| correct as f64 / made.images as f64);
    let mut times = [const { Vec::new() }; 2];
    batch.fill(&samples, &indices[..count])?;
    // Rounds alternate, so that other load on the machine meets both.
    for _ in 0..ROUNDS {
        times[0].push(time(&mut whole, params, &batch)?);
        times[1].push(time(&mut small, small_params, &batch)?);
    }
    made.time = times.map(|mut times: Vec<Duration>| {
        times.sort_unstable();
        times[ROUNDS / 2] / count as u32
    });
    Ok(made)
}

/// The time of a batch, the mean of several.
fn time(network: &mut Network<f32>, params: &dyn ParamSet<f32>, batch: &Batch<f32>) -> Result<Duration, DemoError> {
    const BATCHES: u32 = 4;
    let started = Instant::now();
    for _ in 0..BATCHES {
        network.score_batch(params, batch.images(), batch.labels())?;
    }
    Ok(started.elapsed() / BATCHES)
}

fn parameters(network: &Network<f32>) -> usize {
    network.parameters().iter().map(ParamSpec::len).sum()
}

fn multiply_adds(network: &Network<f32>) -> usize {
    network.parameters().iter().map(|spec| spec.multiply_adds(spec.len())).sum()
}

/// The index of the highest output, the first of equals.
fn highest(outputs: &[f32]) -> usize {
    (1..outputs.len()).fold(0, |best, next| if outputs[next] > outputs[best] { next } else { best })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use prune_core::Mask;

    use super::*;
    use crate::data::DataSource;
    use crate::nn::{Initialisation, NalgebraParams, initial_parameters};

    /// Masks that close every third channel of a kernel, with its bias.
    fn masks(specs: &[ParamSpec], biases: bool) -> Masks {
        let mut masks = Masks::default();
        for pair in specs[..specs.len() - 2].chunks_exact(2) {
            let features = pair[1].len();
            let kept = |len: usize| (0..len).map(|at| at % features % 3 != 1).collect::<Vec<_>>();
            masks.insert(pair[0].name.as_str(), Mask::from_bools(&pair[0].shape, &kept(pair[0].len())).unwrap());
            if biases {
                masks.insert(pair[1].name.as_str(), Mask::from_bools(&pair[1].shape, &kept(features)).unwrap());
            }
        }
        masks
    }

    #[test]
    fn the_small_network_gives_what_the_sparse_one_gives() {
        let test = DataSource::Sample.load().unwrap().test.head(150);
        for spec in [ModelSpec::mlp(), ModelSpec::cnn(), ModelSpec::lenet5()] {
            let specs = spec.parameters().unwrap();
            let mut params: NalgebraParams<f32> = initial_parameters(&specs, Initialisation::HeNormal, 3);
            // Biases other than zero, which the closed channels would add if they stayed.
            for index in (1..specs.len()).step_by(2) {
                let values = params.values_mut(index).iter_mut().enumerate();
                values.for_each(|(at, value)| *value = (at as f32 * 0.7).sin() * 0.3);
            }
            let masks = masks(&specs, true);
            masks.hold(&mut params).unwrap();
            let model = onnx::write(&spec, &params).unwrap();
            let small = small(&spec, &params, &masks, &model, &test).unwrap().unwrap();
            // Of n channels n / 3 are closed, rounded, in every layer but the last, the first one included.
            let left = |features: usize| features - (features + 1) / 3;
            for (pair, small) in specs.chunks_exact(2).zip(small.spec.parameters().unwrap().chunks_exact(2)) {
                let features = pair[1].len();
                assert_eq!(small[1].len(), if features == 10 { 10 } else { left(features) }, "{}", pair[1].name);
            }
            let Comparison { parameters, multiply_adds, bytes, accuracy, difference, scale, same, images, .. } =
                small.comparison;
            assert!(difference <= scale * 1e-5, "{}: {difference} of {scale}", spec.name);
            assert_eq!((same, images), (150, 150));
            assert_eq!(accuracy[0], accuracy[1]);
            assert!(parameters[1] * 10 < parameters[0] * 7, "{parameters:?}");
            assert!(multiply_adds[1] * 10 < multiply_adds[0] * 7 && bytes[1] * 10 < bytes[0] * 7);
        }
    }

    #[test]
    fn channels_that_cannot_be_taken_out_are_told() {
        let spec = ModelSpec::mlp();
        let specs = spec.parameters().unwrap();
        let params: NalgebraParams<f32> = initial_parameters(&specs, Initialisation::HeNormal, 3);
        let test = DataSource::Sample.load().unwrap().test.head(10);
        let model = onnx::write(&spec, &params).unwrap();
        let why = |masks: &Masks| small(&spec, &params, masks, &model, &test).unwrap().unwrap_err();
        assert!(why(&masks(&specs, false)).contains("'bias': True"));
        let mut all = masks(&specs, true);
        all.insert("Dense_1-kernel", Mask::from_bools(&[300, 100], &[false; 30_000]).unwrap());
        assert_eq!(why(&all), "the masks close every channel of `Dense_1-kernel`; keep more of it");
    }

    #[test]
    fn strategies_tell_whether_they_close_biases() {
        let closes = |text: &str| closes_biases(&text.parse().unwrap());
        let channels = "'method': 'channel_global', 'density': 0.5";
        assert_eq!(closes("{1: {'method': 'unstr_global', 'density': 0.5}}"), None);
        assert_eq!(closes(&format!("{{1: {{{channels}}}}}")), Some(false));
        assert_eq!(closes(&format!("{{1: {{{channels}, 'bias': True}}}}")), Some(true));
        assert_eq!(closes(&format!("{{1: {{{channels}, 'bias': True}}, 2: {{{channels}}}}}")), Some(false));
    }

    /// The graph of each network agrees with the events: a channel is its slice of the kernel and its bias.
    #[test]
    fn events_close_what_the_graph_couples() {
        for spec in [ModelSpec::mlp(), ModelSpec::cnn(), ModelSpec::lenet5()] {
            let specs = spec.parameters().unwrap();
            let mut params: NalgebraParams<f32> = initial_parameters(&specs, Initialisation::HeNormal, 3);
            let model = Model::parse(onnx::write(&spec, &params).unwrap(), ".".as_ref()).unwrap();
            let analysis = analyse(&model, &AnalysisOptions::default()).unwrap();
            let couplings = prune_graph::Couplings::of(analysis.classes());
            let strategy = "{1: {'method': 'channel_unified_local', 'density': 0.5, 'bias': True}}";
            let mut pruner = prune_schedule::Pruner::new(strategy.parse().unwrap());
            pruner.end_epoch(1, &mut params).unwrap();
            let masks = pruner.masks();
            let is_closed = |slice: &prune_graph::CoupledIndex| {
                let mask = masks.get(&slice.tensor).unwrap();
                let inner: usize = mask.shape()[slice.axis + 1..].iter().product();
                let is_in = |at: &usize| at / inner % mask.shape()[slice.axis] == slice.index;
                (0..mask.len()).filter(is_in).all(|at| !mask.is_kept(at))
            };
            let mut closed = 0;
            // Every layer but the last, whose outputs are the network's.
            assert_eq!(couplings.groups().len(), specs.len() / 2 - 1, "{}", spec.name);
            for group in couplings.groups() {
                for channel in 0..group.len() {
                    let slices: Vec<bool> = group.slices(channel).map(|slice| is_closed(&slice)).collect();
                    assert!(slices.len() == 2 && slices[0] == slices[1], "{}: {slices:?}", spec.name);
                    closed += usize::from(slices[0]);
                }
            }
            let channels: usize = specs[..specs.len() - 2].chunks_exact(2).map(|pair| pair[1].len()).sum();
            assert_eq!(closed * 2, channels, "{}", spec.name);
        }
    }

    #[test]
    fn masks_without_a_closed_channel_leave_nothing_to_take_out() {
        let spec = ModelSpec::mlp();
        let specs = spec.parameters().unwrap();
        let params: NalgebraParams<f32> = initial_parameters(&specs, Initialisation::HeNormal, 3);
        let mut masks = Masks::default();
        for spec in &specs[..2] {
            let kept: Vec<bool> = (0..spec.len()).map(|at| at % 2 == 0 || at > 300).collect();
            masks.insert(spec.name.as_str(), Mask::from_bools(&spec.shape, &kept).unwrap());
        }
        let model = onnx::write(&spec, &params).unwrap();
        let test = DataSource::Sample.load().unwrap().test.head(10);
        let why = small(&spec, &params, &masks, &model, &test).unwrap().unwrap_err();
        assert_eq!(why, "the masks close no whole channel");
    }
}
