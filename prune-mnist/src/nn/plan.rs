//! Turns a description into shapes, parameters and stages.
//!
//! A stage is a layer with an output of its own (convolution, dense, pooling) together with the element-wise layers
//! that follow it and work in place. Fusing them saves one pass over memory for each layer, and makes the backward
//! pass simple (see `gate`).

use super::error::NnError;
use super::layers::conv::ConvShape;
use super::layers::pool::{PoolKind, PoolShape};
use super::spec::{Layer, LayerSummary, ModelSpec, Padding, ParamKind, ParamSpec};

/// The operation of a stage before its element-wise part.
#[derive(Clone, Copy, Debug)]
pub(super) enum StageKind {
    Conv(ConvShape),
    Dense { inputs: usize, outputs: usize },
    Pool(PoolShape),
}

/// A layer with its element-wise followers.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) name: String,
    pub(super) kind: StageKind,
    /// Shape of one sample's output.
    pub(super) shape: Vec<usize>,
    /// Values of one sample's output.
    pub(super) len: usize,
    /// Values of one sample's input.
    pub(super) input_len: usize,
    pub(super) relu: bool,
    /// The index of the activation pruning within the model, and its order with the relu.
    pub(super) prune: Option<PrunePlace>,
    /// The index of the kernel among the parameters; the bias follows it.
    pub(super) kernel: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct PrunePlace {
    pub(super) index: usize,
    pub(super) after_relu: bool,
}

impl Stage {
    /// Words of one sample's activation mask.
    pub(super) fn mask_words(&self) -> usize {
        self.len.div_ceil(64)
    }

    /// The length of the larger gradient that a chunk keeps for this stage: a convolution's kernel or bias.
    pub(super) fn gradient_len(&self) -> usize {
        match self.kind {
            StageKind::Conv(shape) => shape.weights().max(shape.features),
            StageKind::Dense { .. } | StageKind::Pool(_) => 0,
        }
    }

    /// True if the relu runs together with the bias; a relu after an activation pruning cannot.
    pub(super) fn fused_relu(&self) -> bool {
        self.relu && self.prune.is_none_or(|place| place.after_relu)
    }
}

/// A checked model.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) stages: Vec<Stage>,
    pub(super) params: Vec<ParamSpec>,
    pub(super) summaries: Vec<LayerSummary>,
    pub(super) input_len: usize,
    pub(super) prune_places: usize,
}

impl ModelSpec {
    /// The parameters of the model in the order of its layers, each kernel followed by its bias.
    ///
    /// # Errors
    /// The errors of [`layers`](Self::layers).
    pub fn parameters(&self) -> Result<Vec<ParamSpec>, NnError> {
        Ok(plan(self)?.params)
    }

    /// The table of the model: one row for each layer.
    ///
    /// # Errors
    /// No layers, a zero dimension, a window that does not fit, an element-wise layer with nothing before it, sizes
    /// that overflow.
    pub fn layers(&self) -> Result<Vec<LayerSummary>, NnError> {
        Ok(plan(self)?.summaries)
    }
}

/// Checks `spec` and works out its stages.
pub(super) fn plan(spec: &ModelSpec) -> Result<Plan, NnError> {
    let mut builder = Builder::new(spec)?;
    for (index, &layer) in spec.layers.iter().enumerate() {
        At { model: &spec.name, index, layer }.add(&mut builder)?;
    }
    if builder.plan.stages.is_empty() {
        return Err(NnError::NoLayers { model: spec.name.clone() });
    }
    Ok(builder.plan)
}

struct Builder {
    plan: Plan,
    /// Height, width and channels of the current output; a flat output of n features is (1, 1, n).
    shape: [usize; 3],
    convs: usize,
    denses: usize,
}

