//! Plans that cannot work are refused before anything trains, with the whole message compared; plans that can work
//! pass.

use prune_schedule::Pruner;

use crate::model::Model;
use crate::pruner;

fn model() -> Model {
    Model::seeded(
        &[
            ("fc.weight", &[10, 20]),
            ("fc.bias", &[10]),
            ("Dense_0-kernel", &[10, 10]),
            ("Dense_0-bias", &[9]),
            ("table", &[5, 4]),
        ],
        1,
    )
}

fn refused(strategy: &str) -> String {
    let error = pruner(strategy).check(&model()).map(|_| panic!("{strategy} passes")).unwrap_err();
    error.to_string()
}

fn passes(strategy: &str) {
    pruner(strategy).check(&model()).unwrap_or_else(|error| panic!("{strategy}\n{error}"));
}

const ONLY: &str = "events only close, unless they carry `reopen`; a density is the fraction kept (jax_pruning's code, unlike \
                    its README, took it as the fraction removed: for that, write `sparsity`)";

#[test]
fn a_density_that_rises_within_a_range() {
    let ramp = |end, start, more: &str| {
        format!(
            "{{'1..=5': {{'method': 'unstr_global', 'density': {end}, 'schedule': 'linear', 'from_density': {start}{more}}}}}"
        )
    };
    assert_eq!(
        refused(&ramp(0.5, 0.25, "")),
        format!(
            "epoch 1..=5, all selected layers together: 160 elements are asked for (keeps 50%, removes 50%), but only 80 are \
             alive; {ONLY}"
        )
    );
    passes(&ramp(0.5, 0.25, ", 'reopen': 'random'"));
    passes(&ramp(0.25, 0.5, ""));
}

#[test]
fn more_channels_than_are_left() {
    let two = |first: &str, second: &str| format!("{{1: {{{first}}}, 2: {{{second}}}}}");
    let channels = |density: f64| format!("'method': 'channel_unified_local', 'density': {density}, 'axis': 0");
    assert_eq!(
        refused(&two(&channels(0.1), &channels(0.5))),
        format!(
            "epoch 2, layer `fc.weight`: 5 channels are asked for (keeps 50%, removes 50%), but only 1 are alive; {ONLY}"
        )
    );
    let blocks = |method: &str, density: f64| format!("'method': '{method}', 'density': {density}, 'block': (2, 2)");
    // 50 + 25 + 6 blocks (5 rows are cut into 3).
    assert_eq!(
        refused(&two(&blocks("block_global", 0.1), &blocks("block_global", 0.5))),
        format!(
            "epoch 2, all selected layers together: 41 blocks are asked for (keeps 50%, removes 50%), but only 8 are alive; \
             {ONLY}"
        )
    );
    passes(&two(&channels(0.5), &channels(0.1)));
    // Other pieces, which may hold the remaining elements.
    passes(&two(&channels(0.5), "'method': 'channel_unified_local', 'density': 1, 'axis': 1"));
}

#[test]
fn channels_that_a_single_element_each_cannot_be() {
    // At most 4 elements are alive in the whole layer.
    assert_eq!(
        refused(
            "{1: {'method': 'unstr_local', 'density': {'fc.weight': 0.02}},
              2: {'method': 'channel_local', 'density': {'fc.weight': 0.5}}}"
        ),
        format!(
            "epoch 2, layer `fc.weight`: 5 channels are asked for (keeps 50%, removes 50%), but only 4 are alive; {ONLY}"
        )
    );
}

