//! What does not fit together in an event, and under its key.

use super::{Event, Rule};
use crate::epoch::Epochs;
use crate::error::{Problem, StrategyError};
use crate::option::ranking::Ranking;

impl Event {
    /// What is wrong with an event as a whole, and under its key.
    pub(crate) fn check(&self, epochs: Epochs) -> Result<(), StrategyError> {
        let contradiction = |field, why: &str| Err(Problem::Contradiction { field, why: why.to_owned() }.into());
        let ranged =
            matches!(epochs, Epochs::Range { .. }) || matches!(epochs, Epochs::Steps { first, last } if first < last);
        if self.ramp.is_some() && !ranged {
            return contradiction(
                "schedule",
                "it needs a range of epochs or steps, such as '2..=10' or '100..=900 steps'",
            );
        }
        if self.every != 1 && !ranged {
            return contradiction(
                "every",
                "it needs a range of epochs or steps, such as '2..=10' or '100..=900 steps'",
            );
        }
        if self.straight_through {
            if !matches!(epochs, Epochs::Range { .. }) {
                return contradiction(
                    "straight_through",
                    "it needs a range of epochs, at whose end the mask is applied",
                );
            }
            if self.ramp.is_some() || self.reopen.is_some() || self.rewind.is_some() || self.every != 1 {
                let why = "`schedule`, `every`, `reopen` and `rewind` do not go with it";
                return contradiction("straight_through", why);
            }
        }
        if matches!(self.rule, Rule::Regrow(_)) {
            if epochs == Epochs::Others {
                let why = "`set` and `rigl` need a range that ends, such as '100..=7500 steps'";
                return contradiction("method", why);
            }
            if self.reopen.is_some() || self.rewind.is_some() {
                return contradiction(
                    "method",
                    "`set` and `rigl` open what they open; `reopen` and `rewind` do not go with them",
                );
            }
        } else if ranged && matches!(epochs, Epochs::Steps { .. }) && self.ramp.is_none() {
            let why = "a range of steps needs a `schedule`, or `set` or `rigl`; masks float over epochs only";
            return contradiction("method", why);
        }
        if self.reopen.is_some() {
            if matches!(self.rule, Rule::Pieces { .. }) {
                return contradiction("reopen", "it opens elements, and here whole blocks or channels are ranked");
            }
            if matches!(self.ranked_within(), Ranking::Output(_)) {
                return contradiction("reopen", "it works within layers and over all of them, not within outputs");
            }
            if (self.least.is_some() || self.most.is_some()) && self.distribution.shares().is_none() {
                return contradiction("reopen", "it does not go with `min_density` and `max_density` in one ranking");
            }
        }
        let seeds = self.seeds();
        if seeds.windows(2).any(|pair| pair[0] != pair[1]) {
            return contradiction("seed", "an event draws everything by one seed, and this one has two");
        }
        Ok(())
    }
}
