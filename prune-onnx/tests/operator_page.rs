//! The page of operators equals the table in the code.

use std::fmt::Write;

/// The page that the table gives.
fn page() -> String {
    let mut page = String::from(
        "# Operators\n\nThis page is written by `PRUNE_ONNX_PAGE=1 cargo test -p prune-onnx --test operator_page` and held by the \
         same test.\n\nTwo indices that are joined can only be removed together; a set of joined indices is a class. If one index \
         of a class is pinned, none of\nthe class is removed. Everything that touches an operator not listed here is pinned; so \
         is everything that touches a function defined by\nthe model, an operator of another domain, or a graph in an attribute. \
         An axis of length 1 is never removed.\n\nThe test `faults` leaves out each join, pin and rewrite in turn, and demands that \
         some network then goes wrong. The exceptions, which\nanother statement implies, are listed in the test with their \
         reason.\n\n| operators | joins | pins | rewrites |\n|---|---|---|---|\n",
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
