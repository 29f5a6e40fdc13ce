//! The accepted forms: the texts of jax_pruning, JSON, TOML, and the meaning of each field.

#![allow(clippy::unwrap_used, reason = "tests")]

use prune_core::{Density, NmPattern};
use prune_schedule::{Event, GroupAxis, Key, Reopen, Scope, Strategy};

fn density(kept: f64) -> Density {
    Density::new(kept).unwrap()
}

fn pattern(text: &str) -> NmPattern {
    text.parse().unwrap()
}

fn read(text: &str) -> Strategy {
    text.parse().unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn one(key: Key, event: Event) -> Strategy {
    Strategy::new([(key, event)]).unwrap()
}

#[test]
fn the_original_texts_work_unchanged() {
    let global = Event::unstructured(Scope::Global(density(0.9))).unwrap();
    assert_eq!(
        read("pruning_strategy = {1: {'method': 'unstr_global', 'prune_rate_pattern': 0.9}}"),
        one(Key::Epoch(1), global)
    );
    let unified = |text| Event::n_m(Scope::UnifiedLocal(pattern(text))).unwrap();
    assert_eq!(
        read(
            "{10: {'method': 'str_unified_local', 'prune_rate_pattern': (2, 4)},
              20: {'method': 'str_unified_local', 'prune_rate_pattern': (1, 4)}}"
        ),
        Strategy::new([(10, unified("2:4")), (20, unified("1:4"))]).unwrap()
    );
    let layers = [("Dense_0-kernel", density(0.9)), ("Dense_1-kernel", density(0.8))];
    let local = one(Key::Epoch(10), Event::unstructured(Scope::local(layers)).unwrap());
    assert_eq!(
        read("{10: {'method': 'unstr_local', 'prune_rate_pattern': {'Dense_0-kernel': 0.9, 'Dense_1-kernel': 0.8}}}"),
        local
    );
    // The fourth example of jax_pruning.
    assert_eq!(
        read(
            "{10: {'method': 'unstr_unified_local', 'prune_rate_pattern': {'Dense_0-kernel': 0.9, 'Dense_1-kernel': 0.8}}}"
        ),
        local
    );
    let local = Event::n_m(Scope::local([("Dense_0-kernel", pattern("2:4"))])).unwrap();
    assert_eq!(
        read("{10: {'method': 'str_local', 'prune_rate_pattern': {'Dense_0-kernel': (2, 4)}}}"),
        one(Key::Epoch(10), local)
    );
}

