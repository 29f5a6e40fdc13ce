//! The strategies of the tables, as text that anyone can paste.

use prune_core::Density;
use prune_schedule::{Event, Key, Problem, Ramp, Scope, Strategy, StrategyError, Target};

use crate::paper::published;
use crate::paper::recipe::{PaperNet, Recipe};

/// The scope of a ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RankingScope {
    /// Each layer alone, with shares in the proportions of Han et al.
    PerLayer,
    /// All kernels together.
    Global,
}

/// The path to the final density.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// At once, after the dense phase.
    OneShot,
    /// Over the gradual epochs of the recipe, along the cubic of Zhu and Gupta 2017.
    Gradual,
}

impl RankingScope {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PerLayer => "per layer",
            Self::Global => "global",
        }
    }
}

impl Pace {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OneShot => "one-shot",
            Self::Gradual => "gradual",
        }
    }
}

/// The final density.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Goal {
    /// This share of all kernels together.
    Global(f64),
    /// This share of each kernel, in the order of the model.
    PerLayer(Vec<f64>),
}

/// The goal that keeps about 1 of `compression` weights of `net`; at the compression of Han et al. their own shares,
/// or as many weights.
pub(super) fn goal(net: PaperNet, ranking: RankingScope, compression: f64) -> Goal {
    let han = published::han(net).filter(|han| han.compression == compression);
    match (ranking, han) {
        (RankingScope::PerLayer, Some(han)) => Goal::PerLayer(han.kept.to_vec()),
        (RankingScope::PerLayer, None) => Goal::PerLayer(han_proportions(net, compression)),
        (RankingScope::Global, Some(han)) => {
            let weights: Vec<f64> = net.kernels().iter().map(|kernel| kernel.len() as f64).collect();
            let kept: f64 = weights.iter().zip(han.kept).map(|(n, share)| n * share).sum();
            Goal::Global(rounded(kept / weights.iter().sum::<f64>()))
        }
        (RankingScope::Global, None) => Goal::Global(rounded(1.0 / compression)),
    }
}

/// Han et al.'s shares, all scaled by one factor so that 1 of `compression` weights is kept; none above 1.
fn han_proportions(net: PaperNet, compression: f64) -> Vec<f64> {
    let shares = published::han(net).map_or(&[][..], |han| han.kept);
    let weights: Vec<f64> = net.kernels().iter().map(|kernel| kernel.len() as f64).collect();
    let wanted = weights.iter().sum::<f64>() / compression;
    let kept = |scale: f64| -> f64 { shares.iter().zip(&weights).map(|(share, n)| (share * scale).min(1.0) * n).sum() };
    // The kept count grows with the scale, so halving the interval finds it.
    let (mut low, mut high) = (0.0, 100.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if kept(middle) < wanted { low = middle } else { high = middle }
    }
    shares.iter().map(|share| rounded((share * high).min(1.0))).collect()
}

/// Rounds to four significant digits, as people write them.
fn rounded(share: f64) -> f64 {
    format!("{share:.3e}").parse().unwrap_or(share)
}

/// The strategy that reaches `goal` at this pace after the dense phase of `recipe`.
pub(super) fn strategy(net: PaperNet, goal: &Goal, pace: Pace, recipe: Recipe) -> String {
    let count = match pace {
        Pace::OneShot => 1,
        Pace::Gradual => recipe.gradual,
    };
    // At time 0 the network is dense, so there is no event.
    let range = Key::Epochs { first: 0, last: count };
    let ramped = goal.event(net).and_then(|event| event.with_ramp(Ramp::cubic()));
    text(ramped.and_then(|ramped| {
        let event = |time| Ok((Key::Epoch(recipe.dense + time - 1), as_written(&ramped.at_time(range, time))?));
        (1..=count).map(event).collect()
    }))
}

impl Goal {
    /// The event that reaches the goal at once.
    fn event(&self, net: PaperNet) -> Result<Event, StrategyError> {
        Event::unstructured(match self {
            Self::Global(share) => Scope::Global(density(*share)?),
            Self::PerLayer(shares) => {
                let named = net.kernels().into_iter().zip(shares);
                let named = named.map(|(kernel, &share)| Ok((kernel.name, density(share)?)));
                Scope::Local(named.collect::<Result<_, StrategyError>>()?)
            }
        })
    }
}

