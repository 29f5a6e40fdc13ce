//! The lottery ticket (Frankle and Carbin 2019): train, prune by magnitude, reset the weights left to their initial
//! values, and train again.
//!
//! Round 0 is the dense network. Each round begins where the one before ended: its trained weights decide the masks.

use prune_core::{Density, Masks};
use prune_schedule::{Event, Pruner, Scope, Strategy};
use serde::{Deserialize, Serialize};

use super::cache::Base;
use super::error::PaperError;
use crate::nn::{ParamKind, ParamSet as _, ParamSpec};

/// One round.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lottery {
    /// The weights and masks that the round trains.
    pub(super) start: Start,
    /// Counted from 0, the dense network.
    pub(super) round: u64,
    /// The share that each round keeps of a layer's weights left by the round before.
    pub(super) kept: f64,
    /// The same share for the output layer.
    pub(super) kept_of_output: f64,
}

/// The start of a round: its weights and masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Start {
    /// The ticket: its initial weights.
    Rewound,
    /// A control: the ticket's masks, other weights.
    Redrawn,
    /// A control: the ticket's weights, and masks drawn at random with as many kept in each layer.
    RandomMask,
}

impl Start {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rewound => "winning ticket",
            Self::Redrawn => "weights drawn anew",
            Self::RandomMask => "random mask",
        }
    }
}

/// The seed for other weights, far from the seeds of runs.
pub(super) fn other_seed(seed: u64) -> u64 {
    seed.wrapping_add(1_000_000)
}

impl Lottery {
    /// The name of this round's start.
    pub(super) fn name(&self) -> &'static str {
        if self.round == 0 { "dense twin" } else { self.start.name() }
    }

    /// The round that must end before this one begins: the round before, or for a control the ticket with the same
    /// masks.
    pub(super) fn needs(&self) -> Option<Self> {
        match (self.start, self.round) {
            (Start::Rewound, 0) => None,
            (Start::Rewound, round) => Some(Self { round: round - 1, ..*self }),
            _ => Some(Self { start: Start::Rewound, ..*self }),
        }
    }

    /// The strategy that makes the round's masks: in each layer, the share left after all rounds so far, rounded once
    /// and not in each round.
    fn strategy(&self, specs: &[ParamSpec]) -> Result<Strategy, PaperError> {
        let kernels: Vec<&ParamSpec> = specs.iter().filter(|spec| spec.kind == ParamKind::Kernel).collect();
        let rounds = i32::try_from(self.round).unwrap_or(i32::MAX);
        let share = |index: usize| {
            let kept = if index + 1 == kernels.len() { self.kept_of_output } else { self.kept };
            Density::new(kept.powi(rounds)).map_err(|error| PaperError::Encode { why: error.to_string() })
        };
        let named = kernels.iter().enumerate().map(|(index, spec)| Ok((spec.name.as_str(), share(index)?)));
        let event = Event::unstructured(Scope::local(named.collect::<Result<Vec<_>, PaperError>>()?))?;
        Ok(Strategy::new([(self.round, event)])?)
    }

    /// The ticket's masks in this round: the largest trained weights among those that the round before kept.
    pub(super) fn masks(&self, mut before: Base) -> Result<Masks, PaperError> {
        let strategy = self.strategy(before.params.specs())?;
        let mut pruner = Pruner::with_masks(strategy, before.masks);
        pruner.end_epoch(self.round, &mut before.params)?;
        Ok(pruner.masks().clone())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::nn::{Initialisation, ModelSpec, NdarrayParams, initial_parameters};

    #[test]
    fn rounds_keep_a_fifth_less_of_the_largest_alive_and_nest() {
        let specs = ModelSpec::mlp().parameters().unwrap();
        let params: NdarrayParams<f32> = initial_parameters(&specs, Initialisation::GlorotNormal, 1);
        let mut masks = Masks::default();
        for round in 1..=15 {
            let lottery = Lottery { start: Start::Rewound, round, kept: 0.8, kept_of_output: 0.9 };
            let mut trained = params.clone();
            masks.hold(&mut trained).unwrap();
            // Kept weights may be zero, and must not count as pruned.
            let half = if round % 2 == 0 { 0..500 } else { 500..1000 };
            trained.values_mut(4)[half].fill(0.0);
            let alive = masks.get("Dense_2-kernel").map_or(1000, prune_core::Mask::kept_len);
            let next = lottery.masks(Base { params: trained.clone(), masks: masks.clone() }).unwrap();
            for (name, index, share) in
                [("Dense_0-kernel", 0, 0.8_f64), ("Dense_1-kernel", 2, 0.8), ("Dense_2-kernel", 4, 0.9)]
            {
                let mask = next.get(name).unwrap();
                let expected = (share.powi(round as i32) * specs[index].len() as f64).round() as usize;
                assert_eq!(mask.kept_len(), expected, "{name} in round {round}");
                let was_kept = |place: usize| masks.get(name).is_none_or(|before| before.is_kept(place));
                assert!(mask.kept_indices().all(was_kept), "{name} in round {round} reopens");
                let lowest =
                    mask.kept_indices().map(|place| trained.values(index)[place].abs()).fold(f32::MAX, f32::min);
                let highest = (0..mask.len()).filter(|&place| !mask.is_kept(place));
                let highest = highest.map(|place| trained.values(index)[place].abs()).fold(0.0, f32::max);
                assert!(highest <= lowest, "{name} in round {round}");
            }
            assert!(next.get("Dense_2-kernel").unwrap().kept_len() < alive);
            masks = next;
        }
        let kept: usize = masks.iter().map(|(_, mask)| mask.kept_len()).sum();
        // A little more than 3.5%, as they report.
        assert_eq!(kept, 9537);
        assert!(masks.get("Dense_0-bias").is_none());
    }
}
