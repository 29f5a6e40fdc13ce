//! Every mistake in a strategy's text, one a test; each test compares the whole message.

#![allow(clippy::unwrap_used, reason = "tests")]

use prune_schedule::Strategy;

/// The lists in messages.
const METHODS: &str = "`unstr_unified_local`, `unstr_global`, `unstr_local`, `str_unified_local`, `str_global`, `str_local`, \
                       `block_unified_local`, `block_global`, `block_local`, `channel_unified_local`, `channel_global`, \
                       `channel_local`, `set`, `rigl`";
const FIELDS: &str = "`method`, `density`, `sparsity`, `pattern`, `prune_rate_pattern`, `score`, `ranking`, `block`, \
                      `axes`, `pool`, `norm`, `bias`, `axis`, `distribution`, `min_density`, `max_density`, `schedule`, `power`, `from_density`, `every`, \
                      `straight_through`, `fraction`, `decay`, `include`, `exclude`, `reopen`, `rewind`, `seed`";

const SCORES: &str = "`magnitude`, `random`, `saliency`, `snip`, `wanda`, `given`";

/// A test per line: its name, the text, the message.
macro_rules! refused {
    ($($name:ident: $text:expr => $message:expr;)*) => {
        $(#[test]
        fn $name() {
            let message = $message.replace("<methods>", METHODS).replace("<fields>", FIELDS).replace("<scores>", SCORES);
            assert_eq!($text.parse::<Strategy>().unwrap_err().to_string(), message);
        })*
    };
}

