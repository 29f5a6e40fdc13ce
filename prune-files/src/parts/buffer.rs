//! Bytes of a file as numbers: buffers that any element type may lie in.

use half::{bf16, f16};
use prune_core::{
    Element, ElementType, Error, LayerMut, LayerRef, Layout, Lent, LentMut, Mask, Memory, MemoryMut, Threads, Values,
};

// Numbers are read as they are stored, least byte first.
#[cfg(target_endian = "big")]
compile_error!("safetensors files are little-endian, and so must the machine be");

/// Bytes that begin where any element type may, reused from reading to reading.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    words: Vec<u64>,
}

impl Buffer {
    /// The first `len` bytes, whatever they hold.
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
    /// Where there were never so many.
    pub(crate) fn bytes(&self, len: usize) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..len]
    }
}

/// The numbers that bytes of a [`Buffer`] are.
///
/// # Panics
///
/// Where the bytes do not begin at a buffer's begin or an element's, or are not whole elements.
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

/// An expression of `$E`, the Rust type of an element type.
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

/// The same numbers as a layer of a shape.
pub(crate) fn layer<'a>(element: ElementType, bytes: &'a [u8], shape: &[usize]) -> Result<LayerRef<'a>, Error> {
    Ok(layer_in(element, bytes, Layout::row_major(shape)?))
}

/// The same numbers as a layer that lies so in memory.
pub(crate) fn layer_in(element: ElementType, bytes: &[u8], layout: Layout) -> LayerRef<'_> {
    of_type!(element, E => LayerRef::lent(Lent::new(layout, Memory::Dense(bytemuck::cast_slice::<u8, E>(bytes)))))
}

/// Writes `+0.0` where the mask, in the order of the bytes, keeps nothing.
pub(crate) fn zero_outside(element: ElementType, bytes: &mut [u8], mask: &Mask) -> Result<(), Error> {
    let layout = Layout::row_major(mask.shape())?;
    let mut layer = of_type!(element, E => {
        LayerMut::lent(LentMut::new(layout, MemoryMut::Dense(bytemuck::cast_slice_mut::<u8, E>(bytes))))
    });
    layer.apply_mask_on(mask, Threads::One)
}
