//! Small networks for tests: layers with random weights around an operator under test.

use crate::{AttributeValue, DataType, Dim, GraphBuilder, ModelBuilder};

/// A generator of whole numbers that is the same on every machine.
pub struct Draw(u64);

impl Draw {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    /// A number of 48 bits.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number from `low` to `high`, both included.
    pub fn range(&mut self, low: usize, high: usize) -> usize {
        low + (self.number() % (high - low + 1) as u64) as usize
    }

    /// True half of the time.
    pub fn yes(&mut self) -> bool {
        self.number().is_multiple_of(2)
    }

    /// One of these values.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn pick<X: Copy>(&mut self, from: &[X]) -> X {
        from[self.range(0, from.len() - 1)]
    }

    /// A float in [-1, 1) that is never very near to 0.
    pub fn float(&mut self) -> f64 {
        let v = (self.number() % 2000) as f64 / 1000.0 - 1.0;
        if v.abs() < 0.05 { 0.3 } else { v }
    }
}

/// An attribute of a whole number.
pub fn int(value: i64) -> AttributeValue {
    AttributeValue::Int(value)
}

/// An attribute of whole numbers.
pub fn list(values: &[i64]) -> AttributeValue {
    AttributeValue::Ints(values.to_vec())
}

/// An attribute of text.
pub fn text(value: &str) -> AttributeValue {
    AttributeValue::String(value.as_bytes().to_vec())
}

/// Floats as a model of this type holds them, little-endian.
///
/// # Panics
///
/// If the type is neither [`DataType::Float`] nor [`DataType::Double`].
pub fn encoded(float: DataType, values: &[f64]) -> Vec<u8> {
    match float {
        DataType::Float => values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect(),
        DataType::Double => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        other => panic!("networks are of 32 or 64 bits, not {other:?}"),
    }
}

/// Operators that the oldest version lacks, or whose numbers must be floats there, each with the version that changed
/// this.
const SINCE: &[(&str, i64)] = &[
    ("BitwiseNot", 18),
    ("Celu", 12),
    ("Equal", 11),
    ("Gelu", 20),
    ("GreaterOrEqual", 12),
    ("HardSwish", 14),
    ("IsInf", 10),
    ("LessOrEqual", 12),
    ("Mish", 18),
    ("Mod", 10),
    ("Round", 11),
    ("Swish", 24),
];

/// A network under construction.
pub struct Net {
    /// The source of all random choices.
    pub draw: Draw,
    /// The version of the operators.
    pub opset: i64,
    /// The operator that a case must use. If there is none, the case draws one of its rule.
    asked: Option<&'static str>,
    /// The type of all floats.
    pub(crate) float: DataType,
    /// True for a model before version 4 of the format, where every initializer is also an input.
    listed: bool,
    graph: GraphBuilder,
    count: usize,
    /// Shapes of the inputs, for running the model.
    pub inputs: Vec<(String, Vec<usize>)>,
}

impl Net {
    /// A network in f64, the type of the naive evaluator.
    pub fn new(seed: u64, opset: i64) -> Self {
        Net::of(DataType::Double, seed, opset)
    }

    /// A network with floats of this type, [`DataType::Float`] or [`DataType::Double`]. The rest of the network is the
    /// same for both.
    pub fn of(float: DataType, seed: u64, opset: i64) -> Self {
        let graph = GraphBuilder::new("net");
        Net { draw: Draw::new(seed), opset, asked: None, float, listed: false, graph, count: 0, inputs: Vec::new() }
    }

    /// The same network, whose case must use this operator of its rule.
    #[must_use]
    pub fn asked(mut self, operator: &'static str) -> Self {
        self.asked = Some(operator);
        self
    }