#[test]
fn one_strategy_in_three_forms() {
    let python = read(
        "# gradual
         strategy = {
             0: {'method': 'unstr_global', 'sparsity': 0.5, 'include': ['*-kernel', 'emb*'], 'exclude': 'Dense_2*'},
             '2..=4': {'method': 'str_local', 'pattern': {'a/b': (2, 4), \"it's\": (1, 4),}, 'axis': 'reduction'},
             9: {'method': 'unstr_unified_local', 'density': 1, 'reopen': 'random', 'seed': 7},
             -1: {'method': 'str_global', 'pattern': '4:8', 'reopen': 'gradient'},  # the rest
         }
        ",
    );
    let json = read(
        r#"{
            "0": {"method": "unstr_global", "sparsity": 5e-1, "include": ["*-kernel", "emb*"], "exclude": ["Dense_2*"]},
            "2..=4": {"method": "str_local", "pattern": {"a\/b": [2, 4], "it\u0027s": "1:4"}, "axis": "reduction"},
            "9": {"method": "unstr_unified_local", "density": 1.0, "reopen": "random", "seed": 7},
            "-1": {"method": "str_global", "pattern": [4, 8], "reopen": "gradient"}
        }"#,
    );
    let toml = read(
        r#"
            # gradual
            [0]
            method = "unstr_global"
            sparsity = 0.5
            include = ["*-kernel", "emb*"]
            exclude = "Dense_2*"

            ["2..=4"]
            method = "str_local"
            axis = "reduction"
            ["2..=4".pattern]
            "a/b" = "2:4"
            "it's" = [1, 4]

            [9]
            method = "unstr_unified_local"
            density = 1
            reopen = "random"
            seed = 7

            [-1]
            method = "str_global"
            pattern = "4:8"
            reopen = "gradient"
        "#,
    );
    assert_eq!(python, json);
    assert_eq!(python, toml);
    let inline = read(
        r#"
            -1 = { method = "str_global", pattern = [4, 8], reopen = "gradient" }
            9 = { method = "unstr_unified_local", density = 1, reopen = "random", seed = 7 }
            ["2..=4"]
            method = "str_local"
            axis = "reduction"
            pattern = { "a/b" = "2:4", "it's" = "1:4" }
            [0]
            method = "unstr_global"
            density = 0.5
            include = ["*-kernel", "emb*"]
            exclude = ["Dense_2*"]
        "#,
    );
    assert_eq!(toml, inline);
    let events: Vec<(Key, &Event)> = python.events().collect();
    assert_eq!(events.iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>(), ["0", "2..=4", "9", "-1"]);
    assert_eq!(events[1].1.axis(), Some(GroupAxis::Reduction));
    assert_eq!(events[2].1.reopen(), Some(Reopen::Random { seed: 7 }));
    assert_eq!(
        python.to_string(),
        r#"{
    0: {'method': 'unstr_global', 'density': 0.5, 'include': ['*-kernel', 'emb*'], 'exclude': 'Dense_2*'},
    '2..=4': {'method': 'str_local', 'pattern': {'a/b': (2, 4), 'it\'s': (1, 4)}, 'axis': 'reduction'},
    9: {'method': 'unstr_unified_local', 'density': 1.0, 'reopen': 'random', 'seed': 7},
    -1: {'method': 'str_global', 'pattern': (4, 8), 'reopen': 'gradient'}
}"#
    );
    assert_eq!(
        python.to_json(),
        r#"{
    "0": {"method": "unstr_global", "density": 0.5, "include": ["*-kernel", "emb*"], "exclude": "Dense_2*"},
    "2..=4": {"method": "str_local", "pattern": {"a/b": "2:4", "it's": "1:4"}, "axis": "reduction"},
    "9": {"method": "unstr_unified_local", "density": 1.0, "reopen": "random", "seed": 7},
    "-1": {"method": "str_global", "pattern": "4:8", "reopen": "gradient"}
}"#
    );
    assert_eq!(
        python.to_toml(),
        r#"[0]
method = "unstr_global"
density = 0.5
include = ["*-kernel", "emb*"]
exclude = "Dense_2*"

["2..=4"]
method = "str_local"
axis = "reduction"

["2..=4".pattern]
"a/b" = "2:4"
"it's" = "1:4"

[9]
method = "unstr_unified_local"
density = 1.0
reopen = "random"
seed = 7

[-1]
method = "str_global"
pattern = "4:8"
reopen = "gradient"
"#
    );
}

#[test]
fn sparsity_is_the_complement_to_the_bit() {
    assert_eq!(
        read("{1: {'method': 'unstr_global', 'sparsity': 0.9}}"),
        read("{1: {'method': 'unstr_global', 'density': 0.1}}")
    );
}

#[test]
fn no_events_are_written_as_braces() {
    for text in ["{}", " { } ", "x = {}", "\u{feff}{}", "# none\n{} # none"] {
        assert!(read(text).is_empty(), "{text:?}");
    }
    let none = Strategy::default();
    assert_eq!([none.to_python(), none.to_json(), none.to_toml()], ["{}", "{}", "{}\n"]);
    assert_eq!(none.timeline().to_string(), "no events");
}

