//! One event: a method, its target, and its layers.
//!
//! Constructors are here. The action is in `rule.rs`, contradictions are in `check.rs`, equality is in `same.rs`, times
//! are in `times.rs`, and questions to an event are in `ask.rs`.

mod ask;
mod check;
mod rule;
mod same;
mod times;

pub use rule::{Rule, Scope, Share, Target};

use rule::RampCourse;

use prune_core::{Density, NmPattern, Score};

use crate::error::{Problem, StrategyError};
use crate::glob::Glob;
use crate::key::LAST_EPOCH;
use crate::method::ScopeKind;
use crate::value::{DensityBounds, DistributionRule, GroupAxis, Piece, Ramp, Ranking, Regrow, Reopen};

/// A method, its target, and its layers.
///
/// # Examples
///
/// ```
/// use prune_core::Density;
/// use prune_schedule::{Event, Ranking, Scope, Strategy};
///
/// let event = Event::unstructured(Scope::Global(Density::new(0.1)?))?.with_exclude(["Dense_1*"])?;
/// assert_eq!((event.exclude()[0].as_str(), event.ranking()), ("Dense_1*", Ranking::Global));
/// let strategy = Strategy::new([(10, event)])?;
/// assert_eq!(strategy, "{10: {'method': 'unstr_global', 'density': 0.1, 'exclude': 'Dense_1*'}}".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Event {
    rule: Rule,
    score: Score,
    course: RampCourse,
    /// `None` is the default interval of the rule and the key.
    every: Option<u64>,
    include: Vec<Glob>,
    exclude: Vec<Glob>,
    reopen: Option<Reopen>,
    rewind: Option<u64>,
}

/// Making events.
impl Event {
    /// An event that keeps single elements, up to a density.
    ///
    /// # Errors
    ///
    /// [`Problem::EmptyTable`] if the table names no layer.
    pub fn unstructured(scope: Scope<Density>) -> Result<Self, StrategyError> {
        Self::new(Rule::Unstructured { scope, ranking: None, share: Share::default() })
    }

    /// An event that keeps N of every M consecutive elements along an axis: that of [`Event::with_axis`], or the door's
    /// default if none is given.
    ///
    /// # Errors
    ///
    /// [`Problem::EmptyTable`] if the table names no layer.
    pub fn n_m(scope: Scope<NmPattern>) -> Result<Self, StrategyError> {
        Self::new(Rule::Nm { scope, axis: None })
    }

    /// An event that keeps blocks or channels, up to a density of their number (rule 1 counts pieces here, not
    /// elements).
    ///
    /// # Errors
    ///
    /// [`Problem::EmptyTable`] if the table names no layer; [`Problem::Contradiction`] if a side of a block is too long
    /// for any axis and any text.
    pub fn pieces(scope: Scope<Density>, piece: Piece) -> Result<Self, StrategyError> {
        if let Piece::Blocks(blocks) = &piece
            && let Some(side) = blocks.sizes().iter().find(|&&side| i64::try_from(side).is_err())
        {
            let why = format!("a side of {side} is longer than any axis");
            return Err(Problem::Contradiction { field: "block", why }.into());
        }
        Self::new(Rule::Pieces { scope, piece, share: Share::default() })
    }

    /// An update of sparse training. It covers every prunable layer that has a mask when the update happens.
    pub fn regrow(regrow: Regrow) -> Self {
        Self::of(Rule::Regrow(regrow))
    }

    fn new(rule: Rule) -> Result<Self, StrategyError> {
        let event = Self::of(rule);
        match event.scope_kind() {
            ScopeKind::Local if event.targets().is_empty() => {
                Err(Problem::EmptyTable { method: event.method().name() }.into())
            }
            _ => Ok(event),
        }
    }

    fn of(rule: Rule) -> Self {
        Event {
            rule,
            score: Score::magnitude(),
            course: RampCourse::Same,
            every: None,
            include: Vec::new(),
            exclude: Vec::new(),
            reopen: None,
            rewind: None,
        }
    }

    /// This event, with elements ranked by another score than their magnitude.
    ///
    /// # Errors
    ///
    /// [`Problem::Contradiction`] for `set` and `rigl`, which drop by magnitude.
    pub fn with_score(mut self, score: Score) -> Result<Self, StrategyError> {
        if matches!(self.rule, Rule::Regrow(_)) {
            return self.contradicts("score", "drops by magnitude; leave it out");
        }
        self.score = score;
        Ok(self)
    }