    /// The operator that is asked for, or else a drawn one. An operator that came later raises the network's version.
    pub(crate) fn operator(&mut self, drawn: &[&'static str]) -> &'static str {
        let drawn = self.draw.pick(drawn);
        let operator = self.asked.unwrap_or(drawn);
        if self.asked.is_some() {
            let since = SINCE.iter().find(|(name, _)| *name == operator).map_or(0, |&(_, since)| since);
            self.opset = self.opset.max(since);
        }
        operator
    }

    /// True if this operator is asked for.
    pub(crate) fn asks(&self, operator: &str) -> bool {
        self.asked == Some(operator)
    }

    /// The same network in version 3 of the format, where every initializer is also an input. No constant is a node
    /// then.
    #[must_use]
    pub fn listed(mut self) -> Self {
        self.listed = true;
        self
    }

    /// A new name.
    pub fn fresh(&mut self, like: &str) -> String {
        self.count += 1;
        // The order of names differs from the order in which they were made.
        format!("{}{}{like}", (b'a' + (self.count * 7 % 26) as u8) as char, self.count)
    }

    /// An input of a shape. In half of the networks, the file leaves the batch open.
    pub fn input(&mut self, dims: &[usize]) -> String {
        let open = self.draw.yes();
        self.input_where(dims, |axis| open && axis == 0)
    }

    /// An input. The file leaves the axes open for which `open` is true.
    pub fn input_where(&mut self, dims: &[usize], open: impl Fn(usize) -> bool) -> String {
        let name = self.fresh("x");
        let shape: Vec<Dim> = dims
            .iter()
            .enumerate()
            .map(|(axis, &n)| if open(axis) { Dim::Named(format!("d{axis}")) } else { Dim::Known(n as i64) })
            .collect();
        self.graph.input(&name, self.float, &shape);
        self.inputs.push((name.clone(), dims.to_vec()));
        name
    }

    /// A constant of random floats: an initializer, or sometimes a node.
    pub fn weight(&mut self, dims: &[usize]) -> String {
        let values: Vec<f64> = (0..dims.iter().product()).map(|_| self.draw.float()).collect();
        self.floats(dims, &values)
    }

    /// A constant of positive floats.
    pub fn positive(&mut self, dims: &[usize]) -> String {
        let values: Vec<f64> = (0..dims.iter().product()).map(|_| 1.0 + self.draw.float().abs()).collect();
        self.floats(dims, &values)
    }

    /// A constant of given floats.
    pub fn floats(&mut self, dims: &[usize], values: &[f64]) -> String {
        self.constant(self.float, dims, &encoded(self.float, values))
    }

    /// Floats of 32 bits, the type for scales of a Resize.
    pub fn singles(&mut self, values: &[f32]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(DataType::Float, &[values.len()], &bytes)
    }

    /// A list of whole numbers.
    pub fn ints(&mut self, values: &[i64]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(DataType::Int64, &[values.len()], &bytes)
    }

    /// A single whole number.
    pub fn scalar(&mut self, value: i64) -> String {
        self.constant(DataType::Int64, &[], &value.to_le_bytes())
    }

    /// A constant: an initializer, or sometimes a node.
    pub fn constant(&mut self, data_type: DataType, dims: &[usize], bytes: &[u8]) -> String {
        let name = self.fresh("w");
        let is_node = self.draw.range(0, 3) == 0;
        if is_node && !self.listed {
            self.graph.constant(&name, data_type, dims, bytes);
        } else {
            self.graph.initializer(&name, data_type, dims, bytes);
            if self.listed {
                let dims: Vec<Dim> = dims.iter().map(|&n| Dim::Known(n as i64)).collect();
                self.graph.input(&name, data_type, &dims);
            }
        }
        name
    }

    /// Adds a node with one output, and returns the output's name.
    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: &[(&str, AttributeValue)]) -> String {
        let out = self.fresh("v");
        self.graph.node(op, inputs, &[&out], attributes);
        out
    }

    /// Adds a node with several outputs, and returns their names.
    pub fn node_many(
        &mut self,
        op: &str,
        inputs: &[&str],
        outputs: usize,
        attributes: &[(&str, AttributeValue)],
    ) -> Vec<String> {
        let out: Vec<String> = (0..outputs).map(|_| self.fresh("v")).collect();
        self.graph.node(op, inputs, &out.iter().map(String::as_str).collect::<Vec<_>>(), attributes);
        out
    }

    /// The code of the type of all floats, for `to` of a Cast.
    pub fn float_code(&self) -> i64 {
        i64::from(self.float.code())
    }

    /// The graph, for nodes that are written by hand.
    pub fn graph(&mut self) -> &mut GraphBuilder {
        &mut self.graph
    }

    /// A convolution of kernel 1 with a bias.
    pub fn conv(&mut self, x: &str, inputs: usize, outputs: usize) -> String {
        let (w, b) = (self.weight(&[outputs, inputs, 1, 1]), self.weight(&[outputs]));
        self.node("Conv", &[x, &w, &b], &[])
    }

    /// A product with a weight over the last axis, and a bias.
    pub fn linear(&mut self, x: &str, inputs: usize, outputs: usize) -> String {
        let (w, b) = (self.weight(&[inputs, outputs]), self.weight(&[outputs]));
        let product = self.node("MatMul", &[x, &w], &[]);
        self.node("Add", &[&product, &b], &[])
    }

    /// The model with these outputs.
    pub fn finish(mut self, outputs: &[&str]) -> Built {
        for output in outputs {
            self.graph.output(output, self.float, &[]);
        }
        let version = if self.listed { 3 } else { 8 };
        let bytes = ModelBuilder::new(version, self.opset).finish(&self.graph);
        Built { bytes, inputs: self.inputs }
    }
}

/// A model and shapes for its inputs.
pub struct Built {
    /// The model.
    pub bytes: Vec<u8>,
    /// Names and shapes of the inputs.
    pub inputs: Vec<(String, Vec<usize>)>,
}