#[test]
fn literals_of_either_language() {
    for number in ["0.25", "+0.25", ".25", "2.5e-1", "25E-2", "0.2_5", "(0.25)", "((0.25))"] {
        assert_eq!(
            read(&format!("{{1: {{'method': 'unstr_global', 'density': {number}}}}}")),
            read("{1: {'method': 'unstr_global', 'density': 0.25}}"),
            "{number}"
        );
    }
    for name in [r"'\x61\u0062\143'", r#""abc""#, "'a\\\nbc'", r"'\U00000061bc'"] {
        let strategy = read(&format!("{{1: {{'method': 'unstr_local', 'density': {{{name}: 1.}}}}}}"));
        assert_eq!(strategy.event_at(1).unwrap().1.targets()[0].0, Some("abc"), "{name}");
    }
    let pair = read(r#"{"1": {"method": "unstr_local", "density": {"\ud83d\ude00": 1}}}"#);
    assert_eq!(pair.event_at(1).unwrap().1.targets()[0].0, Some("😀"));
    assert_eq!(read("a.b_1\t=\n{1_0: {'method': 'unstr_global', 'density': 1}}").last_event_epoch(), Some(10));
}

#[test]
fn the_event_of_every_epoch() {
    let strategy = read(
        "{0: {'method': 'unstr_global', 'density': 0.9}, 3: {'method': 'unstr_global', 'density': 0.8},
          '5..=6': {'method': 'unstr_global', 'density': 0.7}, -1: {'method': 'unstr_global', 'density': 0.6}}",
    );
    let keys: Vec<String> = (0..9).map(|epoch| strategy.event_at(epoch).unwrap().0.to_string()).collect();
    assert_eq!(keys, ["0", "-1", "-1", "3", "-1", "5..=6", "5..=6", "-1", "-1"]);
    assert_eq!(strategy.last_event_epoch(), Some(6));
    assert!(strategy.covers_every_epoch());

    let gaps = read("{3: {'method': 'unstr_global', 'density': 0.8}}");
    let found: Vec<u64> = (0..9).filter(|&epoch| gaps.event_at(epoch).is_some()).collect();
    assert_eq!(found, [3]);
    let others = read("{-1: {'method': 'unstr_global', 'density': 0.8}}");
    assert!(others.event_at(0).is_none());
    assert_eq!(others.last_event_epoch(), None);
}

#[test]
fn epochs_scale() {
    let at = |epochs: &[&str]| -> Strategy {
        let entries: Vec<String> =
            epochs.iter().map(|e| format!("'{e}': {{'method': 'unstr_global', 'density': 0.5}}")).collect();
        read(&format!("{{{}}}", entries.join(", ")))
    };
    let keys = |strategy: Strategy| strategy.events().map(|(key, _)| key.to_string()).collect::<Vec<_>>();
    assert_eq!(keys(at(&["2", "4"]).scale_epochs(7, 3).unwrap()), ["1", "2"]);
    assert_eq!(keys(at(&["2", "4"]).scale_epochs(7, 7).unwrap()), ["2", "4"]);
    assert_eq!(keys(at(&["0", "1..=3", "8", "-1"]).scale_epochs(10, 100).unwrap()), ["0", "10..=30", "80", "-1"]);
    assert_eq!(keys(at(&["1"]).scale_epochs(100, 1).unwrap()), ["1"]);
    let refused = |strategy: Strategy, from, to| strategy.scale_epochs(from, to).unwrap_err().to_string();
    assert_eq!(refused(at(&["2", "4"]), 7, 1), "scaled from 7 epochs to 1, both 2 and 4 would fall on epoch 1");
    assert_eq!(refused(at(&["1..=3", "4"]), 8, 1), "scaled from 8 epochs to 1, both 1..=3 and 4 would fall on epoch 1");
    assert_eq!(refused(at(&["2"]), 0, 1), "a strategy for 0 epochs cannot be scaled to 1; both must be at least 1");
    assert_eq!(
        refused(at(&["2"]), 1, u64::MAX),
        "epoch 36893488147419103230 is too large; the last possible one is 4294967295"
    );
}

#[test]
fn events_are_checked_when_built_in_code_too() {
    let event = || Event::unstructured(Scope::Global(density(0.5))).unwrap();
    let message = |result: Result<Strategy, prune_schedule::StrategyError>| result.unwrap_err().to_string();
    assert_eq!(
        message(Strategy::new([(1, event()), (1, event())])),
        "epoch 1 is written twice; each epoch has one event"
    );
    assert_eq!(
        message(Strategy::new([(Key::Epochs { first: 3, last: 2 }, event())])),
        "range 3..=2 runs backwards; did you mean '2..=3'?"
    );
    assert_eq!(
        message(Strategy::new([(u64::MAX, event())])),
        "epoch 18446744073709551615 is too large; the last possible one is 4294967295"
    );
    let none: [(&str, Density); 0] = [];
    assert_eq!(
        Event::unstructured(Scope::local(none)).unwrap_err().to_string(),
        "`unstr_local` is given an empty table, which selects no layer; name at least one"
    );
}

