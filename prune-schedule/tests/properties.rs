//! What holds for every strategy and for every text.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use prune_core::{Density, NmPattern};
use prune_schedule::{Epochs, Event, Glob, GroupAxis, Reopen, Scope, Strategy};

fn densities() -> impl proptest::strategy::Strategy<Value = Density> {
    prop_oneof![
        (1u32..=1000).prop_map(|thousandths| f64::from(thousandths) / 1000.0),
        f64::MIN_POSITIVE..=1.0,
        Just(f64::from_bits(1)),
    ]
    .prop_map(|kept| Density::new(kept).unwrap())
}

fn patterns() -> impl proptest::strategy::Strategy<Value = NmPattern> {
    (1usize..1000, 0usize..1000).prop_map(|(n, more)| NmPattern::new(n, n + more).unwrap())
}

/// Names with everything in them that could upset a writer.
fn names() -> impl proptest::strategy::Strategy<Value = String> {
    prop_oneof!["[a-z0-9_-]{0,8}", "[ \"'\\\\\t\n\r\u{0}\u{7f}\u{85}\u{2028}#={}\\[\\].:,é😀]{0,6}", any::<String>()]
}

fn scopes<T: Clone + std::fmt::Debug + 'static>(
    value: impl proptest::strategy::Strategy<Value = T> + Clone + 'static,
) -> impl proptest::strategy::Strategy<Value = Scope<T>> {
    prop_oneof![
        value.clone().prop_map(Scope::UnifiedLocal),
        value.clone().prop_map(Scope::Global),
        proptest::collection::btree_map(names(), value, 1..4).prop_map(Scope::Local),
    ]
}

fn events() -> impl proptest::strategy::Strategy<Value = Event> {
    let base = prop_oneof![
        scopes(densities().boxed()).prop_map(|scope| Event::unstructured(scope).unwrap()),
        (
            scopes(patterns().boxed()),
            prop_oneof![Just(GroupAxis::Reduction), any::<isize>().prop_map(GroupAxis::Index)]
        )
            .prop_map(|(scope, axis)| {
                let event = Event::n_of_m(scope).unwrap();
                // Where there is no axis, it stays away.
                event.clone().axis(axis).unwrap_or(event)
            }),
    ];
    let globs = || proptest::collection::vec(names().prop_map(Glob::new), 0..3);
    let reopen = prop_oneof![
        Just(None),
        Just(Some(Reopen::Gradient)),
        any::<u64>().prop_map(|seed| Some(Reopen::Random { seed })),
        Just(Some(Reopen::Random { seed: 0 })),
    ];
    (base, globs(), globs(), reopen).prop_map(|(mut event, include, exclude, reopen)| {
        event = event.clone().include(include).unwrap_or(event);
        event = event.clone().exclude(exclude).unwrap_or(event);
        if let Some(how) = reopen {
            event = event.reopen(how);
        }
        event
    })
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    // Steps from one key to the next, so that no two overlap.
    let steps = proptest::collection::vec((1u64..50, proptest::option::of(0u64..50), events()), 0..5);
    (any::<bool>(), steps, proptest::option::of(events())).prop_map(|(from_zero, steps, others)| {
        let mut next = u64::from(!from_zero);
        let mut table = Vec::new();
        for (step, length, event) in steps {
            let first = next + step - 1;
            let epochs = match length {
                None => Epochs::At(first),
                Some(length) => Epochs::Range { first, last: first + length },
            };
            next = epochs.last().unwrap() + 1;
            table.push((epochs, event));
        }
        table.extend(others.map(|event| (Epochs::Others, event)));
        Strategy::new(table).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_form_reads_back_to_the_same_strategy(strategy in strategies()) {
        for text in [strategy.to_string(), strategy.to_python(), strategy.to_json(), strategy.to_toml()] {
            match text.parse::<Strategy>() {
                Ok(read) => prop_assert_eq!(&read, &strategy, "{}", text),
                Err(error) => prop_assert!(false, "{}\n{}", error, text),
            }
        }
    }

    #[test]
    fn serde_reads_back_to_the_same_strategy(strategy in strategies()) {
        let json = serde_json::to_string(&strategy).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Strategy>(&json).unwrap(), &strategy, "{}", json);
        let toml = toml::to_string(&strategy).unwrap();
        prop_assert_eq!(&toml::from_str::<Strategy>(&toml).unwrap(), &strategy, "{}", toml);
        let quoted = serde_json::to_string(&strategy.to_toml()).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Strategy>(&quoted).unwrap(), &strategy, "{}", quoted);
    }

    #[test]
    fn what_is_json_reads_as_json(strategy in strategies()) {
        let json: serde_json::Value = serde_json::from_str(&strategy.to_json()).unwrap();
        prop_assert_eq!(serde_json::from_value::<Strategy>(json).unwrap(), strategy);
    }

    #[test]
    fn what_is_toml_reads_as_toml(strategy in strategies()) {
        if !strategy.is_empty() {
            prop_assert_eq!(toml::from_str::<Strategy>(&strategy.to_toml()).unwrap(), strategy);
        }
    }

    #[test]
    fn event_at_agrees_with_a_search(strategy in strategies(), epoch in 0u64..300) {
        let named = strategy.events().find(|(epochs, _)| {
            epochs.first().zip(epochs.last()).is_some_and(|(first, last)| first <= epoch && epoch <= last)
        });
        let others = strategy.events().find(|(epochs, _)| *epochs == Epochs::Others && epoch >= 1);
        prop_assert_eq!(strategy.event_at(epoch), named.or(others));
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = text.parse::<Strategy>();
        let _ = format!("{{{text}").parse::<Strategy>();
    }

    #[test]
    fn no_text_of_our_own_letters_panics(text in "[{}\\[\\]():,'\"\\\\xu0-9.e+#= \nmethodnstr_gla-]{0,60}") {
        let _ = text.parse::<Strategy>();
        let _ = format!("{{10: {text}").parse::<Strategy>();
    }

    #[test]
    fn no_damaged_text_panics(strategy in strategies(), cut in any::<prop::sample::Index>(), with in any::<char>()) {
        for text in [strategy.to_python(), strategy.to_json(), strategy.to_toml()] {
            let mut letters: Vec<char> = text.chars().collect();
            let at = cut.index(letters.len());
            letters[at] = with;
            if let Err(error) = letters.iter().collect::<String>().parse::<Strategy>() {
                prop_assert!(!error.to_string().is_empty());
            }
            let _ = letters[..at].iter().collect::<String>().parse::<Strategy>();
        }
    }

    #[test]
    fn serde_never_panics(text in "[{}\\[\\]:,\"0-9.methodnstr_gla-]{0,60}") {
        let _ = serde_json::from_str::<Strategy>(&text);
    }
}

