//! Every strategy on the guide's page reads, and reads back from every form.

#![allow(clippy::unwrap_used, reason = "tests")]

use prune_schedule::Strategy;

#[test]
fn every_example_of_the_guide_works() {
    let page = include_str!("../docs/strategies.md");
    let mut found = 0;
    for block in page.split("\n```").skip(1) {
        let Some((language, text)) = block.split_once('\n') else { continue };
        if !matches!(language, "python" | "json" | "toml") {
            continue;
        }
        let strategy: Strategy = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(!strategy.is_empty(), "{text}");
        for form in [strategy.to_python(), strategy.to_json(), strategy.to_toml()] {
            assert_eq!(form.parse::<Strategy>().unwrap(), strategy, "{form}");
        }
        found += 1;
    }
    assert!(found >= 15, "only {found} examples were found");
}
