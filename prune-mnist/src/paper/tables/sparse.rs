//! Sparse training, compared with gradual pruning at equal density: static random masks, SET (Mocanu et al. 2018),
//! RigL (Evci et al. 2020), magnitude (Zhu and Gupta 2017); and their networks without idle neurons.

use std::fmt::Write as _;

use prune_schedule::table::{Column, aligned};

use super::arm::{Arm, Row, rows};
use super::han::tested;
use super::{TableContent, TableContext};
use crate::paper::picture::{Across, Curve, Mark, Picture, Plot};
use crate::paper::published::{POINTS, RIGL};
use crate::paper::queue::Outcomes;
use crate::paper::recipe::{BATCH_SIZE, PaperNet, SPARSE_EVERY, SPARSE_FRACTION, SPARSE_UNTIL};
use crate::paper::settings::PhaseChange;
use crate::paper::stats::Summary;
use crate::words::{counted, thousands};

const NET: PaperNet = PaperNet::Lenet300;
/// The density of RigL's network, over all weights.
const RIGL_DENSITY: f64 = 0.024;

/// The methods, in drawing order.
const METHODS: [SparseMethod; 4] = [SparseMethod::Gradual, SparseMethod::Rigl, SparseMethod::Set, SparseMethod::Static];

/// The way in which a network becomes sparse.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SparseMethod {
    /// The control: a mask drawn before training, which stays.
    Static,
    Set,
    Rigl,
    /// Gradual pruning of a dense network, by magnitude.
    Gradual,
}

/// The shares of layers in a drawn mask.
#[derive(Clone, Copy)]
enum Shares {
    /// Shares by Erdos-Renyi-Kernel, at this density of all weights.
    Erk(f64),
    /// The published shares of RigL's network.
    Published,
}

/// The steps of updates: the first, the last, and their distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Steps {
    first: u64,
    last: u64,
    every: u64,
}

impl Steps {
    /// The steps of a run of `all` steps. In a short run, each update comes after a tenth of its steps.
    fn of(all: u64) -> Self {
        let last = ((all as f64 * SPARSE_UNTIL) as u64).max(1);
        let every = SPARSE_EVERY.min(all / 10).clamp(1, last);
        Self { first: every, last, every }
    }
}

impl SparseMethod {
    fn name(self) -> &'static str {
        match self {
            Self::Static => "control: static random mask",
            Self::Set => "SET",
            Self::Rigl => "RigL",
            Self::Gradual => "gradual magnitude",
        }
    }

    fn strategy(self, shares: Shares, steps: Steps, seed: u64) -> String {
        let Steps { first, last, every } = steps;
        let drawn = match shares {
            Shares::Erk(density) => format!(
                "0: {{'method': 'unstr_global', 'density': {density}, 'score': 'random', 'distribution': 'erk', 'seed': {seed}}}"
            ),
            Shares::Published => {
                let kernels = NET.kernels();
                let named =
                    kernels.iter().zip(RIGL.shares).map(|(kernel, share)| format!("'{}': {share:?}", kernel.name));
                let table = named.collect::<Vec<_>>().join(", ");
                format!("0: {{'method': 'unstr_local', 'density': {{{table}}}, 'score': 'random', 'seed': {seed}}}")
            }
        };
        let times = format!("'{first}..={last} steps'");
        let moves = format!("'every': {every}, 'fraction': {SPARSE_FRACTION}, 'decay': 'cosine'");
        match (self, shares) {
            (Self::Static, _) => format!("{{{drawn}}}"),
            (Self::Set, _) => format!("{{{drawn}, {times}: {{'method': 'set', {moves}, 'seed': {seed}}}}}"),
            (Self::Rigl, _) => format!("{{{drawn}, {times}: {{'method': 'rigl', {moves}}}}}"),
            (Self::Gradual, Shares::Erk(density)) => format!(
                "{{{times}: {{'method': 'unstr_global', 'density': {density}, 'schedule': 'cubic', 'every': {every}}}}}"
            ),
            (Self::Gradual, Shares::Published) => unreachable!("magnitude shares out by itself"),
        }
    }
}

/// Densities of all weights, falling; the last is RigL's.
const DENSITIES: [f64; 2] = [0.1, RIGL_DENSITY];

/// The update steps of a run.
fn steps(context: &TableContext) -> Steps {
    let steps_an_epoch = (context.data.learnt as u64).div_ceil(BATCH_SIZE);
    Steps::of(steps_an_epoch * NET.sparse_recipe(context.scale).pruned())
}