impl Builder {
    fn new(spec: &ModelSpec) -> Result<Self, NnError> {
        let Some(&layer) = spec.layers.first() else {
            return Err(NnError::NoLayers { model: spec.name.clone() });
        };
        let at = At { model: &spec.name, index: 0, layer };
        for size in spec.input {
            at.at_least_one("a dimension of the input", size)?;
        }
        let plan = Plan {
            stages: Vec::new(),
            params: Vec::new(),
            summaries: Vec::new(),
            input_len: at.size(&spec.input)?,
            prune_places: 0,
        };
        Ok(Self { plan, shape: spec.input, convs: 0, denses: 0 })
    }

    fn summarise(&mut self, name: String, layer: Layer, parameters: usize, multiply_adds: usize) {
        let output = self.plan.stages.last().map_or_else(Vec::new, |stage| stage.shape.clone());
        self.plan.summaries.push(LayerSummary { name, layer, output, parameters, multiply_adds });
    }
}

/// The layer being added, for errors.
#[derive(Clone, Copy)]
struct At<'a> {
    model: &'a str,
    index: usize,
    layer: Layer,
}

impl At<'_> {
    fn add(self, builder: &mut Builder) -> Result<(), NnError> {
        match self.layer {
            Layer::Conv { features, kernel, padding } => self.add_conv(builder, features, kernel, padding),
            Layer::Dense { features } => self.add_dense(builder, features),
            Layer::AvgPool { window } => self.add_pool(builder, window, PoolKind::Average),
            Layer::MaxPool { window } => self.add_pool(builder, window, PoolKind::Maximum),
            Layer::Relu => {
                self.last_stage(builder)?.relu = true;
                builder.summarise("relu".into(), self.layer, 0, 0);
                Ok(())
            }
            Layer::PruneAct => {
                let index = builder.plan.prune_places;
                let stage = self.last_stage(builder)?;
                if stage.prune.is_some() {
                    return Err(NnError::PrunedTwice {
                        model: self.model.into(),
                        index: self.index,
                        layer: self.layer.to_string(),
                    });
                }
                stage.prune = Some(PrunePlace { index, after_relu: stage.relu });
                builder.plan.prune_places += 1;
                builder.summarise(format!("prune_act_{index}"), self.layer, 0, 0);
                Ok(())
            }
        }
    }

    fn add_conv(
        self,
        builder: &mut Builder,
        features: usize,
        kernel: [usize; 2],
        padding: Padding,
    ) -> Result<(), NnError> {
        self.at_least_one("the number of features", features)?;
        self.at_least_one("the kernel's height", kernel[0])?;
        self.at_least_one("the kernel's width", kernel[1])?;
        let [height, width, channels] = builder.shape;
        let (out, before) = match padding {
            Padding::Same => ([height, width], [(kernel[0] - 1) / 2, (kernel[1] - 1) / 2]),
            Padding::Valid => {
                self.window_fits(kernel, [height, width])?;
                ([height - kernel[0] + 1, width - kernel[1] + 1], [0, 0])
            }
        };
        let shape = ConvShape { input: [height, width], channels, out, features, kernel, before };
        let name = format!("Conv_{}", builder.convs);
        builder.convs += 1;
        let fan_in = self.size(&[kernel[0], kernel[1], channels])?;
        // The unrolled input of one sample must be addressable too.
        self.size(&[out[0], out[1], fan_in])?;
        let logical = vec![kernel[0], kernel[1], channels, features];
        self.add_stage(builder, &name, StageKind::Conv(shape), vec![out[0], out[1], features])?;
        self.add_parameters(builder, name, logical, fan_in, out[0] * out[1])
    }

    fn add_dense(self, builder: &mut Builder, features: usize) -> Result<(), NnError> {
        self.at_least_one("the number of features", features)?;
        let inputs = self.size(&builder.shape)?;
        let name = format!("Dense_{}", builder.denses);
        builder.denses += 1;
        self.add_stage(builder, &name, StageKind::Dense { inputs, outputs: features }, vec![features])?;
        self.add_parameters(builder, name, vec![inputs, features], inputs, 1)
    }

    fn add_pool(self, builder: &mut Builder, window: usize, kind: PoolKind) -> Result<(), NnError> {
        self.at_least_one("the window", window)?;
        let [height, width, channels] = builder.shape;
        self.window_fits([window, window], [height, width])?;
        let out = [height / window, width / window];
        let shape = PoolShape { kind, input: [height, width], channels, out, window };
        let name = self.layer.to_string();
        self.add_stage(builder, &name, StageKind::Pool(shape), vec![out[0], out[1], channels])?;
        builder.summarise(name, self.layer, 0, 0);
        Ok(())
    }

    fn add_stage(self, builder: &mut Builder, name: &str, kind: StageKind, shape: Vec<usize>) -> Result<(), NnError> {
        let (len, input_len) = (self.size(&shape)?, self.size(&builder.shape)?);
        builder.shape = match *shape.as_slice() {
            [height, width, channels] => [height, width, channels],
            _ => [1, 1, len],
        };
        let kernel = match kind {
            StageKind::Pool(_) => None,
            StageKind::Conv(_) | StageKind::Dense { .. } => Some(builder.plan.params.len()),
        };
        let name = name.to_owned();
        builder.plan.stages.push(Stage { name, kind, shape, len, input_len, relu: false, prune: None, kernel });
        Ok(())
    }

    fn add_parameters(
        self,
        builder: &mut Builder,
        name: String,
        shape: Vec<usize>,
        fan_in: usize,
        uses: usize,
    ) -> Result<(), NnError> {
        let features = shape.last().copied().unwrap_or(0);
        let weights = self.size(&shape)?;
        let multiply_adds = self.size(&[weights, uses])?;
        builder.plan.params.push(ParamSpec {
            name: format!("{name}-kernel"),
            kind: ParamKind::Kernel,
            shape,
            rows: fan_in,
            columns: features,
            fan_in,
            uses,
        });
        builder.plan.params.push(ParamSpec {
            name: format!("{name}-bias"),
            kind: ParamKind::Bias,
            shape: vec![features],
            rows: features,
            columns: 1,
            fan_in,
            uses,
        });
        builder.summarise(name, self.layer, weights + features, multiply_adds);
        Ok(())
    }

    fn last_stage(self, builder: &mut Builder) -> Result<&mut Stage, NnError> {
        builder.plan.stages.last_mut().ok_or_else(|| NnError::NothingBefore {
            model: self.model.into(),
            index: self.index,
            layer: self.layer.to_string(),
        })
    }

    fn at_least_one(self, what: &'static str, value: usize) -> Result<(), NnError> {
        if value == 0 {
            let (model, layer) = (self.model.into(), self.layer.to_string());
            return Err(NnError::Zero { model, index: self.index, layer, what });
        }
        Ok(())
    }

    fn window_fits(self, window: [usize; 2], input: [usize; 2]) -> Result<(), NnError> {
        if window[0] > input[0] || window[1] > input[1] {
            let (model, layer) = (self.model.into(), self.layer.to_string());
            return Err(NnError::WindowTooLarge { model, index: self.index, layer, window, input });
        }
        Ok(())
    }

    /// The product of `sizes`; an error unless its bytes, too, can be counted in an `isize`.
    fn size(self, sizes: &[usize]) -> Result<usize, NnError> {
        sizes
            .iter()
            .try_fold(1_usize, |product, &size| product.checked_mul(size))
            .filter(|&size| size <= isize::MAX as usize / 64)
            .ok_or_else(|| NnError::TooLarge {
                model: self.model.into(),
                index: self.index,
                layer: self.layer.to_string(),
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_cnn_has_the_originals_names_and_shapes() {
        let params = ModelSpec::lenet5().parameters().unwrap();
        let count = |kind| params.iter().filter(|spec| spec.kind == kind).map(ParamSpec::len).sum::<usize>();
        assert_eq!((count(ParamKind::Kernel), count(ParamKind::Bias)), (430_500, 580));
        let params = ModelSpec::cnn().parameters().unwrap();
        let seen: Vec<_> = params.iter().map(|p| (p.name.as_str(), p.shape.as_slice())).collect();
        let expected: [(&str, &[usize]); 8] = [
            ("Conv_0-kernel", &[3, 3, 1, 32]),
            ("Conv_0-bias", &[32]),
            ("Conv_1-kernel", &[3, 3, 32, 64]),
            ("Conv_1-bias", &[64]),
            ("Dense_0-kernel", &[3136, 256]),
            ("Dense_0-bias", &[256]),
            ("Dense_1-kernel", &[256, 10]),
            ("Dense_1-bias", &[10]),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn multiply_adds_are_those_of_the_textbook() {
        let macs: Vec<_> = ModelSpec::cnn().layers().unwrap().iter().map(|l| l.multiply_adds).collect();
        assert_eq!(macs, [225_792, 0, 0, 0, 3_612_672, 0, 0, 0, 802_816, 0, 2560]);
        let params = ModelSpec::mlp().parameters().unwrap();
        assert_eq!(params.iter().map(|p| p.multiply_adds(p.len())).sum::<usize>(), 266_200);
        assert_eq!(params[0].multiply_adds(1000), 1000);
    }

    #[test]
    fn a_valid_convolution_shrinks_and_pooling_drops_the_rest() {
        let layers = vec![
            Layer::Conv { features: 20, kernel: [5, 5], padding: Padding::Valid },
            Layer::MaxPool { window: 2 },
            Layer::Conv { features: 50, kernel: [5, 5], padding: Padding::Valid },
            Layer::MaxPool { window: 2 },
            Layer::Dense { features: 500 },
            Layer::Relu,
            Layer::Dense { features: 10 },
        ];
        let spec = ModelSpec::new("lenet5", [28, 28, 1], layers);
        let params = spec.parameters().unwrap();
        let count = |kind| params.iter().filter(|p| p.kind == kind).map(ParamSpec::len).sum::<usize>();
        assert_eq!((count(ParamKind::Kernel), count(ParamKind::Bias)), (430_500, 580));
        assert_eq!(params[4].shape, [800, 500]);
        let odd = ModelSpec::new("odd", [5, 7, 2], vec![Layer::AvgPool { window: 2 }]);
        assert_eq!(odd.layers().unwrap()[0].output, [2, 3, 2]);
    }

    fn refusal(input: [usize; 3], layers: Vec<Layer>) -> String {
        ModelSpec::new("m", input, layers).layers().unwrap_err().to_string()
    }

    #[test]
    fn each_mistake_is_refused_by_name() {
        let dense = Layer::Dense { features: 3 };
        assert!(refusal([2, 2, 1], vec![]).contains("no layers"));
        assert!(refusal([2, 0, 1], vec![dense]).contains("a dimension of the input is 0"));
        assert!(refusal([2, 2, 1], vec![Layer::Relu]).contains("layer 0 (relu) has no layer before it"));
        assert!(refusal([2, 2, 1], vec![Layer::Dense { features: 0 }]).contains("the number of features is 0"));
        assert!(refusal([2, 2, 1], vec![dense, Layer::AvgPool { window: 0 }]).contains("the window is 0"));
        let message = refusal([2, 2, 1], vec![Layer::MaxPool { window: 3 }]);
        assert!(message.contains("[3, 3] does not fit into an input of [2, 2]"), "{message}");
        let conv = Layer::Conv { features: 1, kernel: [3, 1], padding: Padding::Valid };
        assert!(refusal([2, 2, 1], vec![conv]).contains("[3, 1] does not fit"));
        assert!(refusal([2, 2, 1], vec![dense, Layer::PruneAct, Layer::PruneAct]).contains("pruned already"));
        assert!(refusal([usize::MAX, 2, 1], vec![dense]).contains("overflows"));
        assert!(refusal([2, 2, 1], vec![dense, Layer::Dense { features: usize::MAX / 2 }]).contains("overflows"));
    }
}
