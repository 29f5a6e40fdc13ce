//! Bad input is refused in time, with an error that says what is wrong, where, and what to do instead.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::VarMap;
use prune_candle::{CandleError, Evidence, LayersMut, Masks, Params, PruneExt, Pruner, mask_gradients};
use prune_schedule::Moment;

use self::common::in_time;

fn ones(shape: &[usize], dtype: DType) -> Var {
    Var::ones(shape, dtype, &Device::Cpu).unwrap()
}

/// A map of these variables.
fn map(vars: &[(&str, Var)]) -> VarMap {
    let varmap = VarMap::new();
    varmap.data().lock().unwrap().extend(vars.iter().map(|(name, var)| ((*name).to_owned(), var.clone())));
    varmap
}

fn pruner(strategy: &str) -> Pruner {
    Pruner::new(strategy.parse().unwrap())
}

#[test]
fn names_come_in_order() {
    in_time(|| {
        let names = ["b.weight", "a.weight", "c", "B", "a.bias"];
        let params = Params::of(&map(&names.map(|name| (name, ones(&[2], DType::F32))))).unwrap();
        assert_eq!(params.names().collect::<Vec<_>>(), ["B", "a.bias", "a.weight", "b.weight", "c"]);
        assert_eq!(
            (params.len(), params.is_empty(), params.get("c").is_some(), params.get("d").is_none()),
            (5, false, true, true)
        );
    });
}

#[test]
fn tied_variables_are_refused_or_joined() {
    in_time(|| {
        let (table, same) = (ones(&[4, 2], DType::F32), ones(&[4, 2], DType::F32));
        // The same memory as a clone, and as a variable that is made from the variable's tensor.
        let again = Var::from_tensor(table.as_tensor()).unwrap();
        let varmap = map(&[("head", table.clone()), ("embed", table.clone()), ("x", again), ("same", same)]);
        let error = Params::of(&varmap).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`embed` and `head` are one variable, which cannot have two masks; keep one name, or join them with `Params::joined`"
        );
        let params = Params::joined(&varmap).unwrap();
        assert_eq!(params.names().collect::<Vec<_>>(), ["embed", "same"]);
        assert_eq!(params.joined_names().collect::<Vec<_>>(), [("head", "embed"), ("x", "embed")]);
        // A joined name is a known name.
        assert!(params.clone().with_dense(["head"]).unwrap().with_mut(|layers| layers.layers_mut().len()) == 1);
        params.check_current(&varmap).unwrap();
        // Two variables without elements count as two variables.
        let empties = [("a", ones(&[0], DType::F32)), ("b", ones(&[0], DType::F32))];
        assert_eq!(Params::named(empties).unwrap().len(), 2);
    });
}

#[test]
fn a_name_twice_is_refused() {
    in_time(|| {
        let error = Params::named([("w", ones(&[2], DType::F32)), ("w", ones(&[2], DType::F32))]).unwrap_err();
        assert_eq!(error.to_string(), "there are two variables `w`; give each a name of its own");
    });
}

#[test]
fn a_strategy_that_names_no_parameter_is_refused() {
    in_time(|| {
        let mut params = Params::named([("fc1.weight", ones(&[2, 2], DType::F32))]).unwrap();
        let mut pruner = pruner("{1: {'method': 'unstr_local', 'density': {'fc1.wieght': 0.5}}}");
        let message = "epoch 1: there is no layer `fc1.wieght` (did you mean `fc1.weight`?)";
        assert_eq!(pruner.check(&params).unwrap_err().to_string(), message);
        assert_eq!(params.end_epoch(&mut pruner, 1, &mut [], Evidence::default()).unwrap_err().to_string(), message);
        let error = params.clone().with_weights(["fc1.wieght"]).unwrap_err();
        assert_eq!(error.to_string(), "there is no parameter `fc1.wieght`; did you mean `fc1.weight`?");
        assert!(params.with_dense(["nothing like it"]).is_err());
    });
}

