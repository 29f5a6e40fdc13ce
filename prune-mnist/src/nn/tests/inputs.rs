//! Input norms, compared with a forward pass and an unfolding written out from their definitions, in f64.

use prune_core::Layers as _;

use super::*;

/// A sample on its way through the naive forward pass: its height, width and channels, and its values in that order.
struct Values {
    shape: [usize; 3],
    values: Vec<f64>,
}

impl Values {
    fn at(&self, y: isize, x: isize, c: usize) -> f64 {
        let [height, width, channels] = self.shape;
        match (usize::try_from(y), usize::try_from(x)) {
            (Ok(y), Ok(x)) if y < height && x < width => self.values[(y * width + x) * channels + c],
            _ => 0.0,
        }
    }
}

/// Every patch under a kernel of this size, pixel by pixel, with its taps in the order (row, column, channel).
fn patches(input: &Values, [rows, columns]: [usize; 2], padding: Padding) -> ([usize; 2], Vec<Vec<f64>>) {
    let [height, width, channels] = input.shape;
    let (out, before) = match padding {
        Padding::Same => ([height, width], [(rows - 1) / 2, (columns - 1) / 2]),
        Padding::Valid => ([height - rows + 1, width - columns + 1], [0, 0]),
    };
    let mut all = Vec::new();
    for y in 0..out[0] {
        for x in 0..out[1] {
            let mut patch = Vec::new();
            for ky in 0..rows {
                for kx in 0..columns {
                    for c in 0..channels {
                        let (y, x) = ((y + ky) as isize - before[0] as isize, (x + kx) as isize - before[1] as isize);
                        patch.push(input.at(y, x, c));
                    }
                }
            }
            all.push(patch);
        }
    }
    (out, all)
}

/// The squared norms of all kernels' inputs, and the last output, of one sample.
fn naive(spec: &ModelSpec, params: &[Vec<f64>], image: &[f64], squares: &mut [Vec<f64>], pruned: bool) -> Vec<f64> {
    let mut now = Values { shape: spec.input, values: image.to_vec() };
    let mut kernel = 0;
    let mut flat = false;
    for layer in &spec.layers {
        let fed: Option<(usize, Vec<usize>, Vec<Vec<f64>>)> = match *layer {
            Layer::Conv { features, kernel, padding } => {
                let (out, patches) = patches(&now, kernel, padding);
                Some((features, vec![out[0], out[1], features], patches))
            }
            Layer::Dense { features } => Some((features, vec![1, 1, features], vec![now.values.clone()])),
            _ => None,
        };
        if let Some((features, shape, patches)) = fed {
            flat = matches!(layer, Layer::Dense { .. });
            let (weights, bias) = (&params[2 * kernel], &params[2 * kernel + 1]);
            let mut output = Vec::new();
            for patch in &patches {
                squares[kernel].iter_mut().zip(patch).for_each(|(sum, value)| *sum += value * value);
                for f in 0..features {
                    let products = patch.iter().enumerate().map(|(i, value)| value * weights[i * features + f]);
                    output.push(products.sum::<f64>() + bias[f]);
                }
            }
            now = Values { shape: [shape[0], shape[1], shape[2]], values: output };
            kernel += 1;
            continue;
        }
        match *layer {
            Layer::Relu => now.values.iter_mut().for_each(|value| *value = value.max(0.0)),
            Layer::PruneAct if pruned => {
                let shape = if flat { vec![now.values.len()] } else { now.shape.to_vec() };
                let mut mask = vec![0; now.values.len().div_ceil(64)];
                ActivationPruning::<f64>::prune(&FixedMask, &mut now.values, &shape, &mut mask, &mut ()).unwrap();
            }
            Layer::AvgPool { window } | Layer::MaxPool { window } => {
                let [height, width, channels] = now.shape;
                let shape = [height / window, width / window, channels];
                let mut values = Vec::new();
                for y in 0..shape[0] {
                    for x in 0..shape[1] {
                        for c in 0..channels {
                            let all = (0..window * window).map(|i| {
                                let (y, x) = (y * window + i / window, x * window + i % window);
                                now.at(y as isize, x as isize, c)
                            });
                            values.push(match layer {
                                Layer::AvgPool { .. } => all.sum::<f64>() / (window * window) as f64,
                                _ => all.fold(f64::NEG_INFINITY, f64::max),
                            });
                        }
                    }
                }
                now = Values { shape, values };
            }
            _ => {}
        }
    }
    now.values
}

/// More than two chunks, the last one not full.
const SAMPLES: usize = 37;