/// The event with rounded densities.
fn as_written(event: &Event) -> Result<Event, StrategyError> {
    let written = |target: Target| density(rounded(target.density().get()));
    let targets = event.targets();
    if let [(None, target)] = targets[..] {
        return Event::unstructured(Scope::Global(written(target)?));
    }
    let named = targets.into_iter().map(|(name, target)| Ok((name.unwrap_or_default().to_owned(), written(target)?)));
    Event::unstructured(Scope::Local(named.collect::<Result<_, StrategyError>>()?))
}

/// The density of a share.
pub(super) fn density(share: f64) -> Result<Density, StrategyError> {
    Ok(Density::new(share).map_err(Problem::from)?)
}

/// The text of a strategy of these events, in one line. Settings keep the text, and their digest names a run.
pub(super) fn text(events: Result<Vec<(Key, Event)>, StrategyError>) -> String {
    let strategy = events.and_then(Strategy::new);
    let strategy = strategy.unwrap_or_else(|error| unreachable!("the events of a table are sound: {error}"));
    let lines = strategy.to_python();
    lines.replace("{\n    ", "{").replace(",\n    ", ", ").replace("\n}", "}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::paper::recipe::Scale;

    #[test]
    fn shares_keep_their_proportions_and_close_on_the_total() {
        for net in [PaperNet::Lenet300, PaperNet::Lenet5] {
            let weights: Vec<f64> = net.kernels().iter().map(|kernel| kernel.len() as f64).collect();
            let all: f64 = weights.iter().sum();
            for compression in [2.0, 4.0, 25.0, 56.0, 108.0] {
                let Goal::PerLayer(shares) = goal(net, RankingScope::PerLayer, compression) else { panic!() };
                let kept: f64 = shares.iter().zip(&weights).map(|(share, n)| share * n).sum();
                assert!((kept / all * compression - 1.0).abs() < 2e-3, "{net:?} {compression}: {shares:?}");
                let han = published::han(net).unwrap().kept;
                let scales: Vec<f64> = shares.iter().zip(han).filter(|(s, _)| **s < 1.0).map(|(s, h)| s / h).collect();
                assert!(scales.windows(2).all(|pair| (pair[0] / pair[1] - 1.0).abs() < 2e-3), "{scales:?}");
            }
        }
    }

    #[test]
    fn at_their_own_compression_the_shares_are_those_of_han() {
        let goals =
            [RankingScope::PerLayer, RankingScope::Global].map(|ranking| goal(PaperNet::Lenet300, ranking, 12.0));
        // 18,816 + 2,700 + 260 of 266,200.
        assert_eq!(goals, [Goal::PerLayer(vec![0.08, 0.09, 0.26]), Goal::Global(0.0818)]);
    }

    #[test]
    fn every_strategy_is_read_and_only_closes() {
        for net in [PaperNet::Lenet300, PaperNet::Lenet5] {
            let recipe = net.recipe(Scale::Full);
            for ranking in [RankingScope::PerLayer, RankingScope::Global] {
                for pace in [Pace::OneShot, Pace::Gradual] {
                    let text = strategy(net, &goal(net, ranking, 56.0), pace, recipe);
                    let parsed: Strategy = text.parse().unwrap();
                    let events = if pace == Pace::Gradual { recipe.gradual } else { 1 };
                    assert_eq!(parsed.len() as u64, events, "{text}");
                    assert!(parsed.event_at(recipe.dense).is_some());
                    assert_eq!(parsed.last_event_epoch(), Some(recipe.dense + events - 1));
                }
            }
        }
        let net = PaperNet::Lenet300;
        let recipe = Recipe { dense: 15, gradual: 2, held: 1, ..net.recipe(Scale::Full) };
        assert_eq!(
            strategy(net, &Goal::Global(0.1), Pace::Gradual, recipe),
            "{15: {'method': 'unstr_global', 'density': 0.2125}, 16: {'method': 'unstr_global', 'density': 0.1}}"
        );
        assert_eq!(
            strategy(net, &Goal::PerLayer(vec![0.08, 0.09, 0.26]), Pace::OneShot, recipe),
            "{15: {'method': 'unstr_local', 'density': {'Dense_0-kernel': 0.08, 'Dense_1-kernel': 0.09, 'Dense_2-kernel': 0.26}}}"
        );
    }
}
