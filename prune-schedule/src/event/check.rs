//! Contradictions within an event, and between an event and its key.

use super::{Event, Rule};
use crate::error::{Problem, StrategyError};
use crate::key::{Key, KeyError, LAST_EPOCH};
use crate::value::{Decay, Ranking};

impl Event {
    /// Refuses an event whose fields contradict each other or its key.
    pub(crate) fn check(&self, key: Key) -> Result<(), StrategyError> {
        let contradiction = |field, why: &str| Err(Problem::Contradiction { field, why: why.to_owned() }.into());
        let ranged = key.is_range();
        let over_range = [("schedule", self.ramp().is_some()), ("every", self.every.is_some_and(|every| every != 1))];
        if let Some((field, _)) = over_range.into_iter().find(|(_, is_written)| *is_written && !ranged) {
            return contradiction(field, "it needs a range of epochs or steps, such as '2..=10' or '100..=900 steps'");
        }
        if self.straight_through() {
            if !matches!(key, Key::Epochs { .. }) {
                let why = "it needs a range of epochs, at whose end the mask is applied";
                return contradiction("straight_through", why);
            }
            if self.reopen.is_some() || self.rewind.is_some() || self.every.is_some() {
                return Err(self.alone());
            }
        }
        self.check_rewind(key)?;
        if let Rule::Regrow(regrow) = self.rule {
            if regrow.decay == Decay::Cosine && key.first() == key.last() && key != Key::OtherEpochs {
                let why = "a cosine has come to nothing at the last update, and here is only one; write 'decay': 'constant', \
                           or a range of epochs or steps";
                return contradiction("decay", why);
            }
            if key == Key::OtherEpochs {
                let why = "`set` and `rigl` need a range that ends, such as '100..=7500 steps'";
                return contradiction("method", why);
            }
            if self.reopen.is_some() || self.rewind.is_some() {
                let why = "`set` and `rigl` open what they open; `reopen` and `rewind` do not go with them";
                return contradiction("method", why);
            }
        } else if ranged && key.in_steps() && self.ramp().is_none() {
            let why = "a range of steps needs a `schedule`, or `set` or `rigl`; masks float over epochs only";
            return contradiction("method", why);
        }
        if self.reopen.is_some() {
            if matches!(self.rule, Rule::Pieces { .. }) {
                return contradiction("reopen", "it opens elements, and here whole blocks or channels are ranked");
            }
            if matches!(self.ranking(), Ranking::Output(_)) {
                return contradiction("reopen", "it works within layers and over all of them, not within outputs");
            }
            if (self.min_density().is_some() || self.max_density().is_some()) && self.distribution().shares().is_none()
            {
                return contradiction("reopen", "it does not go with `min_density` and `max_density` in one ranking");
            }
        }
        let seeds = self.seeds();
        if seeds.windows(2).any(|pair| pair[0] != pair[1]) {
            return contradiction("seed", "an event draws everything by one seed, and this one has two");
        }
        Ok(())
    }

    /// Refuses to rewind to an epoch that has not ended when the event happens.
    fn check_rewind(&self, key: Key) -> Result<(), StrategyError> {
        let Some(to) = self.rewind else { return Ok(()) };
        if to > LAST_EPOCH {
            return Err(Problem::from(KeyError::TooLarge { found: to.to_string() }).into());
        }
        // The epoch of a step is known only when training reaches that step.
        let first = if key.in_steps() { u64::MAX } else { key.first().unwrap_or(1) };
        if to < first {
            return Ok(());
        }
        let why = match first {
            0 => "nothing has trained yet at epoch 0; leave it out".to_owned(),
            _ => format!("it goes back to the end of an earlier epoch, and epoch {to} is not before epoch {first}"),
        };
        Err(Problem::Contradiction { field: "rewind", why }.into())
    }
}
