//! Strategies that do not fit a model are refused before any training; each test compares the whole message.

#![allow(clippy::unwrap_used, reason = "tests")]

mod model;

use model::Model;
use prune_schedule::Pruner;

fn lenet() -> Model {
    Model::seeded(
        &[
            ("Dense_0-kernel", &[20, 10]),
            ("Dense_0-bias", &[10]),
            ("Dense_1-kernel", &[10, 10]),
            ("Dense_1-bias", &[10]),
            ("embedding", &[5, 4]),
        ],
        1,
    )
}

fn refused(strategy: &str) -> String {
    let strategy = strategy.parse().unwrap_or_else(|error| panic!("{strategy}\n{error}"));
    Pruner::new(strategy).check(&lenet()).unwrap_err().to_string()
}

fn passes(strategy: &str) {
    let strategy = strategy.parse().unwrap_or_else(|error| panic!("{strategy}\n{error}"));
    Pruner::new(strategy).check(&lenet()).unwrap_or_else(|error| panic!("{error}"));
}

const REMOVED: &str = "; a density is the fraction kept (jax_pruning's code, unlike its README, took it as the fraction \
                       removed: for that, write `sparsity`)";

#[test]
fn unknown_layer() {
    assert_eq!(
        refused(
            "{1: {'method': 'unstr_global', 'density': 0.5}, 9: {'method': 'unstr_local', 'density': {'Dense_O-kernel': 0.5}}}"
        ),
        "epoch 9: there is no layer `Dense_O-kernel` (did you mean `Dense_0-kernel`?)"
    );
}

#[test]
fn a_star_in_a_table() {
    assert_eq!(
        refused("{9: {'method': 'unstr_local', 'density': {'*-kernel': 0.5}}}"),
        "epoch 9: there is no layer `*-kernel`; a table names layers one by one, `*` works in `include` and `exclude`"
    );
}

#[test]
fn an_include_pattern_that_matches_no_prunable_layer() {
    assert_eq!(
        refused("{9: {'method': 'unstr_global', 'density': 0.5, 'include': ['*kernel', '*bias']}}"),
        "epoch 9: the pattern `*bias` of `include` matches no prunable layer; the prunable layers (rank 2 or more) are: \
         `Dense_0-kernel`, `Dense_1-kernel`, `embedding`"
    );
}

#[test]
fn an_exclude_pattern_that_matches_no_layer() {
    assert_eq!(
        refused("{9: {'method': 'unstr_global', 'density': 0.5, 'exclude': 'embeding'}}"),
        "epoch 9: the pattern `embeding` of `exclude` matches no layer (did you mean `embedding`?); the prunable layers \
         (rank 2 or more) are: `Dense_0-kernel`, `Dense_1-kernel`, `embedding`"
    );
    passes("{9: {'method': 'unstr_global', 'density': 0.5, 'exclude': '*bias'}}");
}

#[test]
fn patterns_that_together_select_nothing() {
    assert_eq!(
        refused(
            "{9: {'method': 'unstr_global', 'density': 0.5, 'include': '*kernel', 'exclude': ['Dense_0*', 'Dense_1*']}}"
        ),
        "epoch 9: `exclude` (`Dense_0*`, `Dense_1*`) leaves out every layer that `include` selects (`*kernel`); the \
         prunable layers (rank 2 or more) are: `Dense_0-kernel`, `Dense_1-kernel`, `embedding`"
    );
    assert_eq!(
        refused("{9: {'method': 'unstr_unified_local', 'density': 0.5, 'exclude': '*'}}"),
        "epoch 9: `exclude` leaves out every prunable layer (`*`); the prunable layers (rank 2 or more) are: \
         `Dense_0-kernel`, `Dense_1-kernel`, `embedding`"
    );
}

#[test]
fn a_model_with_nothing_to_prune() {
    let strategy = "{9: {'method': 'unstr_unified_local', 'density': 0.5}}".parse().unwrap();
    assert_eq!(
        Pruner::new(strategy).check(&Model::seeded(&[("bias", &[3])], 1)).unwrap_err().to_string(),
        "epoch 9: there is no prunable layer to select; the prunable layers (rank 2 or more) are: none"
    );
}

#[test]
fn axis_out_of_range() {
    for (axis, layer) in [(2, "Dense_0-kernel"), (-3, "Dense_0-kernel")] {
        assert_eq!(
            refused(&format!("{{9: {{'method': 'str_unified_local', 'pattern': '2:4', 'axis': {axis}}}}}")),
            format!("epoch 9, layer `{layer}`: axis {axis} does not exist in shape [20, 10]")
        );
    }
    for axis in [i64::MIN, i64::MAX] {
        refused(&format!("{{9: {{'method': 'str_unified_local', 'pattern': '2:4', 'axis': {axis}}}}}"));
    }
    passes("{9: {'method': 'str_local', 'pattern': {'Dense_0-bias': '2:4'}}}");
}

#[test]
fn reduction_of_a_name_that_tells_nothing() {
    assert_eq!(
        refused("{9: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 'reduction'}}"),
        "epoch 9, layer `embedding`: nothing tells which of its 2 axes is that of its inputs; write `axis` as an index"
    );
    passes("{9: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 'reduction', 'exclude': 'emb*'}}");
}