/// Texts of a million characters, each of a kind that could take quadratic time or overflow the stack. There is no
/// clock here: were one of them quadratic, the test would not end in any time that one would wait.
#[test]
fn very_long_texts_take_their_turn() {
    let million = 1_000_000;
    let event = "{'method': 'unstr_global', 'density': 0.1}";
    let entry = |i: usize| format!("{i}: {event}");
    let many: String = (0..million / 50).map(entry).collect::<Vec<_>>().join(", ");
    assert_eq!(format!("{{{many}}}").parse::<Strategy>().unwrap().len(), million / 50);
    let tables: String =
        (0..million / 50).map(|i| format!("[{i}]\nmethod = 'unstr_global'\ndensity = 0.1\n")).collect();
    assert_eq!(tables.parse::<Strategy>().unwrap().len(), million / 50);
    let layers: String = (0..million / 20).map(|i| format!("'layer {i}': 0.5, ")).collect();
    let text = format!("{{1: {{'method': 'unstr_local', 'density': {{{layers}}}}}}}");
    assert_eq!(text.parse::<Strategy>().unwrap().event_at(1).unwrap().1.targets().len(), million / 20);
    for text in [
        "[".repeat(million),
        "{".repeat(million),
        "{1: ".repeat(million),
        "{1: (".to_owned() + &"(".repeat(million),
        "{1: ".to_owned() + &"(".repeat(million) + &")".repeat(million) + "}",
        "a.".repeat(million),
        format!("{{'{}': 1}}", "x".repeat(million)),
        format!("{{1: {{'{}': 1}}}}", "x".repeat(million)),
        format!("{{1: {{'method': '{}'}}}}", "unstr".repeat(million)),
        format!("{{1: {}}}", "9".repeat(million)),
        format!("{{1: 0.{}}}", "9".repeat(million)),
        format!("{{1: {{'method': 'unstr_global', 'density': 0.5, 'density': {}}}}}", "0.5, ".repeat(million)),
        format!("{{{}}}", "'10': {}, ".repeat(million)),
        format!("{{{} '0': {event}}}", "\n".repeat(million)),
        format!("[10]\n{}", "a = 1\n".repeat(100_000)),
        format!("[{}]", "a.".repeat(100_000)),
        format!("a{}", "[".repeat(million)),
        format!("x = {}", "[".repeat(million)),
        "'".repeat(million),
        "#".repeat(million),
        " ".repeat(million),
    ] {
        match text.parse::<Strategy>() {
            Ok(_) => {}
            Err(error) => assert!(error.to_string().len() < 1000, "{}", error.to_string().len()),
        }
    }
}