refused! {
    nothing: ""
        => "the strategy is empty; write `{}` for no events";
    only_comments: "# only a comment"
        => "the strategy is empty; write `{}` for no events";
    event_that_is_a_number: "{10: 0.9}"
        => "line 1, column 6: epoch 10: an event is a table such as {'method': 'unstr_global', 'density': 0.1}; found the number 0.9";
    a_list_in_toml: "[1, 2]"
        => "line 1, column 3: unclosed table, expected `]` (read as TOML, since it starts neither with `{` nor with `name =`)";
    a_list_as_literal: "pruning_strategy = [1]"
        => "line 1, column 20: a strategy is a table from epochs to events, such as {10: {'method': .., 'density': ..}}; found the list (1)";
    epoch_with_a_fraction: "{1.0: {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 2: an epoch is a whole number such as 10, a range such as '10..=20', or -1 for all others; found the number 1.0";
    boolean_epoch: "{True: {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 2: an epoch is a whole number such as 10, a range such as '10..=20', or -1 for all others; found the boolean true";
    negative_epoch: "{-2: {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 2: epoch -2 is negative; only -1, which stands for every epoch not named, may be";
    word_as_epoch: "{'ten': {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 2: `ten` is not an epoch; write a whole number such as 10, a range such as '10..=20', -1 for all others, or steps such as '100 steps'";
    open_range: "{'10..20': {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 2: range `10..20` leaves open whether its end belongs to it; write it with `..=`, such as '10..=20'";
    reversed_range: "{'20..=10': {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 2: range 20..=10 runs backwards; did you mean '10..=20'?";
    range_from_minus_one: "{'-1..=10': {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 2: epoch -1..=10 is negative; only -1, which stands for every epoch not named, may be";
    huge_epoch: "{99999999999: {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 2: epoch 99999999999 is too large; the last possible one is 4294967295";
    epoch_twice_as_number_and_text: "{10: {'method': 'unstr_global', 'density': 0.2},
 '10': {'method': 'unstr_global', 'density': 0.1}}"
        => "line 2, column 2: epoch 10 is written twice (the other is at line 1, column 2); each epoch has one event";
    epoch_inside_a_range: "{'10..=20': {'method': 'unstr_global', 'density': 0.2},
 15: {'method': 'unstr_global', 'density': 0.1}}"
        => "line 2, column 2: epoch 15 lies inside the range 10..=20 (the other is at line 1, column 2); each epoch has one event";
    range_around_an_epoch: "{15: {'method': 'unstr_global', 'density': 0.2}, '10..=20': {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 50: epoch 15 lies inside the range 10..=20 (the other is at line 1, column 2); each epoch has one event";
    overlapping_ranges: "{'10..=20': {'method': 'unstr_global', 'density': 0.2}, '20..=30': {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 57: range 20..=30 overlaps the range 10..=20 (the other is at line 1, column 2); each epoch has one event";
    missing_method: "{10: {'density': 0.1}}"
        => "line 1, column 2: epoch 10: the event has no `method`; write one of <methods>";
    misspelt_method: "{10: {'method': 'unstr_globl', 'density': 0.1}}"
        => "line 1, column 17: epoch 10: unknown method `unstr_globl` (did you mean `unstr_global`?); the methods are <methods>";
    method_that_is_a_number: "{10: {'method': 3, 'density': 0.1}}"
        => "line 1, column 17: epoch 10: `method` is a string such as 'unstr_global'; found the number 3";
    missing_amount: "{10: {'method': 'unstr_global'}}"
        => "line 1, column 2: epoch 10: `unstr_global` needs one of `density`, `sparsity`, `prune_rate_pattern`";
    misspelt_field: "{10: {'method': 'unstr_global', 'densty': 0.1}}"
        => "line 1, column 33: epoch 10: unknown field `densty` (did you mean `density`?); the fields are <fields>";
    field_that_is_a_number: "{10: {'method': 'unstr_global', 3: 0.1}}"
        => "line 1, column 33: epoch 10: a field's name is a string such as 'method'; found the number 3";
    field_twice: "{10: {'method': 'unstr_global', 'density': 0.1, 'density': 0.1}}"
        => "line 1, column 49: epoch 10: field `density` is written twice (the other is at line 1, column 33)";
    two_amounts: "{10: {'method': 'unstr_global', 'density': 0.9, 'prune_rate_pattern': 0.9}}"
        => "line 1, column 49: epoch 10: `density` and `prune_rate_pattern` both say how much is kept; write one of them";
    pattern_under_unstr: "{10: {'method': 'unstr_global', 'pattern': (2, 4)}}"
        => "line 1, column 33: epoch 10: `pattern` does not go with `unstr_global`, which needs one of `density`, `sparsity`, `prune_rate_pattern`";
    density_under_str: "{10: {'method': 'str_unified_local', 'density': 0.5}}"
        => "line 1, column 38: epoch 10: `density` does not go with `str_unified_local`, which needs one of `pattern`, `prune_rate_pattern`";
    density_as_text: "{10: {'method': 'unstr_global', 'density': '0.9'}}"
        => "line 1, column 44: epoch 10: with `unstr_global`, `density` is a number such as 0.1; found the string '0.9'";
    boolean_density: "{10: {'method': 'unstr_global', 'density': True}}"
        => "line 1, column 44: epoch 10: with `unstr_global`, `density` is a number such as 0.1; found the boolean true";
    n_m_under_unstr: "{10: {'method': 'unstr_global', 'prune_rate_pattern': (2, 4)}}"
        => "line 1, column 55: epoch 10: with `unstr_global`, `prune_rate_pattern` is a number such as 0.1; found the list (2, 4)";
    number_under_str: "{10: {'method': 'str_unified_local', 'prune_rate_pattern': 0.5}}"
        => "line 1, column 60: epoch 10: with `str_unified_local`, `prune_rate_pattern` is N:M, N kept of every M, such as '2:4' or (2, 4); found the number 0.5";
    density_zero: "{10: {'method': 'unstr_global', 'density': 0}}"
        => "line 1, column 44: epoch 10: density 0 is outside 0 < d <= 1 (density is the fraction kept)";
    density_above_one: "{10: {'method': 'unstr_global', 'density': 1.5}}"
        => "line 1, column 44: epoch 10: density 1.5 is outside 0 < d <= 1 (density is the fraction kept)";
    sparsity_one: "{10: {'method': 'unstr_global', 'sparsity': 1.0}}"
        => "line 1, column 45: epoch 10: sparsity 1 is outside 0 <= s < 1 (sparsity is the fraction removed)";
    density_nan: "{10: {'method': 'unstr_global', 'density': nan}}"
        => "line 1, column 44: epoch 10: density NaN is outside 0 < d <= 1 (density is the fraction kept)";
    number_too_large: "{10: {'method': 'unstr_global', 'density': 1e999}}"
        => "line 1, column 44: the number 1e999 is too large";
    n_above_m: "{10: {'method': 'str_unified_local', 'pattern': (4, 2)}}"
        => "line 1, column 49: epoch 10: pattern 4:2 is not N:M with 1 <= N <= M (N of every M elements are kept)";
    unreadable_pattern: "{10: {'method': 'str_unified_local', 'pattern': '2of4'}}"
        => "line 1, column 49: epoch 10: `2of4` is not a pattern; write N:M, such as 2:4 (2 of every 4 elements are kept)";
    three_numbers_as_pattern: "{10: {'method': 'str_unified_local', 'pattern': (2, 4, 8)}}"
        => "line 1, column 49: epoch 10: with `str_unified_local`, `pattern` is N:M, N kept of every M, such as '2:4' or (2, 4); found the list (2, 4, 8)";
    nested_list_as_pattern: "{10: {'method': 'str_unified_local', 'pattern': ((2, 4), 8)}}"
        => "line 1, column 49: epoch 10: with `str_unified_local`, `pattern` is N:M, N kept of every M, such as '2:4' or (2, 4); found a list of 2 values";
    negative_n: "{10: {'method': 'str_unified_local', 'pattern': (-2, 4)}}"
        => "line 1, column 49: epoch 10: with `str_unified_local`, `pattern` is N:M, N kept of every M, such as '2:4' or (2, 4); found the list (-2, 4)";
    number_under_local: "{10: {'method': 'unstr_local', 'density': 0.1}}"
        => "line 1, column 43: epoch 10: `unstr_local` takes a table from layers to values, such as {'Dense_0-kernel': 0.1}, found the number 0.1; for the same value in every layer write 'method': 'unstr_unified_local'";
    pattern_under_local: "{10: {'method': 'str_local', 'pattern': '2:4'}}"
        => "line 1, column 41: epoch 10: `str_local` takes a table from layers to values, such as {'Dense_0-kernel': (2, 4)}, found the string '2:4'; for the same value in every layer write 'method': 'str_unified_local'";
    table_under_global: "{10: {'method': 'unstr_global', 'density': {'a': 0.1}}}"
        => "line 1, column 44: epoch 10: `unstr_global` ranks all layers together and takes one value, found a table; for a value per layer write 'method': 'unstr_local'";
    empty_table: "{10: {'method': 'unstr_local', 'density': {}}}"
        => "line 1, column 43: epoch 10: `unstr_local` is given an empty table, which selects no layer; name at least one";
    bad_value_in_table: "{10: {'method': 'unstr_local', 'density': {'a': 0.1, 'b': 1.5}}}"
        => "line 1, column 59: epoch 10, layer `b`: density 1.5 is outside 0 < d <= 1 (density is the fraction kept)";
    layer_twice: "{10: {'method': 'unstr_local', 'density': {'a': 0.1, 'a': 0.1}}}"
        => "line 1, column 54: epoch 10, layer `a`: the layer is written twice (the other is at line 1, column 44)";
    layer_that_is_a_number: "{10: {'method': 'unstr_local', 'density': {1: 0.1}}}"
        => "line 1, column 44: epoch 10: a layer's name is a string such as 'Dense_0-kernel'; found the number 1";
    axis_under_unstr: "{10: {'method': 'unstr_global', 'density': 0.5, 'axis': 0}}"
        => "line 1, column 57: epoch 10: `axis` says along which axis N:M groups run, or outputs where `ranking` is 'output'; `unstr_global` has neither here, so leave it out";
    axis_under_str_global: "{10: {'method': 'str_global', 'pattern': '2:4', 'axis': 0}}"
        => "line 1, column 57: epoch 10: `str_global` groups over all selected layers, one after the other, along no axis; leave `axis` out";
    misspelt_axis: "{10: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 'reducton'}}"
        => "line 1, column 64: epoch 10: `axis` is an index such as 0 or -1, 'reduction' or 'output'; found the string 'reducton'";
    axis_with_a_fraction: "{10: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': 1.5}}"
        => "line 1, column 64: epoch 10: `axis` is an index such as 0 or -1, 'reduction' or 'output'; found the number 1.5";
    empty_include: "{10: {'method': 'unstr_global', 'density': 0.5, 'include': []}}"
        => "line 1, column 60: epoch 10: `include` is an empty list, which selects no layer; leave it out to select every prunable layer";
    number_in_include: "{10: {'method': 'unstr_global', 'density': 0.5, 'include': [3]}}"
        => "line 1, column 60: epoch 10: `include` is a pattern over layer names such as '*kernel', or a list of them; found the number 3";
    exclude_beside_table: "{10: {'method': 'unstr_local', 'density': {'a': 0.5}, 'exclude': 'b'}}"
        => "line 1, column 66: epoch 10: `exclude` does not go with `unstr_local`, whose table names its layers already";
    misspelt_reopen: "{10: {'method': 'unstr_global', 'density': 0.5, 'reopen': 'randm'}}"
        => "line 1, column 59: epoch 10: unknown way to reopen, `randm` (did you mean `random`?); write 'random' or 'gradient'";
    boolean_reopen: "{10: {'method': 'unstr_global', 'density': 0.5, 'reopen': True}}"
        => "line 1, column 59: epoch 10: `reopen` is 'random' or 'gradient'; found the boolean true";
    seed_without_reopen: "{10: {'method': 'unstr_global', 'density': 0.5, 'seed': 3}}"
        => "line 1, column 57: epoch 10: `seed` is for what is drawn, and nothing of this event is; leave it out";
    negative_seed: "{10: {'method': 'unstr_global', 'density': 0.5, 'reopen': 'random', 'seed': -3}}"
        => "line 1, column 77: epoch 10: `seed` is a whole number of 0 or more; found the number -3";
    missing_comma: "{10: {'method': 'unstr_global' 'density': 0.5}}"
        => "line 1, column 32: expected `,` or `}`, found `'`";
    cut_text: "{10: {'method': 'unstr_global', 'density': 0.5"
        => "line 1, column 47: the text ends inside the `{` opened at line 1, column 6";
    unclosed_quote: "{10: {'method': 'unstr_global, 'density': 0.5}}"
        => "line 1, column 33: expected `,` or `}`, found `density`";
    trailing_words: "{10: {'method': 'unstr_global', 'density': 0.5}} and more"
        => "line 1, column 50: the strategy ends before this, but `and` follows";
    unknown_escape: r"{10: {'method': 'unstr\dglobal', 'density': 0.5}}"
        => r"line 1, column 23: the escape `\d` in a string stands for no character; write `\\` for a backslash";
    two_points_in_a_number: "{10: {'method': 'unstr_global', 'density': 0.5.5}}"
        => "line 1, column 44: `0.5.5` is not a number";
    leading_zero: "{010: {'method': 'unstr_global', 'density': 0.5}}"
        => "line 1, column 2: `010` is not a number";
    missing_colon: "{10 {'method': 'unstr_global', 'density': 0.5}}"
        => "line 1, column 5: expected `:` between a key and its value, found `{`";
    bare_word: "{10: method}"
        => "line 1, column 6: `method` is no value; text goes in quotes";
    missing_value: "{10: }"
        => "line 1, column 6: expected a value, found `}`";
    toml_table_twice: r#"[10]
