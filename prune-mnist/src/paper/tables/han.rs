//! Han et al. 2015: pruned to a twelfth without loss.

use std::fmt::Write as _;

use prune_schedule::table::{Column, aligned};

use super::arm::{Arm, Row, rows};
use super::strategies::{Pace, RankingScope, goal, strategy};
use super::{TableContent, TableContext};
use crate::paper::picture::{BarGroup, Bars, Picture, Pixels};
use crate::paper::published::{self, Han};
use crate::paper::queue::Outcomes;
use crate::paper::recipe::{HAN_RESTART, PaperNet};
use crate::paper::settings::PhaseChange;

const NETS: [PaperNet; 2] = [PaperNet::Lenet300, PaperNet::Lenet5];

/// The arms of one network.
struct Arms {
    twin: Arm,
    han: Arm,
    tenth: Arm,
    /// The twin at the tenth's learning rate.
    tenth_twin: Arm,
    global: Arm,
    random: Arm,
}

/// The arms of one network. The global ranking keeps as many weights as Han et al. do, wherever they lie.
fn of(context: &TableContext, net: PaperNet, han: &Han) -> Arms {
    let recipe = net.recipe(context.scale);
    let [per_layer, global] = [RankingScope::PerLayer, RankingScope::Global]
        .map(|ranking| strategy(net, &goal(net, ranking, han.compression), Pace::Gradual, recipe));
    let arm = |name: &str, lr: f64, change: PhaseChange| {
        Arm::new(format!("{}: {name}", net.name()), context, net, recipe, lr, &change)
    };
    Arms {
        twin: arm("dense twin", recipe.lr, PhaseChange::None),
        han: arm("gradual, Han's shares", recipe.lr, PhaseChange::Strategy(per_layer.clone())),
        tenth: arm(
            "gradual, Han's shares, restart at a tenth",
            recipe.lr * HAN_RESTART,
            PhaseChange::Strategy(per_layer.clone()),
        ),
        tenth_twin: arm("dense twin, restart at a tenth", recipe.lr * HAN_RESTART, PhaseChange::None),
        global: arm("gradual, global", recipe.lr, PhaseChange::Strategy(global)),
        random: arm("random mask, Han's shares", recipe.lr, PhaseChange::RandomMask(per_layer)),
    }
}

pub(super) fn arms(context: &TableContext) -> Vec<Arm> {
    let each = NETS.into_iter().filter_map(|net| Some(of(context, net, &published::han(net)?)));
    each.flat_map(|arms| [arms.twin, arms.han, arms.tenth, arms.tenth_twin, arms.global, arms.random]).collect()
}

pub(super) fn show(context: &TableContext, outcomes: &Outcomes) -> TableContent {
    let mut text = String::new();
    let mut pictures = Vec::new();
    let mut groups = Vec::new();
    for net in NETS {
        let Some(published) = published::han(net) else { continue };
        let arms = of(context, net, &published);
        let [twin, han, global, random] =
            [&arms.twin, &arms.han, &arms.global, &arms.random].map(|arm| arm.figures(outcomes));
        let [tenth, tenth_twin] = [&arms.tenth, &arms.tenth_twin].map(|arm| arm.figures(outcomes));
        let twins = twin.errors();
        let row = |name: &str, density: f64, errors: Vec<f64>, published: Option<f64>| Row {
            name: name.to_owned(),
            density,
            errors,
            twins: Some(twins.clone()),
            published,
        };
        let weights: usize = net.kernels().iter().map(crate::nn::ParamSpec::len).sum();
        let _ = writeln!(
            text,
            "{}, {} weights: error on {}; published: Han et al. 2015, {}x\n",
            net.name(),
            crate::words::thousands(weights),
            tested(context),
            published.compression
        );
        text += &rows([
            Row { twins: None, ..row("dense twin", 100.0, twins.clone(), Some(published.dense_error)) },
            row("gradual, Han's shares", han.density(), han.errors(), Some(published.error)),
            row("gradual, global", global.density(), global.errors(), None),
            row("control: random mask, Han's shares", random.density(), random.errors(), None),
            row("control: not retrained, Han's shares", han.density(), han.untrained().unwrap_or_default(), None),
            Row { twins: None, ..row("dense twin, restarted at a tenth", 100.0, tenth_twin.errors(), None) },
            Row {
                twins: Some(tenth_twin.errors()),
                ..row("gradual, Han's shares, restarted at a tenth", tenth.density(), tenth.errors(), None)
            },
        ]);
        let (ours, free) = (han.kept_by_layer(), global.kept_by_layer());
        let header = [
            ("kept of each layer", Column::Left),
            ("published", Column::Right),
            ("Han's shares", Column::Right),
            ("global", Column::Right),
        ];
        let cells = published.kept.iter().zip(ours.iter().zip(&free)).map(|(share, ((name, ours), (_, free)))| {
            [name.clone(), format!("{:.0}%", share * 100.0), format!("{ours:.1}%"), format!("{free:.1}%")]
        });
        let _ = writeln!(text, "\n\n{}\n", aligned(&header, cells));
        let revivals = [&han, &tenth, &global, &random].map(|figures| figures.revivals()).iter().sum::<usize>();
        let _ = writeln!(text, "revivals in all runs: {revivals}\n");
        groups.extend(published.kept.iter().zip(ours.iter().zip(&free)).map(|(share, ((name, _), (_, free)))| {
            BarGroup {
                name: format!("{} {}", net.name(), name.trim_end_matches("-kernel")),
                values: vec![share * 100.0, *free],
            }
        }));
        if net == PaperNet::Lenet300
            && let Some(pixels) = global.outcomes.first().and_then(|outcome| outcome.pixels.clone())
        {
            let title =
                format!("Connections kept of each pixel, LeNet-300-100 at {:.1}x, one seed", global.compression());
            pictures.push(Picture::Pixels("pixels", Pixels { title, counts: pixels }));
        }
    }
    let names = vec!["Han et al. 2015".to_owned(), "ours, one global ranking".to_owned()];
    let title = "Kept of each layer at 12x, mean over seeds".to_owned();
    pictures.push(Picture::Bars("layers", Bars { title, names, groups }));
    TableContent { text, pictures }
}

/// The images on which errors are measured, in words.
pub(super) fn tested(context: &TableContext) -> &'static str {
    match context.data.tested {
        crate::paper::data::TestImages::TestSet => "the test set",
        crate::paper::data::TestImages::HeldOut => "held-out training images",
    }
}
