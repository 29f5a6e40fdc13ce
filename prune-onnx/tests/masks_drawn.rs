//! Drawn networks and masks. If a removal by masks reports no lost value, the outputs are those of the whole network
//! with 0 wherever a mask closes.

use prune_core::Mask;
use prune_onnx::testing::eval::{self, T, Values};
use prune_onnx::testing::harness::{assert_equal, inputs, parse, shrunk};
use prune_onnx::testing::net::{Built, Net, int, list};
use prune_onnx::{AnalysisOptions, AttributeValue, analyse};

/// The number of channels, which form two groups.
const CHANNELS: usize = 6;

/// The channels that masks close. They are one of the groups, so that a GroupNormalization can lose them.
const CLOSED: [usize; 3] = [3, 4, 5];

struct Drawn {
    net: Net,
    masked: Vec<String>,
}

impl Drawn {
    /// Values for each channel. In closed channels they are drawn, 0, or drawn and masked.
    fn values(&mut self, dims: &[usize], positive: bool) -> String {
        let form = self.net.draw.range(0, 3);
        let slab = dims.iter().product::<usize>() / CHANNELS;
        let draw = |at: usize, net: &mut Net| match CLOSED.contains(&(at / slab)) && form == 1 {
            true => 0.0,
            false if positive => 1.0 + net.draw.float().abs(),
            false => net.draw.float(),
        };
        let values: Vec<f64> = (0..dims.iter().product()).map(|at| draw(at, &mut self.net)).collect();
        let name = self.net.floats(dims, &values);
        if form > 1 {
            self.masked.push(name.clone());
        }
        name
    }

    fn rows(&mut self, x: &str, is_masked: bool) -> String {
        let w = self.net.weight(&[CHANNELS, 2, 1, 1]);
        if is_masked {
            self.masked.push(w.clone());
        }
        if self.net.draw.yes() {
            return self.net.node("Conv", &[x, &w], &[("pads", list(&[1, 1, 1, 1]))]);
        }
        let b = self.values(&[CHANNELS], false);
        self.net.node("Conv", &[x, &w, &b], &[("pads", list(&[1, 1, 1, 1]))])
    }

    /// Adds one drawn operator.
    fn step(&mut self, x: &str) -> String {
        let by_channel = [CHANNELS, 1, 1];
        let one = |drawn: &mut Drawn, operator: &str| drawn.net.node(operator, &[x], &[]);
        match self.net.draw.range(0, 15) {
            0 => one(self, "Relu"),
            1 => {
                let operator = self.net.draw.pick(&["Sigmoid", "HardSigmoid", "Exp", "Softplus"]);
                one(self, operator)
            }
            2 => {
                let operator = self.net.draw.pick(&["Tanh", "LeakyRelu", "HardSwish", "Abs", "Neg"]);
                one(self, operator)
            }
            3..=5 => {
                let [scale, shift, mean] = [0; 3].map(|_| self.values(&[CHANNELS], false));
                let variance = self.net.positive(&[CHANNELS]);
                self.net.node("BatchNormalization", &[x, &scale, &shift, &mean, &variance], &[])
            }
            6 => {
                let [scale, shift] = [0; 2].map(|_| self.values(&[CHANNELS], false));
                self.net.node("InstanceNormalization", &[x, &scale, &shift], &[])
            }
            7 => {
                let [scale, shift] = [0; 2].map(|_| self.values(&[CHANNELS], false));
                self.net.node("GroupNormalization", &[x, &scale, &shift], &[("num_groups", int(2))])
            }
            8 => {
                let shift = if self.net.draw.yes() { self.net.weight(&[5]) } else { self.net.floats(&[5], &[0.0; 5]) };
                let scale = self.net.weight(&[5]);
                self.net.node("LayerNormalization", &[x, &scale, &shift], &[("axis", int(3))])
            }
            9 => {
                let slope = self.values(&by_channel, false);
                self.net.node("PRelu", &[x, &slope], &[])
            }
            10 | 11 => {
                let operator = self.net.draw.pick(&["Add", "Sub", "Mul", "Max", "Min"]);
                let other = self.values(&by_channel, false);
                let turned = self.net.draw.yes();
                self.net.node(operator, &if turned { [other.as_str(), x] } else { [x, other.as_str()] }, &[])
            }
            12 => {
                let divisor = self.net.positive(&by_channel);
                self.net.node("Div", &[x, &divisor], &[])
            }
            13 => {
                let base = one(self, "Abs");
                let power = self.net.positive(&by_channel);
                self.net.node("Pow", &[&base, &power], &[])
            }
            14 => {
                let low = self.net.draw.pick(&[-1.0, 0.0, 0.1]);
                let (low, high) = (self.net.floats(&[], &[low]), self.net.floats(&[], &[1.0]));
                self.net.node("Clip", &[x, &low, &high], &[])
            }
            _ => {
                let bounds = [("lambd", AttributeValue::Float(-0.5)), ("bias", AttributeValue::Float(0.3))];
                self.net.node("Shrink", &[x], &bounds)
            }
        }
    }

