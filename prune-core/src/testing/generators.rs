//! Proptest strategies for shapes, values, masks, densities, patterns and layouts, made to reach the hard places: ties,
//! zeros of both signs, infinities, subnormals, empty tensors, lengths around a machine word and around the size at
//! which threads start.

use core::fmt;
use core::ops::RangeInclusive;

use half::{bf16, f16};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::density::Density;
use crate::layout::Layout;
use crate::mask::Mask;
use crate::n_m::NmPattern;
use crate::tensor::Element;

/// An element type whose values tests can make and take apart.
pub trait TestElement: Element {
    /// The nearest number of this type.
    fn nearest(value: f64) -> Self;

    /// The number with these lowest bits.
    fn from_low_bits(bits: u64) -> Self;

    /// The bits, which tell zeros of both signs and NaNs apart.
    fn low_bits(self) -> u64;

    /// The same number with the other sign.
    fn flipped(self) -> Self {
        Self::from_low_bits(self.low_bits() ^ (1 << (Self::TYPE.size() * 8 - 1)))
    }
}

macro_rules! test_element {
    ($($float:ident, $bits:ident, $nearest:expr;)*) => {$(
        impl TestElement for $float {
            fn nearest(value: f64) -> Self {
                let nearest: fn(f64) -> $float = $nearest;
                nearest(value)
            }

            fn from_low_bits(bits: u64) -> Self {
                $float::from_bits(bits as $bits)
            }

            fn low_bits(self) -> u64 {
                u64::from(self.to_bits())
            }
        }
    )*};
}

test_element! {
    f32, u32, |x| x as f32;
    f64, u64, |x| x;
    f16, u16, f16::from_f64;
    bf16, u16, bf16::from_f64;
}

/// The shapes that a backend's tensors can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shapes {
    /// Any shape with this number of dimensions.
    Ranks(RangeInclusive<usize>),
    /// These shapes alone, such as those of statically sized tensors.
    Only(Vec<Vec<usize>>),
}

impl Shapes {
    /// Shapes of 0 to 5 dimensions.
    pub fn any() -> Self {
        Shapes::Ranks(0..=5)
    }

    /// Shapes with this number of dimensions.
    pub fn ranks(ranks: RangeInclusive<usize>) -> Self {
        Shapes::Ranks(ranks)
    }

    /// These shapes alone.
    pub fn only<const R: usize>(shapes: &[[usize; R]]) -> Self {
        Shapes::Only(shapes.iter().map(|shape| shape.to_vec()).collect())
    }

    /// Shapes of up to a few thousand elements.
    pub fn small(&self) -> BoxedStrategy<Vec<usize>> {
        match self {
            Shapes::Ranks(ranks) => shapes(ranks.clone()),
            Shapes::Only(shapes) => select(shapes.clone()).boxed(),
        }
    }

    /// Shapes around the size at which threads start; none if only given shapes are allowed.
    pub fn around_the_parallel_cut_off(&self) -> Vec<Vec<usize>> {
        match self {
            Shapes::Ranks(ranks) => ranks.clone().flat_map(large_shapes).collect(),
            Shapes::Only(_) => Vec::new(),
        }
    }
}

/// Lengths of a dimension: mostly short, often odd, sometimes zero, sometimes about a machine word or two.
pub fn lengths() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![
        12 => 1usize..=9,
        1 => Just(0usize),
        3 => 10usize..=40,
        3 => select(vec![63usize, 64, 65, 127, 128, 129, 130, 200]),
    ]
}

/// Shapes with this number of dimensions and at most 4,096 elements.
pub fn shapes(ranks: RangeInclusive<usize>) -> BoxedStrategy<Vec<usize>> {
    vec(lengths(), ranks)
        .prop_map(|mut shape| {
            // Long dimensions are cut until the whole is small; the choice depends on the shape alone.
            while shape.iter().product::<usize>() > 4096 {
                if let Some(longest) = shape.iter_mut().max() {
                    *longest = longest.div_ceil(3);
                }
            }
            shape
        })
        .boxed()
}