/// Compares networks of `T` in storage `P` with the naive pass; `masked` leaves earlier layers pruned.
fn check<T: Real, P: ParamStorage<T>>(spec: &ModelSpec, pruned: bool, masked: bool, close: f64) {
    let mut fixture = Fixture::<T, P>::new(spec, SAMPLES, pruned);
    let specs = fixture.network.parameters().to_vec();
    if masked {
        for (index, spec) in specs.iter().enumerate().filter(|(_, spec)| spec.kind == ParamKind::Kernel) {
            let values = fixture.params.values_mut(index).iter_mut().enumerate();
            values.filter(|(i, _)| (i + spec.rows) % 5 < 3).for_each(|(_, value)| *value = T::zero());
        }
    }
    // Logical order, whatever the storage.
    let set: &dyn ParamSet<T> = &fixture.params;
    let plain: Vec<Vec<f64>> =
        (0..specs.len()).map(|index| set.matrix(index).iter().map(|&value| Real::to_f64(value)).collect()).collect();
    let kernels: Vec<_> = specs.iter().filter(|spec| spec.kind == ParamKind::Kernel).collect();
    let mut squares: Vec<Vec<f64>> = kernels.iter().map(|spec| vec![0.0; spec.rows]).collect();
    let size = fixture.network.sample_len();
    let mut outputs = Vec::new();
    for image in fixture.images.chunks_exact(size) {
        let image: Vec<f64> = image.iter().map(|&value| Real::to_f64(value)).collect();
        outputs.extend(naive(spec, &plain, &image, &mut squares, pruned));
    }
    let norms = fixture.network.input_norms(&fixture.params, &fixture.images).unwrap();
    // The naive pass equals the network's.
    for (naive, &network) in outputs.iter().zip(fixture.network.logits()) {
        assert!((naive - Real::to_f64(network)).abs() < close, "{}: {naive} {network:?}", spec.name);
    }
    assert_eq!(norms.iter().len(), kernels.len());
    for ((name, norms), (spec, squares)) in norms.iter().zip(kernels.iter().zip(&squares)) {
        assert_eq!(name, spec.name);
        assert_eq!(LayerShape::of(norms), spec.shape[..spec.shape.len() - 1]);
        for (input, (norm, square)) in norms.values().iter().zip(squares).enumerate() {
            let expected = square.sqrt();
            assert!((norm - expected).abs() <= close * expected.max(1.0), "{name} [{input}]: {norm} {expected}");
        }
    }
    let seen: Vec<_> = norms.layers().iter().map(|(name, layer)| (name.to_string(), layer.shape().to_vec())).collect();
    let expected: Vec<_> = kernels.iter().map(|s| (s.name.clone(), s.shape[..s.shape.len() - 1].to_vec())).collect();
    assert_eq!(seen, expected);
}

struct LayerShape;

impl LayerShape {
    fn of(tensor: &prune_core::PlainTensor<f64>) -> Vec<usize> {
        prune_core::Tensor::layout(tensor).shape().to_vec()
    }
}

#[test]
fn norms_are_those_of_a_naive_pass_in_both_storages() {
    for spec in small_models() {
        for (pruned, masked) in [(false, false), (false, true), (true, true)] {
            check::<f64, NdarrayParams<f64>>(&spec, pruned, masked, 1e-12);
            check::<f64, NalgebraParams<f64>>(&spec, pruned, masked, 1e-12);
            check::<f32, NdarrayParams<f32>>(&spec, pruned, masked, 1e-5);
            check::<f32, NalgebraParams<f32>>(&spec, pruned, masked, 1e-5);
        }
    }
}

fn bits(norms: &InputNorms) -> Vec<u64> {
    norms.iter().flat_map(|(_, norms)| norms.values().iter().map(|norm| norm.to_bits())).collect()
}

#[test]
fn norms_do_not_depend_on_threads() {
    for spec in [ModelSpec::cnn(), ModelSpec::mlp()] {
        let norms = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut fixture = Fixture::<f32, NdarrayParams<f32>>::new(&spec, 41, false);
                bits(&fixture.network.input_norms(&fixture.params, &fixture.images).unwrap())
            })
        };
        let one = norms(1);
        assert!([2, 3, 7].into_iter().all(|threads| norms(threads) == one), "{}", spec.name);
    }
}

#[test]
fn norms_are_summed_image_by_image_whatever_the_batch() {
    for spec in [small_cnn(), small_mlp(), small_lenet()] {
        let mut fixture = Fixture::<f64, NdarrayParams<f64>>::new(&spec, SAMPLES, false);
        let whole = fixture.network.input_norms(&fixture.params, &fixture.images).unwrap();
        for capacity in [1, 5, 16, 36] {
            let mut network = Network::<f64>::new(&spec, capacity).unwrap();
            let parts = network.input_norms(&fixture.params, &fixture.images).unwrap();
            // The images themselves are not computed, so their norms must be equal.
            let first = |norms: &InputNorms| norms.iter().next().unwrap().1.clone();
            assert_eq!(first(&parts), first(&whole), "{}, {capacity}", spec.name);
            for (part, whole) in parts.iter().zip(whole.iter()) {
                let pairs = part.1.values().iter().zip(whole.1.values());
                pairs.for_each(|(part, whole)| assert!((part - whole).abs() <= 1e-13 * whole.max(1.0)));
            }
        }
    }
}

#[test]
fn images_that_do_not_fit_are_refused() {
    let mut fixture = Fixture::<f32, NdarrayParams<f32>>::new(&small_cnn(), 3, false);
    let mut refusal = |images: &[f32]| fixture.network.input_norms(&fixture.params, images).unwrap_err().to_string();
    assert_eq!(refusal(&[]), "a batch of 0 samples; the batch size must be at least 1");
    assert_eq!(
        refusal(&[0.0; 100]),
        "100 image values are no whole number of samples; a sample of this model has 72 values"
    );
    let other = NdarrayParams::<f32>::zeros(&small_mlp().parameters().unwrap());
    let message = fixture.network.input_norms(&other, &fixture.images).unwrap_err().to_string();
    assert_eq!(message, "parameters: 6 tensors, but the model has 8");
}
