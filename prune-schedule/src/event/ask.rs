//! Questions to an event.

use prune_core::Score;

use super::rule::RampCourse;
use super::{Event, Rule, Scope, Share, Target};
use crate::glob::{Glob, leave};
use crate::method::{Method, ScopeKind, Structure};
use crate::value::{DensityBounds, DistributionRule, GroupAxis, Grow, Piece, Ramp, Ranking, Regrow, Reopen};

impl Event {
    /// The method.
    pub fn method(&self) -> Method {
        let structure = match &self.rule {
            Rule::Unstructured { .. } => Structure::Unstructured,
            Rule::Nm { .. } => Structure::Nm,
            Rule::Pieces { piece, .. } => piece.structure(),
            Rule::Regrow(regrow) => match regrow.grow {
                Grow::Random { .. } => Structure::Set,
                Grow::Gradient => Structure::Rigl,
            },
        };
        Method { structure, scope: self.scope_kind() }
    }

    pub(super) fn scope_kind(&self) -> ScopeKind {
        match &self.rule {
            Rule::Unstructured { scope, .. } => scope.kind(),
            Rule::Nm { scope, .. } => scope.kind(),
            Rule::Pieces { scope, .. } => scope.kind(),
            Rule::Regrow(_) => ScopeKind::UnifiedLocal,
        }
    }

    /// The rule: the action of the event.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The score that ranks the elements.
    pub fn score(&self) -> Score {
        self.score
    }

    /// The group within which elements are ranked. By default Wanda ranks within each output.
    pub fn ranking(&self) -> Ranking {
        match &self.rule {
            Rule::Unstructured { ranking: Some(ranking), .. } => *ranking,
            _ => self.default_ranking(),
        }
    }

    /// The ranking that follows from the scope and the score.
    pub(crate) fn default_ranking(&self) -> Ranking {
        match (&self.rule, self.scope_kind()) {
            (_, ScopeKind::Global) => Ranking::Global,
            (Rule::Unstructured { .. }, _) if self.score.ranks_within_outputs() => Ranking::Output(None),
            _ => Ranking::Layer,
        }
    }

    /// The way in which the density of all layers together is shared out.
    pub fn distribution(&self) -> DistributionRule {
        self.share().map_or(DistributionRule::Global, |share| share.distribution)
    }

    fn share(&self) -> Option<&Share> {
        match &self.rule {
            Rule::Unstructured { share, .. } | Rule::Pieces { share, .. } => Some(share),
            Rule::Nm { .. } | Rule::Regrow(_) => None,
        }
    }

    /// The least density of layers.
    pub fn min_density(&self) -> Option<&DensityBounds> {
        self.share()?.least.as_ref()
    }

    /// The greatest density of layers.
    pub fn max_density(&self) -> Option<&DensityBounds> {
        self.share()?.most.as_ref()
    }

    /// The course of the density over the range, if the density moves.
    pub fn ramp(&self) -> Option<Ramp> {
        match self.course {
            RampCourse::Ramp(ramp) => Some(ramp),
            RampCourse::Same | RampCourse::StraightThrough => None,
        }
    }

    /// The number of epochs or steps from one happening to the next, if it is written: see [`Event::interval`].
    pub(crate) fn written_interval(&self) -> Option<u64> {
        self.every
    }

    /// True if masks are for the forward pass only until the range ends.
    pub fn straight_through(&self) -> bool {
        self.course == RampCourse::StraightThrough
    }

    /// A layer must match at least one of these patterns. An empty list selects every prunable layer.
    pub fn include(&self) -> &[Glob] {
        &self.include
    }

    /// A layer must match none of these patterns.
    pub fn exclude(&self) -> &[Glob] {
        &self.exclude
    }

    /// The way to open elements again, if the event may.
    pub fn reopen(&self) -> Option<Reopen> {
        self.reopen
    }

    /// Parameters are set back to their values at the end of this epoch, if there is one.
    pub fn rewind(&self) -> Option<u64> {
        self.rewind
    }

    /// The seed of the event's random draws, if it draws anything.
    pub fn seed(&self) -> Option<u64> {
        self.seeds().first().copied()
    }

    pub(super) fn seeds(&self) -> Vec<u64> {
        let reopen = match self.reopen {
            Some(Reopen::Random { seed }) => Some(seed),
            _ => None,
        };
        let grow = match &self.rule {
            Rule::Regrow(Regrow { grow: Grow::Random { seed }, .. }) => Some(*seed),
            _ => None,
        };
        [self.score.seed(), reopen, grow].into_iter().flatten().collect()
    }

