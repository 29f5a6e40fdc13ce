//! Any text at all as a strategy causes no panic, is read in time, and if accepted reads back the same.
//!
//! `PROPTEST_CASES=200000 cargo test -p prune-files --release --test strategy_text` is the long run.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use prune_files::events_of;
use prune_schedule::Strategy as Pruning;

fn read(text: &str) -> Result<(), TestCaseError> {
    let Ok(strategy) = text.parse::<Pruning>() else { return Ok(()) };
    for again in [strategy.to_python(), strategy.to_json(), strategy.to_toml()] {
        prop_assert_eq!(&again.parse::<Pruning>().unwrap(), &strategy, "{} from {}", again, text);
    }
    let _ = (strategy.timeline().to_string(), events_of(&strategy, None), events_of(&strategy, Some(3)));
    Ok(())
}

/// Pieces of strategies, right and wrong ones.
fn piece() -> impl Strategy<Value = String> {
    let known = vec![
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        ",",
        ":",
        "=",
        "'",
        "\"",
        "\n",
        "#",
        "\\",
        "'method'",
        "'unstr_global'",
        "'density'",
        "'str_unified_local'",
        "'pattern'",
        "'2:4'",
        "(2, 4)",
        "'sparsity'",
        "'prune_rate_pattern'",
        "'axis'",
        "'include'",
        "'exclude'",
        "'reopen'",
        "'random'",
        "-1",
        "0",
        "1",
        "0.5",
        "1e999",
        "'3..=5'",
        "name =",
        "None",
        "True",
        "{1: {'method': 'unstr_global', 'density': 0.5}}",
        "{'a': 0.5}",
        "'unstr_local'",
        "[1]",
        "method = \"unstr_global\"",
        "density = 0.5",
    ];
    prop_oneof![6 => prop::sample::select(known).prop_map(str::to_owned), 1 => "\\PC{0,5}"]
}

/// Events in which every field may be wrong.
fn event() -> impl Strategy<Value = String> {
    let methods =
        vec!["unstr_global", "unstr_unified_local", "unstr_local", "str_global", "str_unified_local", "str_local", "x"];
    let amounts = vec!["0.5", "1", "0", "-1", "(2, 4)", "'1:4'", "{'a': 0.5}", "{'a': '2:4'}", "[2, 4]", "{}", "'a'"];
    let names = vec!["density", "sparsity", "pattern", "prune_rate_pattern", "axis"];
    (
        prop_oneof![
            (-2i64..12).prop_map(|epoch| epoch.to_string()),
            (0u64..9, 0u64..9).prop_map(|(a, b)| format!("'{a}..={b}'"))
        ],
        prop::sample::select(methods),
        prop::collection::vec((prop::sample::select(names), prop::sample::select(amounts)), 0..3),
    )
        .prop_map(|(epoch, method, fields)| {
            let fields: String = fields.iter().map(|(name, amount)| format!(", '{name}': {amount}")).collect();
            format!("{epoch}: {{'method': '{method}'{fields}}}")
        })
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(piece(), 0..20)) {
        read(&pieces.concat())?;
        read(&format!("{{1: {{{}}}}}", pieces.join(" ")))?;
    }

    #[test]
    fn any_events(events in prop::collection::vec(event(), 0..4)) {
        read(&format!("{{{}}}", events.join(", ")))?;
    }
}
