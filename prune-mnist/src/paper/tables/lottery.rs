//! Frankle and Carbin 2019: the winning ticket, beside other weights and random masks.

use std::fmt::Write as _;

use super::arm::{Arm, Figures, Row, rows};
use super::han::tested;
use super::{TableContent, TableContext};
use crate::paper::lottery::{Lottery, Start};
use crate::paper::picture::{Across, Curve, Picture, Plot};
use crate::paper::published::LOTTERY;
use crate::paper::queue::Outcomes;
use crate::paper::recipe::{LOTTERY_KEPT, LOTTERY_KEPT_OF_OUTPUT, lottery_recipe, lottery_seeds};
use crate::paper::settings::Settings;
use crate::paper::stats::Summary;

/// The starts, in drawing order.
const STARTS: [Start; 3] = [Start::Rewound, Start::Redrawn, Start::RandomMask];

fn arm(context: &TableContext, start: Start, round: u64) -> Arm {
    let lottery = Lottery { start, round, kept: LOTTERY_KEPT, kept_of_output: LOTTERY_KEPT_OF_OUTPUT };
    let run = |seed| Settings::lottery(lottery_recipe(context.scale), lottery, seed, &context.data);
    let name = format!("LeNet-300-100: {}, round {round}", lottery.name());
    Arm { name, runs: lottery_seeds(context.scale, context.data.tested).map(run).collect() }
}

fn rounds(context: &TableContext) -> std::ops::RangeInclusive<u64> {
    1..=lottery_recipe(context.scale).rounds
}

pub(super) fn arms(context: &TableContext) -> Vec<Arm> {
    let pruned = STARTS.into_iter().flat_map(|start| rounds(context).map(move |round| arm(context, start, round)));
    [arm(context, Start::Rewound, 0)].into_iter().chain(pruned).collect()
}

/// Among the tried densities, in percent and falling: the last that was no worse than the twin, and the first that
/// was worse.
fn turned(tried: &[(f64, bool)]) -> String {
    let last = tried.iter().rev().find(|(_, is_no_worse)| *is_no_worse);
    let first = tried.iter().find(|(_, is_no_worse)| !is_no_worse);
    let last = last.map_or("never no worse".to_owned(), |(density, _)| format!("no worse down to {density:.1}%"));
    let first = first.map_or("never worse".to_owned(), |(density, _)| format!("first worse at {density:.1}%"));
    format!("{last}, {first}")
}

pub(super) fn show(context: &TableContext, outcomes: &Outcomes) -> TableContent {
    let recipe = lottery_recipe(context.scale);
    let twin_arm = arm(context, Start::Rewound, 0);
    let twin = twin_arm.figures(outcomes);
    let twins = twin.errors();
    let mut text = format!(
        "LeNet-300-100, {:.0}% of each layer a round and {:.0}% of the output layer: error on {}\nAdam at {}, batches of {}, {} a round\n\n",
        100.0 * (1.0 - LOTTERY_KEPT),
        100.0 * (1.0 - LOTTERY_KEPT_OF_OUTPUT),
        tested(context),
        recipe.lr,
        recipe.batch_size,
        crate::words::counted(recipe.epochs, "epoch"),
    );
    let row = |name: String, figures: &Figures<'_>, twins: Option<Vec<f64>>| Row {
        name,
        density: figures.density(),
        errors: figures.errors(),
        twins,
        published: None,
    };
    let mut table = vec![row("dense twin, round 0".to_owned(), &twin, None)];
    let (mut curves, mut summary, mut revivals) = (Vec::new(), String::new(), twin.revivals());
    for start in STARTS {
        let mut points = vec![(1.0, Summary::of(&twins))];
        let mut tried = Vec::new();
        for round in rounds(context) {
            let arm = arm(context, start, round);
            let figures = arm.figures(outcomes);
            let errors = figures.errors();
            points.push((figures.compression(), Summary::of(&errors)));
            tried.push((figures.density(), Summary::of_pairs(&errors, &twins).is_no_worse()));
            revivals += figures.revivals();
            table.push(row(format!("{}, round {round}", start.name()), &figures, Some(twins.clone())));
        }
        let _ = writeln!(summary, "  {}: {}", start.name(), turned(&tried));
        curves.push(Curve { name: start.name().to_owned(), points });
    }
    let _ = writeln!(
        text,
        "{}\n\nagainst the dense twin, of the densities tried (no worse: a mean paired difference of at most 0.10 points):\n{summary}",
        rows(table)
    );
    let _ = writeln!(text, "revivals in all runs: {revivals}\n");
    let _ = writeln!(
        text,
        "published, of the accuracy where training would have been stopped early:\n  \
         winning ticket: learns fastest at {}%, as accurate as dense at {}%, below dense at {}%\n  \
         weights drawn anew: below dense at {}%",
        LOTTERY.fastest, LOTTERY.as_dense, LOTTERY.below, LOTTERY.redrawn_below
    );
    let title = "LeNet-300-100: the lottery ticket and its controls".to_owned();
    let plot = Plot { title, twin: Summary::of(&twins), curves, marks: Vec::new(), across: Across::Density };
    TableContent { text, pictures: vec![Picture::Plot("lottery", plot)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_told_also_where_there_is_none() {
        assert_eq!(
            turned(&[(80.0, true), (64.0, false), (51.2, true)]),
            "no worse down to 51.2%, first worse at 64.0%"
        );
        assert_eq!(turned(&[(80.0, true)]), "no worse down to 80.0%, never worse");
        assert_eq!(turned(&[(80.0, false)]), "never no worse, first worse at 80.0%");
    }
}
