//! The training and the strategy of each case, drawn from its number alone.

use half::{bf16, f16};
use prune_core::{Layout, PlainTensor};

use super::draws::Draws;
use super::run::{Tensor, Tensors};

/// A training: its layers, the text of its strategy, and its kind.
pub(crate) struct Case {
    pub(crate) number: u64,
    pub(crate) kind: &'static str,
    pub(crate) model: Tensors,
    pub(crate) strategy: String,
    /// The epoch after which the pruner is saved and loaded.
    pub(crate) saved_after: u64,
}

pub(crate) const EPOCHS: u64 = 6;
pub(crate) const STEPS: u64 = 3;

/// The kinds of cases, which take turns.
pub(crate) const KINDS: [&str; 20] = [
    "local",
    "global",
    "table",
    "n-of-m",
    "n-of-m-global",
    "n-of-m-table",
    "blocks",
    "channels",
    "biases",
    "scores",
    "wanda",
    "shares",
    "bounds",
    "ramp",
    "outputs",
    "sparse-training",
    "straight-through",
    "rewind",
    "reopen",
    "floating",
];

pub(crate) fn case(number: u64) -> Case {
    let mut draws = Draws::new(number);
    let kind = KINDS[number as usize % KINDS.len()];
    let model = model(&mut draws, kind);
    let strategy = format!("{{{}}}", events(&mut draws, kind, &model).join(",\n "));
    Case { number, kind, model, strategy, saved_after: draws.within(0, EPOCHS) }
}

/// Layers whose names tell their axes, one whose name does not, biases, and sometimes one of many elements.
fn model(draws: &mut Draws, kind: &str) -> Tensors {
    let named_alone = ["channels", "biases", "outputs", "wanda"].contains(&kind);
    let mut names = vec!["Dense_0-kernel", "Dense_0-bias", "fc1.weight", "fc1.bias", "Conv_0-kernel", "conv.weight"];
    if !named_alone {
        names.extend(["table", "scale"]);
    }
    // In any order, and some of them left out.
    for i in (1..names.len()).rev() {
        names.swap(i, draws.within(0, i as u64) as usize);
    }
    let left_out = draws.within(0, 3) as usize;
    let mut dropped = 0;
    names.retain(|name| {
        let keep = dropped == left_out || name.starts_with("Dense_0") || name.starts_with("fc1");
        dropped += usize::from(!keep);
        keep
    });
    let ties = !draws.one_in(3);
    let many = draws.one_in(8);
    let mut outputs = [("Dense_0", 0), ("fc1", 0)];
    for (_, count) in &mut outputs {
        *count = draws.within(1, 6) as usize;
    }
    let layer = |name: &str| {
        let output = outputs.iter().find(|(stem, _)| name.starts_with(stem)).map_or(1, |(_, count)| *count);
        let mut side = |last: u64| draws.within(1, last) as usize;
        let shape = match name {
            "Dense_0-kernel" if many => vec![side(40) + 60, output],
            "Dense_0-kernel" => vec![side(9), output],
            "fc1.weight" => vec![output, side(9)],
            "Dense_0-bias" | "fc1.bias" => vec![output],
            "Conv_0-kernel" => vec![side(3), side(3), side(4), side(4)],
            "conv.weight" => vec![side(4), side(4), side(3), side(2)],
            "table" => vec![side(5), side(12)],
            _ => vec![side(12)],
        };
        let values = (0..shape.iter().product::<usize>()).map(|_| draws.value(ties)).collect();
        (name.to_owned(), tensor(draws, &shape, values))
    };
    Tensors(names.into_iter().map(layer).collect())
}

/// A tensor of any element type. Its memory is in logical order, or has the first axis innermost.
fn tensor(draws: &mut Draws, shape: &[usize], values: Vec<f64>) -> Tensor {
    macro_rules! of {
        ($variant:ident, $from:expr) => {
            Tensor::$variant(PlainTensor::from_logical(shape, values.iter().map($from).collect()).unwrap())
        };
    }
    match draws.within(0, 7) {
        0 => of!(F64, |value| *value),
        1 => of!(F16, |value| f16::from_f64(*value)),
        2 => of!(Bf16, |value| bf16::from_f64(*value)),
        3 | 4 => {
            let mut strides = vec![1isize; shape.len()];
            for axis in 1..shape.len() {
                strides[axis] = strides[axis - 1] * shape[axis - 1] as isize;
            }
            let layout = Layout::new(shape, &strides, 0).unwrap();
            Tensor::F32(PlainTensor::from_memory(layout, values.iter().map(|value| *value as f32).collect()).unwrap())
        }
        _ => of!(F32, |value| *value as f32),
    }
}