/// Shapes of a rank whose lengths lie just below, at and above the 2^17 elements from which threads are used.
pub fn large_shapes(rank: usize) -> Vec<Vec<usize>> {
    match rank {
        0 => Vec::new(),
        1 => vec![vec![(1 << 17) - 1], vec![1 << 17], vec![(1 << 17) + 1]],
        2 => vec![vec![1 << 10, 1 << 7], vec![3, 43_691], vec![70_001, 2]],
        3 => vec![vec![33, 64, 65]],
        _ => {
            let mut shape = vec![1; rank];
            shape[rank - 4..].copy_from_slice(&[9, 31, 5, 97]);
            vec![shape]
        }
    }
}

/// Single numbers from every corner of the type; no NaN.
pub fn numbers<E: TestElement>() -> BoxedStrategy<E> {
    let corners = [0.0, -0.0, 1.0, -1.0, 0.5, f64::INFINITY, f64::NEG_INFINITY, 3.0e-6, -3.0e-6, 65504.0];
    prop_oneof![
        4 => (-1.0f64..1.0).prop_map(E::nearest),
        // Any bits: every exponent, subnormals, infinities. A NaN becomes an infinity.
        4 => any::<u64>().prop_map(|bits| without_nan(E::from_low_bits(bits))),
        // Subnormals and the least of the normal numbers.
        1 => (0u64..8, any::<bool>()).prop_map(|(bits, flip)| {
            let tiny = E::from_low_bits(bits);
            if flip { tiny.flipped() } else { tiny }
        }),
        2 => select(corners.to_vec()).prop_map(E::nearest),
    ]
    .boxed()
}

fn without_nan<E: TestElement>(value: E) -> E {
    if value.to_f64().is_nan() { E::nearest(f64::INFINITY) } else { value }
}

/// `len` values without NaN: spread, tied, few, all equal, sorted, or nothing but zeros of both signs.
pub fn values<E: TestElement>(len: usize) -> BoxedStrategy<Vec<E>> {
    let ascending = |mut values: Vec<E>| {
        values.sort_by(|a, b| a.to_f64().total_cmp(&b.to_f64()));
        values
    };
    prop_oneof![
        3 => vec(numbers::<E>(), len),
        // A few distinct numbers, in both signs: ties everywhere.
        4 => (vec(numbers::<E>(), 1..5), vec((any::<prop::sample::Index>(), any::<bool>()), len)).prop_map(
            |(palette, picks)| {
                picks.into_iter().map(|(index, flip)| {
                    let value = *index.get(&palette);
                    if flip { value.flipped() } else { value }
                }).collect()
            }),
        1 => numbers::<E>().prop_map(move |value| vec![value; len]),
        1 => vec(any::<bool>(), len).prop_map(|signs| {
            signs.into_iter().map(|minus| E::nearest(if minus { -0.0 } else { 0.0 })).collect()
        }),
        // Sorted weights mislead any sample of a part of them.
        1 => vec(numbers::<E>(), len).prop_map(ascending),
        1 => vec(numbers::<E>(), len).prop_map(move |values| ascending(values).into_iter().rev().collect()),
    ]
    .boxed()
}

/// The kinds of [`many_values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Spread evenly over (-1, 1).
    Uniform,
    /// Integers from -3 to 3: mass ties.
    Tied,
    /// One value, in both signs.
    Equal,
    /// From the lowest to the highest.
    Sorted,
    /// Nearly all the same, with a few others hidden among them.
    Needles,
    /// Spread evenly over the bits, so over all exponents.
    Exponents,
}

impl ValueKind {
    /// All kinds.
    pub const ALL: [ValueKind; 6] = [
        ValueKind::Uniform,
        ValueKind::Tied,
        ValueKind::Equal,
        ValueKind::Sorted,
        ValueKind::Needles,
        ValueKind::Exponents,
    ];
}

