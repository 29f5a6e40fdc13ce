//! Lee et al. 2019 (SNIP): pruned once, before any training, by the dependence of the loss on each weight.

use std::fmt::Write as _;

use prune_core::Score;
use prune_schedule::table::{Column, aligned};
use prune_schedule::{Event, Key, Scope};

use super::arm::{Arm, Row, rows};
use super::han::tested;
use super::strategies::{density, text};
use super::{TableContent, TableContext};
use crate::paper::picture::{Across, BarGroup, Bars, Curve, Mark, Picture, Pixels, Plot};
use crate::paper::published;
use crate::paper::queue::Outcomes;
use crate::paper::recipe::{CALIBRATION, PaperNet};
use crate::paper::settings::PhaseChange;
use crate::paper::stats::Summary;
use crate::words::counted;

const NETS: [PaperNet; 2] = [PaperNet::Lenet300, PaperNet::Lenet5];
/// A published error is met if ours is at most this far above it, in points.
const NEAR: f64 = 0.3;

/// The published densities of all weights.
fn densities(net: PaperNet) -> &'static [f64] {
    match net {
        PaperNet::Lenet300 => &[0.05, 0.02],
        _ => &[0.02],
    }
}

/// The way in which a network is cut before training.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SnipCut {
    Snip,
    /// A control: the largest initial weights.
    Magnitude,
    /// A control: as many random weights in each layer as SNIP keeps.
    Random,
}

impl SnipCut {
    fn name(self) -> &'static str {
        match self {
            Self::Snip => "SNIP",
            Self::Magnitude => "control: magnitude before training",
            Self::Random => "control: random mask, SNIP's counts",
        }
    }

    fn change(self, share: f64) -> PhaseChange {
        let by = |score: Score| {
            let event = density(share).and_then(|density| Event::unstructured(Scope::Global(density)));
            text(event.and_then(|event| Ok(vec![(Key::Epoch(0), event.with_score(score)?)])))
        };
        match self {
            Self::Snip => PhaseChange::Strategy(by(Score::snip())),
            Self::Magnitude => PhaseChange::Strategy(by(Score::magnitude())),
            Self::Random => PhaseChange::RandomMask(by(Score::snip())),
        }
    }
}

/// The cuts, in drawing order. Magnitude is left out if a run takes minutes.
fn cuts(net: PaperNet) -> &'static [SnipCut] {
    match net {
        PaperNet::Lenet300 => &[SnipCut::Snip, SnipCut::Random, SnipCut::Magnitude],
        _ => &[SnipCut::Snip, SnipCut::Random],
    }
}

fn twin(context: &TableContext, net: PaperNet) -> Arm {
    let recipe = net.snip_recipe(context.scale);
    Arm::new(format!("{}: dense twin", net.name()), context, net, recipe, recipe.lr, &PhaseChange::None)
}

fn pruned(context: &TableContext, net: PaperNet, cut: SnipCut, density: f64) -> Arm {
    let recipe = net.snip_recipe(context.scale);
    let name = format!("{}: {}, {}%", net.name(), cut.name(), 100.0 * density);
    Arm::new(name, context, net, recipe, recipe.lr, &cut.change(density))
}

pub(super) fn arms(context: &TableContext) -> Vec<Arm> {
    let of = |net: PaperNet| {
        let each = cuts(net).iter().flat_map(move |&cut| densities(net).iter().map(move |&density| (cut, density)));
        [twin(context, net)].into_iter().chain(each.map(move |(cut, density)| pruned(context, net, cut, density)))
    };
    NETS.into_iter().flat_map(of).collect()
}

/// Our error beside theirs.
fn beside(ours: f64, theirs: f64) -> String {
    // Rounding changes a difference of two errors in percent by far less than a hundredth of a point.
    let near = if ours - theirs <= NEAR + 1e-9 { "within" } else { "not within" };
    format!("{ours:.2}% beside {theirs:.2}%, {:+.2}: {near} {NEAR} points", ours - theirs)
}