    /// The piece that the event prunes as a whole: blocks or channels. `None` for single elements and groups.
    pub(crate) fn piece(&self) -> Option<&Piece> {
        match &self.rule {
            Rule::Pieces { piece, .. } => Some(piece),
            _ => None,
        }
    }

    /// The targets with their layers; `None` stands for every selected layer. Empty for an event that keeps densities
    /// as they are.
    pub fn targets(&self) -> Vec<(Option<&str>, Target)> {
        match &self.rule {
            Rule::Unstructured { scope, .. } | Rule::Pieces { scope, .. } => {
                scope.values().into_iter().map(|(name, density)| (name, Target::Density(*density))).collect()
            }
            Rule::Nm { scope, .. } => {
                scope.values().into_iter().map(|(name, pattern)| (name, Target::Pattern(*pattern))).collect()
            }
            Rule::Regrow(_) => Vec::new(),
        }
    }

    /// The written axis: of groups, of channels, or of the outputs within which the event ranks. `None` if none is
    /// written or the event has no axis.
    pub fn axis(&self) -> Option<GroupAxis> {
        self.axis_field().flatten()
    }

    /// True if the event has an axis, written or not. N:M within layers, channels, and rankings within outputs have
    /// one.
    pub fn has_axis(&self) -> bool {
        self.axis_field().is_some()
    }

    /// The axis that applies to the event. This is the written axis, if there is one. Otherwise it is `groups`, the
    /// door's default, for N:M, and the axis of outputs for channels and rankings within outputs. `None` if the event
    /// has no axis.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_schedule::{GroupAxis, Strategy};
    ///
    /// let strategy: Strategy = "{1: {'method': 'str_unified_local', 'pattern': '2:4'}, \
    ///                            2: {'method': 'str_unified_local', 'pattern': '2:4', 'axis': -1}, \
    ///                            3: {'method': 'channel_global', 'density': 0.5}}".parse()?;
    /// let axes = |door| strategy.events().map(|(_, event)| event.axis_or(door)).collect::<Vec<_>>();
    /// assert_eq!(axes(GroupAxis::LAST), [Some(GroupAxis::LAST), Some(GroupAxis::LAST), Some(GroupAxis::Output)]);
    /// assert_eq!(axes(GroupAxis::Reduction), [Some(GroupAxis::Reduction), Some(GroupAxis::LAST), Some(GroupAxis::Output)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn axis_or(&self, groups: GroupAxis) -> Option<GroupAxis> {
        let default = if matches!(self.rule, Rule::Nm { .. }) { groups } else { GroupAxis::Output };
        self.axis_field().map(|written| written.unwrap_or(default))
    }

    /// The field `axis` as written, if the event has one.
    fn axis_field(&self) -> Option<Option<GroupAxis>> {
        match self.ranking() {
            Ranking::Output(axis) => Some(axis),
            _ => self.unit_axis(),
        }
    }

    /// The field `axis` as written, for events on groups and channels only.
    pub(crate) fn unit_axis(&self) -> Option<Option<GroupAxis>> {
        match &self.rule {
            Rule::Nm { scope: Scope::UnifiedLocal(_) | Scope::Local(_), axis } => Some(*axis),
            Rule::Pieces { piece: Piece::Channels { axis, .. }, .. } => Some(*axis),
            _ => None,
        }
    }

    /// True if the event is for a layer of this name and rank. Every layer of rank 2 or more counts as prunable.
    ///
    /// A table is for the layers that it names. Every other event is for the prunable layers; [`Event::with_include`]
    /// and [`Event::with_exclude`] narrow them.
    pub fn selects(&self, name: &str, rank: usize) -> bool {
        self.is_for(name, rank >= 2)
    }

    /// True if the event is for this layer. The caller says whether the layer is prunable.
    pub(crate) fn is_for(&self, name: &str, prunable: bool) -> bool {
        match &self.rule {
            Rule::Unstructured { scope: Scope::Local(layers), .. }
            | Rule::Pieces { scope: Scope::Local(layers), .. } => layers.contains_key(name),
            Rule::Nm { scope: Scope::Local(layers), .. } => layers.contains_key(name),
            _ => prunable && leave(&self.include, &self.exclude, name),
        }
    }
}
