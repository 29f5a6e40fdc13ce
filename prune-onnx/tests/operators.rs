//! Every operator by its name. A network from which indices are removed gives the outputs of the whole network with
//! those slices at zero.

use prune_onnx::testing::cases;
use prune_onnx::testing::harness::{OPSETS, check};
use prune_onnx::testing::net::Net;

/// The number of networks of each operator in which something must be removed through the operator.
const WANTED: usize = 200;

/// The number of networks that are tried for that.
const TRIED: u64 = 600;

fn run_cases(first: &str, case: cases::Case) {
    let rule = prune_onnx::operators().find(|rule| rule.operators.contains(&first)).expect("a rule");
    for &operator in rule.operators {
        // A Size pins whatever it reads. The removal goes through the operator that reads the Size.
        let through_which: &[&str] = if operator == "Size" { &["Size", "Div"] } else { &[operator] };
        let (mut through, mut tried) = (0, 0);
        while through < WANTED && tried < TRIED {
            let net = Net::new(tried, OPSETS[tried as usize % OPSETS.len()]).asked(operator);
            through += usize::from(check(case(net), tried, through_which));
            tried += 1;
        }
        assert!(
            through >= WANTED,
            "{operator}: something was removed through it in {through} of {tried} networks only"
        );
    }
}

macro_rules! each {
    ($($name:ident: $operator:literal,)*) => {
        $(#[test]
        fn $name() {
            let (first, case) = cases::CASES.iter().find(|(first, _)| *first == $operator).expect("a case");
            run_cases(first, *case);
        })*

        #[test]
        fn every_rule_has_cases() {
            let tested = [$($operator),*];
            for rule in prune_onnx::operators().filter(|rule| rule.pins != "all axes") {
                assert!(tested.contains(&rule.operators[0]), "no cases for {}", rule.operators[0]);
            }
        }
    };
}

each! {
    conv: "Conv",
    conv_transpose: "ConvTranspose",
    gemm: "Gemm",
    matmul: "MatMul",
    attention: "Attention",
    batch_norm: "BatchNormalization",
    instance_norm: "InstanceNormalization",
    group_norm: "GroupNormalization",
    layer_norm: "LayerNormalization",
    lrn: "LRN",
    elementwise: "Identity",
    cast: "Cast",
    clip: "Clip",
    dropout: "Dropout",
    arithmetic: "Add",
    prelu: "PRelu",
    where_op: "Where",
    concat: "Concat",
    split: "Split",
    slice: "Slice",
    gather: "Gather",
    pad: "Pad",
    resize: "Resize",
    pool: "MaxPool",
    global_pool: "GlobalAveragePool",
    reduce: "ReduceSum",
    softmax: "Softmax",
    transpose: "Transpose",
    reshape: "Reshape",
    flatten: "Flatten",
    squeeze: "Squeeze",
    unsqueeze: "Unsqueeze",
    expand: "Expand",
    shape: "Shape",
    constant: "Constant",
    constant_of_shape: "ConstantOfShape",
}