pub(super) fn show(context: &TableContext, outcomes: &Outcomes) -> TableContent {
    let mut text = format!(
        "error on {}; pruned once before training, by gradients averaged over {CALIBRATION} training images or all there are\n\n",
        tested(context)
    );
    let mut pictures = Vec::new();
    let mut groups = Vec::new();
    for net in NETS {
        let twin_arm = twin(context, net);
        let twin = twin_arm.figures(outcomes);
        let twins = twin.errors();
        let recipe = net.snip_recipe(context.scale);
        let weights: usize = net.kernels().iter().map(crate::nn::ParamSpec::len).sum();
        let epochs = counted(recipe.pruned(), "epoch");
        let _ = writeln!(text, "{}, {} weights, {epochs}\n", net.name(), crate::words::thousands(weights));
        let mut revivals = twin.revivals();
        let mut table = vec![Row {
            name: "dense twin".to_owned(),
            density: twin.density(),
            errors: twins.clone(),
            twins: None,
            published: published::snip_reference(net),
        }];
        let (mut curves, mut summary) = (Vec::new(), String::new());
        let (mut kept, mut header) = (Vec::new(), vec![("kept of each layer".to_owned(), Column::Left)]);
        for &cut in cuts(net) {
            let mut points = Vec::new();
            for &density in densities(net) {
                let arm = pruned(context, net, cut, density);
                let figures = arm.figures(outcomes);
                let errors = figures.errors();
                let error = Summary::of(&errors);
                points.push((figures.compression(), error));
                revivals += figures.revivals();
                let found = published::error_of(net, "SNIP", 1.0 / density).filter(|_| cut == SnipCut::Snip);
                if let Some(theirs) = found {
                    let _ = writeln!(summary, "  {}%: {}", 100.0 * density, beside(error.mean, theirs));
                }
                table.push(Row {
                    name: cut.name().to_owned(),
                    density: figures.density(),
                    errors,
                    twins: Some(twins.clone()),
                    published: found,
                });
                // The random masks keep as many weights as SNIP.
                if cut != SnipCut::Random {
                    let name = if cut == SnipCut::Snip { "SNIP" } else { "magnitude" };
                    header.push((format!("{name}, {}%", 100.0 * density), Column::Right));
                    kept.push(figures.kept_by_layer());
                }
                if cut == SnipCut::Snip
                    && density == 0.02
                    && let Some(counts) = figures.outcomes.first().and_then(|outcome| outcome.pixels.clone())
                {
                    let title = format!("Connections that SNIP keeps of each pixel, {} at 2%, one seed", net.name());
                    pictures.push(Picture::Pixels("snip-pixels", Pixels { title, counts }));
                }
            }
            curves.push(Curve { name: cut.name().trim_start_matches("control: ").to_owned(), points });
        }
        let header: Vec<(&str, Column)> = header.iter().map(|(name, column)| (name.as_str(), *column)).collect();
        let layers = twin.kept_by_layer();
        let cells = layers.iter().enumerate().map(|(index, (name, _))| {
            let shares = kept.iter().map(|layers| format!("{:.2}%", layers[index].1));
            [name.clone()].into_iter().chain(shares).collect::<Vec<_>>()
        });
        let _ = writeln!(
            text,
            "{}\n\nmean error beside the published one:\n{summary}\n{}\n\nrevivals in all runs: {revivals}\n",
            rows(table),
            aligned(&header, cells)
        );
        // The last density of SNIP, which both networks have.
        let of_snip = &kept[densities(net).len() - 1];
        groups.extend(of_snip.iter().map(|(name, share)| BarGroup {
            name: format!("{} {}", net.name(), name.trim_end_matches("-kernel")),
            values: vec![*share],
        }));
        if net == PaperNet::Lenet300 {
            let shown = |point: &&published::Point| point.net == net && point.compression < 66.0;
            let points = published::POINTS.iter().filter(shown);
            let marks = points.map(|point| Mark {
                name: point.method.to_owned(),
                compression: point.compression,
                error: point.error,
            });
            let (title, twin) = (format!("{}: pruned before training", net.name()), Summary::of(&twins));
            let across = Across::LowDensity;
            pictures.push(Picture::Plot("snip", Plot { title, twin, curves, marks: marks.collect(), across }));
        }
    }
    let title = "What SNIP keeps of each layer at 2%, mean over seeds".to_owned();
    pictures.push(Picture::Bars("snip-layers", Bars { title, names: vec!["kept".to_owned()], groups }));
    TableContent { text, pictures }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_counted_upwards_alone() {
        assert_eq!(beside(1.9, 1.6), "1.90% beside 1.60%, +0.30: within 0.3 points");
        assert_eq!(beside(1.91, 1.6), "1.91% beside 1.60%, +0.31: not within 0.3 points");
        assert_eq!(beside(1.0, 1.6), "1.00% beside 1.60%, -0.60: within 0.3 points");
    }

    #[test]
    fn every_density_has_its_published_error() {
        for net in NETS {
            for &density in densities(net) {
                assert!(published::error_of(net, "SNIP", 1.0 / density).is_some(), "{} at {density}", net.name());
            }
        }
        assert_eq!(published::error_of(PaperNet::Lenet300, "SNIP", 30.0), None);
    }
}
