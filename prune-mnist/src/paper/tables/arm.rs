//! An arm of a comparison: the same treatment under each seed.

use prune_schedule::table::{Column, aligned};

use super::TableContext;
use crate::paper::outcome::{RunOutcome, Test};
use crate::paper::queue::Outcomes;
use crate::paper::recipe::{PaperNet, Recipe};
use crate::paper::settings::{Phase, PhaseChange, Settings};
use crate::paper::stats::Summary;

/// The same treatment under each seed, beside the dense twins.
pub(super) struct Arm {
    pub(super) name: String,
    pub(super) runs: Vec<Settings>,
}

/// The figures of an arm, seed by seed.
pub(super) struct Figures<'a> {
    pub(super) outcomes: Vec<&'a RunOutcome>,
}

impl Arm {
    /// Applies `change` to each seed's dense network, within the epochs that `recipe` leaves for it.
    pub(super) fn new(
        name: String,
        context: &TableContext,
        net: PaperNet,
        recipe: Recipe,
        lr: f64,
        change: &PhaseChange,
    ) -> Self {
        Self::by_seed(name, context, net, recipe, lr, |_| change.clone())
    }

    /// Does the same if the change depends on the seed too, as drawn masks do.
    pub(super) fn by_seed(
        name: String,
        context: &TableContext,
        net: PaperNet,
        recipe: Recipe,
        lr: f64,
        change: impl Fn(u64) -> PhaseChange,
    ) -> Self {
        let runs = net.seeds(context.scale, context.data.tested).map(|seed| {
            let base = Settings::dense(net, recipe, seed, &context.data);
            base.then(Phase { lr, weight_decay: recipe.weight_decay, epochs: recipe.pruned(), change: change(seed) })
        });
        Self { name, runs: runs.collect() }
    }

    /// The same arm, tested after each epoch.
    pub(super) fn tested_every_epoch(mut self) -> Self {
        self.runs.iter_mut().for_each(|run| run.tested_every_epoch = true);
        self
    }

    /// The figures of its runs.
    pub(super) fn figures<'a>(&self, outcomes: &'a Outcomes) -> Figures<'a> {
        let outcome = |run: &Settings| {
            outcomes.get(&run.key()).unwrap_or_else(|| unreachable!("the queue has carried out every run"))
        };
        Figures { outcomes: self.runs.iter().map(outcome).collect() }
    }
}

impl Figures<'_> {
    /// The errors in percent.
    pub(super) fn errors(&self) -> Vec<f64> {
        self.outcomes.iter().map(|outcome| outcome.error()).collect()
    }

    /// The errors of the same masks without any retraining, in percent.
    pub(super) fn untrained(&self) -> Option<Vec<f64>> {
        self.outcomes.iter().map(|outcome| outcome.untrained.as_ref().map(Test::error)).collect()
    }

    /// The density of kernels in percent; the mean over seeds.
    pub(super) fn density(&self) -> f64 {
        let density = |outcome: &&RunOutcome| {
            let (kept, weights) = outcome.kept();
            100.0 * kept as f64 / weights as f64
        };
        Summary::of(&self.outcomes.iter().map(density).collect::<Vec<_>>()).mean
    }

    pub(super) fn compression(&self) -> f64 {
        100.0 / self.density()
    }

    /// The number of pruned elements that were not zero, over all runs.
    pub(super) fn revivals(&self) -> usize {
        self.outcomes.iter().map(|outcome| outcome.revivals).sum()
    }

    /// The share kept of each kernel, in percent; the mean over seeds.
    pub(super) fn kept_by_layer(&self) -> Vec<(String, f64)> {
        let Some(first) = self.outcomes.first() else { return Vec::new() };
        let mean = |index: usize| {
            let share = |outcome: &&RunOutcome| {
                let layer = &outcome.layers[index];
                100.0 * layer.kept as f64 / layer.weights as f64
            };
            Summary::of(&self.outcomes.iter().map(share).collect::<Vec<_>>()).mean
        };
        first.layers.iter().enumerate().map(|(index, layer)| (layer.name.clone(), mean(index))).collect()
    }
}

/// A row of a table of errors.
pub(super) struct Row {
    pub(super) name: String,
    /// The density of kernels, in percent.
    pub(super) density: f64,
    pub(super) errors: Vec<f64>,
    /// The twins' errors; none for the twins themselves.
    pub(super) twins: Option<Vec<f64>>,
    pub(super) published: Option<f64>,
}

/// Rows of errors: density, compression, mean, spread and number of seeds, every seed, the paired difference from the
/// twin with its spread, and the published error.
pub(super) fn rows(rows: impl IntoIterator<Item = Row>) -> String {
    let rows: Vec<Row> = rows.into_iter().collect();
    let has_published = rows.iter().any(|row| row.published.is_some());
    let mut header = vec![
        ("run", Column::Left),
        ("kept", Column::Right),
        ("", Column::Right),
        ("error %", Column::Right),
        ("sd", Column::Right),
        ("n", Column::Right),
        ("each seed", Column::Left),
        ("to the twin", Column::Left),
        ("", Column::Left),
    ];
    if has_published {
        header.push(("published %", Column::Right));
    }
    let cells = rows.into_iter().map(|row| {
        let all = Summary::of(&row.errors);
        let each: Vec<String> = row.errors.iter().map(|error| format!("{error:.2}")).collect();
        let pairs = row.twins.map(|twins| Summary::of_pairs(&row.errors, &twins));
        let mut cells = vec![
            row.name,
            format!("{:.2}%", row.density),
            format!("{:.1}x", 100.0 / row.density),
            format!("{:.2}", all.mean),
            spread(&all).unwrap_or_else(|| "-".to_owned()),
            all.n.to_string(),
            each.join(" "),
            pairs.map_or_else(String::new, |pairs| {
                let sd = spread(&pairs).map_or_else(String::new, |sd| format!(" ± {sd}"));
                format!("{:+.2}{sd}", pairs.mean)
            }),
            pairs.map_or("", |pairs| if pairs.is_no_worse() { "no worse" } else { "worse" }).to_owned(),
        ];
        if has_published {
            cells.push(row.published.map_or_else(String::new, |error| format!("{error:.2}")));
        }
        cells
    });
    aligned(&header, cells)
}

/// The standard deviation, if there is one.
fn spread(summary: &Summary) -> Option<String> {
    summary.sd.map(|sd| format!("{sd:.2}"))
}