method = "unstr_global"
density = 0.1
[10]
method = "unstr_global""#
        => "line 4, column 2: duplicate key, at `10` (read as TOML, since it starts neither with `{` nor with `name =`)";
    toml_unclosed_header: "[10"
        => "line 1, column 4: unclosed table, expected `]` (read as TOML, since it starts neither with `{` nor with `name =`)";
    toml_deep_header: format!("# strategy\n[{}]", vec!["a"; 200].join("."))
        => "line 2, column 1: this is nested more than 32 deep; a strategy needs four levels at most";
    toml_deep_key: format!("[10]\nmethod = 'unstr_global'\n{} = 1", vec!["a"; 200].join("."))
        => "line 3, column 1: this is nested more than 32 deep; a strategy needs four levels at most";
    toml_deep_list: format!("[10]\ndensity = {}", "[".repeat(200))
        => "line 2, column 91: this is nested more than 32 deep; a strategy needs four levels at most";
    toml_deeper_than_python_may: format!("[10]\ndensity = {}1{}", "[".repeat(40), "]".repeat(40))
        => "line 2, column 42: this is nested more than 32 deep; a strategy needs four levels at most";
    control_characters: "{10: {'method': '\\x1b[31mred', 'density': 0.1}}"
        => "line 1, column 17: epoch 10: unknown method `\\u{1b}[31mred`; the methods are <methods>";
    toml_without_epochs: r#"method = "unstr_global""#
        => "line 1, column 10: a strategy is a table from epochs to events, such as {10: {'method': .., 'density': ..}}; found the string 'unstr_global'";
    toml_density_above_one: r#"[10]