#[test]
fn biases_that_do_not_fit() {
    let channels = |table: &str, more: &str| {
        format!("{{3: {{'method': 'channel_local', 'density': {{{table}}}, 'bias': True{more}}}}}")
    };
    assert_eq!(
        refused(&channels("'Dense_0-kernel': 0.5", "")),
        "epoch 3, layer `Dense_0-kernel`: 'bias': True does not fit: its bias has shape [9], and there are 10 channels"
    );
    assert_eq!(
        refused(&channels("'fc.weight': 0.5", ", 'axis': 1")),
        "epoch 3, layer `fc.weight`: 'bias': True does not fit: channels along axis 1 are not its outputs, which biases go \
         with"
    );
    assert_eq!(
        refused(&channels("'table': 0.5", ", 'axis': 1")),
        "epoch 3, layer `table`: 'bias': True does not fit: neither it nor any other selected layer has a bias: a layer of \
         the same name that ends in `bias` where it ends in `kernel` or `weight`"
    );
    passes(&channels("'fc.weight': 0.5", ""));
    // The bias counts as pruned from here on.
    assert_eq!(
        refused(
            "{3: {'method': 'channel_local', 'density': {'fc.weight': 0.5}, 'bias': True},
              4: {'method': 'unstr_local', 'density': {'fc.bias': 1}}}"
        ),
        format!(
            "epoch 4, layer `fc.bias`: 10 elements are asked for (keeps 100%, removes 0%), but only 5 are alive; {ONLY}"
        )
    );
}

#[test]
fn bounds_that_cannot_be_met() {
    let bounds =
        |density: f64, more: &str| format!("{{7: {{'method': 'unstr_global', 'density': {density}, {more}}}}}");
    for distribution in ["global", "global_l2", "uniform", "erk"] {
        let with = |more: &str| format!("'distribution': '{distribution}', {more}");
        assert_eq!(
            refused(&bounds(0.1, &with("'min_density': 0.2"))),
            "epoch 7: 32 elements are to be kept in all, but the minima of the layers add up to 64; lower them or keep more"
        );
        assert_eq!(
            refused(&bounds(0.9, &with("'max_density': 0.5"))),
            "epoch 7: 288 elements are to be kept in all, but the maxima of the layers add up to 160; raise them or keep \
             fewer"
        );
        assert_eq!(
            refused(&bounds(0.5, &with("'min_density': {'table': 0.5}, 'max_density': {'table': 0.25}"))),
            "epoch 7: layer `table`: it must keep at least 10 elements and at most 5; lower the minimum or raise the maximum"
        );
        passes(&bounds(0.5, &with("'min_density': 0.1, 'max_density': {'table': 0.25}")));
    }
    assert_eq!(
        refused(
            "{1: {'method': 'unstr_local', 'density': {'table': 0.1}},
              2: {'method': 'unstr_global', 'density': 0.5, 'min_density': 0.5}}"
        ),
        format!(
            "epoch 2, layer `table`: 10 elements are asked for (keeps 50%, removes 50%), but only 2 are alive; {ONLY}"
        )
    );
}

#[test]
fn bounds_of_layers_that_are_not_there() {
    assert_eq!(
        refused("{7: {'method': 'unstr_global', 'density': 0.5, 'min_density': {'Dense_O-kernel': 0.1}}}"),
        "epoch 7: there is no layer `Dense_O-kernel` (did you mean `Dense_0-kernel`?)"
    );
    assert_eq!(
        refused("{7: {'method': 'unstr_global', 'density': 0.5, 'max_density': {'table': 0.1}, 'exclude': 'tab*'}}"),
        "epoch 7, layer `table`: `max_density` bounds it, but the event does not select it; take it out of the table"
    );
}

#[test]
fn an_update_without_masks() {
    assert_eq!(
        refused("{'2..=5': {'method': 'set'}}"),
        "epoch 2..=5: `set` moves what masks keep, and no selected layer has a mask by then; make them with an event before it"
    );
    assert_eq!(
        refused("{'100..=500 steps': {'method': 'rigl'}, '600 steps': {'method': 'unstr_global', 'density': 0.5}}"),
        "step 100..=500: `rigl` moves what masks keep, and no selected layer has a mask by then; make them with an event \
         before it"
    );
    assert_eq!(
        refused(
            "{0: {'method': 'unstr_local', 'density': {'table': 0.5}}, '1..=5': {'method': 'set', 'exclude': 'table'}}"
        ),
        "epoch 1..=5: `set` moves what masks keep, and no selected layer has a mask by then; make them with an event before it"
    );
    // Steps may come after the first epoch, and epochs after the first steps.
    passes("{1: {'method': 'unstr_global', 'density': 0.5}, '100..=500 steps': {'method': 'rigl'}}");
    passes("{'5 steps': {'method': 'unstr_global', 'density': 0.5}, '2..=5': {'method': 'set'}}");
    // A step may open elements that an epoch has closed.
    passes(
        "{1: {'method': 'unstr_global', 'density': 0.1}, 9: {'method': 'unstr_global', 'density': 0.5},
          '70 steps': {'method': 'unstr_global', 'density': 0.9, 'reopen': 'random'}}",
    );
}