#[test]
fn a_density_that_rises() {
    assert_eq!(
        refused(
            "{10: {'method': 'unstr_unified_local', 'density': 0.1}, 20: {'method': 'unstr_unified_local', 'density': 0.5}}"
        ),
        format!(
            "epoch 20, layer `Dense_0-kernel`: 100 elements are asked for (keeps 50%, removes 50%), but only 20 are alive; \
             events only close, unless they carry `reopen`{REMOVED}"
        )
    );
}

#[test]
fn a_density_that_rises_over_all_layers() {
    assert_eq!(
        refused("{10: {'method': 'unstr_global', 'density': 0.1}, 20: {'method': 'unstr_global', 'sparsity': 0.8}}"),
        format!(
            "epoch 20, all selected layers together: 64 elements are asked for (keeps 20%, removes 80%), but only 32 are \
             alive; events only close, unless they carry `reopen`{REMOVED}"
        )
    );
}

#[test]
fn layers_that_ask_for_more_than_a_global_event_left_to_all() {
    assert_eq!(
        refused(
            "{10: {'method': 'unstr_global', 'density': 0.1}, 20: {'method': 'unstr_unified_local', 'density': 0.2}}"
        ),
        format!(
            "epoch 20, layer `Dense_0-kernel`: 40 elements are asked for (keeps 20%, removes 80%), but only 32 are alive; \
             events only close, unless they carry `reopen`{REMOVED}"
        )
    );
    assert_eq!(
        refused(
            "{10: {'method': 'unstr_global', 'density': 0.1}, 20: {'method': 'unstr_unified_local', 'density': 0.12}}"
        ),
        format!(
            "epoch 20, all selected layers together: 38 elements are asked for (keeps 12%, removes 88%), but only 32 are \
             alive; events only close, unless they carry `reopen`{REMOVED}"
        )
    );
}

#[test]
fn a_pattern_that_rises() {
    assert_eq!(
        refused(
            "{10: {'method': 'str_unified_local', 'pattern': '1:4'}, 20: {'method': 'str_unified_local', 'pattern': '2:4'}}"
        ),
        "epoch 20, layer `Dense_0-kernel`: 100 elements are asked for (2:4: keeps 50%, removes 50%), but only 60 are alive; \
         events only close, unless they carry `reopen`"
    );
}

#[test]
fn a_range_after_a_smaller_event() {
    assert_eq!(
        refused(
            "{0: {'method': 'unstr_unified_local', 'density': 0.1}, '2..=3': {'method': 'unstr_local', 'density': {'embedding': 1}}}"
        ),
        format!(
            "epoch 2..=3, layer `embedding`: 20 elements are asked for (keeps 100%, removes 0%), but only 2 are alive; \
             events only close, unless they carry `reopen`{REMOVED}"
        )
    );
}

#[test]
fn the_rest_of_the_epochs_after_a_smaller_event() {
    assert_eq!(
        refused("{-1: {'method': 'unstr_global', 'density': 0.5}, 3: {'method': 'unstr_global', 'density': 0.1}}"),
        format!(
            "epoch -1, all selected layers together: 160 elements are asked for (keeps 50%, removes 50%), but only 32 are \
             alive; events only close, unless they carry `reopen`{REMOVED}"
        )
    );
}

#[test]
fn strategies_that_fit() {
    for strategy in [
        "{}",
        "{10: {'method': 'unstr_global', 'density': 0.1}, 20: {'method': 'unstr_global', 'density': 0.5, 'reopen': 'random'}}",
        "{10: {'method': 'unstr_global', 'density': 0.5, 'exclude': 'emb*'},
          20: {'method': 'unstr_local', 'density': {'embedding': 1}}}",
        "{10: {'method': 'unstr_global', 'density': 0.5, 'exclude': 'emb*'}, 20: {'method': 'unstr_global', 'density': 0.5}}",
        "{10: {'method': 'unstr_unified_local', 'density': 0.5}, 20: {'method': 'str_unified_local', 'pattern': '2:4'}}",
        "{10: {'method': 'str_unified_local', 'pattern': '2:4'}, 20: {'method': 'str_unified_local', 'pattern': '1:4'}}",
        "{10: {'method': 'str_unified_local', 'pattern': '2:4'}, 20: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 0}}",
        "{1: {'method': 'str_global', 'pattern': '2:4'}, 2: {'method': 'str_global', 'pattern': '1:4'}}",
        "{'1..=5': {'method': 'unstr_global', 'density': 0.5}, -1: {'method': 'unstr_global', 'density': 0.25}}",
    ] {
        passes(strategy);
    }
}

#[test]
fn only_events_to_come_are_tested() {
    let mut model = lenet();
    let text = "{1: {'method': 'unstr_local', 'density': {'embedding': 0.5}}, 2: {'method': 'unstr_local', 'density': {'Dense_0-bias': 0.5}}}";
    let mut pruner = Pruner::new(text.parse().unwrap());
    pruner.end_epoch(1, &mut model).unwrap();
    model.0.pop();
    // The layer of the mask in force is missing; that is still an error.
    assert_eq!(pruner.check(&model).unwrap_err().to_string(), "there is no layer `embedding`");
    let mut pruner = Pruner::new(text.parse().unwrap());
    assert!(pruner.check(&model).unwrap_err().to_string().starts_with("epoch 1: there is no layer `embedding`"));
    assert!(
        pruner.end_epoch(1, &mut model).unwrap_err().to_string().starts_with("epoch 1: there is no layer `embedding`")
    );
}
