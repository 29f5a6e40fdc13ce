//! Layers that are ranked one by one and by their weights alone. The masks of all of them are made at once, so that
//! threads share out whole layers.

use core::slice::from_ref;

use prune_core::{Ranked, Score, Selector};

use super::candidate::{Candidate, LayerMask};
use super::event::Maker;
use crate::event::Rule;
use crate::plan::Amount;
use crate::prune_error::PruneError;
use crate::value::DistributionRule;

/// If the event can be stopped, layers of this many elements together are ranked at once, which takes some hundredths
/// of a second.
const AT_ONCE: usize = 1 << 24;

impl Maker<'_> {
    /// The masks of an event that ranks each layer by itself; `None` for other events. They equal the masks of one
    /// ranking after the other.
    pub(super) fn each_alone(&self, candidates: &[Candidate<'_>]) -> Result<Option<Vec<LayerMask>>, PruneError> {
        let event = &self.plan.event;
        let weights_alone = event.score() == Score::magnitude() && event.distribution() != DistributionRule::GlobalL2;
        if !weights_alone || !matches!(event.rule(), Rule::Unstructured { .. }) {
            return Ok(None);
        }
        let mut asked = Vec::with_capacity(self.plan.rankings.len());
        for ranking in &self.plan.rankings {
            let layers = candidates.get(ranking.layers.clone()).unwrap_or_default();
            let ([layer], Amount::Kept(kept)) = (layers, &ranking.amount) else { return Ok(None) };
            // An event that asks for more than is alive reopens elements.
            if *kept > self.alive_of(from_ref(layer))? {
                return Ok(None);
            }
            asked.push((Ranked::new(layer.name(), layer.layer).with_alive(self.alive.get(layer.name())), *kept));
        }
        let mut made = Vec::with_capacity(asked.len());
        while made.len() < asked.len() {
            self.given.go_on(self.plan.at)?;
            let rest = asked.get(made.len()..).unwrap_or_default();
            let at_once = rest.get(..self.at_once(rest)).unwrap_or(rest);
            let new = Selector::magnitude().top_of_each(at_once).map_err(|error| self.refused(candidates, error))?;
            made.extend(new.into_iter().map(LayerMask::from));
        }
        Ok(Some(made))
    }

    /// The number of layers to rank at once next: all of them, unless the event can be stopped.
    fn at_once(&self, layers: &[(Ranked<'_>, usize)]) -> usize {
        if !self.given.can_stop() {
            return layers.len();
        }
        let mut elements = 0usize;
        let enough = layers.iter().position(|(layer, _)| {
            elements = elements.saturating_add(layer.scores.len());
            elements >= AT_ONCE
        });
        enough.map_or(layers.len(), |last| last + 1)
    }
}