#[test]
fn outputs_of_names_that_tell_nothing() {
    for text in [
        "'method': 'channel_unified_local', 'density': 0.5",
        "'method': 'unstr_unified_local', 'density': 0.5, 'ranking': 'output'",
    ] {
        assert_eq!(
            refused(&format!("{{2: {{{text}}}}}")),
            "epoch 2, layer `table`: nothing tells which of its 2 axes is that of its outputs; write `axis` as an index"
        );
        passes(&format!("{{2: {{{text}, 'exclude': 'table'}}}}"));
    }
}

#[test]
fn blocks_that_no_layer_has() {
    assert_eq!(
        refused("{2: {'method': 'block_unified_local', 'density': 0.5, 'block': (2, 2, 2)}}"),
        "epoch 2: layer `fc.weight`: blocks of sizes [2, 2, 2] need 3 axes, but the tensor of shape [10, 20] has 2; give fewer \
         sizes"
    );
    assert_eq!(
        refused("{2: {'method': 'block_unified_local', 'density': 0.5, 'block': (2, 2), 'axes': (1, -1)}}"),
        "epoch 2: layer `fc.weight`: blocks of sizes [2, 2] along axes [1, -1]: two of the axes are the same one"
    );
    assert_eq!(
        refused("{2: {'method': 'block_unified_local', 'density': 0.5, 'block': 4, 'axes': 2}}"),
        "epoch 2: layer `fc.weight`: axis 2 does not exist: the tensor has 2 axes, 0 to 1 (or -2 to -1)"
    );
}

#[test]
fn steps_come_after_what_is_before_training() {
    let mut model = model();
    let mut pruner: Pruner = pruner(
        "{0: {'method': 'unstr_global', 'density': 0.5}, '1..=5 steps': {'method': 'set', 'every': 2, 'decay': 'constant'}}",
    );
    assert_eq!(
        pruner.end_step(1, &mut model).unwrap_err().to_string(),
        "step 1 cannot end yet: the event before training, at epoch 0, has not happened; call `start` first"
    );
    pruner.start(&mut model).unwrap();
    assert_eq!(
        pruner.end_epoch(1, &mut model).unwrap_err().to_string(),
        "the strategy has events in steps, the next at step 1, but no step has ended; call `end_step` after each"
    );
    pruner.end_step(1, &mut model).unwrap();
    assert_eq!(
        pruner.end_step(1, &mut model).unwrap_err().to_string(),
        "step 1 cannot end after step 1 has; steps only go forward, over all epochs"
    );
    assert_eq!(
        pruner.end_step(5, &mut model).unwrap_err().to_string(),
        "step 5 cannot end yet: the event at step 3 has not happened; call `end_step` after every step"
    );
}

/// Blocks whose sides have a product that overflows are ordinary blocks: one a layer.
#[test]
fn blocks_of_any_size_are_counted() {
    passes("{2: {'method': 'block_unified_local', 'density': 0.5, 'block': (4294967295, 4294967295)}}");
}

#[test]
fn warnings_say_when() {
    let warnings = pruner("{'7 steps': {'method': 'str_local', 'pattern': {'table': '2:8'}}}").check(&model()).unwrap();
    assert_eq!(
        warnings[0].to_string(),
        "step 7, layer `table`: its lanes along axis 1 are 4 long, shorter than a group of 2:8; each keeps 2 of 4"
    );
}