    fn steps(&mut self, x: String, most: usize) -> String {
        (0..self.net.draw.range(0, most)).fold(x, |x, _| self.step(&x))
    }
}

/// A layer whose rows a mask closes, operators, perhaps another branch, and a layer that reads all of it.
fn drawn(seed: u64) -> (Built, Vec<String>) {
    let mut drawn = Drawn { net: Net::new(seed, 21), masked: Vec::new() };
    let x = drawn.net.input_where(&[2, 2, 3, 3], |_| false);
    let a = drawn.rows(&x, true);
    let mut a = drawn.steps(a, 4);
    let mut width = CHANNELS;
    match drawn.net.draw.range(0, 4) {
        0 | 1 => {
            let is_masked = drawn.net.draw.yes();
            let b = drawn.rows(&x, is_masked);
            let b = drawn.steps(b, 2);
            let operator = drawn.net.draw.pick(&["Add", "Mul", "Max", "Sub"]);
            a = drawn.net.node(operator, &[&a, &b], &[]);
        }
        2 => {
            let pads = drawn.net.ints(&[0, 0, 1, 1, 0, 0, 1, 1]);
            let b = drawn.net.node("Pad", &[&x, &pads], &[]);
            a = drawn.net.node("Concat", &[&a, &b], &[("axis", int(1))]);
            width += 2;
        }
        _ => {}
    }
    let v = drawn.net.weight(&[3, width, 1, 1]);
    let y = drawn.net.node("Conv", &[&a, &v], &[]);
    (drawn.net.finish(&[&y]), drawn.masked)
}

/// The number of networks. Half of them report a lost value.
const TRIED: u64 = 1500;

#[test]
fn nothing_is_lost_that_is_not_told() {
    let (mut silent, mut told) = (0, 0);
    for seed in 0..TRIED {
        let (built, masked) = drawn(seed);
        let model = parse(built.bytes.clone());
        let analysis = analyse(&model, &AnalysisOptions::default()).expect("analysed");
        let mut values = Values::new();
        let mut mask = |name: &String| {
            let constant = analysis.constant(name).expect("a constant");
            let slab = constant.dims().iter().product::<usize>() / CHANNELS;
            let kept: Vec<bool> = (0..CHANNELS * slab).map(|at| !CLOSED.contains(&(at / slab))).collect();
            let mut floats = constant.floats().expect("numbers");
            floats.iter_mut().zip(&kept).filter(|(_, kept)| !**kept).for_each(|(value, _)| *value = 0.0);
            values.insert(name.clone(), T::new(constant.dims(), floats));
            Mask::from_bools(constant.dims(), &kept).expect("a mask")
        };
        let masks: Vec<Mask> = masked.iter().map(&mut mask).collect();
        let masks: Vec<(&str, &Mask)> = masked.iter().map(String::as_str).zip(&masks).collect();
        // If everything is pinned, nothing can be lost.
        let Ok((closed, _)) = analysis.closed_by(&masks, |_| true) else { continue };
        if closed.removal.is_empty() {
            continue;
        }
        if !analysis.live_writers(&closed.removal, &masks).expect("readable").is_empty() {
            told += 1;
            continue;
        }
        silent += 1;
        let x = inputs(&built, seed);
        let expected = eval::run(&model, &x, &values);
        let small = eval::run(&shrunk(&analysis, &closed.removal), &x, &Values::new());
        assert_equal(&small, &expected, &format!("seed {seed}"));
    }
    assert!(silent >= 200 && told >= 200, "{silent} networks tell of nothing, {told} of something");
}