method = "unstr_global"
density = 2.0"#
        => "line 3, column 11: epoch 10: density 2 is outside 0 < d <= 1 (density is the fraction kept)";
    toml_density_nan: r#"[10]
method = "unstr_global"
density = nan"#
        => "line 3, column 11: epoch 10: density NaN is outside 0 < d <= 1 (density is the fraction kept)";
    toml_date: r#"[10]
method = "unstr_local"
[10.density]
"a" = 2020-01-01"#
        => "line 4, column 7: epoch 10, layer `a`: with `unstr_local`, `density` is a number such as 0.1; found the date 2020-01-01";
    no_form_at_all: "hello"
        => "line 1, column 6: key with no value, expected `=` (read as TOML, since it starts neither with `{` nor with `name =`)";
    toml_epoch_with_a_fraction: r#"[1.0]
method = "unstr_global"
density = 0.1"#
        => "line 1, column 4: epoch 1: unknown field `0`; the fields are <fields>";
    toml_number_too_large: r#"[10]
method = "unstr_global"
density = 1e999"#
        => "line 3, column 11: the number 1e999 is too large";
    density_infinite: "{10: {'method': 'unstr_global', 'density': inf}}"
        => "line 1, column 44: epoch 10: density inf is outside 0 < d <= 1 (density is the fraction kept)";
    minus_infinity: "{10: {'method': 'unstr_global', 'density': -inf}}"
        => "line 1, column 44: `-inf` is not a number";
    minus_one_twice: "{-1: {'method': 'unstr_global', 'density': 0.1}, -1: {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 50: epoch -1 is written twice (the other is at line 1, column 2); each epoch has one event";
    none_as_epoch: "{None: {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 2: an epoch is a whole number such as 10, a range such as '10..=20', or -1 for all others; found nothing (None or null)";
    tuple_as_epoch: "{(1, 2): {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 2: an epoch is a whole number such as 10, a range such as '10..=20', or -1 for all others; found the list (1, 2)";
    list_of_events: "{10: [{'method': 'unstr_global', 'density': 0.1}]}"
        => "line 1, column 6: epoch 10: an event is a table such as {'method': 'unstr_global', 'density': 0.1}; found a list of one value";
    n_zero: "{10: {'method': 'str_unified_local', 'pattern': '0:4'}}"
        => "line 1, column 49: epoch 10: pattern 0:4 is not N:M with 1 <= N <= M (N of every M elements are kept)";
    seed_as_text: "{10: {'method': 'unstr_global', 'density': 0.1, 'seed': 'x', 'reopen': 'random'}}"
        => "line 1, column 57: epoch 10: `seed` is a whole number of 0 or more; found the string 'x'";
    integer_too_large: "{10: {'method': 'unstr_global', 'density': 99999999999999999999}}"
        => "line 1, column 44: the number 99999999999999999999 is too large";
    newline_in_a_string: r#"{10: {'method': "unstr_global
