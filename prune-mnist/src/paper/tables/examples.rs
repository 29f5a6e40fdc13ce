//! The original project's own examples, on its CNN: gradual pruning, and 2:4 half way.

use std::fmt::Write as _;

use prune_schedule::table::{Column, aligned};

use super::arm::{Arm, Figures, Row, rows};
use super::han::tested;
use super::{TableContent, TableContext};
use crate::paper::outcome::{RunOutcome, Test};
use crate::paper::picture::{ChartLine, Epochs, Picture};
use crate::paper::queue::Outcomes;
use crate::paper::recipe::{PaperNet, Recipe};
use crate::paper::settings::PhaseChange;
use crate::paper::stats::Summary;

const NET: PaperNet = PaperNet::Cnn;

/// Keeps 0.9, 0.8, ... 0.1 of all weights, one epoch each, from the middle on.
fn gradual(recipe: Recipe) -> String {
    let step = 0.8 / (recipe.gradual - 1) as f64;
    let events = (0..recipe.gradual).map(|event| {
        let density = format!("{:.2}", 0.9 - step * event as f64);
        let density = density.trim_end_matches('0');
        format!("{}: {{'method': 'unstr_global', 'prune_rate_pattern': {density}}}", recipe.dense + event)
    });
    format!("{{{}}}", events.collect::<Vec<_>>().join(", "))
}

fn two_of_four(recipe: Recipe) -> String {
    format!("{{{}: {{'method': 'str_unified_local', 'prune_rate_pattern': (2, 4)}}}}", recipe.dense)
}

struct Arms {
    twin: Arm,
    gradual: Arm,
    two_of_four: Arm,
}

fn of(context: &TableContext) -> Arms {
    let recipe = NET.recipe(context.scale);
    let arm = |name: &str, change: PhaseChange| {
        Arm::new(format!("CNN: {name}"), context, NET, recipe, recipe.lr, &change).tested_every_epoch()
    };
    Arms {
        twin: arm("dense twin", PhaseChange::None),
        gradual: arm("gradual", PhaseChange::Strategy(gradual(recipe))),
        two_of_four: arm("2:4 at the middle", PhaseChange::Strategy(two_of_four(recipe))),
    }
}

pub(super) fn arms(context: &TableContext) -> Vec<Arm> {
    let Arms { twin, gradual, two_of_four } = of(context);
    vec![twin, gradual, two_of_four]
}

/// The tests of a run, after those of the dense network from which it began.
fn tests<'a>(outcome: &'a RunOutcome, outcomes: &'a Outcomes) -> impl Iterator<Item = &'a Test> {
    let base = outcomes.get(&outcome.settings.base().key());
    base.into_iter().flat_map(|base| &base.tests).chain(&outcome.tests)
}

/// Epoch, accuracy over seeds in percent, density in percent.
fn line(figures: &Figures<'_>, outcomes: &Outcomes) -> Vec<(u64, Summary, f64)> {
    let runs: Vec<Vec<&Test>> = figures.outcomes.iter().map(|outcome| tests(outcome, outcomes).collect()).collect();
    let Some(first) = runs.first() else { return Vec::new() };
    let at = |index: usize| {
        let accuracies: Vec<f64> = runs.iter().map(|run| 100.0 - run[index].error()).collect();
        let density = Summary::of(&runs.iter().map(|run| 100.0 * run[index].density).collect::<Vec<_>>()).mean;
        (first[index].epoch, Summary::of(&accuracies), density)
    };
    (0..first.len()).map(at).collect()
}

pub(super) fn show(context: &TableContext, outcomes: &Outcomes) -> TableContent {
    let arms = of(context);
    let recipe = NET.recipe(context.scale);
    let [twin, gradual_figures, two] = [&arms.twin, &arms.gradual, &arms.two_of_four].map(|arm| arm.figures(outcomes));
    let lines = [&twin, &gradual_figures, &two].map(|figures| line(figures, outcomes));
    let header = [
        ("epoch", Column::Right),
        ("dense twin", Column::Right),
        ("gradual", Column::Right),
        ("kept", Column::Right),
        ("2:4", Column::Right),
        ("kept", Column::Right),
    ];
    let cells = lines[0].iter().zip(lines[1].iter().zip(&lines[2])).map(|(twin, (gradual, two))| {
        let accuracy = |summary: &Summary| format!("{:.2}%", summary.mean);
        let kept = |density: f64| format!("{density:.1}%");
        [twin.0.to_string(), accuracy(&twin.1), accuracy(&gradual.1), kept(gradual.2), accuracy(&two.1), kept(two.2)]
    });
    let mut text = format!(
        "CNN, accuracy on {} after each epoch and its event, mean of {}; epoch {} before its event\n\n{}\n\n",
        tested(context),
        crate::words::counted(twin.outcomes.len() as u64, "seed"),
        recipe.dense,
        aligned(&header, cells)
    );
    let twins = twin.errors();
    let row = |name: &str, figures: &Figures<'_>, twins: Option<Vec<f64>>| Row {
        name: name.to_owned(),
        density: figures.density(),
        errors: figures.errors(),
        twins,
        published: None,
    };
    let untrained = |name: &str, figures: &Figures<'_>| Row {
        errors: figures.untrained().unwrap_or_default(),
        ..row(name, figures, Some(twins.clone()))
    };
    text += &rows([
        row("dense twin", &twin, None),
        row("gradual, 0.9 to 0.1", &gradual_figures, Some(twins.clone())),
        row("2:4 at the middle", &two, Some(twins.clone())),
        untrained("control: 0.1 not retrained", &gradual_figures),
        untrained("control: 2:4 not retrained", &two),
    ]);
    let revivals = gradual_figures.revivals() + two.revivals();
    let _ = writeln!(text, "\n\nrevivals in all runs: {revivals}");
    let _ = writeln!(text, "strategies:\n  {}\n  {}", gradual(recipe), two_of_four(recipe));
    let names = ["dense twin", "gradual", "2:4"];
    let drawn = names.into_iter().zip(lines).map(|(name, points)| ChartLine {
        name: name.to_owned(),
        accuracies: points.iter().map(|(epoch, accuracy, _)| (*epoch as f64, accuracy.mean)).collect(),
        densities: points.iter().map(|(epoch, _, density)| (*epoch as f64, *density)).collect(),
    });
    let seeds = crate::words::counted(twin.outcomes.len() as u64, "seed");
    let title = format!("The original's examples on its CNN, mean of {seeds}");
    let lines = drawn.collect();
    TableContent { text, pictures: vec![Picture::Epochs("examples", Epochs { title, lines })] }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use prune_schedule::Strategy;

    use super::*;
    use crate::paper::recipe::Scale;

    #[test]
    fn the_examples_are_the_originals() {
        let recipe = NET.recipe(Scale::Full);
        assert_eq!(recipe.dense + recipe.pruned(), 20);
        let text = gradual(recipe);
        assert!(text.starts_with("{10: {'method': 'unstr_global', 'prune_rate_pattern': 0.9}, 11: "), "{text}");
        assert!(text.ends_with("18: {'method': 'unstr_global', 'prune_rate_pattern': 0.1}}"), "{text}");
        assert_eq!(text.parse::<Strategy>().unwrap().len(), 9);
        assert_eq!(two_of_four(recipe).parse::<Strategy>().unwrap().last_event_epoch(), Some(10));
    }
}
