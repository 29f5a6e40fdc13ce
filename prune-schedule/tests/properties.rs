//! Laws for every strategy and every text.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use prune_core::{Blocks, Density, NmPattern, Norm, Pool, Score};
use prune_schedule::{
    Decay, DensityBounds, DistributionRule, Event, Glob, GroupAxis, Grow, Key, Piece, Ramp, Ranking, Regrow, Reopen,
    Scope, Strategy, StrategyError,
};

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

/// Names with every character that could upset a writer.
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

/// Every score; random ones take the seed of the event.
fn scores(seed: u64) -> impl proptest::strategy::Strategy<Value = Score> {
    let names: Vec<&'static str> = Score::names().collect();
    proptest::sample::select(names).prop_map(move |name| Score::named(name, seed).unwrap())
}

fn axes() -> impl proptest::strategy::Strategy<Value = GroupAxis> {
    prop_oneof![
        Just(GroupAxis::Reduction),
        Just(GroupAxis::Output),
        any::<isize>().prop_map(GroupAxis::Index),
        (-4isize..4).prop_map(GroupAxis::Index),
    ]
}

fn pieces() -> impl proptest::strategy::Strategy<Value = Piece> {
    let sizes = || prop_oneof![1usize..9, (1u64..=i64::MAX as u64).prop_map(|side| side as usize)];
    let pools = || prop_oneof![Just(Pool::Mean), Just(Pool::Max)];
    let norms = || prop_oneof![Just(Norm::L1), Just(Norm::L2), Just(Norm::Max)];
    prop_oneof![
        (proptest::collection::vec(sizes(), 1..4), pools())
            .prop_map(|(sizes, pool)| Piece::Blocks(Blocks::new(&sizes, &[], pool).unwrap())),
        (proptest::collection::btree_map(any::<i8>(), sizes(), 1..4), pools()).prop_map(|(sides, pool)| {
            let axes: Vec<isize> = sides.keys().map(|&axis| axis.into()).collect();
            let sizes: Vec<usize> = sides.values().copied().collect();
            Piece::Blocks(Blocks::new(&sizes, &axes, pool).unwrap())
        }),
        (proptest::option::of(axes()), norms(), any::<bool>()).prop_map(|(axis, norm, bias)| Piece::Channels {
            axis,
            norm,
            bias
        }),
    ]
}

/// The rule of an event, without options.
fn bare() -> impl proptest::strategy::Strategy<Value = Event> {
    let fractions = || prop_oneof![Just(0.3), f64::MIN_POSITIVE..=1.0, Just(1.0), Just(f64::from_bits(1))];
    let grow = prop_oneof![Just(Grow::Gradient), any::<u64>().prop_map(|seed| Grow::Random { seed })];
    let decays = prop_oneof![Just(Decay::Cosine), Just(Decay::Constant)];
    prop_oneof![
        3 => scopes(densities().boxed()).prop_map(|scope| Event::unstructured(scope).unwrap()),
        1 => scopes(patterns().boxed()).prop_map(|scope| Event::n_m(scope).unwrap()),
        2 => (scopes(densities().boxed()), pieces())
            .prop_map(|(scope, piece)| Event::pieces(scope, piece).unwrap()),
        1 => (grow, fractions(), decays).prop_map(|(grow, fraction, decay)| {
            let mut regrow = Regrow::new(grow).fraction(fraction).unwrap();
            regrow.decay = decay;
            Event::regrow(regrow)
        }),
    ]
}

/// An option for an event. If it does not fit, the event stays as it is.
fn addition(seed: u64) -> impl proptest::strategy::Strategy<Value = Addition> {
    let bound = || {
        prop_oneof![
            densities().prop_map(DensityBounds::Every),
            proptest::collection::btree_map(names(), densities(), 0..3).prop_map(DensityBounds::By),
        ]
    };
    let globs = || proptest::collection::vec(names().prop_map(Glob::new), 0..3);
    let rankings = prop_oneof![
        Just(Ranking::Layer),
        Just(Ranking::Global),
        proptest::option::of(axes()).prop_map(Ranking::Output)
    ];
    let distributions = proptest::sample::select(vec![
        DistributionRule::Global,
        DistributionRule::GlobalL2,
        DistributionRule::Uniform,
        DistributionRule::Erk,
    ]);
    let ramps = (densities(), prop_oneof![1u32..5, any::<u32>()]).prop_map(|(from, power)| Ramp { from, power });
    let ramps = prop_oneof![ramps, Just(Ramp::linear()), Just(Ramp::cubic())];
    let all = vec![
        scores(seed).prop_map(add(Event::with_score)).boxed(),
        rankings.prop_map(add(Event::with_ranking)).boxed(),
        axes().prop_map(add(Event::with_axis)).boxed(),
        distributions.prop_map(add(Event::with_distribution)).boxed(),
        bound().prop_map(add(Event::with_min_density)).boxed(),
        bound().prop_map(add(Event::with_max_density)).boxed(),
        ramps.prop_map(add(Event::with_ramp)).boxed(),
        prop_oneof![1u64..9, any::<u64>()].prop_map(add(|event, every| Ok(event.with_every(every)))).boxed(),
        Just(()).prop_map(add(|event, ()| event.with_straight_through())).boxed(),
        globs().prop_map(add(Event::with_include::<Glob>)).boxed(),
        globs().prop_map(add(Event::with_exclude::<Glob>)).boxed(),
        Just(Reopen::Gradient).prop_map(add(|event, how| Ok(event.with_reopen(how)))).boxed(),
        Just(Reopen::Random { seed }).prop_map(add(|event, how| Ok(event.with_reopen(how)))).boxed(),
        (0u64..60).prop_map(add(|event, epoch| Ok(event.with_rewind(epoch)))).boxed(),
    ];
    proptest::strategy::Union::new(all)
}