fn twin(context: &TableContext) -> Arm {
    let recipe = NET.sparse_recipe(context.scale);
    Arm::new(format!("{}: dense twin", NET.name()), context, NET, recipe, recipe.lr, &PhaseChange::None)
}

fn sparse(context: &TableContext, method: SparseMethod, shares: Shares) -> Arm {
    let recipe = NET.sparse_recipe(context.scale);
    let steps = steps(context);
    let at = match shares {
        Shares::Erk(density) => format!("{}%", 100.0 * density),
        Shares::Published => "published shares".to_owned(),
    };
    let name = format!("{}: {}, {at}", NET.name(), method.name());
    let change = |seed| PhaseChange::Strategy(method.strategy(shares, steps, seed));
    Arm::by_seed(name, context, NET, recipe, recipe.lr, change)
}

/// The methods of the table, and last RigL with the published shares.
fn all() -> Vec<(SparseMethod, Shares)> {
    let each =
        METHODS.into_iter().flat_map(|method| DENSITIES.into_iter().map(move |density| (method, Shares::Erk(density))));
    each.chain([(SparseMethod::Rigl, Shares::Published)]).collect()
}

pub(super) fn arms(context: &TableContext) -> Vec<Arm> {
    let each = all().into_iter().map(|(method, shares)| sparse(context, method, shares));
    [twin(context)].into_iter().chain(each).collect()
}

fn row_name(method: SparseMethod, shares: Shares) -> String {
    match (method, shares) {
        (SparseMethod::Gradual, _) => method.name().to_owned(),
        (_, Shares::Erk(_)) => format!("{}, ERK", method.name()),
        (_, Shares::Published) => format!("{}, published shares", method.name()),
    }
}

pub(super) fn show(context: &TableContext, outcomes: &Outcomes) -> TableContent {
    let twin_arm = twin(context);
    let twin = twin_arm.figures(outcomes);
    let twins = twin.errors();
    let Steps { first, last, every } = steps(context);
    let mut text = format!(
        "LeNet-300-100, 266,200 weights, {}: error on {}\nupdates and events at steps {first} to {last}, every {every}; updates move {:.0}% of each layer, falling to none along a cosine\n\n",
        counted(NET.sparse_recipe(context.scale).pruned(), "epoch"),
        tested(context),
        100.0 * SPARSE_FRACTION,
    );
    let mut table = vec![Row {
        name: "dense twin".to_owned(),
        density: twin.density(),
        errors: twins.clone(),
        twins: None,
        published: None,
    }];
    let mut revivals = twin.revivals();
    let mut curves: Vec<Curve> = Vec::new();
    for (method, shares) in all() {
        let arm = sparse(context, method, shares);
        let figures = arm.figures(outcomes);
        let errors = figures.errors();
        revivals += figures.revivals();
        if let Shares::Erk(_) = shares {
            let (point, name) = ((figures.compression(), Summary::of(&errors)), method.name());
            let name = name.trim_start_matches("control: ");
            match curves.iter_mut().find(|curve| curve.name == name) {
                Some(curve) => curve.points.push(point),
                None => curves.push(Curve { name: name.to_owned(), points: vec![point] }),
            }
        }
        let is_rigls =
            method == SparseMethod::Rigl && !matches!(shares, Shares::Erk(density) if density != RIGL_DENSITY);
        table.push(Row {
            name: row_name(method, shares),
            density: figures.density(),
            errors,
            twins: Some(twins.clone()),
            published: is_rigls.then_some(RIGL.error),
        });
    }
    let _ = writeln!(text, "{}\n\nrevivals in all runs: {revivals}\n", rows(table));
    text += &compacted(context, outcomes);

    let marks = POINTS.iter().filter(|point| point.net == NET && (8.0..66.0).contains(&point.compression));
    let marks =
        marks.map(|point| Mark { name: point.method.to_owned(), compression: point.compression, error: point.error });
    let title = "LeNet-300-100: sparse training and gradual pruning".to_owned();
    let across = Across::LowDensity;
    let plot = Plot { title, twin: Summary::of(&twins), curves, marks: marks.collect(), across };
    TableContent { text, pictures: vec![Picture::Plot("sparse", plot)] }
}