#[test]
fn variables_that_change_between_prepare_and_commit() {
    in_time(|| {
        let strategy = "{1: {'method': 'unstr_global', 'density': 0.5}}";
        let first = [("a", ones(&[2, 4], DType::F32)), ("b", ones(&[2, 2], DType::F32))];
        let varmap = map(&first);
        let changed = |with: &[(&str, Var)], without: &str| {
            let now = map(&first);
            now.data().lock().unwrap().remove(without);
            now.data().lock().unwrap().extend(with.iter().map(|(name, var)| ((*name).to_owned(), var.clone())));
            now
        };
        let params = Params::of(&varmap).unwrap();
        let check = |now: &VarMap| params.check_current(now).unwrap_err().to_string();
        let told = |what: &str, name: &str| {
            format!(
                "the variable `{name}` has been {what} since the parameters were listed; list them again with `Params::of`"
            )
        };
        let other_shape = changed(&[("a", ones(&[4, 2], DType::F32))], "");
        assert_eq!(check(&other_shape), told("replaced by one of another shape", "a"));
        let other_type = changed(&[("a", ones(&[2, 4], DType::F64))], "");
        assert_eq!(check(&other_type), told("replaced by one of another type", "a"));
        assert_eq!(check(&changed(&[("b", ones(&[2, 2], DType::F32))], "")), told("replaced", "b"));
        assert_eq!(check(&changed(&[], "b")), told("taken out", "b"));
        assert_eq!(check(&changed(&[("c", ones(&[1], DType::F32))], "")), told("added", "c"));
        params.check_current(&changed(&[], "")).unwrap();

        // The pruner refuses parameters that are listed anew, and nothing is written.
        for now in [other_shape, changed(&[], "b")] {
            let mut pruner = pruner(strategy);
            let prepared = params.prepare(&pruner, Moment::Epoch(1), Evidence::default()).unwrap().unwrap();
            let mut listed = Params::of(&now).unwrap();
            let refused = listed.commit(&mut pruner, prepared, &mut []);
            assert!(matches!(refused, Err(CandleError::Changed { .. })), "{refused:?}");
            assert!(listed.iter().all(|(_, var)| var.min_all().unwrap().to_scalar::<f32>().unwrap() == 1.0));
            assert!(pruner.masks().is_empty());
        }
    });
}

/// Masks that were made from other values are refused, and nothing is written. Parameters without a mask may change.
#[test]
fn values_that_change_between_prepare_and_commit() {
    in_time(|| {
        let strategy = "{1: {'method': 'unstr_global', 'density': 0.5}}";
        for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16] {
            let (weight, bias) = (ones(&[2, 4], dtype), ones(&[2], dtype));
            let mut params = Params::named([("w", weight.clone()), ("b", bias.clone())]).unwrap();
            let scores = params.on_cpu().unwrap();
            // The parameters are read in place, and then through a copy.
            for evidence in [Evidence::default(), Evidence { scores: Some(&scores), ..Evidence::default() }] {
                weight.set(&weight.ones_like().unwrap()).unwrap();
                let mut pruner = pruner(strategy);
                let prepare =
                    |pruner: &Pruner| params.prepare(pruner, Moment::Epoch(1), evidence).unwrap().expect("an event");
                let (stale, fresh) = (prepare(&pruner), prepare(&pruner));
                // One element changes to a zero of either sign.
                let mut zeros = vec![1f32; 8];
                for zero in [0.0, -0.0] {
                    zeros[5] = zero;
                    let set = Tensor::from_slice(&zeros, (2, 4), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
                    let found = prepare(&pruner);
                    weight.set(&set).unwrap();
                    let refused = params.clone().commit(&mut pruner, found, &mut []).unwrap_err();
                    assert_eq!(
                        refused.to_string(),
                        "the parameter `w` has changed since the event was prepared; prepare it anew"
                    );
                }
                assert!(params.clone().commit(&mut pruner, stale, &mut []).is_err() && pruner.masks().is_empty());
                // A parameter that is set back to its old bits has not changed.
                weight.set(&weight.ones_like().unwrap()).unwrap();
                bias.set(&bias.zeros_like().unwrap()).unwrap();
                assert_eq!(params.commit(&mut pruner, fresh, &mut []).unwrap().selected.kept, 4);
                assert_eq!(params.revivals(pruner.masks()).unwrap(), 0);
            }
        }
    });
}