    /// This event, with elements ranked within other groups than those of the method.
    ///
    /// # Errors
    ///
    /// [`Problem::Contradiction`] if the method has groups of its own.
    pub fn with_ranking(mut self, ranking: Ranking) -> Result<Self, StrategyError> {
        match &mut self.rule {
            Rule::Unstructured { scope, ranking: written, .. }
                if (scope.kind() == ScopeKind::Global) == (ranking == Ranking::Global) =>
            {
                *written = Some(ranking);
                Ok(self)
            }
            Rule::Unstructured { scope: Scope::Global(_), .. } => {
                self.contradicts("ranking", "ranks all layers together; `unstr_unified_local` ranks within outputs")
            }
            Rule::Unstructured { .. } => {
                let why = "ranks within a layer, or within an output; `unstr_global` ranks all layers together";
                self.contradicts("ranking", why)
            }
            _ => self.contradicts("ranking", "has groups of its own; leave it out"),
        }
    }

    /// This event, with groups or outputs along another axis.
    ///
    /// # Errors
    ///
    /// [`Problem::AxisUnstructured`], [`Problem::AxisGlobal`] and [`Problem::Contradiction`]. Only `str_unified_local`,
    /// `str_local`, `channel_*` and rankings within an output have an axis.
    pub fn with_axis(mut self, along: GroupAxis) -> Result<Self, StrategyError> {
        let method = self.method().name();
        let within = self.ranking();
        match &mut self.rule {
            Rule::Nm { scope: Scope::Global(_), .. } => return Err(Problem::AxisGlobal.into()),
            Rule::Nm { axis, .. } => *axis = Some(along),
            Rule::Unstructured { ranking, .. } if matches!(within, Ranking::Output(_)) => {
                *ranking = Some(Ranking::Output(Some(along)));
            }
            Rule::Pieces { piece: Piece::Channels { axis, .. }, .. } => *axis = Some(along),
            Rule::Pieces { .. } => return self.contradicts("axis", "cuts its blocks along `axes`; write that"),
            Rule::Unstructured { .. } | Rule::Regrow(_) => {
                return Err(Problem::AxisUnstructured { method }.into());
            }
        }
        Ok(self)
    }

    /// This event, with the density of all layers together shared out in another way.
    ///
    /// # Errors
    ///
    /// [`Problem::Contradiction`] for every method but `unstr_global`: the others state what each layer keeps.
    pub fn with_distribution(mut self, distribution: DistributionRule) -> Result<Self, StrategyError> {
        self.share_mut("distribution")?.distribution = distribution;
        Ok(self)
    }

    /// This event, with a least density for layers.
    ///
    /// # Errors
    ///
    /// As [`Event::with_distribution`]; [`Problem::Contradiction`] with `reopen` if one ranking covers all layers.
    pub fn with_min_density(mut self, least: DensityBounds) -> Result<Self, StrategyError> {
        self.share_mut("min_density")?.least = Some(least);
        Ok(self)
    }

    /// This event, with a greatest density for layers.
    ///
    /// # Errors
    ///
    /// As [`Event::with_min_density`].
    pub fn with_max_density(mut self, most: DensityBounds) -> Result<Self, StrategyError> {
        self.share_mut("max_density")?.most = Some(most);
        Ok(self)
    }

    /// The shares of a density of all layers together, to be changed by `field`.
    fn share_mut(&mut self, field: &'static str) -> Result<&mut Share, StrategyError> {
        let method = self.method().name();
        let why = match &mut self.rule {
            Rule::Unstructured { scope: Scope::Global(_), share, .. } => return Ok(share),
            Rule::Pieces { scope: Scope::Global(_), share, .. } if field != "distribution" => return Ok(share),
            Rule::Pieces { scope: Scope::Global(_), .. } => {
                "ranks the pieces of all layers together; only `unstr_global` is shared out"
            }
            _ => {
                "says itself what each layer keeps; a density of all layers together, with `unstr_global`, is shared out"
            }
        };
        Err(Problem::Contradiction { field, why: format!("`{method}` {why}") }.into())
    }

