//! The extension trait that puts pruning on a backend's own tensors, written once for all backends.

/// Defines `PruneExt` and its writable half `LendMut` in the crate that calls it.
///
/// A backend's tensor types are foreign to this crate and this crate's traits are foreign to the backend, so a
/// blanket implementation is not possible: each backend needs an extension trait of its own. This macro writes it,
/// with the same names and documentation everywhere, so changing the backend means changing one import. The backend
/// then implements `PruneExt::layer` and `LendMut::lend_mut`, and stamps
/// [`conformance_tests!`](crate::conformance_tests) on them.
///
/// The trait's documentation holds the `#[doc]` attributes or `///` lines that are passed in: an example with the
/// backend's own tensors.
#[macro_export]
macro_rules! define_prune_ext {
    ($(#[$about:meta])*) => {
        /// Pruning as methods on tensors. The methods have the same names in every backend.
        ///
        $(#[$about])*
        pub trait PruneExt {
            /// The tensor with its element type erased, lent for reading. Memory in one piece costs nothing, in any
            /// axis order; memory with gaps is gathered into a copy.
            fn layer(&self) -> $crate::LayerRef<'_>;

            /// The same, under another logical shape of as many elements: a (9 x 32) matrix that holds a convolution
            /// kernel can be `[3, 3, 1, 32]`.
            ///
            /// # Errors
            ///
            /// `ErrorKind::Reshape` if no strides can express the shape.
            fn layer_with_shape(&self, shape: &[usize]) -> Result<$crate::LayerRef<'_>, $crate::Error> {
                self.layer().with_shape(shape)
            }

            /// The tensor with its element type erased, lent for writing.
            fn layer_mut(&mut self) -> $crate::LayerMut<'_>
            where
                Self: LendMut,
            {
                LendMut::lend_mut(self)
            }

            /// The same, under another logical shape of as many elements.
            ///
            /// # Errors
            ///
            /// As `layer_with_shape`.
            fn layer_mut_with_shape(&mut self, shape: &[usize]) -> Result<$crate::LayerMut<'_>, $crate::Error>
            where
                Self: LendMut,
            {
                LendMut::lend_mut(self).with_shape(shape)
            }

            /// The mask that keeps the elements of greatest magnitude: `density` of them, exactly (rule 1 at
            /// `Density`, order and ties at `Mask`).
            ///
            /// # Errors
            ///
            /// `ErrorKind::Nan` names the first NaN.
            ///
            /// # Complexity
            ///
            /// Linear in the number of elements.
            fn mask_unstructured(&self, density: $crate::Density) -> Result<$crate::Mask, $crate::Error> {
                let layer = self.layer();
                $crate::Selector::magnitude().unstructured(&layer, density).map(|s| s.mask)
            }

            /// The mask that keeps N of every M consecutive elements along `axis` (rule 4 at `NmPattern`), those of
            /// greatest magnitude. A negative axis counts from the last, as in NumPy.
            ///
            /// # Errors
            ///
            /// `ErrorKind::Nan` names the first NaN; `ErrorKind::AxisOutOfRange`.
            ///
            /// # Complexity
            ///
            /// Linear in the number of elements.
            fn mask_n_m(&self, pattern: $crate::NmPattern, axis: isize) -> Result<$crate::Mask, $crate::Error> {
                let layer = self.layer();
                $crate::Selector::magnitude().with_count_ties(false).n_m(&layer, pattern, axis).map(|s| s.mask)
            }

            /// The mask that keeps whole blocks or channels: exactly `density` of their number, those with the
            /// highest score (`Unit` defines the score of a unit, and how edges count).
            ///
            /// # Errors
            ///
            /// `ErrorKind::Nan` names the first NaN; `ErrorKind::AxisOutOfRange`, `ErrorKind::BlockRank`.
            ///
            /// # Complexity
            ///
            /// Linear in the number of elements.
            fn mask_units(&self, unit: &$crate::Unit, density: $crate::Density) -> Result<$crate::Mask, $crate::Error> {
                let layer = self.layer();
                $crate::Selector::magnitude().units(&layer, unit, density).map(|s| s.mask)
            }

            /// Takes this tensor as *scores*: the mask keeps the highest, exactly `density` of them.
            ///
            /// # Errors
            ///
            /// `ErrorKind::Nan` names the first NaN.
            ///
            /// # Complexity
            ///
            /// Linear in the number of elements.
            fn mask_unstructured_by_score(&self, density: $crate::Density) -> Result<$crate::Mask, $crate::Error> {
                let layer = self.layer();
                $crate::Selector::value().unstructured(&layer, density).map(|s| s.mask)
            }

            /// Takes this tensor as *scores*: the mask keeps the N highest of every M consecutive elements along
            /// `axis`.
            ///
            /// # Errors
            ///
            /// `ErrorKind::Nan` names the first NaN; `ErrorKind::AxisOutOfRange`.
            ///
            /// # Complexity
            ///
            /// Linear in the number of elements.
            fn mask_n_m_by_score(
                &self,
                pattern: $crate::NmPattern,
                axis: isize,
            ) -> Result<$crate::Mask, $crate::Error> {
                let layer = self.layer();
                $crate::Selector::value().with_count_ties(false).n_m(&layer, pattern, axis).map(|s| s.mask)
            }

            /// Takes this tensor as *activations*: returns a pruned copy that keeps `density` of each sample (each
            /// index of axis 0), and the mask for the backward pass. `ActivationPruner` prunes in place, over the
            /// whole tensor too, and reports what it changed.
            ///
            /// # Errors
            ///
            /// `ErrorKind::Nan` names the first NaN.
            fn prune_act_unstruct(&self, density: $crate::Density) -> Result<(Self, $crate::Mask), $crate::Error>
            where
                Self: LendMut + Clone + Sized,
            {
                let mut pruner = $crate::ActivationPruner::unstructured(density);
                let mut pruned = LendMut::duplicate(self);
                pruner.prune(pruned.lend_mut())?;
                Ok((pruned, pruner.mask().clone()))
            }

            /// Takes this tensor as *activations*: returns a pruned copy that keeps N of every M consecutive elements
            /// of the last axis, and the mask for the backward pass. `ActivationPruner` prunes in place and reports.
            ///
            /// # Errors
            ///
            /// `ErrorKind::Nan` names the first NaN.
            fn prune_act_struct(&self, pattern: $crate::NmPattern) -> Result<(Self, $crate::Mask), $crate::Error>
            where
                Self: LendMut + Clone + Sized,
            {
                let mut pruner = $crate::ActivationPruner::n_m(pattern);
                let mut pruned = LendMut::duplicate(self);
                pruner.prune(pruned.lend_mut())?;
                Ok((pruned, pruner.mask().clone()))
            }

            /// Writes `+0.0` where the mask is false; kept elements stay as they are, to the bit.
            ///
            /// # Errors
            ///
            /// `ErrorKind::ShapeMismatch`, before anything is written.
            fn apply_mask(&mut self, mask: &$crate::Mask) -> Result<(), $crate::Error>
            where
                Self: LendMut,
            {
                LendMut::lend_mut(self).apply_mask(mask)
            }

            /// The number of elements outside the mask that are not zero, of either sign.
            ///
            /// # Errors
            ///
            /// `ErrorKind::ShapeMismatch`.
            fn revivals(&self, mask: &$crate::Mask) -> Result<usize, $crate::Error> {
                self.layer().revivals(mask)
            }
        }

        /// Named tensors, from a map or a list of pairs, as a model for every function that takes `Layers`.
        ///
        /// # Examples
        ///
        /// See `layers!` in prune-core, which lists the fields of a struct.
        pub fn named<'t, N: AsRef<str>, T: PruneExt + 't>(
            tensors: impl IntoIterator<Item = (N, &'t T)>,
        ) -> Vec<(N, $crate::LayerRef<'t>)> {
            tensors.into_iter().map(|(name, tensor)| (name, tensor.layer())).collect()
        }

        /// As [`named`], for writing.
        pub fn named_mut<'t, N: AsRef<str>, T: LendMut + 't>(
            tensors: impl IntoIterator<Item = (N, &'t mut T)>,
        ) -> Vec<(N, $crate::LayerMut<'t>)> {
            tensors.into_iter().map(|(name, tensor)| (name, tensor.lend_mut())).collect()
        }

        /// Tensors that can be written. The `&mut self` methods of [`PruneExt`] need this trait.
        pub trait LendMut {
            /// The tensor with its element type erased, lent for writing.
            fn lend_mut(&mut self) -> $crate::LayerMut<'_>;

            /// A tensor of the same elements in memory of its own: writing it changes no other tensor. By default a
            /// clone. A backend whose clones share memory must override this.
            fn duplicate(&self) -> Self
            where
                Self: Clone + Sized,
            {
                self.clone()
            }
        }
    };
}

define_prune_ext! {
    /// # Examples
    ///
    /// ```
    /// use prune_core::{Density, PlainTensor, PruneExt};
    ///
    /// let mut weights = PlainTensor::from_logical(&[4], vec![0.5f32, -3.0, 2.0, 0.1])?;
    /// let mask = weights.mask_unstructured(Density::new(0.5)?)?;
    /// weights.apply_mask(&mask)?;
    /// assert_eq!(weights.values(), [0.0, -3.0, 2.0, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
}

impl<T: crate::Tensor> PruneExt for T {
    fn layer(&self) -> crate::LayerRef<'_> {
        crate::LayerRef::of(self)
    }
}

impl<T: crate::TensorMut> LendMut for T {
    fn lend_mut(&mut self) -> crate::LayerMut<'_> {
        crate::LayerMut::of(self)
    }

    fn duplicate(&self) -> Self
    where
        Self: Clone + Sized,
    {
        crate::TensorMut::duplicate(self)
    }
}