/// Many values of a kind, from a seed alone: for lengths at which a failure would take too long to shrink.
pub fn many_values<E: TestElement>(kind: ValueKind, len: usize, seed: u64) -> Vec<E> {
    let mut random = Random::new(seed);
    (0..len)
        .map(|i| {
            let bits = random.next_u64();
            let sign = if bits & 1 == 0 { 1.0 } else { -1.0 };
            let unit = (bits >> 11) as f64 / (1u64 << 53) as f64;
            match kind {
                ValueKind::Uniform => E::nearest(unit * 2.0 - 1.0),
                ValueKind::Tied => E::nearest(((bits >> 8) % 7) as f64 - 3.0),
                ValueKind::Equal => E::nearest(0.25 * sign),
                ValueKind::Sorted => E::nearest((i as f64 + 1.0) / len as f64 - 0.5),
                ValueKind::Needles if bits >> 8 & 1023 == 0 => E::nearest(unit * 2.0 - 1.0),
                ValueKind::Needles => E::nearest(0.5 * sign),
                ValueKind::Exponents => without_nan(E::from_low_bits(bits)),
            }
        })
        .collect()
}

/// A small generator of random bits (xorshift), for data too large for proptest. The same seed gives the same bits.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator of its own for each seed.
    pub fn new(seed: u64) -> Self {
        // An odd multiple keeps the state off zero, where xorshift would stay.
        Random(seed.wrapping_mul(2).wrapping_add(1).wrapping_mul(0xD134_2543_DE82_EF95) | 1)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

/// `len` values, some of which may be NaN, of both signs and with payloads.
pub fn values_with_nan<E: TestElement>(len: usize) -> BoxedStrategy<Vec<E>> {
    (values::<E>(len), vec((any::<prop::sample::Index>(), any::<bool>()), 0..3))
        .prop_map(|(mut values, places)| {
            for (place, flip) in places {
                if !values.is_empty() {
                    let nan = E::nearest(f64::NAN);
                    *place.get_mut(&mut values) = if flip { nan.flipped() } else { nan };
                }
            }
            values
        })
        .boxed()
}

/// A shape with values in logical order; no NaN.
pub fn tensors<E: TestElement>(shapes: BoxedStrategy<Vec<usize>>) -> BoxedStrategy<(Vec<usize>, Vec<E>)> {
    shapes
        .prop_flat_map(|shape| {
            let len = shape.iter().product();
            (Just(shape), values::<E>(len))
        })
        .boxed()
}

/// The same as [`tensors`], but some values may be NaN.
pub fn tensors_with_nan<E: TestElement>(shapes: BoxedStrategy<Vec<usize>>) -> BoxedStrategy<(Vec<usize>, Vec<E>)> {
    shapes
        .prop_flat_map(|shape| {
            let len = shape.iter().product();
            (Just(shape), values_with_nan::<E>(len))
        })
        .boxed()
}

/// Densities: the usual ones, any others, 1, and densities so small that the count's lower bound of 1 decides.
pub fn densities() -> BoxedStrategy<Density> {
    let usual = select(vec![0.5, 0.1, 0.25, 0.9, 0.75, 0.3, 1.0, 0.05, 1e-9, f64::MIN_POSITIVE]);
    prop_oneof![2 => usual, 3 => 1e-6f64..=1.0, 1 => (1u32..=16, 1u32..=16).prop_map(|(a, b)| {
        f64::from(a.min(b)) / f64::from(a.max(b))
    })]
    .prop_map(|kept| Density::new(kept).unwrap_or(Density::ONE))
    .boxed()
}

/// Patterns: the usual ones, any of up to 9 elements, N = M, and groups longer than most lanes.
pub fn patterns() -> BoxedStrategy<NmPattern> {
    // Powers of two have kernels of their own.
    let usual = select(vec![(2usize, 4usize), (1, 4), (3, 4), (4, 8), (1, 8), (1, 2), (8, 16), (3, 16), (1, 1)]);
    let within = |m: usize| (1..=m).prop_map(move |n| (n, m));
    prop_oneof![
        3 => usual,
        4 => (1usize..=9).prop_flat_map(within),
        1 => (10usize..=70).prop_flat_map(within),
        1 => select(vec![1000usize, 100_000, usize::MAX]).prop_flat_map(within),
    ]
    .prop_map(|(n, m)| NmPattern::new(n, m).unwrap_or_else(|error| unreachable!("1 <= N <= M: {error}")))
    .boxed()
}

/// The axes of a tensor with at least one axis, counted from either end.
pub fn axes(rank: usize) -> BoxedStrategy<isize> {
    (-(rank as isize)..rank as isize).boxed()
}

/// The alive elements among `len`: about half, nearly all, a few, all or none.
pub fn alive(len: usize) -> BoxedStrategy<Vec<bool>> {
    prop_oneof![
        3 => vec(any::<bool>(), len),
        2 => vec(prop::bool::weighted(0.9), len),
        2 => vec(prop::bool::weighted(0.1), len),
        1 => Just(vec![true; len]),
        1 => Just(vec![false; len]),
    ]
    .boxed()
}

/// Masks of a shape: about half kept, nearly all, a few, all or none. They shrink element by element, towards nothing kept.
pub fn masks(shape: Vec<usize>) -> BoxedStrategy<Mask> {
    let len = shape.iter().product();
    let mask = move |kept: Vec<bool>| {
        Mask::from_bools(&shape, &kept).unwrap_or_else(|error| unreachable!("a bool for each element: {error}"))
    };
    alive(len).prop_map(mask).boxed()
}

/// Dense layouts of a shape: memory in any order of axes, any of them reversed.
pub fn layouts(shape: Vec<usize>) -> BoxedStrategy<Layout> {
    let rank = shape.len();
    (Just((0..rank).collect::<Vec<usize>>()).prop_shuffle(), vec(any::<bool>(), rank))
        .prop_map(move |(order, reversed)| dense_layout(&shape, &order, &reversed))
        .boxed()
}

/// The layout of memory that runs through the axes in `order`, outermost first, backwards along axes that are
/// `reversed`.
///
/// # Panics
///
/// If `order` does not name each axis of the shape once.
pub fn dense_layout(shape: &[usize], order: &[usize], reversed: &[bool]) -> Layout {
    let mut strides = vec![0isize; shape.len()];
    let (mut step, mut offset) = (1isize, 0isize);
    for &axis in order.iter().rev() {
        strides[axis] = step;
        if reversed[axis] && shape[axis] > 0 {
            offset += (shape[axis] as isize - 1) * step;
            strides[axis] = -step;
        }
        step *= shape[axis] as isize;
    }
    let offset = if step == 0 { 0 } else { offset as usize };
    Layout::new(shape, &strides, offset).unwrap_or_else(|error| unreachable!("a stride for every axis: {error}"))
}

/// Logical values as the memory of a layout; zero for an element without a logical one.
pub fn to_memory_order<E: Element>(layout: &Layout, logical: &[E]) -> Vec<E> {
    let mut memory = vec![E::ZERO; logical.len()];
    for (linear, &value) in logical.iter().enumerate() {
        memory[place_of(layout, linear)] = value;
    }
    memory
}

/// The place of a logical element, by the definition of a layout: the offset plus each index times its stride.
pub fn place_of(layout: &Layout, linear: usize) -> usize {
    let index = super::oracle::index_of(linear, layout.shape());
    let along = |(&i, &stride): (&usize, &isize)| i as isize * stride;
    (layout.offset() as isize + index.iter().zip(layout.strides()).map(along).sum::<isize>()) as usize
}

/// Shows a failing value of any length without flooding the terminal.
pub(crate) struct Brief<'a, T>(pub(crate) &'a [T]);

impl<T: fmt::Debug> fmt::Display for Brief<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() <= 64 {
            write!(f, "{:?}", self.0)
        } else {
            write!(f, "{:?} and {} more", &self.0[..64], self.0.len() - 64)
        }
    }
}
