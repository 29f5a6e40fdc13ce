//! A model for the tests: named reference tensors.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "shared by several test crates")]

use std::borrow::Cow;

use prune_core::{LayerMut, LayerRef, Layers, LayersMut, PlainTensor, Tensor};

#[derive(Debug, Clone, PartialEq)]
pub struct Model(pub Vec<(String, PlainTensor<f32>)>);

impl Layers for Model {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        self.0.iter().map(|(name, tensor)| (name.as_str().into(), LayerRef::of(tensor))).collect()
    }
}

impl LayersMut for Model {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        self.0.iter_mut().map(|(name, tensor)| (name.as_str().into(), LayerMut::of(tensor))).collect()
    }
}

impl Model {
    /// Layers with these values, row-major.
    pub fn of(layers: &[(&str, &[usize], &[f32])]) -> Self {
        let tensor = |shape: &[usize], values: &[f32]| PlainTensor::from_logical(shape, values.to_vec()).unwrap();
        Model(layers.iter().map(|(name, shape, values)| ((*name).to_owned(), tensor(shape, values))).collect())
    }

    /// Layers with values that look random and are all different.
    pub fn seeded(layers: &[(&str, &[usize])], seed: u64) -> Self {
        let mut state = seed;
        let mut model = Vec::new();
        for (name, shape) in layers {
            let values = (0..shape.iter().product::<usize>()).map(|_| noise(&mut state)).collect();
            model.push(((*name).to_owned(), PlainTensor::from_logical(shape, values).unwrap()));
        }
        Model(model)
    }

    /// Layers of the same names and shapes, all zero.
    pub fn zeros(&self) -> Self {
        let mut zeros = self.clone();
        zeros.0.iter_mut().for_each(|(_, tensor)| tensor.values_mut().fill(0.0));
        zeros
    }

    /// The shape of a layer.
    pub fn shape(&self, name: &str) -> Vec<usize> {
        shape(self.get(name))
    }

    pub fn get(&self, name: &str) -> &PlainTensor<f32> {
        &self.0.iter().find(|(listed, _)| listed == name).unwrap().1
    }

    pub fn get_mut(&mut self, name: &str) -> &mut PlainTensor<f32> {
        &mut self.0.iter_mut().find(|(listed, _)| listed == name).unwrap().1
    }

    /// Values by their bits, since -0.0 and NaN matter here.
    pub fn bits(&self) -> Vec<Vec<u32>> {
        self.0.iter().map(|(_, tensor)| tensor.values().iter().map(|value| value.to_bits()).collect()).collect()
    }

    /// A step of training that moves every value, dead or alive.
    pub fn disturb(&mut self, seed: u64) {
        let mut state = seed;
        for (_, tensor) in &mut self.0 {
            tensor.values_mut().iter_mut().for_each(|value| *value += 0.3 * noise(&mut state));
        }
    }
}

/// A number in (-1, 1), and the next state. A linear congruential generator is enough to tell values apart.
fn noise(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

/// The shape of a tensor.
pub fn shape(tensor: &PlainTensor<f32>) -> Vec<usize> {
    tensor.layout().shape().to_vec()
}
