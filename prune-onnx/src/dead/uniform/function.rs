//! Functions of one element, applied to a number.

use super::{NodeFacts, Uniform};
use crate::data_type::DataType;
use crate::error::Error;
use crate::model::Node;
use crate::ops;

impl NodeFacts<'_, '_> {
    /// A function of one element. For a function that is not listed, nothing is known but 0 at 0, if it has that.
    pub(super) fn function(&self) -> Result<Option<Uniform>, Error> {
        let Some(read) = self.value(0) else { return Ok(None) };
        let bounds = if self.node.op_type() == "Clip" {
            match (self.bound(1, "min", f64::NEG_INFINITY)?, self.bound(2, "max", f64::INFINITY)?) {
                (Some(low), Some(high)) => Some((low, high)),
                _ => return Ok(None),
            }
        } else {
            None
        };
        let at = |number: f64| match bounds {
            Some((low, high)) => Some(number.max(low).min(high)),
            None => function(self.node, number),
        };
        let numbers = read.numbers.iter().map(|number| number.and_then(at)).collect();
        Ok(Some(Uniform { axis: read.axis, numbers }))
    }

    /// A bound of a Clip: an attribute before version 11, and an input since. `None` if it is computed.
    fn bound(&self, slot: usize, name: &str, open: f64) -> Result<Option<f64>, Error> {
        if let Some(bound) = self.node.float(name) {
            return Ok(Some(f64::from(bound)));
        }
        if self.node.input(slot).is_none_or(str::is_empty) {
            return Ok(Some(open));
        }
        match self.constant(slot) {
            Some(tensor) => Ok(tensor.floats()?.first().copied()),
            None => Ok(None),
        }
    }
}

/// The value of a function at a number, in f64.
fn function(node: &Node, x: f64) -> Option<f64> {
    let float = |name: &str, default: f32| f64::from(node.float(name).unwrap_or(default));
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    Some(match node.op_type() {
        "Identity" => x,
        "Dropout" if node.input(2).is_none_or(str::is_empty) => x,
        "Cast" => {
            let to = node.int("to").and_then(|to| i32::try_from(to).ok()).map(DataType::from_code);
            return matches!(to, Some(DataType::Float | DataType::Double)).then_some(x);
        }
        "Relu" => x.max(0.0),
        "LeakyRelu" => x.max(0.0) + float("alpha", 0.01) * x.min(0.0),
        "Elu" => x.max(0.0) + float("alpha", 1.0) * x.min(0.0).exp_m1(),
        "Sigmoid" => sigmoid(x),
        "HardSigmoid" => (float("alpha", 0.2) * x + float("beta", 0.5)).clamp(0.0, 1.0),
        "HardSwish" => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        "Swish" => x * sigmoid(float("alpha", 1.0) * x),
        "Mish" => x * x.exp().ln_1p().tanh(),
        "Softplus" => x.exp().ln_1p(),
        "Softsign" => x / (1.0 + x.abs()),
        "Tanh" => x.tanh(),
        "Exp" => x.exp(),
        "Log" => x.ln(),
        "Sqrt" => x.sqrt(),
        "Abs" => x.abs(),
        "Neg" => -x,
        "Reciprocal" => 1.0 / x,
        "Floor" => x.floor(),
        "Ceil" => x.ceil(),
        other => return (x == 0.0 && ops::is_zero_at_zero(other)).then_some(0.0),
    })
}
