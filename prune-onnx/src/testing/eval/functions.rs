//! Functions of one element.

use std::f64::consts::{FRAC_2_SQRT_PI, SQRT_2};

use crate::Node;

type Function = Box<dyn Fn(f64) -> f64>;

/// The function that a node applies to each element, if it is one.
pub(super) fn function(node: &Node) -> Option<Function> {
    // Defaults are floats of 32 bits, as attributes are.
    let number = |name: &str, default: f32| f64::from(node.float(name).unwrap_or(default));
    let truth = |f: bool| f64::from(u8::from(f));
    let plain = |f: fn(f64) -> f64| -> Function { Box::new(f) };
    Some(match node.op_type() {
        "Relu" => plain(|v| v.max(0.0)),
        "LeakyRelu" => {
            let alpha = number("alpha", 0.01);
            Box::new(move |v| if v < 0.0 { v * alpha } else { v })
        }
        "Elu" => {
            let alpha = number("alpha", 1.0);
            Box::new(move |v| if v < 0.0 { alpha * v.exp_m1() } else { v })
        }
        "Selu" => {
            let (alpha, gamma) = (number("alpha", 1.673_263_2), number("gamma", 1.050_701));
            Box::new(move |v| gamma * if v < 0.0 { alpha * v.exp_m1() } else { v })
        }
        "Celu" => {
            let alpha = number("alpha", 1.0);
            Box::new(move |v| v.max(0.0) + (alpha * (v / alpha).exp_m1()).min(0.0))
        }
        "ThresholdedRelu" => {
            let alpha = number("alpha", 1.0);
            Box::new(move |v| if v > alpha { v } else { 0.0 })
        }
        "HardSwish" => plain(|v| v * (v / 6.0 + 0.5).clamp(0.0, 1.0)),
        "Swish" => {
            let alpha = number("alpha", 1.0);
            Box::new(move |v| v / (1.0 + (-alpha * v).exp()))
        }
        "Mish" => plain(|v| v * v.exp().ln_1p().tanh()),
        "Gelu" => plain(|v| 0.5 * v * (1.0 + erf(v / SQRT_2))),
        "Tanh" => plain(f64::tanh),
        "Erf" => plain(erf),
        "Sin" => plain(f64::sin),
        "Tan" => plain(f64::tan),
        "Asin" => plain(f64::asin),
        "Atan" => plain(f64::atan),
        "Sinh" => plain(f64::sinh),
        "Asinh" => plain(f64::asinh),
        "Atanh" => plain(f64::atanh),
        "Abs" => plain(f64::abs),
        "Neg" => plain(|v| -v),
        "Sign" => plain(|v| if v == 0.0 { 0.0 } else { v.signum() }),
        "Sqrt" => plain(f64::sqrt),
        "Floor" => plain(f64::floor),
        "Ceil" => plain(f64::ceil),
        "Round" => plain(f64::round_ties_even),
        "Softsign" => plain(|v| v / (1.0 + v.abs())),
        "Shrink" => {
            let (lambd, bias) = (number("lambd", 0.5), number("bias", 0.0));
            Box::new(move |v| {
                if v < -lambd {
                    v + bias
                } else if v > lambd {
                    v - bias
                } else {
                    0.0
                }
            })
        }
        "Sigmoid" => plain(|v| 1.0 / (1.0 + (-v).exp())),
        "HardSigmoid" => {
            let (alpha, beta) = (number("alpha", 0.2), number("beta", 0.5));
            Box::new(move |v| (alpha * v + beta).clamp(0.0, 1.0))
        }
        "Softplus" => plain(|v| v.exp().ln_1p()),
        "Exp" => plain(f64::exp),
        "Log" => plain(f64::ln),
        "Cos" => plain(f64::cos),
        "Acos" => plain(f64::acos),
        "Cosh" => plain(f64::cosh),
        "Acosh" => plain(f64::acosh),
        "Reciprocal" => plain(f64::recip),
        "Not" => Box::new(move |v| truth(v == 0.0)),
        "IsNaN" => Box::new(move |v| truth(v.is_nan())),
        "IsInf" => Box::new(move |v| truth(v.is_infinite())),
        "BitwiseNot" => plain(|v| -v - 1.0),
        _ => return None,
    })
}

/// The error function as a series whose terms all have one sign.
fn erf(v: f64) -> f64 {
    if v.abs() > 6.0 {
        return v.signum();
    }
    let (mut term, mut sum) = (v, v);
    for n in 1..400 {
        term *= 2.0 * v * v / f64::from(2 * n + 1);
        sum += term;
    }
    FRAC_2_SQRT_PI * (-v * v).exp() * sum
}
