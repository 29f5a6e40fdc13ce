//! The line that stamps the conformance suite on a backend.

/// Tests a backend against the laws of this crate: a module of tests, one a law, named after it.
///
/// The closure makes a tensor of the backend from a shape and values in logical order; the suite then uses it through
/// the `PruneExt` in scope (`layer`, `layer_mut`, `mask_unstructured`, `apply_mask`, ...), and compares with an oracle
/// that sorts everything. One line for each element type and memory layout that the backend has; a backend outside this
/// workspace stamps itself just the same. The feature `testing` must be on, as a dev-dependency would have it:
/// `prune-core = { version = "..", features = ["testing"] }`.
///
/// The element type is inferred from the closure, or named after the module's name. A backend whose tensors do not have
/// every rank says which `testing::generators::Shapes` it has. A type that is not `Clone`, such as a mutable view, is
/// stamped as `not_clone name`. A type that cannot be written is stamped as `read_only name`. Laws that need more are
/// left out.
///
/// Cases are the same in every run; a failure prints the smallest case found and its seed. The environment variables
/// `PRUNE_SEED` and `PRUNE_CASES` choose other cases and their number.
///
/// # Examples
///
/// ```
/// # // The tests themselves only exist in a test build; that this compiles is what the example shows.
/// use prune_core::{PlainTensor, PruneExt};
///
/// prune_core::conformance_tests!(plain_f32, |shape, data| {
///     PlainTensor::<f32>::from_logical(shape, data).expect("as many values as the shape has elements")
/// });
/// prune_core::conformance_tests!(
///     plain_matrices: f64,
///     shapes = prune_core::testing::generators::Shapes::ranks(2..=2),
///     |shape, data| PlainTensor::from_logical(shape, data).expect("as many values as the shape has elements")
/// );
/// prune_core::conformance_tests!(read_only plain_views: f32, |shape, data| {
///     PlainTensor::from_logical(shape, data).expect("as many values as the shape has elements")
/// });
/// ```
#[macro_export]
macro_rules! conformance_tests {
    (read_only $name:ident $($rest:tt)*) => {
        $crate::conformance_tests! { @shapes [$name, reads,] [] $($rest)* }
    };
    (not_clone $name:ident $($rest:tt)*) => {
        $crate::conformance_tests! {
            @shapes [$name, writes,] [
                applying_writes_plus_zero_and_leaves_kept_bits
                applying_twice_equals_once
                applying_agrees_on_every_thread_count
                wrong_shape_is_refused_before_writing
                revivals_are_counted
                holding_covers_every_layer_with_a_mask
                activations_are_pruned_sample_by_sample
            ] $($rest)*
        }
    };
    ($name:ident $($rest:tt)*) => {
        $crate::conformance_tests! {
            @shapes [$name, copies,] [
                applying_writes_plus_zero_and_leaves_kept_bits
                applying_twice_equals_once
                applying_agrees_on_every_thread_count
                wrong_shape_is_refused_before_writing
                revivals_are_counted
                holding_covers_every_layer_with_a_mask
                activations_are_pruned_sample_by_sample
                activations_are_pruned_in_a_copy
            ] $($rest)*
        }
    };
    (@shapes $how:tt $laws:tt $(: $elem:ty)?, |$shape:ident, $data:ident| $tensor:expr $(,)?) => {
        $crate::conformance_tests! {
            @shapes $how $laws $(: $elem)?, shapes = $crate::testing::generators::Shapes::any(), |$shape, $data| $tensor
        }
    };
    (
        @shapes $how:tt [$($law:ident)*] $(: $elem:ty)?, shapes = $shapes:expr, |$shape:ident, $data:ident| $tensor:expr
        $(,)?
    ) => {
        $crate::conformance_tests! {
            @laws $how [$($elem)?] [$shapes] |$shape, $data| [$tensor]
            lends_its_logical_content
            kept_count_follows_density
            every_kept_ranks_above_every_pruned
            n_m_holds_in_each_group
            equals_the_full_sort_oracle
            dead_elements_stay_dead
            global_equals_the_oracle
            concatenated_groups_equal_the_oracle
            later_mask_is_subset_of_earlier
            sign_flips_change_nothing
            units_slices_and_bounds_agree_everywhere
            nan_is_an_error_naming_the_first
            no_axis_is_an_error
            layouts_agree_with_row_major
            mask_bytes_equal_across_layouts
            with_shape_changes_axes_not_values
            threads_1_2_7_agree
            $($law)*
        }
    };
    (
        @laws [$name:ident, $how:ident,] $elem:tt [$shapes:expr] |$shape:ident, $data:ident| [$tensor:expr]
        $($law:ident)*
    ) => {
        #[cfg(test)]
        mod $name {
            #[allow(unused_imports, reason = "what the closure and the methods need is found where the macro is used")]
            use super::*;

            $(
                #[test]
                fn $law() {
                    let make = |$shape: &[usize], $data: $crate::conformance_tests!(@values $elem)| {
                        let tensor = $tensor;
                        $crate::testing::conformance::adapt(tensor, $crate::testing::conformance::Methods {
                            layer: |tensor| tensor.layer(),
                            layer_with_shape: |tensor, shape| tensor.layer_with_shape(shape),
                            mask_unstructured: |tensor, density| tensor.mask_unstructured(density),
                            mask_unstructured_by_score: |tensor, density| tensor.mask_unstructured_by_score(density),
                            mask_n_m: |tensor, pattern, axis| tensor.mask_n_m(pattern, axis),
                            mask_n_m_by_score: |tensor, pattern, axis| tensor.mask_n_m_by_score(pattern, axis),
                            revivals: |tensor, mask| tensor.revivals(mask),
                            writing: $crate::conformance_tests!(@writing $how),
                            copying: $crate::conformance_tests!(@copying $how),
                        })
                    };
                    $crate::testing::conformance::$law(&$crate::testing::conformance::Suite::new($shapes, make));
                }
            )*
        }
    };
    (@writing reads) => { None };
    (@writing $how:ident) => {
        Some($crate::testing::conformance::Writing {
            layer_mut: |tensor| tensor.layer_mut(),
            layer_mut_with_shape: |tensor, shape| tensor.layer_mut_with_shape(shape),
            apply_mask: |tensor, mask| tensor.apply_mask(mask),
        })
    };
    (@copying copies) => {
        Some($crate::testing::conformance::Copying {
            prune_act_unstruct: |tensor, density| tensor.prune_act_unstruct(density),
        })
    };
    (@copying $how:ident) => { None };
    (@values []) => { Vec<_> };
    (@values [$elem:ty]) => { Vec<$elem> };
}

