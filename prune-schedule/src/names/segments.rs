//! Names cut into segments, without the segments of wrappers.

/// Segments that stand for the saved file or run, not for a part of the model; dropped at the start.
const OUTER: [&str; 12] = [
    "model",
    "module",
    "base_model",
    "net",
    "network",
    "state_dict",
    "model_state_dict",
    "params",
    "student",
    "teacher",
    "ema",
    "_orig_mod",
];

/// Segments that wrap a module in another; dropped everywhere.
const WRAPPERS: [&str; 6] = [
    "base_layer",
    "original_module",
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
    "_forward_module",
];

/// The segments of a name, as patterns see it: cut at `.`, `/`, `-` and `:`, without wrappers.
///
/// Dropped are `base_layer` and `modules_to_save` of PEFT, wrappers of training runs, and the number that Keras puts
/// after a colon. Torch's `weight_orig` and `parametrizations.weight.original` become `weight`.
pub(super) fn segments(name: &str) -> Vec<&str> {
    let plain = match name.rsplit_once(':') {
        Some((plain, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => plain,
        _ => name,
    };
    let mut all: Vec<&str> = Vec::new();
    let mut rest = plain.split(['.', '/', '-', ':']).filter(|segment| !segment.is_empty());
    while let Some(segment) = rest.next() {
        match segment {
            // The next segment is the name of an adapter.
            "modules_to_save" => {
                rest.next();
            }
            _ if WRAPPERS.contains(&segment) || (all.is_empty() && OUTER.contains(&segment)) => {}
            _ => all.push(segment),
        }
    }
    match all[..] {
        [.., "parametrizations", _, "original"] => {
            all.pop();
            all.remove(all.len() - 2);
        }
        [.., "parametrizations", _, "original0" | "original1"] => {
            all.remove(all.len() - 3);
            all.remove(all.len() - 2);
        }
        // torch.nn.utils.prune and spectral norm, for any parameter.
        [.., ref mut last] => {
            let name: &str = last;
            *last = name.strip_suffix("_orig").filter(|stem| !stem.is_empty()).unwrap_or(name);
        }
        [] => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_at_all_four_marks() {
        assert_eq!(segments("Dense_0-kernel"), ["Dense_0", "kernel"]);
        assert_eq!(segments("dense_1/dense/kernel:0"), ["dense_1", "dense", "kernel"]);
        assert_eq!(segments("a.b"), ["a", "b"]);
    }

    #[test]
    fn wrappers_are_dropped() {
        let name = "base_model.model.model.layers.0.self_attn.q_proj.base_layer.weight";
        assert_eq!(segments(name), ["layers", "0", "self_attn", "q_proj", "weight"]);
        assert_eq!(segments("base_model.model.score.modules_to_save.default.weight"), ["score", "weight"]);
        assert_eq!(segments("module._orig_mod.fc.weight_orig"), ["fc", "weight"]);
        assert_eq!(segments("rnn.weight_hh_l0_orig"), ["rnn", "weight_hh_l0"]);
        assert_eq!(segments("rnn._orig"), ["rnn", "_orig"]);
        assert_eq!(segments("a.parametrizations.weight.original"), ["a", "weight"]);
        assert_eq!(segments("a.parametrizations.weight.original1"), ["a", "original1"]);
    }

    #[test]
    fn odd_names_are_cut_too() {
        assert_eq!(segments(""), [""; 0]);
        assert_eq!(segments("...:/-"), [""; 0]);
        assert_eq!(segments("model"), [""; 0]);
        assert_eq!(segments("a.modules_to_save"), ["a"]);
        assert_eq!(segments("é:0"), ["é"]);
    }
}
