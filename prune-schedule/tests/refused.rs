//! Every mistake in a strategy's text, one a test, on the whole message.

#![allow(clippy::unwrap_used, reason = "tests")]

use prune_schedule::Strategy;

/// What messages list.
const METHODS: &str = "`unstr_unified_local`, `unstr_global`, `unstr_local`, `str_unified_local`, `str_global`, `str_local`, \
                       `block_unified_local`, `block_global`, `block_local`, `channel_unified_local`, `channel_global`, \
                       `channel_local`, `set`, `rigl`";
const FIELDS: &str = "`method`, `density`, `sparsity`, `pattern`, `prune_rate_pattern`, `score`, `ranking`, `block`, \
                      `axes`, `pool`, `norm`, `bias`, `axis`, `distribution`, `min_density`, `max_density`, `schedule`, `power`, `from_density`, `every`, \
                      `straight_through`, `fraction`, `decay`, `include`, `exclude`, `reopen`, `rewind`, `seed`";

/// A test per line: its name, the text, the message.
macro_rules! refused {
    ($($name:ident: $text:expr => $message:expr;)*) => {
        $(#[test]
        fn $name() {
            let message = $message.replace("<methods>", METHODS).replace("<fields>", FIELDS);
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
    n_of_m_under_unstr: "{10: {'method': 'unstr_global', 'prune_rate_pattern': (2, 4)}}"
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
    n_of_m_in_an_unstr_table: "{10: {'method': 'unstr_local', 'density': {'a': (2, 4)}}}"
        => "line 1, column 49: epoch 10, layer `a`: with `unstr_local`, `density` is a number such as 0.1; found the list (2, 4)";
    null_density: "{10: {'method': 'unstr_global', 'density': null}}"
        => "line 1, column 44: epoch 10: with `unstr_global`, `density` is a number such as 0.1; found nothing (None or null)";
    number_as_exclude: "{10: {'method': 'unstr_global', 'density': 0.5, 'exclude': 3}}"
        => "line 1, column 60: epoch 10: `exclude` is a pattern over layer names such as '*kernel', or a list of them; found the number 3";
}