/// Tests that a backend's crate has the public names that all backends have, so that changing backend is changing one
/// import: the common types at its root, `prune_core` and `prune_schedule`, and every method of its `PruneExt`.
///
/// The closure makes a tensor of rank 2 of `f32` from a shape and values in logical order; its type must be `Clone`.
#[macro_export]
macro_rules! backend_names_tests {
    ($backend:ident, |$shape:ident, $data:ident| $tensor:expr $(,)?) => {
        #[cfg(test)]
        mod backend_names {
            #[allow(unused_imports, reason = "what the closure needs is found where the macro is used")]
            use super::*;
            use $backend::{
                Density, Element, Error, LayerMut, LayerRef, Layers, LayersMut, LendMut, Mask, Masks, NmPattern,
                PruneExt, RankBy, Ranked, Selected, Selector, Threads, prune_core as core_of,
                prune_schedule as schedule_of,
            };

            fn tensor($shape: &[usize], $data: Vec<f32>) -> impl PruneExt + LendMut + Clone {
                $tensor
            }

            fn is_element<E: Element>() {}

            #[test]
            fn every_backend_has_these_names() -> Result<(), Box<dyn std::error::Error>> {
                let data = vec![0.5, -3.0, 2.0, 0.25, -1.0, 4.0, 0.125, 6.0];
                let mut weights = tensor(&[2, 4], data);
                let shared: LayerRef<'_> = PruneExt::layer(&weights);
                assert_eq!(shared.shape(), [2, 4]);
                assert_eq!(PruneExt::layer_with_shape(&weights, &[2, 2, 2])?.shape(), [2, 2, 2]);

                let (half, pattern) = (Density::new(0.5)?, NmPattern::new(1, 2)?);
                let mask: Mask = PruneExt::mask_unstructured(&weights, half)?;
                assert_eq!(mask.kept_indices().collect::<Vec<_>>(), [1, 2, 5, 7]);
                let by_score = PruneExt::mask_unstructured_by_score(&weights, half)?;
                assert_eq!(by_score.kept_indices().collect::<Vec<_>>(), [0, 2, 5, 7]);
                let groups = PruneExt::mask_n_m(&weights, pattern, -1)?;
                assert_eq!(groups.kept_indices().collect::<Vec<_>>(), [1, 2, 5, 7]);
                let groups = PruneExt::mask_n_m_by_score(&weights, pattern, 0)?;
                assert_eq!(groups.kept_indices().collect::<Vec<_>>(), [0, 2, 5, 7]);
                // Half of each sample, and one of each two: here the same activations, pruned in a copy.
                let before = PruneExt::layer(&weights).to_logical_f64()?;
                for (pruned, of) in
                    [PruneExt::prune_act_unstruct(&weights, half)?, PruneExt::prune_act_struct(&weights, pattern)?]
                {
                    assert_eq!(of.kept_indices().collect::<Vec<_>>(), [1, 2, 5, 7]);
                    let pruned = PruneExt::layer(&pruned).to_logical_f64()?;
                    assert_eq!(pruned, [0.0, -3.0, 2.0, 0.0, 0.0, 4.0, 0.0, 6.0]);
                }
                assert_eq!(PruneExt::layer(&weights).to_logical_f64()?, before);

                let selected: Selected = Selector::default()
                    .with_rank_by(RankBy::Magnitude)
                    .with_threads(Threads::One)
                    .unstructured(Ranked::new("weights", &shared), half)?;
                assert_eq!(selected.mask, mask);
                drop(shared);

                assert_eq!(PruneExt::revivals(&weights, &mask)?, 4);
                PruneExt::apply_mask(&mut weights, &mask)?;
                assert_eq!(PruneExt::revivals(&weights, &mask)?, 0);
                let refused: Result<(), Error> = PruneExt::apply_mask(&mut weights, &Mask::none(&[4, 2])?);
                assert!(refused.is_err());
                assert_eq!(PruneExt::layer_mut_with_shape(&mut weights, &[2, 4, 1])?.shape(), [2, 4, 1]);
                let lent: LayerMut<'_> = LendMut::lend_mut(&mut weights);
                assert_eq!(lent.shape(), [2, 4]);
                drop(lent);

                let masks: Masks = [("weights".to_owned(), Mask::none(&[2, 4])?)].into_iter().collect();
                let mut model = [("weights", PruneExt::layer_mut(&mut weights))];
                masks.hold(&mut model as &mut dyn LayersMut)?;
                assert_eq!(Layers::layers(&model)[0].1.to_logical_f64()?, [0.0; 8]);

                is_element::<f32>();
                let strategy: schedule_of::Strategy = "{}".parse()?;
                let _pruner = schedule_of::Pruner::new(strategy);
                let _mask: core_of::Mask = mask;
                Ok(())
            }
        }
    };
}