/// Sets of buffers that cannot be held are detected before the event happens.
#[test]
fn buffers_that_lack_a_layer_are_refused() {
    in_time(|| {
        let mut params =
            Params::named([("fc1.weight", ones(&[2, 4], DType::F32)), ("fc2.weight", ones(&[2, 2], DType::F32))])
                .unwrap();
        let all = "{1: {'method': 'unstr_global', 'density': 0.5}}";
        type Shapes<'a> = &'a [(&'a str, &'a [usize])];
        let shapes: [(Shapes<'_>, &str); 2] = [
            (&[("fc1.weight", &[2, 4])], "there is no layer `fc2.weight`; did you mean `fc1.weight`?"),
            (
                &[("fc1.weight", &[2, 4]), ("fc2.weight", &[4])],
                "layer `fc2.weight`: the mask has shape [2, 2] where [4] is needed",
            ),
        ];
        for (shapes, message) in shapes {
            let mut pruner = pruner(all);
            let mut buffers =
                Params::named(shapes.iter().map(|&(name, shape)| (name, ones(shape, DType::F32)))).unwrap();
            let error = params.end_epoch(&mut pruner, 1, &mut [&mut buffers], Evidence::default()).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(pruner.masks().is_empty() && pruner.last_epoch().is_none());
            for (_, var) in params.iter().chain(buffers.iter()) {
                assert_eq!(var.min_all().unwrap().to_scalar::<f32>().unwrap(), 1.0);
            }
        }
    });
}

#[test]
fn integers_are_listed_and_refused_once_selected() {
    in_time(|| {
        let mut params = Params::named([("ids", ones(&[2, 2], DType::I64)), ("w", ones(&[2, 2], DType::F32))]).unwrap();
        let error = params.end_epoch(
            &mut pruner("{1: {'method': 'unstr_global', 'density': 0.5}}"),
            1,
            &mut [],
            Evidence::default(),
        );
        let message = error.unwrap_err().to_string();
        assert!(message.contains("`ids`") && message.contains("its elements are 64-bit integers"), "{message}");
        let strategy = "{1: {'method': 'unstr_global', 'density': 0.5, 'exclude': 'ids'}}";
        let report = params.end_epoch(&mut pruner(strategy), 1, &mut [], Evidence::default()).unwrap().unwrap();
        assert_eq!(report.selected.kept, 2);
        let mut params = params.with_dense(["ids"]).unwrap();
        let mut without = pruner("{1: {'method': 'unstr_global', 'density': 0.5}}");
        assert!(params.end_epoch(&mut without, 1, &mut [], Evidence::default()).is_ok());
    });
}

#[test]
fn masks_of_other_models_are_refused_by_gradients() {
    in_time(|| {
        let var = ones(&[2, 2], DType::F32);
        let params = Params::named([("fc1.weight", var.clone())]).unwrap();
        let mut store = var.sum_all().unwrap().backward().unwrap();
        let mask = |name: &str, shape: &[usize]| -> Masks {
            [(name.to_owned(), prune_candle::Mask::none(shape).unwrap())].into_iter().collect()
        };
        let error = mask_gradients(&mut store, &params, &mask("fc1.wieght", &[2, 2])).unwrap_err();
        assert_eq!(error.to_string(), "there is no parameter `fc1.wieght`; did you mean `fc1.weight`?");
        let error = mask_gradients(&mut store, &params, &mask("fc1.weight", &[4])).unwrap_err();
        assert!(matches!(error, CandleError::Mask(_)));
        assert_eq!(store.get(&var).unwrap().to_vec2::<f32>().unwrap(), [[1.0; 2]; 2]);
        mask_gradients(&mut store, &params, &mask("fc1.weight", &[2, 2])).unwrap();
        assert_eq!(store.get(&var).unwrap().to_vec2::<f32>().unwrap(), [[0.0; 2]; 2]);
    });
}

#[test]
fn names_that_look_like_no_weight_are_warned_of() {
    in_time(|| {
        let weight = || ones(&[4, 2], DType::F32);
        let named = [("model.embed_tokens.weight", weight()), ("model.layers.0.mlp.up_proj.weight", weight())];
        let params = Params::named(named).unwrap();
        let warnings = params.warnings();
        assert_eq!(
            warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "`model.embed_tokens.weight` looks like an embedding of tokens, and every event that names no layers prunes it; \
              keep it out with `with_dense`, or say that it is meant with `with_weights`"
            ]
        );
        assert!(params.clone().with_weights(["model.embed_tokens.weight"]).unwrap().warnings().is_empty());
        let dense = params.clone().with_dense(["model.embed_tokens.weight"]).unwrap();
        assert!(dense.warnings().is_empty());
        // The last call counts.
        assert_eq!(dense.with_weights(["model.embed_tokens.weight"]).unwrap().with_mut(|l| l.layers_mut().len()), 2);
    });
}

/// Shapes with a 0 are ordinary layers.
#[test]
fn shapes_without_elements_are_pruned_and_held() {
    in_time(|| {
        let mut params = Params::named([
            ("a", ones(&[0, 3], DType::F32)),
            ("b", ones(&[2, 0], DType::F16)),
            ("c", ones(&[2, 2], DType::F32)),
        ])
        .unwrap();
        let mut pruner = pruner("{1: {'method': 'unstr_unified_local', 'density': 0.5}}");
        params.end_epoch(&mut pruner, 1, &mut [], Evidence::default()).unwrap();
        pruner.hold(&mut params).unwrap();
        assert_eq!(pruner.masks().iter().map(|(_, mask)| mask.kept_len()).collect::<Vec<_>>(), [0, 0, 2]);
        let masks = prune_candle::DeviceMasks::new(pruner.held(), &Device::Cpu).unwrap();
        masks.hold(&params).unwrap();
        assert_eq!(params.get("a").unwrap().layer().shape(), [0, 3]);
    });
}
