//! The order of evidence for axes: the kind of model, the bias, sizes in `config.json`, shapes of the family, the name.

use prune_schedule::names::AxisEvidence::{self, *};
use prune_schedule::names::{Class, ModelFacts, roles};

/// Input axes and evidence of the first tensor.
fn told(config: &str, tensors: &[(&str, &[usize])]) -> (Vec<usize>, Option<AxisEvidence>) {
    let role = roles(&ModelFacts::from_config(config).expect("JSON"), tensors).remove(0);
    assert_eq!(role.class, Class::Weight, "{}", tensors[0].0);
    (role.inputs, role.evidence)
}

#[test]
fn the_kind_of_model_comes_before_the_bias() {
    let tensors: [(&str, &[usize]); 2] = [("h.0.attn.c_proj.weight", &[64, 48]), ("h.0.attn.c_proj.bias", &[64])];
    assert_eq!(told("{\"model_type\": \"gpt2\"}", &tensors), (vec![0], Some(ModelType)));
    assert_eq!(told("{\"model_type\": \"gpt_bigcode\"}", &tensors), (vec![1], Some(ModelType)));
    assert_eq!(told("{}", &tensors), (vec![1], Some(Bias)));
}

#[test]
fn the_bias_comes_before_sizes_in_the_config() {
    let weight: (&str, &[usize]) = ("h.0.mlp.c_fc.weight", &[64, 256]);
    let config = "{\"n_embd\": 256}";
    assert_eq!(told(config, &[weight, ("h.0.mlp.c_fc.bias", &[256])]), (vec![0], Some(Bias)));
    assert_eq!(told(config, &[weight]), (vec![1], Some(Config)));
    // A bias that fits both axes or none tells nothing.
    assert_eq!(told(config, &[weight, ("h.0.mlp.c_fc.bias", &[32])]), (vec![1], Some(Config)));
}

#[test]
fn sizes_in_the_config_come_before_shapes_of_the_family() {
    let gate_up: (&str, &[usize]) = ("mlp.experts.gate_up_proj", &[4, 64, 256]);
    assert_eq!(told("{\"hidden_size\": 256}", &[gate_up]), (vec![2], Some(Config)));
    let down: (&str, &[usize]) = ("mlp.experts.down_proj", &[4, 128, 64]);
    assert_eq!(told("{\"hidden_size\": 256}", &[gate_up, down]), (vec![2], Some(Config)));
    assert_eq!(told("{}", &[gate_up, down]), (vec![1], Some(FamilyShape)));
    assert_eq!(told("{}", &[down, gate_up]), (vec![1], Some(FamilyShape)));
    assert_eq!(told("{\"text_config\": {\"hidden_size\": 64}}", &[gate_up]), (vec![1], Some(Config)));
}

#[test]
fn experts_that_nothing_tells_about_have_no_axis() {
    assert_eq!(told("{}", &[("mlp.experts.gate_up_proj", &[4, 64, 256])]), (vec![], None));
    let square: (&str, &[usize]) = ("mlp.experts.down_proj", &[4, 64, 64]);
    assert_eq!(told("{}", &[square]), (vec![], None));
    assert_eq!(told("{\"model_type\": \"gpt_oss\"}", &[square]), (vec![1], Some(ModelType)));
    let bias: (&str, &[usize]) = ("mlp.experts.gate_up_proj_bias", &[4, 256]);
    assert_eq!(told("{}", &[("mlp.experts.gate_up_proj", &[4, 64, 256]), bias]), (vec![1], Some(Bias)));
}

#[test]
fn square_layers_follow_their_family() {
    let square: (&str, &[usize]) = ("h.0.attn.c_proj.weight", &[64, 64]);
    assert_eq!(told("{}", &[square, ("h.0.attn.c_attn.weight", &[64, 192])]), (vec![0], Some(FamilyShape)));
    assert_eq!(told("{}", &[square, ("h.0.attn.c_attn.weight", &[192, 64])]), (vec![1], Some(FamilyShape)));
    // A family that disagrees tells nothing.
    let both: [(&str, &[usize]); 3] =
        [square, ("h.0.attn.c_attn.weight", &[192, 64]), ("h.1.attn.c_attn.weight", &[64, 192])];
    assert_eq!(told("{}", &both), (vec![1], Some(Default)));
    assert_eq!(told("{}", &[square]), (vec![1], Some(Default)));
}

#[test]
fn plain_layers_follow_the_others_where_all_agree() {
    let square: (&str, &[usize]) = ("l2.weight", &[64, 64]);
    let in_out: [(&str, &[usize]); 3] = [square, ("l1.weight", &[784, 64]), ("l1.bias", &[64])];
    assert_eq!(told("{}", &in_out), (vec![0], Some(FamilyShape)));
    let mixed = [&in_out[..], &[("l3.weight", &[10, 64][..]), ("l3.bias", &[10])]].concat();
    assert_eq!(told("{}", &mixed), (vec![1], Some(Default)));
}