    /// This event, with a density that moves over the range of its key.
    ///
    /// # Errors
    ///
    /// [`Problem::Contradiction`] if the event has no density, if the power is 0, or with `straight_through`.
    pub fn with_ramp(mut self, ramp: Ramp) -> Result<Self, StrategyError> {
        if !matches!(self.rule, Rule::Unstructured { .. } | Rule::Pieces { .. }) {
            return self.contradicts("schedule", "has no density that could move");
        }
        if ramp.power == 0 {
            return self.contradicts("power", "needs a power of 1 or more");
        }
        if self.straight_through() {
            return Err(self.alone());
        }
        self.course = RampCourse::Ramp(ramp);
        Ok(self)
    }

    /// This event, happening at the first epoch or step of its range, at every `every`-th from there, and at the last.
    /// A range is at most [`LAST_EPOCH`](crate::LAST_EPOCH) long, and so is an interval.
    #[must_use]
    pub fn with_every(mut self, every: u64) -> Self {
        let every = every.clamp(1, LAST_EPOCH);
        self.every = (every != 1 || matches!(self.rule, Rule::Regrow(_))).then_some(every);
        self
    }

    /// This event, with masks for the forward pass only. The dense weights train on under the straight-through
    /// estimator (Bengio et al. 2013) until the range ends, and then the last mask is applied.
    ///
    /// # Errors
    ///
    /// [`Problem::Contradiction`] for `set` and `rigl`, and if the density moves.
    pub fn with_straight_through(mut self) -> Result<Self, StrategyError> {
        if matches!(self.rule, Rule::Regrow(_)) {
            return self.contradicts("straight_through", "trains sparse weights, and there are no dense ones");
        }
        if matches!(self.course, RampCourse::Ramp(_)) {
            return Err(self.alone());
        }
        self.course = RampCourse::StraightThrough;
        Ok(self)
    }

    /// This event, for only those prunable layers that match one of the patterns.
    ///
    /// # Errors
    ///
    /// [`Problem::IncludeEmpty`] without a pattern, [`Problem::GlobWithTable`] if a table already names the layers.
    pub fn with_include<G: Into<Glob>>(mut self, patterns: impl IntoIterator<Item = G>) -> Result<Self, StrategyError> {
        self.refuse_table("include")?;
        self.include = patterns.into_iter().map(Into::into).collect();
        if self.include.is_empty() { Err(Problem::IncludeEmpty.into()) } else { Ok(self) }
    }

    /// This event, without the prunable layers that match one of the patterns.
    ///
    /// # Errors
    ///
    /// [`Problem::GlobWithTable`] if a table already names the layers.
    pub fn with_exclude<G: Into<Glob>>(mut self, patterns: impl IntoIterator<Item = G>) -> Result<Self, StrategyError> {
        self.refuse_table("exclude")?;
        self.exclude = patterns.into_iter().map(Into::into).collect();
        Ok(self)
    }

    fn refuse_table(&self, field: &'static str) -> Result<(), StrategyError> {
        match self.method() {
            method if method.scope == ScopeKind::Local => {
                Err(Problem::GlobWithTable { field, method: method.name() }.into())
            }
            _ => Ok(()),
        }
    }

    /// This event, allowed to open elements again if it asks for more than is alive.
    #[must_use]
    pub fn with_reopen(mut self, how: Reopen) -> Self {
        self.reopen = Some(how);
        self
    }

    /// This event, which sets every parameter of the model back to its value at the end of `epoch` (0: before training)
    /// and then applies the new masks: the lottery ticket's rewinding (Frankle and Carbin 2019, Renda et al. 2020).
    /// That epoch must lie before the event; a [`Strategy`](crate::Strategy) checks this.
    #[must_use]
    pub fn with_rewind(mut self, epoch: u64) -> Self {
        self.rewind = Some(epoch);
        self
    }

    /// The error for a field that contradicts masks for the forward pass only.
    fn alone(&self) -> StrategyError {
        let why = "`schedule`, `every`, `reopen` and `rewind` do not go with it".to_owned();
        Problem::Contradiction { field: "straight_through", why }.into()
    }

    pub(crate) fn with_piece(mut self, new: Piece) -> Self {
        if let Rule::Pieces { piece, .. } = &mut self.rule {
            *piece = new;
        }
        self
    }

    pub(crate) fn with_regrow(mut self, regrow: Regrow) -> Self {
        self.rule = Rule::Regrow(regrow);
        self
    }

    fn contradicts<T>(&self, field: &'static str, why: &str) -> Result<T, StrategyError> {
        Err(Problem::Contradiction { field, why: format!("`{}` {why}", self.method().name()) }.into())
    }
}