#[test]
fn the_timeline_says_everything_both_ways() {
    let strategy = read(
        "{0: {'method': 'unstr_global', 'sparsity': 0.9, 'include': '*kernel', 'exclude': ['Dense_2*', 'x']},
          2: {'method': 'unstr_local', 'density': {'a': 0.05, 'b': 1}, 'reopen': 'random', 'seed': 3},
          '4..=6': {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 'reduction'},
          7: {'method': 'str_global', 'pattern': '1:3', 'reopen': 'gradient'},
          -1: {'method': 'unstr_unified_local', 'density': 0.125}}",
    );
    assert_eq!(strategy.timeline().to_string(), "\
epoch                   method               layers                                                     reaches                            how
0 (before training)     unstr_global         all prunable layers together named *kernel but Dense_2* x  keeps 10%, removes 90%
2                       unstr_local          a                                                          keeps 5%, removes 95%              reopens: random, seed 3
2                       unstr_local          b                                                          keeps 100%, removes 0%             reopens: random, seed 3
4..=6                   str_unified_local    each prunable layer                                        2:4: keeps 50%, removes 50%        axis reduction; floats
7                       str_global           all prunable layers together                               1:3: keeps 33.33%, removes 66.67%  reopens: gradient
-1 (every other epoch)  unstr_unified_local  each prunable layer                                        keeps 12.5%, removes 87.5%         floats");
    assert_eq!(serde_json::to_value(strategy.timeline()).unwrap()[3]["epochs"], "4..=6");
}

#[test]
fn all_digits_of_a_density_come_back_through_serde() {
    let strategy = read("{1: {'method': 'unstr_global', 'density': 0.41824970027378516}}");
    let json = serde_json::to_string(&strategy).unwrap();
    assert_eq!(serde_json::from_str::<Strategy>(&json).unwrap(), strategy);
}

#[test]
fn groups_of_any_length_read_back_in_every_form() {
    let text = format!("{{1: {{'method': 'str_unified_local', 'pattern': '1:{}'}}}}", usize::MAX);
    let strategy = read(&text);
    for text in [strategy.to_python(), strategy.to_json(), strategy.to_toml()] {
        assert_eq!(read(&text), strategy, "{text}");
    }
}

/// An axis that is not written stays unwritten in every form; a written axis stays, also the last one.
#[test]
fn an_unset_axis_is_no_axis_that_was_written() {
    let events = [
        ("'method': 'str_unified_local', 'pattern': (2, 4)", GroupAxis::LAST),
        ("'method': 'channel_global', 'density': 0.5", GroupAxis::Output),
        ("'method': 'unstr_unified_local', 'density': 0.5, 'ranking': 'output'", GroupAxis::Output),
        ("'method': 'unstr_unified_local', 'density': 0.5, 'score': 'wanda'", GroupAxis::Output),
    ];
    for (event, default) in events {
        let unset = read(&format!("{{1: {{{event}}}}}"));
        let axes: Vec<(Option<GroupAxis>, Strategy)> = [("-1", GroupAxis::LAST), ("'output'", GroupAxis::Output)]
            .into_iter()
            .map(|(text, axis)| (Some(axis), read(&format!("{{1: {{{event}, 'axis': {text}}}}}"))))
            .chain([(None, unset.clone())])
            .collect();
        for (axis, strategy) in &axes {
            let forms = [strategy.to_python(), strategy.to_json(), strategy.to_toml()].map(|text| read(&text));
            let saved = serde_json::to_string(strategy).unwrap();
            let pruner = prune_schedule::Pruner::new(strategy.clone());
            let resumed = prune_schedule::Pruner::from_json(&pruner.to_json()).unwrap().strategy().clone();
            for read in forms.into_iter().chain([serde_json::from_str(&saved).unwrap(), resumed]) {
                let event = read.event_at(1).unwrap().1;
                assert!(event.has_axis());
                assert_eq!((event.axis(), event.axis_or(GroupAxis::LAST)), (*axis, axis.or(Some(default))), "{saved}");
                assert_eq!(&read, strategy);
                assert_eq!(read == unset, axis.is_none());
            }
        }
    }
}

/// States saved by earlier versions have no axis if it was the default.
#[test]
fn states_saved_with_no_axis_still_load() {
    let saved = r#"{"version":1,"strategy":{"1":{"method":"str_unified_local","pattern":[2,4]},
        "2":{"method":"channel_unified_local","density":0.5}},"epoch":null,"masks":{},"held":null}"#;
    let pruner = prune_schedule::Pruner::from_json(saved).unwrap();
    let axes = pruner.strategy().events().map(|(_, event)| event.axis_or(GroupAxis::LAST)).collect::<Vec<_>>();
    assert_eq!(axes, [Some(GroupAxis::LAST), Some(GroupAxis::Output)]);
}
