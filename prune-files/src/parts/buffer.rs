//! Bytes of a file as numbers, in buffers that are aligned for any element type.

use half::{bf16, f16};
use prune_core::{
    Element, ElementType, Error, LayerMut, LayerRef, Layout, LentMut, LentTensor, Mask, Memory, MemoryMut, Threads,
    Values,
};

// Numbers are read as they are stored, least significant byte first.
#[cfg(target_endian = "big")]
compile_error!("safetensors files are little-endian, and so must the machine be");

/// Bytes aligned for any element type, reused from read to read.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    words: Vec<u64>,
}

impl Buffer {
    /// The first `len` bytes, with whatever they hold.
    pub(crate) fn bytes_mut(&mut self, len: usize) -> &mut [u8] {
        if self.words.len() * 8 < len {
            self.words.resize(len.div_ceil(8), 0);
        }
        &mut bytemuck::cast_slice_mut(&mut self.words)[..len]
    }

    /// The first `len` bytes.
    ///
    /// # Panics
    ///
    /// If the buffer never had that many bytes.
    pub(crate) fn bytes(&self, len: usize) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..len]
    }
}

/// The numbers in bytes of a [`Buffer`].
///
/// # Panics
///
/// If the bytes do not begin at the start of a buffer or of an element, or are not whole elements.
pub(crate) fn values(element: ElementType, bytes: &[u8]) -> Values<'_> {
    match element {
        ElementType::F32 => Values::F32(bytemuck::cast_slice::<u8, f32>(bytes)),
        ElementType::F64 => Values::F64(bytemuck::cast_slice::<u8, f64>(bytes)),
        ElementType::F16 => Values::F16(bytemuck::cast_slice::<u8, f16>(bytes)),
        ElementType::Bf16 => Values::Bf16(bytemuck::cast_slice::<u8, bf16>(bytes)),
        _ => unreachable!("all element types are above"),
    }
}

/// Visits numbers with their places.
pub(crate) fn numbers(values: Values<'_>, mut visit: impl FnMut(usize, f64)) {
    fn each<E: Element>(values: &[E], visit: &mut impl FnMut(usize, f64)) {
        values.iter().enumerate().for_each(|(i, value)| visit(i, value.to_f64()));
    }
    match values {
        Values::F32(values) => each(values, &mut visit),
        Values::F64(values) => each(values, &mut visit),
        Values::F16(values) => each(values, &mut visit),
        Values::Bf16(values) => each(values, &mut visit),
        _ => unreachable!("all element types are above"),
    }
}

/// Evaluates an expression for `$E`, the Rust type of an element type.
macro_rules! of_type {
    ($element:expr, $E:ident => $made:expr) => {
        match $element {
            ElementType::F32 => of_type!(@ f32, $E => $made),
            ElementType::F64 => of_type!(@ f64, $E => $made),
            ElementType::F16 => of_type!(@ f16, $E => $made),
            ElementType::Bf16 => of_type!(@ bf16, $E => $made),
            _ => unreachable!("all element types are above"),
        }
    };
    (@ $float:ty, $E:ident => $made:expr) => {{
        type $E = $float;
        $made
    }};
}

/// The same numbers as a layer of a given shape.
pub(crate) fn layer<'a>(element: ElementType, bytes: &'a [u8], shape: &[usize]) -> Result<LayerRef<'a>, Error> {
    Ok(layer_in(element, bytes, Layout::row_major(shape)?))
}

/// The same numbers as a layer of a given memory layout.
pub(crate) fn layer_in(element: ElementType, bytes: &[u8], layout: Layout) -> LayerRef<'_> {
    of_type!(element, E => LayerRef::lent(LentTensor::new(layout, Memory::Dense(bytemuck::cast_slice::<u8, E>(bytes)))))
}

/// Writes `+0.0` where the mask, which is in the order of the bytes, keeps nothing.
pub(crate) fn zero_outside(element: ElementType, bytes: &mut [u8], mask: &Mask) -> Result<(), Error> {
    let layout = Layout::row_major(mask.shape())?;
    let mut layer = of_type!(element, E => {
        LayerMut::lent(LentMut::new(layout, MemoryMut::Dense(bytemuck::cast_slice_mut::<u8, E>(bytes))))
    });
    layer.apply_mask_on(mask, Threads::One)
}
