//! Functions of elements, and arithmetic with broadcasting.

use super::around::{end, image};
use crate::DataType;
use crate::testing::net::{Built, Net, int};

pub(super) fn elementwise(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let operators = [
        "Identity",
        "Relu",
        "LeakyRelu",
        "Sigmoid",
        "HardSigmoid",
        "HardSwish",
        "Tanh",
        "Exp",
        "Abs",
        "Neg",
        "Softplus",
        "Floor",
    ];
    let operator = net.operator(&operators);
    let x = match operator {
        // Operators whose arguments have bounds get values within them.
        "Asin" | "Acos" | "Atanh" | "Tan" => net.node("Tanh", &[&x], &[]),
        "Sqrt" => net.node("Abs", &[&x], &[]),
        "Log" | "Acosh" | "Reciprocal" => {
            let (x, least) = (net.node("Abs", &[&x], &[]), net.floats(&[], &[1.5]));
            net.node("Add", &[&x, &least], &[])
        }
        "Not" => {
            let bound = net.weight(&[c, 1, 1]);
            net.node("Greater", &[&x, &bound], &[])
        }
        "BitwiseNot" => net.node("Cast", &[&x], &[("to", int(6))]),
        _ => x,
    };
    let mut y = net.node(operator, &[&x], &[]);
    if matches!(operator, "Not" | "BitwiseNot" | "IsNaN" | "IsInf") {
        y = net.node("Cast", &[&y], &[("to", int(net.float_code()))]);
    }
    // A weight behind an Identity, as some exporters share them.
    let w = net.weight(&[2, c, 1, 1]);
    let w = net.node("Identity", &[&w], &[]);
    let y = net.node("Conv", &[&y, &w], &[]);
    net.finish(&[&y])
}

pub(super) fn cast(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let y = net.node("Cast", &[&x], &[("to", int(net.float_code()))]);
    end(net, &y, c)
}

pub(super) fn clip(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let (low, high) = (net.draw.float() * 0.1, net.draw.range(1, 6) as f64);
    let y = if net.opset < 11 {
        net.opset = 10;
        let bounds = [("min", crate::AttributeValue::Float(low as f32)), ("max", crate::AttributeValue::Float(6.0))];
        net.node("Clip", &[&x], &bounds)
    } else {
        let (low, high) = (net.floats(&[], &[low]), net.floats(&[], &[high]));
        net.node("Clip", &[&x, &low, &high], &[])
    };
    end(net, &y, c)
}

pub(super) fn dropout(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let y = net.node("Dropout", &[&x], &[]);
    end(net, &y, c)
}

pub(super) fn arithmetic(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let inputs = net.draw.range(1, 3);
    let x = net.input(&[2, inputs, 3, 3]);
    let a = net.conv(&x, inputs, c);
    let operator = net.operator(&["Add", "Sub", "Mul", "Max", "Min", "Sum", "Div", "Pow"]);
    let b = match operator {
        "Div" | "Mod" => {
            let rank = net.draw.range(1, 2);
            net.positive(&[1, c, 1, 1][2 - rank..])
        }
        "Pow" => net.floats(&[], &[2.0]),
        _ => match net.draw.range(0, 5) {
            0 => net.weight(&[c, 1, 1]),
            1 => net.weight(&[1, c, 1, 1]),
            2 => net.weight(&[]),
            3 => net.weight(&[1]),
            4 => {
                // A gate for each channel.
                let pooled = net.node("GlobalAveragePool", &[&a], &[]);
                let squeezed = net.conv(&pooled, c, 2);
                let squeezed = net.node("Relu", &[&squeezed], &[]);
                let gate = net.conv(&squeezed, 2, c);
                net.node("Sigmoid", &[&gate], &[])
            }
            _ => net.conv(&x, inputs, c),
        },
    };
    let (mut a, mut b) = (a, b);
    let turned = !matches!(operator, "Div" | "Pow" | "Mod") && net.draw.yes();
    if turned {
        (a, b) = (b, a);
    }
    if matches!(operator, "And" | "Or" | "Xor") {
        let bound = net.weight(&[c, 1, 1]);
        [a, b] = [a, b].map(|x| net.node("Greater", &[&x, &bound], &[]));
    }
    let remainder = [("fmod", int(1))];
    let attributes: &[_] = if operator == "Mod" { &remainder } else { &[] };
    let mut y = net.node(operator, &[&a, &b], attributes);
    if ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor"].contains(&operator) {
        y = net.node("Cast", &[&y], &[("to", int(net.float_code()))]);
    }
    end(net, &y, c)
}

pub(super) fn prelu(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let x = image(&mut net, c);
    let slope = if net.draw.yes() { net.weight(&[c, 1, 1]) } else { net.weight(&[1]) };
    let y = net.node("PRelu", &[&x, &slope], &[]);
    end(net, &y, c)
}

pub(super) fn where_op(mut net: Net) -> Built {
    let c = net.draw.range(2, 6);
    let inputs = net.draw.range(1, 3);
    let x = net.input(&[2, inputs, 3, 3]);
    let (a, b) = (net.conv(&x, inputs, c), net.conv(&x, inputs, c));
    let condition = if net.draw.yes() {
        let bound = net.weight(&[c, 1, 1]);
        net.node("Greater", &[&a, &bound], &[])
    } else {
        let bits: Vec<u8> = (0..c).map(|_| u8::from(net.draw.yes())).collect();
        net.constant(DataType::Bool, &[c, 1, 1], &bits)
    };
    let other = if net.draw.yes() { b } else { net.weight(&[]) };
    let y = net.node("Where", &[&condition, &a, &other], &[]);
    end(net, &y, c)
}
