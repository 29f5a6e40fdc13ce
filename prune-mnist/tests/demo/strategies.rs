//! Strategies: those of the original, those in files, and every mistake in one.

use std::fs;

use crate::{Place, check_files};

/// The strategies of jax_pruning's README, copied literally; the last two are its two schedules, which it gives in
/// words.
const README: [&str; 6] = [
    "pruning_strategy = {1: {'method': 'unstr_global', 
                        'prune_rate_pattern':0.9
                        } 
                    }",
    "pruning_strategy = {10: {'method': 'str_unified_local', 
                        'prune_rate_pattern': (2, 4)
                        }
                    }",
    "pruning_strategy = {10: {'method': 'str_unified_local', 
                        'prune_rate_pattern': (2, 4)
                        },
                    20: {'method': 'str_unified_local',
                         'prune_rate_pattern': (1, 4)
                         }
                    }",
    "pruning_strategy = {10: {'method': 'unstr_unified_local', 
                        'prune_rate_pattern': {'Dense_0-kernel': 0.9,
                                               'Dense_1-kernel': 0.8,
                                               }
                        }
                    }",
    "{10: {'method': 'unstr_global', 'prune_rate_pattern': 0.9}, 20: {'method': 'unstr_global', 'prune_rate_pattern': 0.8},
      30: {'method': 'unstr_global', 'prune_rate_pattern': 0.7}, 40: {'method': 'unstr_global', 'prune_rate_pattern': 0.6},
      50: {'method': 'unstr_global', 'prune_rate_pattern': 0.5}, 60: {'method': 'unstr_global', 'prune_rate_pattern': 0.4},
      70: {'method': 'unstr_global', 'prune_rate_pattern': 0.3}, 80: {'method': 'unstr_global', 'prune_rate_pattern': 0.2},
      90: {'method': 'unstr_global', 'prune_rate_pattern': 0.1}}",
    "{50: {'method': 'str_unified_local', 'prune_rate_pattern': (2, 4)}}",
];

#[test]
fn the_original_readmes_strategies_run_unchanged_on_both_backends() {
    for backend in ["ndarray", "nalgebra"] {
        for (strategy, epochs) in README.into_iter().zip([4, 13, 23, 13, 93, 53]) {
            let place = Place::new();
            let common =
                ["--backend", backend, "--model", "mlp", "--strategy", strategy, "--out", "out", "--lr", "0.01"];
            place.succeeds(&common);
            check_files(&place.out(), epochs);
        }
    }
}

#[test]
fn the_original_readmes_first_strategies_run_on_its_own_network() {
    for backend in ["ndarray", "nalgebra"] {
        for (strategy, epochs) in [(README[0], 4), (README[3], 13)] {
            let place = Place::new();
            place.succeeds(&["--backend", backend, "--strategy", strategy, "--out", "out", "--lr", "0.01"]);
            check_files(&place.out(), epochs);
        }
    }
}

#[test]
fn strategies_come_from_files_and_in_every_form() {
    let place = Place::new();
    let event = "method = \"unstr_global\"\ndensity = 0.5\n";
    fs::write(place.0.path().join("strategy.toml"), format!("[1]\n{event}")).unwrap();
    let text = place.succeeds(&["--model", "mlp", "--strategy", "strategy.toml", "--epochs", "2", "--out", "out"]);
    assert!(text.contains("strategy file `strategy.toml`"), "{text}");
    let from_file = fs::read(place.out().join("masks.safetensors")).unwrap();
    for strategy in [r#"{"1": {"method": "unstr_global", "density": 0.5}}"#, &format!("[1]\n{event}")] {
        place.succeeds(&["--model", "mlp", "--strategy", strategy, "--epochs", "2", "--out", "out"]);
        assert_eq!(fs::read(place.out().join("masks.safetensors")).unwrap(), from_file);
    }
}

