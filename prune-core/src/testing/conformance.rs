//! The tests that [`conformance_tests!`](crate::conformance_tests) stamps on a backend: the laws of this crate, one
//! test each, run through the backend's own `PruneExt`.

use core::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};

use crate::density::Density;
use crate::element_type::ElementType;
use crate::error::Error;
use crate::ext::PruneExt;
use crate::mask::Mask;
use crate::n_m::NmPattern;
use crate::tensor::{LayerMut, LayerRef, PlainTensor};
use crate::testing::generators::{Shapes, TestElement};

pub use super::laws::*;

/// A backend's tensor as the suite uses it: the methods of `PruneExt`, from any crate's trait.
pub trait Subject {
    /// `PruneExt::layer`.
    fn layer(&self) -> LayerRef<'_>;
    /// `PruneExt::layer_with_shape`.
    fn layer_with_shape(&self, shape: &[usize]) -> Result<LayerRef<'_>, Error>;
    /// `PruneExt::layer_mut`.
    fn layer_mut(&mut self) -> LayerMut<'_>;
    /// `PruneExt::layer_mut_with_shape`.
    fn layer_mut_with_shape(&mut self, shape: &[usize]) -> Result<LayerMut<'_>, Error>;
    /// `PruneExt::mask_unstructured`.
    fn mask_unstructured(&self, density: Density) -> Result<Mask, Error>;
    /// `PruneExt::mask_unstructured_by_score`.
    fn mask_unstructured_by_score(&self, density: Density) -> Result<Mask, Error>;
    /// `PruneExt::mask_n_m`.
    fn mask_n_m(&self, pattern: NmPattern, axis: isize) -> Result<Mask, Error>;
    /// `PruneExt::mask_n_m_by_score`.
    fn mask_n_m_by_score(&self, pattern: NmPattern, axis: isize) -> Result<Mask, Error>;
    /// `PruneExt::apply_mask`.
    fn apply_mask(&mut self, mask: &Mask) -> Result<(), Error>;
    /// `PruneExt::revivals`.
    fn revivals(&self, mask: &Mask) -> Result<usize, Error>;
    /// True if the tensor can be written; if it is false, the methods that write panic.
    fn is_writable(&self) -> bool;
    /// `PruneExt::prune_act_unstruct`: the pruned copy and its mask. Panics if the tensor cannot be copied.
    fn prune_act_unstruct(&self, density: Density) -> PrunedCopy<Box<dyn Subject>>;
}

/// A backend under test: its shapes and elements, and a function that makes a tensor from values in logical order.
pub struct Suite {
    shapes: Shapes,
    element_type: ElementType,
    make: Box<MakeTensor>,
}

type MakeTensor = dyn Fn(&[usize], &[Number]) -> Box<dyn Subject>;

impl Suite {
    /// A backend whose tensors have these shapes and are made by `make`.
    pub fn new<E: TestElement>(shapes: Shapes, make: impl Fn(&[usize], Vec<E>) -> Box<dyn Subject> + 'static) -> Self {
        let make = move |shape: &[usize], logical: &[Number]| make(shape, Number::typed(logical));
        Suite { shapes, element_type: E::TYPE, make: Box::new(make) }
    }

    /// The shapes that the backend's tensors can have.
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// The element type of the tensors.
    pub fn element_type(&self) -> ElementType {
        self.element_type
    }

    /// A tensor of the backend.
    pub(crate) fn tensor(&self, shape: &[usize], logical: &[Number]) -> Box<dyn Subject> {
        (self.make)(shape, logical)
    }
}

/// The reading methods of a backend's `PruneExt`, found by name at the place of the macro.
#[doc(hidden)]
pub struct Methods<T> {
    pub layer: fn(&T) -> LayerRef<'_>,
    pub layer_with_shape: for<'t> fn(&'t T, &[usize]) -> Result<LayerRef<'t>, Error>,
    pub mask_unstructured: fn(&T, Density) -> Result<Mask, Error>,
    pub mask_unstructured_by_score: fn(&T, Density) -> Result<Mask, Error>,
    pub mask_n_m: fn(&T, NmPattern, isize) -> Result<Mask, Error>,
    pub mask_n_m_by_score: fn(&T, NmPattern, isize) -> Result<Mask, Error>,
    pub revivals: fn(&T, &Mask) -> Result<usize, Error>,
    pub writing: Option<Writing<T>>,
    pub copying: Option<Copying<T>>,
}

/// The writing methods.
#[doc(hidden)]
pub struct Writing<T> {
    pub layer_mut: fn(&mut T) -> LayerMut<'_>,
    pub layer_mut_with_shape: for<'t> fn(&'t mut T, &[usize]) -> Result<LayerMut<'t>, Error>,
    pub apply_mask: fn(&mut T, &Mask) -> Result<(), Error>,
}

/// The methods that write a copy.
#[doc(hidden)]
pub struct Copying<T> {
    pub prune_act_unstruct: fn(&T, Density) -> PrunedCopy<T>,
}

/// A pruned copy and its mask, or an error.
pub type PrunedCopy<T> = Result<(T, Mask), Error>;