/// The events of a strategy, each as `key: {fields}`.
fn events(draws: &mut Draws, kind: &str, model: &Tensors) -> Vec<String> {
    let mut at = draws.within(0, 2);
    let mut events = Vec::new();
    // Densities fall from event to event, so that most events can be carried out.
    let mut density = draws.within(10, 20);
    let mut next = |draws: &mut Draws| {
        density = (density - draws.within(1, 5).min(density - 1)).max(1);
        density as f64 / 20.0
    };
    let mut put = |key: String, fields: Vec<String>| events.push(format!("{key}: {{{}}}", fields.join(", ")));
    let count = draws.within(1, 3);
    match kind {
        "ramp" => {
            let method = draws.of(&["unstr_global", "unstr_unified_local", "channel_unified_local", "block_global"]);
            let mut fields = vec![method_is(method), format!("'density': {}", next(draws))];
            fields.push(
                draws
                    .of(&["'schedule': 'linear'", "'schedule': 'cubic'", "'schedule': 'polynomial', 'power': 2"])
                    .to_owned(),
            );
            if method == "block_global" {
                fields.push("'block': (2, 2)".to_owned());
            }
            if draws.one_in(3) {
                fields.push("'from_density': 0.95".to_owned());
            }
            if draws.one_in(2) {
                fields.push(format!("'every': {}", draws.within(1, 3)));
            }
            if method.starts_with("unstr") && draws.one_in(3) {
                fields.push(draws.of(&["'score': 'saliency'", "'score': 'random', 'seed': 4"]).to_owned());
            }
            if method.starts_with("channel") || method.starts_with("block") {
                fields.push(square(model));
            }
            let key =
                if draws.one_in(2) { "'2..=5'".to_owned() } else { format!("'{}..=15 steps'", draws.within(1, 5)) };
            put(key, fields);
        }
        "sparse-training" => {
            let mask = draws.of(&["unstr_unified_local", "unstr_global", "str_unified_local"]);
            let amount = if mask.starts_with("str") {
                "'pattern': '2:4'".to_owned()
            } else {
                format!("'density': {}", next(draws))
            };
            put("0".to_owned(), vec![method_is(mask), amount]);
            let method = draws.of(&["set", "rigl"]);
            let mut fields = vec![method_is(method)];
            if method == "set" && draws.one_in(2) {
                fields.push(format!("'seed': {}", draws.within(1, 9)));
            }
            if draws.one_in(2) {
                fields.push("'fraction': 0.5".to_owned());
            }
            if draws.one_in(2) {
                fields.push("'decay': 'constant'".to_owned());
            }
            if draws.one_in(3) {
                fields.push("'exclude': '*conv*'".to_owned());
                if !model.0.iter().any(|(name, _)| name.contains("conv")) {
                    fields.pop();
                }
            }
            let steps = draws.one_in(2);
            fields.push(format!("'every': {}", draws.within(1, 3)));
            put(if steps { "'2..=16 steps'".to_owned() } else { "'1..=5'".to_owned() }, fields);
        }
        "straight-through" => {
            let mut fields = match draws.within(0, 3) {
                0 => vec![method_is("str_unified_local"), "'pattern': '1:2'".to_owned()],
                1 => vec![method_is("channel_unified_local"), format!("'density': {}", next(draws)), square(model)],
                2 => vec![
                    method_is("unstr_global"),
                    format!("'density': {}", next(draws)),
                    "'score': 'saliency'".to_owned(),
                ],
                _ => vec![method_is("unstr_unified_local"), format!("'density': {}", next(draws))],
            };
            fields.push("'straight_through': True".to_owned());
            put(format!("'{}..={}'", at.max(1), draws.within(3, 4)), fields);
            if draws.one_in(2) {
                put("6".to_owned(), vec![method_is("unstr_global"), "'density': 0.05".to_owned()]);
            }
        }
        "floating" => {
            let fields = |draws: &mut Draws, density: f64| match draws.within(0, 2) {
                0 => vec![method_is("str_unified_local"), "'pattern': (1, 2)".to_owned()],
                1 => vec![method_is("unstr_global"), format!("'density': {density}")],
                _ => vec![
                    method_is("unstr_unified_local"),
                    format!("'density': {density}"),
                    "'score': 'snip'".to_owned(),
                ],
            };
            let first = next(draws);
            let mut range = fields(draws, first);
            if draws.one_in(3) {
                range.push("'every': 2".to_owned());
            }
            put("'1..=3'".to_owned(), range);
            let density = next(draws);
            let key = if draws.one_in(2) { "-1" } else { "5" };
            put(key.to_owned(), fields(draws, density));
        }
        "reopen" => {
            put(at.to_string(), vec![method_is("unstr_unified_local"), format!("'density': {}", next(draws))]);
            let again = match draws.within(0, 2) {
                0 => vec![method_is("str_unified_local"), "'pattern': '2:4'".to_owned()],
                1 => vec![method_is("unstr_unified_local"), "'density': 0.95".to_owned()],
                _ => vec![method_is("unstr_global"), "'density': 0.9".to_owned()],
            };
            let how = draws.of(&["'reopen': 'random', 'seed': 7", "'reopen': 'random'", "'reopen': 'gradient'"]);
            let key = if draws.one_in(3) { "'11 steps'".to_owned() } else { (at + 2).to_string() };
            put(key, [again, vec![how.to_owned()]].concat());
            put("6".to_owned(), vec![method_is("unstr_global"), "'density': 0.1".to_owned()]);
        }
        _ => {
            for _ in 0..count {
                let density = next(draws);
                let mut fields = fields(draws, kind, model, density);
                if kind == "rewind" {
                    fields.push("'rewind': 0".to_owned());
                }
                let key = match (kind, draws.one_in(6)) {
                    ("rewind", _) => at.max(1).to_string(),
                    (_, true) if at > 0 => format!("'{} steps'", at * STEPS + 1),
                    _ => at.to_string(),
                };
                put(key, fields);
                at = at.max(1) + draws.within(1, 2);
            }
        }
    }
    events
}