", 'density': 0.1}}"#
        => "line 1, column 17: the string is not closed on its line";
    half_a_surrogate_pair: r"{10: {'method': '\ud800x', 'density': 0.1}}"
        => r"line 1, column 18: the escape `\ud800` in a string stands for no character; write `\\` for a backslash";
    cut_tuple: "{10: (1, 2"
        => "line 1, column 11: the text ends inside the `(` opened at line 1, column 6";
    invented_method: "{10: {'method': 'prune_all', 'density': 0.1}}"
        => "line 1, column 17: epoch 10: unknown method `prune_all` (did you mean `unstr_local`?); the methods are <methods>";
    original_argument_prune_axis: "{10: {'method': 'str_unified_local', 'pattern': '2:4', 'prune_axis': 0}}"
        => "line 1, column 56: epoch 10: unknown field `prune_axis`; the fields are <fields>";
    method_in_capitals: "{10: {'method': 'UNSTR_GLOBAL', 'density': 0.1}}"
        => "line 1, column 17: epoch 10: unknown method `UNSTR_GLOBAL` (did you mean `unstr_global`?); the methods are <methods>";
    sparsity_under_str: "{10: {'method': 'str_unified_local', 'sparsity': 0.5}}"
        => "line 1, column 38: epoch 10: `sparsity` does not go with `str_unified_local`, which needs one of `pattern`, `prune_rate_pattern`";
    table_in_a_table: "{10: {'method': 'unstr_local', 'density': {'a': {'b': 0.5}}}}"
        => "line 1, column 49: epoch 10, layer `a`: with `unstr_local`, `density` is a number such as 0.1; found a table";
    number_in_a_str_table: "{10: {'method': 'str_local', 'pattern': {'a': 0.5}}}"
        => "line 1, column 47: epoch 10, layer `a`: with `str_local`, `pattern` is N:M, N kept of every M, such as '2:4' or (2, 4); found the number 0.5";
    n_m_in_an_unstr_table: "{10: {'method': 'unstr_local', 'density': {'a': (2, 4)}}}"
        => "line 1, column 49: epoch 10, layer `a`: with `unstr_local`, `density` is a number such as 0.1; found the list (2, 4)";
    null_density: "{10: {'method': 'unstr_global', 'density': null}}"
        => "line 1, column 44: epoch 10: with `unstr_global`, `density` is a number such as 0.1; found nothing (None or null)";
    number_as_exclude: "{10: {'method': 'unstr_global', 'density': 0.5, 'exclude': 3}}"
        => "line 1, column 60: epoch 10: `exclude` is a pattern over layer names such as '*kernel', or a list of them; found the number 3";
    score_that_is_a_number: "{1: {'method': 'unstr_global', 'density': 0.5, 'score': 3}}"
        => "line 1, column 57: epoch 1: `score` is a name such as 'magnitude'; found the number 3";
    misspelt_score: "{1: {'method': 'unstr_global', 'density': 0.5, 'score': 'magnitud'}}"
        => "line 1, column 57: epoch 1: unknown score `magnitud` (did you mean `magnitude`?); the scores are <scores>";
    score_of_an_update: "{'1..=9': {'method': 'set', 'score': 'random'}}"
        => "line 1, column 38: epoch 1..=9: `score` does not fit: `set` drops by magnitude; leave it out";
    ranking_that_is_a_boolean: "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'ranking': True}}"
        => "line 1, column 66: epoch 1: `ranking` is 'layer', 'global' or 'output'; found the boolean true";
    misspelt_ranking: "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'ranking': 'outputs'}}"
        => "line 1, column 66: epoch 1: `ranking` knows no `outputs` (did you mean `output`?); write 'layer', 'global' or 'output'";
    global_ranking_in_each_layer: "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'ranking': 'global'}}"
        => "line 1, column 66: epoch 1: `ranking` does not fit: `unstr_unified_local` ranks within a layer, or within an output; `unstr_global` ranks all layers together";
    output_ranking_of_all_layers: "{1: {'method': 'unstr_global', 'density': 0.5, 'ranking': 'output'}}"
        => "line 1, column 59: epoch 1: `ranking` does not fit: `unstr_global` ranks all layers together; `unstr_unified_local` ranks within outputs";
    ranking_of_groups: "{1: {'method': 'str_unified_local', 'pattern': '2:4', 'ranking': 'layer'}}"
        => "line 1, column 66: epoch 1: `ranking` does not fit: `str_unified_local` has groups of its own; leave it out";
    axis_of_a_layer_ranking: "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'ranking': 'layer', 'axis': 0}}"
        => "line 1, column 83: epoch 1: `axis` says along which axis N:M groups run, or outputs where `ranking` is 'output'; `unstr_unified_local` has neither here, so leave it out";
    missing_block: "{1: {'method': 'block_global', 'density': 0.5}}"
        => "line 1, column 2: epoch 1: `block` does not fit: `block_global` needs the size of its blocks, such as (4, 4)";
    block_of_nothing: "{1: {'method': 'block_global', 'density': 0.5, 'block': ()}}"
        => "line 1, column 57: epoch 1: `block` does not fit: blocks of sizes [] along the last axes: they have no size; give one for each axis that is cut";
    block_with_a_side_of_zero: "{1: {'method': 'block_global', 'density': 0.5, 'block': (4, 0)}}"
        => "line 1, column 57: epoch 1: `block` does not fit: blocks of sizes [4, 0] along the last axes: a size is 0; the smallest is 1";
    block_with_a_negative_side: "{1: {'method': 'block_global', 'density': 0.5, 'block': (4, -4)}}"
        => "line 1, column 57: epoch 1: `block` is the sizes of a block, such as (4, 4); found the list (4, -4)";
    block_as_text: "{1: {'method': 'block_global', 'density': 0.5, 'block': '4x4'}}"
        => "line 1, column 57: epoch 1: `block` is the sizes of a block, such as (4, 4); found the string '4x4'";
    block_with_a_fraction: "{1: {'method': 'block_global', 'density': 0.5, 'block': (4, 0.5)}}"
        => "line 1, column 57: epoch 1: `block` is the sizes of a block, such as (4, 4); found the list (4, 0.5)";
    fewer_axes_than_sides: "{1: {'method': 'block_global', 'density': 0.5, 'block': (4, 4), 'axes': 0}}"
        => "line 1, column 57: epoch 1: `block` does not fit: blocks of sizes [4, 4] along axes [0]: there must be an axis for each size, or none for the last axes";
    axis_twice: "{1: {'method': 'block_global', 'density': 0.5, 'block': (4, 4), 'axes': (1, 1)}}"
        => "line 1, column 57: epoch 1: `block` does not fit: blocks of sizes [4, 4] along axes [1, 1]: two of the axes are the same one";
    axes_as_text: "{1: {'method': 'block_global', 'density': 0.5, 'block': (4, 4), 'axes': 'last'}}"
        => "line 1, column 73: epoch 1: `axes` is the axes that blocks are cut along, such as (0, 1); found the string 'last'";
    misspelt_pool: "{1: {'method': 'block_global', 'density': 0.5, 'block': (4, 4), 'pool': 'mena'}}"
        => "line 1, column 73: epoch 1: `pool` knows no `mena` (did you mean `mean`?); write 'mean' or 'max'";
    pool_that_is_a_number: "{1: {'method': 'block_global', 'density': 0.5, 'block': (4, 4), 'pool': 2}}"
        => "line 1, column 73: epoch 1: `pool` is 'mean' or 'max'; found the number 2";
    axis_of_blocks: "{1: {'method': 'block_global', 'density': 0.5, 'block': (4, 4), 'axis': 0}}"
        => "line 1, column 73: epoch 1: `axis` does not fit: `block_global` cuts its blocks along `axes`; write that";
    block_of_elements: "{1: {'method': 'unstr_global', 'density': 0.5, 'block': (4, 4)}}"
        => "line 1, column 57: epoch 1: `block` does not fit: it goes with `block_*`, not with `unstr_global`; leave it out";
    pool_of_channels: "{1: {'method': 'channel_global', 'density': 0.5, 'pool': 'max'}}"
        => "line 1, column 58: epoch 1: `pool` does not fit: it goes with `block_*`, not with `channel_global`; leave it out";
    norm_of_blocks: "{1: {'method': 'block_global', 'density': 0.5, 'block': 4, 'norm': 2}}"
        => "line 1, column 68: epoch 1: `norm` does not fit: it goes with `channel_*`, not with `block_global`; leave it out";
    bias_of_elements: "{1: {'method': 'unstr_global', 'density': 0.5, 'bias': True}}"
        => "line 1, column 56: epoch 1: `bias` does not fit: it goes with `channel_*`, not with `unstr_global`; leave it out";
    norm_of_three: "{1: {'method': 'channel_global', 'density': 0.5, 'norm': 3}}"
        => "line 1, column 58: epoch 1: `norm` is 1, 2 or 'inf'; found the number 3";
    misspelt_norm: "{1: {'method': 'channel_global', 'density': 0.5, 'norm': 'max'}}"
        => "line 1, column 58: epoch 1: `norm` is 1, 2 or 'inf'; found the string 'max'";
    bias_that_is_a_number: "{1: {'method': 'channel_global', 'density': 0.5, 'bias': 1}}"
        => "line 1, column 58: epoch 1: `bias` is True or False; found the number 1";
    pattern_of_channels: "{1: {'method': 'channel_global', 'pattern': '2:4'}}"
        => "line 1, column 34: epoch 1: `pattern` does not go with `channel_global`, which needs one of `density`, `sparsity`, `prune_rate_pattern`";
    number_under_channel_local: "{1: {'method': 'channel_local', 'density': 0.5}}"
        => "line 1, column 44: epoch 1: `channel_local` takes a table from layers to values, such as {'Dense_0-kernel': 0.1}, found the number 0.5; for the same value in every layer write 'method': 'channel_unified_local'";
    table_under_block_global: "{1: {'method': 'block_global', 'density': {'a': 0.5}, 'block': 4}}"
        => "line 1, column 43: epoch 1: `block_global` ranks all layers together and takes one value, found a table; for a value per layer write 'method': 'block_local'";
    misspelt_distribution: "{1: {'method': 'unstr_global', 'density': 0.5, 'distribution': 'ekr'}}"
        => "line 1, column 64: epoch 1: `distribution` knows no `ekr`; write 'global', 'global_l2', 'uniform' or 'erk'";
    distribution_that_is_a_table: "{1: {'method': 'unstr_global', 'density': 0.5, 'distribution': {'a': 1}}}"
        => "line 1, column 64: epoch 1: `distribution` is 'global', 'global_l2', 'uniform' or 'erk'; found a table";
    distribution_in_each_layer: "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'distribution': 'erk'}}"
        => "line 1, column 71: epoch 1: `distribution` does not fit: `unstr_unified_local` says itself what each layer keeps; a density of all layers together, with `unstr_global`, is shared out";
    distribution_of_blocks: "{1: {'method': 'block_global', 'density': 0.5, 'block': 4, 'distribution': 'erk'}}"
        => "line 1, column 76: epoch 1: `distribution` does not fit: `block_global` ranks the pieces of all layers together; only `unstr_global` is shared out";
    least_density_in_each_layer: "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'min_density': 0.1}}"
        => "line 1, column 70: epoch 1: `min_density` does not fit: `unstr_unified_local` says itself what each layer keeps; a density of all layers together, with `unstr_global`, is shared out";
    least_density_as_text: "{1: {'method': 'unstr_global', 'density': 0.5, 'min_density': 'low'}}"
        => "line 1, column 63: epoch 1: `min_density` is a density such as 0.05, or a table from layers to densities; found the string 'low'";
    least_density_of_zero: "{1: {'method': 'unstr_global', 'density': 0.5, 'min_density': 0}}"
        => "line 1, column 63: epoch 1: density 0 is outside 0 < d <= 1 (density is the fraction kept)";
    greatest_density_of_a_layer_above_one: "{1: {'method': 'unstr_global', 'density': 0.5, 'max_density': {'a': 0.5, 'b': 2}}}"
        => "line 1, column 79: epoch 1, layer `b`: density 2 is outside 0 < d <= 1 (density is the fraction kept)";
    greatest_density_of_a_layer_twice: "{1: {'method': 'unstr_global', 'density': 0.5, 'max_density': {'a': 0.5, 'a': 0.5}}}"
        => "line 1, column 74: epoch 1, layer `a`: the layer is written twice (the other is at line 1, column 64)";
    bounds_beside_reopen: "{1: {'method': 'unstr_global', 'density': 0.5, 'max_density': 0.9, 'reopen': 'random'}}"
        => "line 1, column 78: epoch 1: `reopen` does not fit: it does not go with `min_density` and `max_density` in one ranking";
    schedule_without_a_range: "{1: {'method': 'unstr_global', 'density': 0.5, 'schedule': 'cubic'}}"
        => "line 1, column 60: epoch 1: `schedule` does not fit: it needs a range of epochs or steps, such as '2..=10' or '100..=900 steps'";
    schedule_under_minus_one: "{-1: {'method': 'unstr_global', 'density': 0.5, 'schedule': 'cubic'}}"
        => "line 1, column 61: epoch -1: `schedule` does not fit: it needs a range of epochs or steps, such as '2..=10' or '100..=900 steps'";
    schedule_at_one_step: "{'7 steps': {'method': 'unstr_global', 'density': 0.5, 'schedule': 'cubic'}}"
        => "line 1, column 68: step 7: `schedule` does not fit: it needs a range of epochs or steps, such as '2..=10' or '100..=900 steps'";
    misspelt_schedule: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'schedule': 'qubic'}}"
        => "line 1, column 66: epoch 1..=9: `schedule` knows no `qubic` (did you mean `cubic`?); write 'linear', 'cubic' or 'polynomial'";
    schedule_that_is_a_number: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'schedule': 3}}"
        => "line 1, column 66: epoch 1..=9: `schedule` is 'linear', 'cubic' or 'polynomial'; found the number 3";
    schedule_of_groups: "{'1..=9': {'method': 'str_global', 'pattern': '2:4', 'schedule': 'linear'}}"
        => "line 1, column 66: epoch 1..=9: `schedule` does not fit: `str_global` has no density that could move";
    schedule_of_an_update: "{'1..=9': {'method': 'rigl', 'schedule': 'linear'}}"
        => "line 1, column 42: epoch 1..=9: `schedule` does not fit: `rigl` has no density that could move";
    polynomial_without_power: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'schedule': 'polynomial'}}"
        => "line 1, column 66: epoch 1..=9: `schedule` does not fit: `polynomial` needs `power`, such as 2";
    power_of_zero: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'schedule': 'polynomial', 'power': 0}}"
        => "line 1, column 89: epoch 1..=9: `power` is a whole number of 1 or more; found the number 0";
    power_with_a_fraction: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'schedule': 'polynomial', 'power': 2.5}}"
        => "line 1, column 89: epoch 1..=9: `power` is a whole number of 1 or more; found the number 2.5";
    power_of_a_cubic: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'schedule': 'cubic', 'power': 3}}"
        => "line 1, column 84: epoch 1..=9: `power` does not fit: it goes with 'schedule': 'polynomial'; leave it out";
    power_without_schedule: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'power': 3}}"
        => "line 1, column 63: epoch 1..=9: `power` does not fit: it goes with 'schedule': 'polynomial'; leave it out";
    first_density_without_schedule: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'from_density': 0.9}}"
        => "line 1, column 70: epoch 1..=9: `from_density` does not fit: it goes with `schedule`, which is not written";
    first_density_above_one: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'schedule': 'linear', 'from_density': 1.5}}"
        => "line 1, column 92: epoch 1..=9: density 1.5 is outside 0 < d <= 1 (density is the fraction kept)";
    first_density_as_text: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'schedule': 'linear', 'from_density': 'dense'}}"
        => "line 1, column 92: epoch 1..=9: `from_density` is a density such as 1.0; found the string 'dense'";
    every_without_a_range: "{1: {'method': 'unstr_global', 'density': 0.5, 'every': 2}}"
        => "line 1, column 57: epoch 1: `every` does not fit: it needs a range of epochs or steps, such as '2..=10' or '100..=900 steps'";
    every_zeroth: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'every': 0}}"
        => "line 1, column 63: epoch 1..=9: `every` is a whole number of 1 or more; found the number 0";
    every_as_text: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'every': 'second'}}"
        => "line 1, column 63: epoch 1..=9: `every` is a whole number of 1 or more; found the string 'second'";
    straight_through_without_a_range: "{1: {'method': 'unstr_global', 'density': 0.5, 'straight_through': True}}"
        => "line 1, column 68: epoch 1: `straight_through` does not fit: it needs a range of epochs, at whose end the mask is applied";
    straight_through_by_steps: "{'1..=9 steps': {'method': 'unstr_global', 'density': 0.5, 'straight_through': True}}"
        => "line 1, column 80: step 1..=9: `straight_through` does not fit: it needs a range of epochs, at whose end the mask is applied";
    straight_through_of_an_update: "{'1..=9': {'method': 'set', 'straight_through': True}}"
        => "line 1, column 49: epoch 1..=9: `straight_through` does not fit: `set` trains sparse weights, and there are no dense ones";
    straight_through_beside_a_schedule: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'straight_through': True, 'schedule': 'linear'}}"
        => "line 1, column 74: epoch 1..=9: `straight_through` does not fit: `schedule`, `every`, `reopen` and `rewind` do not go with it";
    straight_through_as_text: "{'1..=9': {'method': 'unstr_global', 'density': 0.5, 'straight_through': 'yes'}}"
        => "line 1, column 74: epoch 1..=9: `straight_through` is True or False; found the string 'yes'";
    density_of_an_update: "{'1..=9': {'method': 'set', 'density': 0.5}}"
        => "line 1, column 29: epoch 1..=9: `set` keeps as much as there is; leave `density` out";
    update_under_minus_one: "{-1: {'method': 'rigl'}}"
        => "line 1, column 17: epoch -1: `method` does not fit: `set` and `rigl` need a range that ends, such as '100..=7500 steps'";
    a_single_update_of_a_cosine: "{5: {'method': 'rigl'}}"
        => "line 1, column 2: epoch 5: `decay` does not fit: a cosine has come to nothing at the last update, and here is only one; write 'decay': 'constant', or a range of epochs or steps";
    update_that_reopens: "{'1..=9': {'method': 'set', 'reopen': 'random'}}"
        => "line 1, column 22: epoch 1..=9: `method` does not fit: `set` and `rigl` open what they open; `reopen` and `rewind` do not go with them";
    fraction_of_zero: "{'1..=9': {'method': 'set', 'fraction': 0}}"
        => "line 1, column 41: epoch 1..=9: `fraction` is a number above 0 and at most 1, such as 0.3; found the number 0.0";
    fraction_above_one: "{'1..=9': {'method': 'set', 'fraction': 1.5}}"
        => "line 1, column 41: epoch 1..=9: `fraction` is a number above 0 and at most 1, such as 0.3; found the number 1.5";
    fraction_as_text: "{'1..=9': {'method': 'set', 'fraction': 'half'}}"
        => "line 1, column 41: epoch 1..=9: `fraction` is a number above 0 and at most 1, such as 0.3; found the string 'half'";
    fraction_of_a_density: "{1: {'method': 'unstr_global', 'density': 0.5, 'fraction': 0.3}}"
        => "line 1, column 60: epoch 1: `fraction` does not fit: it goes with `set` and `rigl`, not with `unstr_global`; leave it out";
    misspelt_decay: "{'1..=9': {'method': 'set', 'decay': 'cosin'}}"
        => "line 1, column 38: epoch 1..=9: `decay` knows no `cosin` (did you mean `cosine`?); write 'cosine' or 'constant'";
    decay_of_a_density: "{1: {'method': 'unstr_global', 'density': 0.5, 'decay': 'cosine'}}"
        => "line 1, column 57: epoch 1: `decay` does not fit: it goes with `set` and `rigl`, not with `unstr_global`; leave it out";
    seed_of_gradients: "{'1..=9': {'method': 'rigl', 'seed': 3}}"
        => "line 1, column 38: epoch 1..=9: `seed` is for what is drawn, and nothing of this event is; leave it out";
    axis_of_an_update: "{'1..=9': {'method': 'set', 'axis': 3}}"
        => "line 1, column 37: epoch 1..=9: `axis` says along which axis N:M groups run, or outputs where `ranking` is 'output'; `set` has neither here, so leave it out";
    reopen_of_channels: "{1: {'method': 'channel_global', 'density': 0.5, 'reopen': 'random'}}"
        => "line 1, column 60: epoch 1: `reopen` does not fit: it opens elements, and here whole blocks or channels are ranked";
    reopen_within_outputs: "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'score': 'wanda', 'reopen': 'random'}}"
        => "line 1, column 83: epoch 1: `reopen` does not fit: it works within layers and over all of them, not within outputs";
    rewind_that_is_negative: "{3: {'method': 'unstr_global', 'density': 0.5, 'rewind': -1}}"
        => "line 1, column 58: epoch 3: `rewind` is the epoch to go back to, such as 0 for the initial weights; found the number -1";
    rewind_as_text: "{3: {'method': 'unstr_global', 'density': 0.5, 'rewind': 'initial'}}"
        => "line 1, column 58: epoch 3: `rewind` is the epoch to go back to, such as 0 for the initial weights; found the string 'initial'";
    rewind_to_its_own_epoch: "{3: {'method': 'unstr_global', 'density': 0.5, 'rewind': 3}}"
        => "line 1, column 58: epoch 3: `rewind` does not fit: it goes back to the end of an earlier epoch, and epoch 3 is not before epoch 3";
    rewind_before_training: "{0: {'method': 'unstr_global', 'density': 0.5, 'rewind': 0}}"
        => "line 1, column 58: epoch 0: `rewind` does not fit: nothing has trained yet at epoch 0; leave it out";
    rewind_into_its_range: "{'3..=5': {'method': 'unstr_global', 'density': 0.5, 'rewind': 4}}"
        => "line 1, column 64: epoch 3..=5: `rewind` does not fit: it goes back to the end of an earlier epoch, and epoch 4 is not before epoch 3";
    rewind_under_minus_one: "{-1: {'method': 'unstr_global', 'density': 0.5, 'rewind': 1}}"
        => "line 1, column 59: epoch -1: `rewind` does not fit: it goes back to the end of an earlier epoch, and epoch 1 is not before epoch 1";
    step_zero: "{'0 steps': {'method': 'unstr_global', 'density': 0.5}}"
        => "line 1, column 2: steps count from 1, and `0 steps` begins at 0; what happens before training is at epoch 0";
    steps_from_zero: "{'0..=9 steps': {'method': 'set'}}"
        => "line 1, column 2: steps count from 1, and `0..=9 steps` begins at 0; what happens before training is at epoch 0";
    steps_without_a_number: "{'steps': {'method': 'set'}}"
        => "line 1, column 2: `steps` is not an epoch; write a whole number such as 10, a range such as '10..=20', -1 for all others, or steps such as '100 steps'";
    steps_backwards: "{'9..=1 steps': {'method': 'set'}}"
        => "line 1, column 2: range 9..=1 steps runs backwards; did you mean '1..=9 steps'?";
    minus_one_steps: "{'-1 steps': {'method': 'set'}}"
        => "line 1, column 2: `-1 steps` is not an epoch; write a whole number such as 10, a range such as '10..=20', -1 for all others, or steps such as '100 steps'";
    step_with_a_fraction: "{'1.5 steps': {'method': 'unstr_global', 'density': 0.5}}"
        => "line 1, column 2: `1.5` is not an epoch; write a whole number such as 10, a range such as '10..=20', -1 for all others, or steps such as '100 steps'";
    step_twice: "{'5 steps': {'method': 'unstr_global', 'density': 0.5}, '5 step': {'method': 'unstr_global', 'density': 0.5}}"
        => "line 1, column 57: step 5 is written twice (the other is at line 1, column 2); each step has one event";
    step_inside_a_range: "{'1..=9 steps': {'method': 'set'}, '5 steps': {'method': 'unstr_global', 'density': 0.5}}"
        => "line 1, column 36: step 5 lies inside the range 1..=9 steps (the other is at line 1, column 2); each step has one event";
    density_over_a_range_of_steps: "{'1..=9 steps': {'method': 'unstr_global', 'density': 0.5}}"
        => "line 1, column 28: step 1..=9: `method` does not fit: a range of steps needs a `schedule`, or `set` or `rigl`; masks float over epochs only";
    floating_beside_steps: "{'1..=9': {'method': 'unstr_global', 'density': 0.5}, '5 steps': {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 55: the masks of 1..=9 float, and those of 5 steps would be made in between; give the range a `schedule`, or leave one of the two out";
    minus_one_beside_steps: "{-1: {'method': 'unstr_global', 'density': 0.5}, '5 steps': {'method': 'unstr_global', 'density': 0.1}}"
        => "line 1, column 50: the masks of -1 float, and those of 5 steps would be made in between; give the range a `schedule`, or leave one of the two out";
    toml_step_with_a_bad_field: r#"["5..=9 steps"]
method = "rigl"
fraction = 2"#
        => "line 3, column 12: step 5..=9: `fraction` is a number above 0 and at most 1, such as 0.3; found the number 2.0";
}
