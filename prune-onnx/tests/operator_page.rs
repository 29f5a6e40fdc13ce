//! The page of operators equals the table in the code.

use std::fmt::Write;

/// The page that the table gives.
fn page() -> String {
    let mut page = String::from(
        "# Operators\n\nThis page is written by `PRUNE_ONNX_PAGE=1 cargo test -p prune-onnx --test operator_page` and held by the \
         same test.\n\nAn index of an axis goes only together with all indices that are joined with it; a class with an index \
         that is pinned stays.\nOperators that are not listed, functions that a model defines, operators of other domains, and \
         graphs in attributes pin whatever they\ntouch. An axis of length 1 never goes.\n\nEvery join, pin and rewrite is dropped \
         once by the test `faults`, which wants a network that then goes wrong, except for those\nthat another statement \
         implies; they are listed there with the reason.\n\n| operators | joins | pins | rewrites |\n|---|---|---|---|\n",
    );
    for rule in prune_onnx::operators() {
        let cell = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        let (joins, pins, rewrites) = (cell(rule.joins), cell(rule.pins), cell(rule.rewrites));
        writeln!(page, "| {} | {joins} | {pins} | {rewrites} |", rule.operators.join(", ")).expect("a string");
    }
    page
}

#[test]
fn the_page_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operators.md");
    if std::env::var_os("PRUNE_ONNX_PAGE").is_some() {
        std::fs::write(path, page()).expect("written");
    }
    assert_eq!(std::fs::read_to_string(path).expect("the page"), page());
}

#[test]
fn an_operator_has_one_rule() {
    let mut all: Vec<&str> = prune_onnx::operators().flat_map(|rule| rule.operators.iter().copied()).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}