#[test]
fn every_strategy_mistake_is_named() {
    let place = Place::new();
    let deep = format!("{{1: {}", "[".repeat(100));
    for (strategy, parts) in [
        ("", &["--strategy: the strategy is empty"][..]),
        ("   {", &["line 1", "`{`"]),
        (&deep, &["nested more than 32 deep"]),
        (
            "{1: {'method': 'unstr_globl', 'density': 0.5}}",
            &["epoch 1", "`unstr_globl`", "did you mean `unstr_global`?"],
        ),
        (
            "{1: {'method': 'unstr_global', 'dens': 0.5}}",
            &["epoch 1", "unknown field `dens`", "did you mean `density`?"],
        ),
        ("{1: {'method': 'unstr_global', 'density': 1.5}}", &["epoch 1", "1.5", "0 < d <= 1"]),
        ("{1: {'method': 'unstr_global', 'density': 0}}", &["epoch 1", "0 < d <= 1"]),
        ("{1: {'method': 'unstr_global', 'density': '2:4'}}", &["epoch 1", "density"]),
        ("{1: {'method': 'unstr_global', 'density': 0.5, 'sparsity': 0.5}}", &["epoch 1", "`density`", "`sparsity`"]),
        ("{1: {'method': 'unstr_global'}}", &["epoch 1", "needs one of"]),
        ("{1: {'density': 0.5}}", &["epoch 1", "no `method`"]),
        ("{1: {'method': 'str_unified_local', 'pattern': (4, 2)}}", &["epoch 1", "4:2"]),
        ("{1: {'method': 'str_unified_local', 'pattern': (0, 4)}}", &["epoch 1", "0:4"]),
        ("{1: {'method': 'str_unified_local', 'pattern': (2, 4), 'axis': 7}}", &["epoch 1", "axis 7"]),
        ("{1: {'method': 'str_global', 'pattern': (2, 4), 'axis': 0}}", &["epoch 1", "`axis`"]),
        ("{1: {'method': 'unstr_local', 'density': 0.5}}", &["epoch 1", "unstr_unified_local"]),
        ("{1: {'method': 'unstr_global', 'density': {'Dense_0-kernel': 0.5}}}", &["epoch 1", "unstr_local"]),
        (
            "{1: {'method': 'unstr_local', 'density': {'Dense_0-kernl': 0.5}}}",
            &["epoch 1", "`Dense_0-kernl`", "`Dense_0-kernel`"],
        ),
        ("{1: {'method': 'unstr_global', 'density': 0.5, 'include': ['Conv*']}}", &["epoch 1", "Conv*"]),
        (
            "{1: {'method': 'unstr_global', 'density': 0.5}, 1: {'method': 'unstr_global', 'density': 0.4}}",
            &["epoch 1", "twice"],
        ),
        (
            "{'1..=3': {'method': 'unstr_global', 'density': 0.5}, 2: {'method': 'unstr_global', 'density': 0.4}}",
            &["epoch 2", "1..=3"],
        ),
        ("{'first': {'method': 'unstr_global', 'density': 0.5}}", &["`first` is not an epoch"]),
        ("{-2: {'method': 'unstr_global', 'density': 0.5}}", &["-2"]),
        (
            "{1: {'method': 'unstr_global', 'density': 0.1}, 2: {'method': 'unstr_global', 'density': 0.9}}",
            &["epoch 2", "are alive", "`reopen`", "fraction removed"],
        ),
    ] {
        let message = place.fails(&["--model", "mlp", "--strategy", strategy], 2);
        for part in parts {
            assert!(message.contains(part), "{strategy}: no `{part}` in {message}");
        }
    }
}

#[test]
fn strategies_that_are_no_text_are_named() {
    let place = Place::new();
    let at = |name: &str| place.0.path().join(name);
    fs::create_dir(at("folder")).unwrap();
    fs::write(at("latin.py"), b"{1: {'method': '\xe9'}}").unwrap();
    fs::write(at("deep.py"), "{1: ".to_owned() + &"(".repeat(1_000_000)).unwrap();
    fs::write(at("long.py"), "{1: {'method': 'unstr_global', 'density': 0.5}, ".to_owned() + &" ".repeat(5_000_000))
        .unwrap();
    for (name, part) in [
        ("missing.py", "there is no file `missing.py`"),
        ("folder", "`folder` is a folder"),
        ("latin.py", "`latin.py` is not UTF-8 text (byte 16)"),
        ("deep.py", "strategy file `deep.py`: line 1, column"),
        ("long.py", "strategy file `long.py`: line 1, column"),
    ] {
        let message = place.fails(&["--model", "mlp", "--strategy", name], 2);
        assert!(message.contains(part), "{name}: {message}");
        assert!(message.len() < 1000, "{name}: a message of {} bytes", message.len());
    }
}

#[test]
fn an_event_at_the_last_epoch_is_warned_of() {
    let place = Place::new();
    let strategy = "{2: {'method': 'unstr_global', 'density': 0.5}}";
    let output = place.run(&["--model", "mlp", "--epochs", "2", "--strategy", strategy]);
    assert!(output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("warning: the event at epoch 2") && stderr.contains("--epochs 5"), "{stderr}");
    // Standard error is not a terminal here, so it has no progress bar.
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("nothing is fine-tuned"));
}
