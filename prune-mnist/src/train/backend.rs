//! The parameters of a backend, as training needs them.

use prune_core::{Layers, LayersMut};

use crate::nn::ParamStorage;

/// A backend's set of parameters, as training needs it: storage for the network, layers for the pruner.
///
/// Gradients and momentum are sets of the same type, so an operation on the weights by name works on them too.
pub trait Backend: ParamStorage<f32> + Layers + LayersMut + Clone {}

impl<P: ParamStorage<f32> + Layers + LayersMut + Clone> Backend for P {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use prune_schedule::{Pruner, Strategy};

    use super::super::tests::logical;
    use super::*;
    use crate::nn::{Initialisation, ModelSpec, NalgebraParams, NdarrayParams, initial_parameters};

    #[test]
    fn equal_weights_give_equal_masks_on_both_backends() {
        for spec in [ModelSpec::mlp(), ModelSpec::cnn()] {
            let specs = spec.parameters().unwrap();
            for strategy in [
                "{1: {'method': 'unstr_global', 'density': 0.3}}",
                "{1: {'method': 'unstr_unified_local', 'density': 0.3}}",
                "{1: {'method': 'str_unified_local', 'pattern': (2, 4)}}",
                "{1: {'method': 'str_unified_local', 'pattern': (1, 4), 'axis': 0}}",
                "{1: {'method': 'str_unified_local', 'pattern': (2, 4), 'axis': 'reduction'}}",
                "{1: {'method': 'str_global', 'pattern': (2, 4)}}",
                "{1: {'method': 'unstr_local', 'density': {'Dense_0-kernel': 0.1, 'Dense_1-bias': 0.5}}}",
                "{1: {'method': 'unstr_global', 'density': 0.3}, 2: {'method': 'str_unified_local', 'pattern': (1, 4), \
                 'reopen': 'random'}}",
            ] {
                let strategy: Strategy = strategy.parse().unwrap();
                let (mut rows, mut columns) = (Pruner::new(strategy.clone()), Pruner::new(strategy));
                let mut row_params: NdarrayParams<f32> = initial_parameters(&specs, Initialisation::LecunNormal, 3);
                let mut column_params: NalgebraParams<f32> = initial_parameters(&specs, Initialisation::LecunNormal, 3);
                for epoch in 1..=2 {
                    let reports =
                        (rows.end_epoch(epoch, &mut row_params), columns.end_epoch(epoch, &mut column_params));
                    assert_eq!(reports.0.unwrap(), reports.1.unwrap());
                }
                assert!(!rows.masks().is_empty());
                assert_eq!(rows.masks(), columns.masks());
                assert_eq!(logical(&row_params), logical(&column_params));
            }
        }
    }

    #[test]
    fn layers_have_the_names_and_shapes_of_the_model() {
        let specs = ModelSpec::cnn().parameters().unwrap();
        let mut params: NalgebraParams<f32> = initial_parameters(&specs, Initialisation::LecunNormal, 3);
        let expected: Vec<_> = specs.iter().map(|spec| (spec.name.clone(), spec.shape.clone())).collect();
        let listed = |name: &str, shape: &[usize]| (name.to_owned(), shape.to_vec());
        let read: Vec<_> = params.layers().iter().map(|(name, layer)| listed(name, layer.shape())).collect();
        let write: Vec<_> = params.layers_mut().iter().map(|(name, layer)| listed(name, layer.shape())).collect();
        assert_eq!((&read, &write), (&expected, &expected));
    }
}
