//! Further than Han et al.: error against compression.

use std::fmt::Write as _;

use super::arm::{Arm, Figures, Row, rows};
use super::han::tested;
use super::strategies::{Pace, RankingScope, goal, strategy};
use super::{TableContent, TableContext};
use crate::paper::picture::{Across, Curve, Mark, Picture, Plot};
use crate::paper::published::POINTS;
use crate::paper::queue::Outcomes;
use crate::paper::recipe::{PaperNet, Scale};
use crate::paper::settings::PhaseChange;
use crate::paper::stats::Summary;

const NETS: [PaperNet; 2] = [PaperNet::Lenet300, PaperNet::Lenet5];

/// The kinds of pruning, in drawing order.
const KINDS: [(RankingScope, Pace); 4] = [
    (RankingScope::Global, Pace::Gradual),
    (RankingScope::PerLayer, Pace::Gradual),
    (RankingScope::Global, Pace::OneShot),
    (RankingScope::PerLayer, Pace::OneShot),
];

/// The compressions that are tried.
fn compressions(net: PaperNet, scale: Scale) -> &'static [f64] {
    match (net, scale) {
        (PaperNet::Lenet300, Scale::Full) => &[12.0, 25.0, 56.0, 100.0],
        (_, Scale::Full) => &[40.0, 108.0],
        (PaperNet::Lenet300, Scale::Quick) => &[4.0, 25.0, 100.0],
        (_, Scale::Quick) => &[40.0],
    }
}

fn twin(context: &TableContext, net: PaperNet) -> Arm {
    let recipe = net.curve_recipe(context.scale);
    Arm::new(format!("{}: dense twin", net.name()), context, net, recipe, recipe.lr, &PhaseChange::None)
}

fn pruned(context: &TableContext, net: PaperNet, (ranking, pace): (RankingScope, Pace), compression: f64) -> Arm {
    let recipe = net.curve_recipe(context.scale);
    let text = strategy(net, &goal(net, ranking, compression), pace, recipe);
    let name = format!("{}: {}, {} at {compression}x", net.name(), pace.name(), ranking.name());
    Arm::new(name, context, net, recipe, recipe.lr, &PhaseChange::Strategy(text))
}

/// The lowest published error for a network at a compression that is tried.
fn beside(net: PaperNet, compression: f64) -> Option<f64> {
    let there = POINTS.iter().filter(|point| point.net == net && point.compression == compression);
    there.map(|point| point.error).min_by(f64::total_cmp)
}

/// The largest tried compression that is no worse than the twin, with a note if a smaller one was worse.
fn furthest(no_worse: &[f64], worse: &[f64]) -> String {
    let Some(&largest) = no_worse.last() else { return "none of those tried".to_owned() };
    match worse.iter().find(|&&compression| compression < largest) {
        Some(smaller) => format!("{largest}x (though {smaller}x is worse)"),
        None => format!("{largest}x"),
    }
}

/// Random masks, with as many weights in each layer as the global ranking keeps.
fn random(context: &TableContext, net: PaperNet, compression: f64) -> Arm {
    let recipe = net.curve_recipe(context.scale);
    let text = strategy(net, &goal(net, RankingScope::Global, compression), Pace::OneShot, recipe);
    let name = format!("{}: random mask at {compression}x", net.name());
    Arm::new(name, context, net, recipe, recipe.lr, &PhaseChange::RandomMask(text))
}

pub(super) fn arms(context: &TableContext) -> Vec<Arm> {
    let mut arms = Vec::new();
    for net in NETS {
        arms.push(twin(context, net));
        for &compression in compressions(net, context.scale) {
            arms.extend(KINDS.map(|kind| pruned(context, net, kind, compression)));
            arms.push(random(context, net, compression));
        }
    }
    arms
}

pub(super) fn show(context: &TableContext, outcomes: &Outcomes) -> TableContent {
    let mut text = String::new();
    let mut pictures = Vec::new();
    for net in NETS {
        let twin_arm = twin(context, net);
        let twins = twin_arm.figures(outcomes).errors();
        let all = compressions(net, context.scale);
        let _ = writeln!(text, "{}: error on {} against compression\n", net.name(), tested(context));
        let row = |name: String, figures: &Figures<'_>, errors: Vec<f64>| Row {
            name,
            density: figures.density(),
            errors,
            twins: Some(twins.clone()),
            published: None,
        };
        let mut revivals = 0;
        let twin_row = Row { twins: None, ..row("dense twin".to_owned(), &twin_arm.figures(outcomes), twins.clone()) };
        let mut table = vec![twin_row];
        let mut curves = Vec::new();
        let mut best = String::new();
        for kind in KINDS {
            let name = format!("{}, {}", kind.1.name(), kind.0.name());
            let mut points = Vec::new();
            let (mut no_worse, mut worse) = (Vec::new(), Vec::new());
            for &compression in all {
                let arm = pruned(context, net, kind, compression);
                let figures = arm.figures(outcomes);
                let errors = figures.errors();
                points.push((figures.compression(), Summary::of(&errors)));
                let is_no_worse = Summary::of_pairs(&errors, &twins).is_no_worse();
                if is_no_worse { &mut no_worse } else { &mut worse }.push(compression);
                revivals += figures.revivals();
                let published = beside(net, compression);
                table.push(Row { published, ..row(name.clone(), &figures, errors) });
            }
            let _ = writeln!(best, "  {name}: {}", furthest(&no_worse, &worse));
            curves.push(Curve { name, points });
        }
        let mut points = Vec::new();
        for &compression in all {
            let arm = random(context, net, compression);
            let figures = arm.figures(outcomes);
            points.push((figures.compression(), Summary::of(&figures.errors())));
            revivals += figures.revivals();
            table.push(row("control: random mask, one-shot global's counts".to_owned(), &figures, figures.errors()));
        }
        for &compression in all {
            let arm = pruned(context, net, (RankingScope::Global, Pace::OneShot), compression);
            let figures = arm.figures(outcomes);
            let errors = figures.untrained().unwrap_or_default();
            table.push(row("control: not retrained, one-shot global".to_owned(), &figures, errors));
        }
        curves.push(Curve { name: "random mask".to_owned(), points });
        let _ = writeln!(
            text,
            "{}\n\nlargest compression no worse than the twin, of those tried (mean paired difference at most 0.10 points):",
            rows(table)
        );
        text += &best;
        let _ = writeln!(text, "\nrevivals in all runs: {revivals}");
        let published = POINTS.iter().filter(|point| point.net == net);
        let _ = writeln!(text, "\npublished:");
        for point in published.clone() {
            let _ = writeln!(text, "  {} {}x at {:.2}%", point.method, point.compression, point.error);
        }
        text += "\n";
        let marks = published
            .map(|point| Mark { name: point.method.to_owned(), compression: point.compression, error: point.error })
            .collect();
        let (title, twin) = (format!("{}: error against compression", net.name()), Summary::of(&twins));
        let across = Across::Compression;
        let name = if net == PaperNet::Lenet300 { "lenet300" } else { "lenet5" };
        pictures.push(Picture::Plot(name, Plot { title, twin, curves, marks, across }));
    }
    TableContent { text, pictures }
}