/// The fields of an event that makes a mask at a single time.
fn fields(draws: &mut Draws, kind: &str, model: &Tensors, density: f64) -> Vec<String> {
    let keeps = |draws: &mut Draws| {
        if draws.one_in(4) { format!("'sparsity': {}", 1.0 - density) } else { format!("'density': {density}") }
    };
    let pattern = |draws: &mut Draws| format!("'pattern': '{}'", draws.of(&["2:4", "1:4", "1:2", "3:4", "2:3", "4:4"]));
    match kind {
        "local" | "global" | "rewind" => {
            let method = if kind == "local" { "unstr_unified_local" } else { "unstr_global" };
            let mut fields = vec![method_is(method), keeps(draws)];
            match draws.within(0, 5) {
                0 => fields.push("'include': ['*kernel', '*weight']".to_owned()),
                1 => fields.push("'exclude': 'fc1*'".to_owned()),
                _ => {}
            }
            fields
        }
        "table" => {
            let named = named(draws, model, 1);
            let each = named.iter().map(|name| format!("'{name}': {density}")).collect::<Vec<_>>().join(", ");
            vec![method_is("unstr_local"), format!("'density': {{{each}}}")]
        }
        "n-of-m" => {
            let mut fields = vec![method_is("str_unified_local"), pattern(draws)];
            let axis = draws.of(&["", "", "0", "1", "-1", "-2", "'reduction'", "'output'"]);
            if !axis.is_empty() {
                fields.push(format!("'axis': {axis}"));
            }
            if axis.starts_with('\'') && model.0.iter().any(|(name, _)| name == "table") {
                fields.push("'exclude': 'table'".to_owned());
            }
            if draws.one_in(4) {
                fields.push(
                    draws.of(&["'score': 'random', 'seed': 2", "'score': 'given'", "'score': 'snip'"]).to_owned(),
                );
            }
            fields
        }
        "n-of-m-global" => vec![method_is("str_global"), pattern(draws)],
        "n-of-m-table" => {
            let each = named(draws, model, 2);
            let each =
                each.iter().map(|name| format!("'{name}': '{}'", draws.of(&["2:4", "1:4", "1:2"]))).collect::<Vec<_>>();
            vec![method_is("str_local"), format!("'pattern': {{{}}}", each.join(", "))]
        }
        "blocks" => {
            let scope = draws.of(&["unified_local", "global", "local"]);
            let mut fields = vec![method_is(&format!("block_{scope}"))];
            fields.push(amount(scope, density, &named(draws, model, 2)));
            fields.push(
                draws
                    .of(&["'block': (2, 2)", "'block': (1, 4)", "'block': (3, 1)", "'block': (2, 3), 'axes': (0, 1)"])
                    .to_owned(),
            );
            if draws.one_in(3) {
                fields.push("'pool': 'max'".to_owned());
            }
            if draws.one_in(4) {
                fields.push("'score': 'saliency'".to_owned());
            }
            if scope == "global" && draws.one_in(3) {
                fields.push("'max_density': 0.9".to_owned());
            }
            fields
        }
        "channels" | "biases" => {
            let scope = draws.of(&["unified_local", "global", "local"]);
            let mut fields = vec![method_is(&format!("channel_{scope}"))];
            fields.push(amount(scope, density, &["fc1.weight", "Dense_0-kernel"].map(str::to_owned)));
            fields.push(draws.of(&["'norm': 1", "'norm': 2", "'norm': 'inf'"]).to_owned());
            if kind == "biases" {
                fields.push("'bias': True".to_owned());
            } else if draws.one_in(2) {
                fields.push(format!("'axis': {}", draws.of(&["0", "1", "-1", "'reduction'", "'output'"])));
            }
            fields
        }
        "scores" => {
            let method = draws.of(&["unstr_global", "unstr_unified_local"]);
            let score = draws.of(&["magnitude", "random", "saliency", "snip", "given"]);
            vec![method_is(method), keeps(draws), format!("'score': '{score}'")]
        }
        "wanda" => {
            let mut fields = vec![method_is("unstr_unified_local"), keeps(draws), "'score': 'wanda'".to_owned()];
            if draws.one_in(3) {
                fields[0] = method_is("unstr_global");
            } else if draws.one_in(3) {
                fields.push("'ranking': 'layer'".to_owned());
            }
            fields
        }
        "outputs" => {
            let mut fields = vec![method_is("unstr_unified_local"), keeps(draws), "'ranking': 'output'".to_owned()];
            if draws.one_in(2) {
                fields.push(format!("'axis': {}", draws.of(&["0", "1", "-1", "'reduction'"])));
            }
            fields
        }
        "shares" => {
            let by = draws.of(&["erk", "uniform", "global_l2", "erk"]);
            vec![method_is("unstr_global"), keeps(draws), format!("'distribution': '{by}'")]
        }
        _ => {
            let mut fields = vec![method_is("unstr_global"), keeps(draws)];
            if !draws.one_in(3) {
                fields.push(format!("'min_density': {}", density / 4.0));
            }
            if !draws.one_in(3) {
                fields.push(format!("'max_density': {}", (density * 1.5).min(1.0)));
            } else {
                fields.push(format!("'max_density': {{'fc1.weight': {}}}", (density * 1.25).min(1.0)));
            }
            fields.push(format!("'distribution': '{}'", draws.of(&["erk", "uniform", "global_l2", "global"])));
            fields
        }
    }
}

fn method_is(name: &str) -> String {
    format!("'method': '{name}'")
}

/// A selection of two-axis layers whose names tell their axes.
fn square(model: &Tensors) -> String {
    let named: Vec<_> = model.0.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "table").collect();
    let kernels = named.iter().any(|name| name.ends_with("kernel"));
    format!("'include': '{}'", if kernels { "*kernel" } else { "*weight" })
}

fn amount(scope: &str, density: f64, layers: &[String]) -> String {
    match scope {
        "local" => {
            let each = layers.iter().map(|name| format!("'{name}': {density}")).collect::<Vec<_>>().join(", ");
            format!("'density': {{{each}}}")
        }
        _ => format!("'density': {density}"),
    }
}

/// Names of some of the layers of at least this rank.
fn named(draws: &mut Draws, model: &Tensors, rank: usize) -> Vec<String> {
    let all: Vec<&str> =
        model.0.iter().filter(|(_, tensor)| tensor.shape().len() >= rank).map(|(name, _)| name.as_str()).collect();
    let some: Vec<String> = all.iter().filter(|_| draws.one_in(2)).map(|name| (*name).to_owned()).collect();
    if some.is_empty() { vec![all[0].to_owned()] } else { some }
}
