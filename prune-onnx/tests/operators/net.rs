//! Small networks for tests: layers with drawn weights around whatever is tested.

use prune_onnx::{AttributeValue, DataType, Dim, GraphBuilder, ModelBuilder};

/// A generator of whole numbers that is the same on every machine.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn range(&mut self, low: usize, high: usize) -> usize {
        low + (self.next() % (high - low + 1) as u64) as usize
    }

    pub(crate) fn yes(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }

    pub(crate) fn pick<X: Copy>(&mut self, from: &[X]) -> X {
        from[self.range(0, from.len() - 1)]
    }

    /// A float in [-1, 1), never very near to 0.
    pub(crate) fn float(&mut self) -> f64 {
        let v = (self.next() % 2000) as f64 / 1000.0 - 1.0;
        if v.abs() < 0.05 { 0.3 } else { v }
    }
}

pub(crate) fn int(value: i64) -> AttributeValue {
    AttributeValue::Int(value)
}

pub(crate) fn list(values: &[i64]) -> AttributeValue {
    AttributeValue::Ints(values.to_vec())
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::String(value.as_bytes().to_vec())
}

/// A network under construction. Floats are of 64 bits throughout.
pub(crate) struct Net {
    pub(crate) draw: Draw,
    pub(crate) opset: i64,
    graph: GraphBuilder,
    count: usize,
    /// Shapes of the inputs, for whoever runs the model.
    pub(crate) inputs: Vec<(String, Vec<usize>)>,
}

impl Net {
    pub(crate) fn new(seed: u64, opset: i64) -> Self {
        Net { draw: Draw::new(seed), opset, graph: GraphBuilder::new("net"), count: 0, inputs: Vec::new() }
    }

    pub(crate) fn fresh(&mut self, like: &str) -> String {
        self.count += 1;
        // Names that do not sort as they were made.
        format!("{}{}{like}", (b'a' + (self.count * 7 % 26) as u8) as char, self.count)
    }

    /// An input of a shape; in half of the cases the file leaves the batch open.
    pub(crate) fn input(&mut self, dims: &[usize]) -> String {
        let open = self.draw.yes();
        self.input_where(dims, |axis| open && axis == 0)
    }

    /// An input of which the file leaves some axes open.
    pub(crate) fn input_where(&mut self, dims: &[usize], open: impl Fn(usize) -> bool) -> String {
        let name = self.fresh("x");
        let shape: Vec<Dim> = dims
            .iter()
            .enumerate()
            .map(|(axis, &n)| if open(axis) { Dim::Named(format!("d{axis}")) } else { Dim::Known(n as i64) })
            .collect();
        self.graph.input(&name, DataType::Double, &shape);
        self.inputs.push((name.clone(), dims.to_vec()));
        name
    }

    /// A constant of drawn floats: an initializer, or now and then a node.
    pub(crate) fn weight(&mut self, dims: &[usize]) -> String {
        let values: Vec<f64> = (0..dims.iter().product()).map(|_| self.draw.float()).collect();
        self.floats(dims, &values)
    }

    /// A constant of positive floats.
    pub(crate) fn positive(&mut self, dims: &[usize]) -> String {
        let values: Vec<f64> = (0..dims.iter().product()).map(|_| 1.0 + self.draw.float().abs()).collect();
        self.floats(dims, &values)
    }

    pub(crate) fn floats(&mut self, dims: &[usize], values: &[f64]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(DataType::Double, dims, &bytes)
    }

    /// Floats of 32 bits, which scales of a Resize are.
    pub(crate) fn singles(&mut self, values: &[f32]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(DataType::Float, &[values.len()], &bytes)
    }

    pub(crate) fn ints(&mut self, values: &[i64]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(DataType::Int64, &[values.len()], &bytes)
    }

    pub(crate) fn scalar(&mut self, value: i64) -> String {
        self.constant(DataType::Int64, &[], &value.to_le_bytes())
    }

    pub(crate) fn constant(&mut self, data_type: DataType, dims: &[usize], bytes: &[u8]) -> String {
        let name = self.fresh("w");
        if self.draw.range(0, 3) == 0 {
            self.graph.constant(&name, data_type, dims, bytes);
        } else {
            self.graph.initializer(&name, data_type, dims, bytes);
        }
        name
    }

    pub(crate) fn node(&mut self, op: &str, inputs: &[&str], attributes: &[(&str, AttributeValue)]) -> String {
        let out = self.fresh("v");
        self.graph.node(op, inputs, &[&out], attributes);
        out
    }

    pub(crate) fn node_many(
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

    /// A node with a tensor of one element in its attribute `value`, as ConstantOfShape has.
    pub(crate) fn graph(&mut self) -> &mut GraphBuilder {
        &mut self.graph
    }

    /// A convolution of kernel 1 with a bias.
    pub(crate) fn conv(&mut self, x: &str, inputs: usize, outputs: usize) -> String {
        let (w, b) = (self.weight(&[outputs, inputs, 1, 1]), self.weight(&[outputs]));
        self.node("Conv", &[x, &w, &b], &[])
    }

    /// A product with a weight over the last axis, and a bias.
    pub(crate) fn linear(&mut self, x: &str, inputs: usize, outputs: usize) -> String {
        let (w, b) = (self.weight(&[inputs, outputs]), self.weight(&[outputs]));
        let product = self.node("MatMul", &[x, &w], &[]);
        self.node("Add", &[&product, &b], &[])
    }

    /// The model with these outputs.
    pub(crate) fn finish(mut self, outputs: &[&str]) -> Built {
        for output in outputs {
            self.graph.output(output, DataType::Double, &[]);
        }
        let bytes = ModelBuilder::new(8, self.opset).finish(&self.graph);
        Built { bytes, inputs: self.inputs }
    }
}

/// A model and shapes for its inputs.
pub(crate) struct Built {
    pub(crate) bytes: Vec<u8>,
    pub(crate) inputs: Vec<(String, Vec<usize>)>,
}
