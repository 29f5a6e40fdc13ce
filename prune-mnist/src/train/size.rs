//! The cost of a network, dense and pruned: elements, multiply-adds, bytes.

use prune_core::Masks;

use super::session::kept;
use crate::nn::ParamSpec;

/// The number of bytes of an f32.
const BYTES: usize = 4;

/// The cost of one parameter, or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// All elements.
    pub elements: usize,
    /// Elements that the mask keeps.
    pub kept: usize,
    /// Multiply-adds of one image's forward pass with all weights.
    pub dense_multiply_adds: usize,
    /// Multiply-adds with the kept weights alone.
    pub multiply_adds: usize,
    /// Bytes as f32.
    pub dense_bytes: usize,
    /// Bytes as a packed mask (one bit for each element, rounded up to whole bytes for each parameter) with the kept
    /// values as f32; for a parameter without a mask, its bytes as f32.
    pub packed_bytes: usize,
}

impl Size {
    /// The cost of `spec` under its mask.
    #[must_use]
    pub fn of(spec: &ParamSpec, masks: &Masks) -> Self {
        let (elements, kept) = (spec.len(), kept(spec, masks));
        let mask_bytes = if masks.get(&spec.name).is_some() { elements.div_ceil(8) } else { 0 };
        Self {
            elements,
            kept,
            dense_multiply_adds: spec.multiply_adds(elements),
            multiply_adds: spec.multiply_adds(kept),
            dense_bytes: elements * BYTES,
            packed_bytes: mask_bytes + kept * BYTES,
        }
    }

    /// The cost of all `specs` together.
    #[must_use]
    pub fn of_all(specs: &[ParamSpec], masks: &Masks) -> Self {
        specs.iter().fold(Self::default(), |total, spec| total + Self::of(spec, masks))
    }

    /// Elements kept, as a fraction of all.
    #[must_use]
    pub fn density(&self) -> f64 {
        self.kept as f64 / self.elements.max(1) as f64
    }
}

impl std::ops::Add for Size {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            elements: self.elements + other.elements,
            kept: self.kept + other.kept,
            dense_multiply_adds: self.dense_multiply_adds + other.dense_multiply_adds,
            multiply_adds: self.multiply_adds + other.multiply_adds,
            dense_bytes: self.dense_bytes + other.dense_bytes,
            packed_bytes: self.packed_bytes + other.packed_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use prune_core::Mask;

    use super::*;
    use crate::nn::ModelSpec;

    #[test]
    fn a_mask_costs_a_bit_an_element_and_saves_the_rest() {
        let specs = ModelSpec::cnn().parameters().unwrap();
        let kernel = specs.iter().find(|spec| spec.name == "Conv_0-kernel").unwrap();
        let mut masks = Masks::default();
        let whole = Size::of(kernel, &masks);
        // 288 weights, each used at 28 x 28 places.
        assert_eq!((whole.elements, whole.kept, whole.dense_bytes, whole.packed_bytes), (288, 288, 1152, 1152));
        assert_eq!((whole.dense_multiply_adds, whole.multiply_adds), (288 * 784, 288 * 784));
        let bools: Vec<bool> = (0..288).map(|i| i % 4 == 0).collect();
        masks.insert("Conv_0-kernel", Mask::from_bools(&[3, 3, 1, 32], &bools).unwrap());
        let pruned = Size::of(kernel, &masks);
        assert_eq!((pruned.kept, pruned.multiply_adds, pruned.packed_bytes), (72, 72 * 784, 36 + 72 * 4));
        assert_eq!(pruned.density(), 0.25);
        let all = Size::of_all(&specs, &masks);
        assert_eq!(all.dense_bytes - all.packed_bytes, 1152 - 36 - 288);
    }
}
