//! Every strategy on the guide's page can be read, and reads back from every form.

#![allow(clippy::unwrap_used, reason = "tests")]

mod model;

use model::Model;
use prune_core::{Masks, PlainTensor};
use prune_schedule::{Evidence, Inputs, Method, Pruner, Strategy};

#[test]
fn every_example_of_the_guide_works() {
    let page = include_str!("../docs/strategies.md");
    assert!(examples(page) >= 30, "only {} examples were found", examples(page));
}

#[test]
fn every_example_of_the_methods_works() {
    let page = include_str!("../docs/methods.md");
    assert!(examples(page) >= 15, "only {} examples were found", examples(page));
}

/// The tables list everything that may be written.
#[test]
fn the_guide_has_every_method_and_field() {
    let page = include_str!("../docs/strategies.md");
    let rows: String = page.lines().filter(|line| line.starts_with("| ")).collect();
    let error = "{1: {'x': 1}}".parse::<Strategy>().unwrap_err().to_string();
    let (_, fields) = error.split_once("the fields are ").unwrap();
    let fields = fields.split(", ").map(|field| field.trim_matches('`').to_owned());
    for name in Method::names().map(str::to_owned).chain(fields).filter(|name| name != "method") {
        assert!(rows.contains(&format!("`{name}`")), "{name}");
    }
}

/// The number of strategies on a page; each is read back from every form.
fn examples(page: &str) -> usize {
    let strategies = strategies(page);
    for strategy in &strategies {
        assert!(!strategy.is_empty());
        for form in [strategy.to_python(), strategy.to_json(), strategy.to_toml()] {
            assert_eq!(form.parse::<Strategy>().unwrap(), *strategy, "{form}");
        }
    }
    strategies.len()
}

/// The strategies of a page.
fn strategies(page: &str) -> Vec<Strategy> {
    let blocks = page.split("\n```").skip(1).filter_map(|block| block.split_once('\n'));
    let texts = blocks.filter(|(language, _)| matches!(*language, "python" | "json" | "toml"));
    texts.map(|(_, text)| text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))).collect()
}

/// Every example of the methods is carried out, with the evidence that it needs, and reaches what it says.
#[test]
fn every_example_of_the_methods_can_be_carried_out() {
    let shapes: [(&str, &[usize]); 4] =
        [("fc1.weight", &[12, 8]), ("fc1.bias", &[12]), ("Dense_0-kernel", &[8, 10]), ("Dense_0-bias", &[10])];
    for strategy in strategies(include_str!("../docs/methods.md")) {
        let mut model = Model::seeded(&shapes, 3);
        let initial = model.clone();
        let mut pruner = Pruner::new(strategy.clone());
        pruner.check(&model).unwrap_or_else(|error| panic!("{error}\n{strategy}"));
        let measure = |name: &str, _: &Masks| {
            // Both layers have eight inputs.
            assert!(["fc1.weight", "Dense_0-kernel"].contains(&name));
            PlainTensor::from_logical(&[8], vec![1.0; 8])
        };
        let evidence = Evidence {
            inputs: Some(Inputs::Measure(&measure)),
            scores: Some(&initial),
            rewind: Some(&initial),
            ..Evidence::default()
        };
        let mut reports = 0;
        pruner.observe(&Model::seeded(&shapes, 9)).unwrap();
        reports += usize::from(pruner.start(&mut model).unwrap().is_some());
        for step in 1..=strategy.last_event_step().unwrap_or(0) {
            pruner.observe(&Model::seeded(&shapes, step)).unwrap();
            reports += usize::from(pruner.end_step(step, &mut model).unwrap().is_some());
        }
        for epoch in 1..=strategy.last_event_epoch().unwrap() {
            model.disturb(epoch);
            pruner.hold(&mut model).unwrap();
            pruner.observe(&Model::seeded(&shapes, epoch)).unwrap();
            let report = pruner.end_epoch_with(epoch, &mut model, evidence);
            reports += usize::from(report.unwrap_or_else(|error| panic!("{error}\n{strategy}")).is_some());
        }
        assert!(reports > 0, "{strategy}");
        assert_eq!(pruner.revivals(&model).unwrap(), 0, "{strategy}");
        assert!(!pruner.masks().is_empty(), "{strategy}");
    }
}