/// Each network of RigL's density without its idle neurons, beside the published one.
fn compacted(context: &TableContext, outcomes: &Outcomes) -> String {
    let header = [
        ("without idle neurons", Column::Left),
        ("seed", Column::Right),
        ("inputs and neurons", Column::Left),
        ("weights kept", Column::Right),
        ("biases", Column::Right),
        ("of parameters", Column::Right),
        ("bytes", Column::Right),
        ("bytes before", Column::Right),
        ("error %", Column::Right),
        ("error before", Column::Right),
    ];
    let (mut cells, mut equal, mut tried) = (Vec::new(), 0, 0);
    for (method, shares) in all() {
        if matches!(shares, Shares::Erk(density) if density != RIGL_DENSITY) {
            continue;
        }
        let arm = sparse(context, method, shares);
        let figures = arm.figures(outcomes);
        let (mut bytes, mut errors) = (Vec::new(), Vec::new());
        for outcome in &figures.outcomes {
            let (Some(small), Some(test)) = (&outcome.compacted, outcome.last()) else { continue };
            let error = 100.0 * small.wrong as f64 / test.images as f64;
            (tried, equal) = (tried + 1, equal + usize::from(small.wrong == test.wrong));
            bytes.push(small.bytes() as f64);
            errors.push(error);
            cells.push([
                row_name(method, shares),
                outcome.settings.seed.to_string(),
                small.name(),
                thousands(small.kept),
                small.biases.to_string(),
                thousands(small.parameters()),
                thousands(small.bytes()),
                thousands(outcome.bytes),
                format!("{error:.2}"),
                format!("{:.2}", test.error()),
            ]);
        }
        let mut mean: [String; 10] = std::array::from_fn(|_| String::new());
        mean[0] = format!("{}, mean", row_name(method, shares));
        mean[6] = thousands(Summary::of(&bytes).mean.round() as usize);
        mean[8] = format!("{:.2}", Summary::of(&errors).mean);
        cells.push(mean);
    }
    let units: Vec<String> = RIGL.units[..3].iter().map(ToString::to_string).collect();
    let biases: usize = RIGL.units[1..].iter().sum();
    let weights: usize = RIGL.units.windows(2).map(|pair| pair[0] * pair[1]).sum();
    cells.push([
        "published: RigL".to_owned(),
        String::new(),
        units.join("-"),
        thousands(RIGL.kept),
        biases.to_string(),
        thousands(weights + biases),
        thousands(RIGL.bytes),
        String::new(),
        format!("{:.2}", RIGL.error),
        String::new(),
    ]);
    format!(
        "{}\n\n\
         bytes: a bit for each weight of the smaller layers, 4 bytes for each that is kept and for each bias, as Evci et al. count;\n\
         bytes before: the same of all 266,200 weights and 410 biases, a packed mask and the kept values\n\
         {equal} of {tried} compacted networks have the error of the sparse one they come from, to the image\n",
        aligned(&header, cells)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use prune_schedule::Strategy;

    use super::*;

    #[test]
    fn the_last_update_comes_at_three_quarters_also_of_few_steps() {
        assert_eq!(Steps::of(14_070), Steps { first: 100, last: 10_552, every: 100 });
        assert_eq!(Steps::of(474), Steps { first: 47, last: 355, every: 47 });
        assert_eq!(Steps::of(1), Steps { first: 1, last: 1, every: 1 });
        for all in 1..300 {
            let Steps { first, last, every } = Steps::of(all);
            assert!(0 < every && every <= first && first <= last && last <= all, "{all}");
        }
    }

    #[test]
    fn strategies_are_what_anyone_can_paste() {
        let steps = Steps::of(14_070);
        let [gradual, rigl, set, fixed] = METHODS.map(|method| method.strategy(Shares::Erk(0.05), steps, 3));
        let drawn =
            "0: {'method': 'unstr_global', 'density': 0.05, 'score': 'random', 'distribution': 'erk', 'seed': 3}";
        let moves = "'every': 100, 'fraction': 0.3, 'decay': 'cosine'";
        assert_eq!(fixed, format!("{{{drawn}}}"));
        assert_eq!(rigl, format!("{{{drawn}, '100..=10552 steps': {{'method': 'rigl', {moves}}}}}"));
        assert_eq!(set, format!("{{{drawn}, '100..=10552 steps': {{'method': 'set', {moves}, 'seed': 3}}}}"));
        assert_eq!(
            gradual,
            "{'100..=10552 steps': {'method': 'unstr_global', 'density': 0.05, 'schedule': 'cubic', 'every': 100}}"
        );
        let shares = SparseMethod::Rigl.strategy(Shares::Published, steps, 3);
        assert!(shares.contains("{'Dense_0-kernel': 0.01, 'Dense_1-kernel': 0.11, 'Dense_2-kernel': 1.0}"), "{shares}");
        for text in [gradual, rigl, set, fixed, shares] {
            text.parse::<Strategy>().unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
}