impl<T> Clone for Methods<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Clone for Writing<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Clone for Copying<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Methods<T> {}
impl<T> Copy for Writing<T> {}
impl<T> Copy for Copying<T> {}

struct Adapter<T> {
    tensor: T,
    methods: Methods<T>,
}

/// A tensor of any type as a [`Subject`].
#[doc(hidden)]
pub fn adapt<T: 'static>(tensor: T, methods: Methods<T>) -> Box<dyn Subject> {
    Box::new(Adapter { tensor, methods })
}

/// The methods of the reference tensor.
#[doc(hidden)]
pub fn plain_methods<E: TestElement>() -> Methods<PlainTensor<E>> {
    Methods {
        layer: |tensor| tensor.layer(),
        layer_with_shape: |tensor, shape| tensor.layer_with_shape(shape),
        mask_unstructured: |tensor, density| tensor.mask_unstructured(density),
        mask_unstructured_by_score: |tensor, density| tensor.mask_unstructured_by_score(density),
        mask_n_m: |tensor, pattern, axis| tensor.mask_n_m(pattern, axis),
        mask_n_m_by_score: |tensor, pattern, axis| tensor.mask_n_m_by_score(pattern, axis),
        revivals: |tensor, mask| tensor.revivals(mask),
        writing: Some(Writing {
            layer_mut: |tensor| tensor.layer_mut(),
            layer_mut_with_shape: |tensor, shape| tensor.layer_mut_with_shape(shape),
            apply_mask: |tensor, mask| tensor.apply_mask(mask),
        }),
        copying: Some(Copying { prune_act_unstruct: |tensor, density| tensor.prune_act_unstruct(density) }),
    }
}

/// The reference tensor as a [`Subject`].
pub(crate) fn adapt_plain<E: TestElement>(tensor: PlainTensor<E>) -> Box<dyn Subject> {
    adapt(tensor, plain_methods())
}

impl<T> Adapter<T> {
    fn writing(&self) -> Writing<T> {
        self.methods.writing.expect("a law that writes is stamped on tensors that can be written")
    }
}

impl<T: 'static> Subject for Adapter<T> {
    fn layer(&self) -> LayerRef<'_> {
        (self.methods.layer)(&self.tensor)
    }

    fn layer_with_shape(&self, shape: &[usize]) -> Result<LayerRef<'_>, Error> {
        (self.methods.layer_with_shape)(&self.tensor, shape)
    }

    fn layer_mut(&mut self) -> LayerMut<'_> {
        (self.writing().layer_mut)(&mut self.tensor)
    }

    fn layer_mut_with_shape(&mut self, shape: &[usize]) -> Result<LayerMut<'_>, Error> {
        (self.writing().layer_mut_with_shape)(&mut self.tensor, shape)
    }

    fn mask_unstructured(&self, density: Density) -> Result<Mask, Error> {
        (self.methods.mask_unstructured)(&self.tensor, density)
    }

    fn mask_unstructured_by_score(&self, density: Density) -> Result<Mask, Error> {
        (self.methods.mask_unstructured_by_score)(&self.tensor, density)
    }

    fn mask_n_m(&self, pattern: NmPattern, axis: isize) -> Result<Mask, Error> {
        (self.methods.mask_n_m)(&self.tensor, pattern, axis)
    }

    fn mask_n_m_by_score(&self, pattern: NmPattern, axis: isize) -> Result<Mask, Error> {
        (self.methods.mask_n_m_by_score)(&self.tensor, pattern, axis)
    }

    fn apply_mask(&mut self, mask: &Mask) -> Result<(), Error> {
        (self.writing().apply_mask)(&mut self.tensor, mask)
    }

    fn revivals(&self, mask: &Mask) -> Result<usize, Error> {
        (self.methods.revivals)(&self.tensor, mask)
    }

    fn is_writable(&self) -> bool {
        self.methods.writing.is_some()
    }

    fn prune_act_unstruct(&self, density: Density) -> PrunedCopy<Box<dyn Subject>> {
        let copying = self.methods.copying.expect("a law that copies is stamped on tensors that can be copied");
        let (pruned, mask) = (copying.prune_act_unstruct)(&self.tensor, density)?;
        Ok((adapt(pruned, self.methods), mask))
    }
}

/// Runs a law on generated cases, the same in every run. `PRUNE_SEED` chooses others, `PRUNE_CASES` their number.
///
/// # Panics
///
/// If the law does not hold: with the smallest case found and the seed that leads to it.
pub fn for_all<S: Strategy>(law: &str, cases: S, holds: impl Fn(S::Value) -> TestCaseResult)
where
    S::Value: Debug,
{
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("PRUNE_SEED").unwrap_or(1);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    // Each law draws cases of its own, so that one more law does not change the cases of the others.
    for (i, byte) in law.bytes().enumerate() {
        bytes[8 + i % 24] ^= byte.rotate_left((i / 24) as u32);
    }
    let config = Config {
        cases: number("PRUNE_CASES").map_or(48, |cases| cases as u32),
        failure_persistence: None,
        max_shrink_iters: 4096,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    if let Err(error) = runner.run(&cases, holds) {
        panic!("{law} does not hold (PRUNE_SEED={seed} leads here): {error}");
    }
}