#[test]
fn convolutions_are_told_by_their_bias() {
    let conv =
        |bias: &'static [usize]| told("{}", &[("decoder.up.weight", &[64, 32, 2, 2]), ("decoder.up.bias", bias)]);
    assert_eq!(conv(&[64]), (vec![1], Some(Bias)));
    assert_eq!(conv(&[32]), (vec![0], Some(Bias)));
    // Two groups of 32 outputs look like a plain convolution with 64 outputs; four groups are clear.
    assert_eq!(conv(&[128]), (vec![0], Some(Bias)));
    assert_eq!(conv(&[33]), (vec![], None));
    assert_eq!(told("{}", &[("decoder.up.weight", &[64, 64, 2, 2])]), (vec![], None));
    assert_eq!(told("{}", &[("features.0.weight", &[64, 64, 3, 3])]), (vec![1], Some(Default)));
    assert_eq!(told("{}", &[("mask_head.deconv.weight", &[64, 64, 2, 2])]), (vec![0], Some(Name)));
}

#[test]
fn the_norm_behind_a_convolution_tells_too() {
    let conv = |norm: &'static [usize]| told("{}", &[("main.0.weight", &[100, 512, 4, 4]), ("main.1.weight", norm)]);
    assert_eq!(conv(&[512]), (vec![0], Some(FamilyShape)));
    assert_eq!(conv(&[100]), (vec![1], Some(FamilyShape)));
    assert_eq!(conv(&[64]), (vec![1], Some(Default)));
    assert_eq!(conv(&[512, 64, 1, 1]), (vec![1], Some(Default)));
}

#[test]
fn names_of_flax_say_their_axes() {
    assert_eq!(told("{}", &[("params/Dense_0/kernel", &[64, 64])]), (vec![0], Some(Name)));
    assert_eq!(told("{}", &[("params/Attention_0/out/kernel", &[4, 16, 64])]), (vec![0, 1], Some(Name)));
    // Nothing tells the axes of a layer with several axes of inputs or outputs, or the axis along which a scan stacked
    // its layers.
    assert_eq!(told("{}", &[("einsum_dense_1/kernel:0", &[64, 4, 16])]), (vec![], None));
    assert_eq!(told("{}", &[("params/DenseGeneral_0/kernel", &[4, 16, 64])]), (vec![], None));
    assert_eq!(told("{}", &[("params/DenseGeneral_0/kernel", &[48, 64])]), (vec![0], Some(Name)));
    let scanned: [(&str, &[usize]); 2] =
        [("l/attn/out/kernel", &[12, 4, 16, 64]), ("l/attn/query/kernel", &[12, 64, 4, 16])];
    assert_eq!(told("{}", &scanned), (vec![], None));
    assert_eq!(told("{}", &scanned[1..]), (vec![], None));
    assert_eq!(told("{}", &scanned[..1]), (vec![2], Some(Name)));
    let transposed: [(&str, &[usize]); 2] = [("conv/kernel:0", &[3, 3, 32, 16]), ("conv/bias:0", &[32])];
    assert_eq!(told("{}", &transposed), (vec![3], Some(Bias)));
}

/// torch.nn.utils.prune adds `_orig` and `_mask` to the name of any parameter.
#[test]
fn masks_of_any_parameter_are_masks() {
    for (weight, shape) in [
        ("fc.weight", [32, 16]),
        ("rnn.weight_hh_l0", [64, 16]),
        ("attn.in_proj_weight", [48, 16]),
        ("Dense_0/kernel", [16, 32]),
    ] {
        let (held, mask) = (format!("{weight}_orig"), format!("{weight}_mask"));
        let tensors: [(&str, &[usize]); 3] = [(weight, &shape), (&held, &shape), (&mask, &shape)];
        let [plain, held, mask] = &roles(&ModelFacts::unknown(), &tensors)[..] else { panic!("three roles") };
        assert_eq!((plain.class, &held), (Class::Weight, &plain), "{weight}");
        assert_eq!(mask.class, Class::Other("mask"), "{weight}");
    }
    let conv: (&str, &[usize]) = ("prompt_encoder.mask_downscaling.0.weight", &[4, 1, 2, 2]);
    assert_eq!(roles(&ModelFacts::unknown(), &[conv])[0].class, Class::Weight);
}

#[test]
fn a_table_as_long_as_the_vocabulary_is_none_to_prune() {
    let tensors: [(&str, &[usize]); 1] = [("to_logits.weight", &[32000, 64])];
    let class = |config: &str| roles(&ModelFacts::from_config(config).expect("JSON"), &tensors)[0].class;
    assert!(matches!(class("{\"vocab_size\": 32000}"), Class::Other(_)));
    assert_eq!(class("{\"vocab_size\": 32000, \"intermediate_size\": 32000}"), Class::Weight);
    assert_eq!(class("{\"vocab_size\": 50257}"), Class::Weight);
}