#[derive(Clone)]
struct Addition(std::sync::Arc<dyn Fn(Event) -> Result<Event, StrategyError> + Send + Sync>);

impl std::fmt::Debug for Addition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an addition")
    }
}

fn add<T: Clone + Send + Sync + 'static>(
    with: impl Fn(Event, T) -> Result<Event, StrategyError> + Clone + Send + Sync + 'static,
) -> impl Fn(T) -> Addition {
    move |value: T| {
        let with = with.clone();
        Addition(std::sync::Arc::new(move |event| with(event, value.clone())))
    }
}

/// Events with every combination of options that is legal in some order.
fn events() -> impl proptest::strategy::Strategy<Value = Event> {
    let seeds = prop_oneof![Just(0), Just(7), any::<u64>()];
    seeds.prop_flat_map(|seed| (bare(), proptest::collection::vec(addition(seed), 0..7))).prop_map(
        |(event, additions)| {
            additions.into_iter().fold(event, |event, Addition(add)| add(event.clone()).unwrap_or(event))
        },
    )
}

/// The gap from the key before, and the length of a key.
type Span = (u64, Option<u64>);

/// The keys of some spans, from a first epoch or step on; no two overlap.
fn keys(spans: Vec<(Span, Event)>, first: u64, key: fn(u64, u64, bool) -> Key) -> Vec<(Key, Event)> {
    let mut next = first;
    let mut table = Vec::new();
    for ((gap, length), event) in spans {
        let first = next + gap - 1;
        let last = first + length.unwrap_or(0);
        table.push((key(first, last, length.is_some()), event));
        next = last + 1;
    }
    table
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    let spans = |most| proptest::collection::vec(((1u64..50, proptest::option::of(0u64..50)), events()), 0..most);
    (any::<bool>(), spans(5), spans(4), proptest::option::of(events())).prop_map(
        |(from_zero, epochs, steps, others)| {
            let epochs = keys(epochs, u64::from(!from_zero), |first, last, range| {
                if range { Key::Epochs { first, last } } else { Key::Epoch(first) }
            });
            let steps = keys(steps, 1, |first, last, _| Key::Steps { first, last });
            let others = others.map(|event| (Key::OtherEpochs, event));
            // An event that does not fit its key, or the events before it, is left out.
            let mut strategy = Strategy::default();
            for entry in epochs.into_iter().chain(others).chain(steps) {
                let mut table: Vec<(Key, Event)> = strategy.events().map(|(key, event)| (key, event.clone())).collect();
                table.push(entry);
                strategy = Strategy::new(table).unwrap_or(strategy);
            }
            strategy
        },
    )
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
    fn event_at_agrees_with_a_search(strategy in strategies(), time in 0u64..300) {
        prop_assert_eq!(strategy.event_at(time), search(&strategy, time, false));
        if time > 0 {
            prop_assert_eq!(strategy.event_at_step(time), search(&strategy, time, true));
        }
    }

    #[test]
    fn a_scaled_strategy_reads_back(strategy in strategies(), from in 1u64..20, to in 1u64..20) {
        if let Ok(scaled) = strategy.scale_epochs(from, to) {
            prop_assert_eq!(&scaled.to_toml().parse::<Strategy>().unwrap(), &scaled);
        }
    }

    #[test]
    fn timelines_tell_of_every_event(strategy in strategies()) {
        let timeline = strategy.timeline();
        for (key, event) in strategy.events() {
            let rows = timeline.rows().iter().filter(|row| row.key == key);
            prop_assert_eq!(rows.count(), event.targets().len().max(1));
        }
        prop_assert!(!timeline.to_string().is_empty());
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

/// The event at an epoch or step, found by trying all keys.
fn search(strategy: &Strategy, time: u64, steps: bool) -> Option<(Key, &Event)> {
    let covers = |(key, _): &(Key, &Event)| {
        let (Some(first), Some(last)) = (key.first(), key.last()) else { return false };
        key.in_steps() == steps && first <= time && time <= last
    };
    let others = || strategy.events().find(|(key, _)| *key == Key::OtherEpochs && time >= 1 && !steps);
    let (key, event) = strategy.events().find(covers).or_else(others)?;
    let (first, last) = (key.first().unwrap_or(0), key.last());
    let mut happens = first;
    while happens < time {
        happens += event.interval(key);
    }
    (happens == time || last == Some(time)).then_some((key, event))
}

/// Texts of a million characters, each of a kind that could take quadratic time or overflow the stack. The test has no
/// clock: with quadratic time it would not end while anyone waits.
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
