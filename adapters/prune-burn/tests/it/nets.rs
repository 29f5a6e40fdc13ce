//! Small modules whose values depend only on seeds, and a step of training.

use burn::module::{Module, Param, ParamId};
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig,
    LinearLayout,
};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, FloatDType, Int, Tensor, TensorData};

/// A device with autodiff.
pub(crate) fn device() -> Device {
    Device::default().autodiff()
}

/// Numbers between -1 and 1 from a seed.
pub(crate) fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut random = prune_core::testing::generators::Random::new(seed);
    (0..len).map(|_| (random.next_u64() >> 40) as f32 / (1u64 << 23) as f32 - 1.0).collect()
}

pub(crate) fn filled<const D: usize>(seed: u64, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers(seed, shape.iter().product()), shape), device)
}

/// Sets every parameter of a module from a seed.
pub(crate) fn seeded<M: Module>(module: M, seed: u64) -> M {
    struct Fill(u64);
    impl burn::module::ModuleMapper for Fill {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            self.0 += 1;
            let seed = self.0;
            param.map(|tensor| {
                let tracked = tensor.is_require_grad();
                let filled = filled(seed, tensor.dims(), &tensor.device());
                if tracked { filled.require_grad() } else { filled }
            })
        }
    }
    module.map(&mut Fill(seed << 16))
}

/// The same module with parameters of another type.
pub(crate) fn cast<M: Module>(module: M, dtype: FloatDType) -> M {
    struct Cast(FloatDType);
    impl burn::module::ModuleMapper for Cast {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| tensor.without_autodiff().cast(self.0).autodiff().require_grad())
        }
    }
    module.map(&mut Cast(dtype))
}

/// Two layers.
#[derive(Module, Debug)]
pub(crate) struct Mlp {
    pub(crate) fc1: Linear,
    pub(crate) fc2: Linear,
}

impl Mlp {
    pub(crate) fn new(seed: u64, device: &Device) -> Self {
        let (fc1, fc2) = (LinearConfig::new(12, 10).init(device), LinearConfig::new(10, 6).init(device));
        seeded(Mlp { fc1, fc2 }, seed)
    }

    pub(crate) fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.fc2.forward(burn::tensor::activation::relu(self.fc1.forward(input)))
    }

    /// The gradients of a batch, which is made from a seed.
    pub(crate) fn gradients(&self, batch: u64) -> GradientsParams {
        let device = self.fc1.weight.device();
        let of_type = |tensor: Tensor<2>| match self.fc1.weight.dtype() {
            DType::F32 => tensor,
            other => tensor.cast(other),
        };
        let (input, target) =
            (of_type(filled(batch, [4, 12], &device)), of_type(filled(batch + 1000, [4, 6], &device)));
        let loss = (self.forward(input) - target).powf_scalar(2.0).mean();
        GradientsParams::from_grads(loss.backward(), self)
    }
}

/// A layer of each kind with weights, none of them square, and a parameter outside of layers.
#[derive(Module, Debug)]
pub(crate) struct Zoo {
    pub(crate) conv: Conv2d,
    pub(crate) up: ConvTranspose2d,
    pub(crate) norm: BatchNorm,
    pub(crate) table: Embedding,
    pub(crate) layers: Vec<Linear>,
    pub(crate) column: Linear,
    pub(crate) scale: LayerNorm,
    pub(crate) own: Param<Tensor<2>>,
    pub(crate) steps: Param<Tensor<1, Int>>,
}

impl Zoo {
    pub(crate) fn new(seed: u64) -> Self {
        let device = &device();
        let zoo = Zoo {
            conv: Conv2dConfig::new([3, 8], [3, 2]).init(device),
            up: ConvTranspose2dConfig::new([8, 4], [2, 3]).init(device),
            norm: BatchNormConfig::new(4).init(device),
            table: EmbeddingConfig::new(9, 6).init(device),
            layers: vec![LinearConfig::new(6, 10).init(device), LinearConfig::new(10, 7).with_bias(false).init(device)],
            column: LinearConfig::new(12, 5).with_layout(LinearLayout::Col).init(device),
            scale: LayerNormConfig::new(5).init(device),
            own: Param::from_tensor(filled(seed, [5, 11], device)),
            steps: Param::initialized(ParamId::new(), Tensor::from_data([1, 2, 3], device)),
        };
        seeded(zoo, seed)
    }
}

/// The values of a parameter, in logical order.
pub(crate) fn values<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
    param.val().into_data().try_into_vec::<f32>().unwrap()
}
