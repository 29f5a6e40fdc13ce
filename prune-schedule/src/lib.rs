//! Epoch-keyed pruning strategies, and the pruner that carries them out.
//!
//! A [`Strategy`] says what is pruned when. It is read from a Python literal (dictionaries of jax_pruning work
//! unchanged), JSON or TOML, checked once, and written back to any of them. Its [`Timeline`] shows what will happen,
//! without a model. The [`guide`] has every form. [`methods`] explains each method, its source and its cost.
//!
//! ```
//! use prune_schedule::Strategy;
//!
//! let strategy: Strategy = "{5: {'method': 'unstr_global', 'sparsity': 0.9}}".parse()?;
//! assert_eq!(strategy.timeline().to_string(), "\
//! epoch  method        layers                        reaches                 how
//! 5      unstr_global  all prunable layers together  keeps 10%, removes 90%");
//! # Ok::<(), prune_schedule::StrategyError>(())
//! ```
//!
//! A [`Pruner`] carries a strategy out inside the user's training loop. It tests the strategy against the model before
//! training, makes and applies the masks of an event at the end of its epoch, keeps zeros zero in the weights and in
//! the optimiser's buffers, and returns a [`Report`] of each event. A model is anything that implements
//! [`Layers`](prune_core::Layers) and [`LayersMut`](prune_core::LayersMut).
//!
//! ```
//! use prune_core::{LayerMut, PlainTensor};
//! use prune_schedule::{Evidence, Pruner};
//!
//! let mut weights = PlainTensor::from_logical(&[2, 4], vec![0.9f32, -0.1, 0.3, 0.2, 0.1, -0.8, 0.7, 0.6])?;
//! let mut momentum = PlainTensor::from_logical(&[2, 4], vec![0.0f32; 8])?;
//! let mut model = [("fc-kernel", LayerMut::of(&mut weights))];
//! let mut buffers = [("fc-kernel", LayerMut::of(&mut momentum))];
//!
//! let mut pruner = Pruner::new("{2: {'method': 'unstr_global', 'density': 0.25}}".parse()?);
//! pruner.check(&model)?;
//! pruner.start(&mut model)?;
//! for epoch in 1..=3 {
//!     for _batch in 0..10 {
//!         // One step of the optimiser, and then:
//!         pruner.hold(&mut model)?;
//!         pruner.hold(&mut buffers)?;
//!     }
//!     if let Some(report) = pruner.end_epoch_and_hold(epoch, &mut model, &mut [&mut buffers], Evidence::default())? {
//!         assert_eq!(report.to_string(), "\
//! epoch 2: unstr_global, keeps 25%, removes 75%
//! layer            shape  asked  kept  of  density  non-zero  newly pruned  norm kept
//! fc-kernel        2x4              2   8   25.00%         2             6     59.18%
//! selected layers             2     2   8   25.00%         2             6     59.18%
//! all parameters              2     2   8   25.00%         2             6     59.18%
//! by default: weights are the layers of rank 2 or more");
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Compared with an `if epoch == 10` and a threshold: counts are exact even with ties, pruned elements never come back,
//! a resumed run continues bit for bit, and a misspelt layer is an error.
//!
//! # Features
//!
//! `rayon` (default) is forwarded to prune-core: masks are made on all threads. They are the same without it.
//!
//! # Map
//!
//! - `key`, `moment`, `method`, `value/`, `event/`: the parts of a strategy
//! - `text/`: texts are read and written
//! - `tree/`: the tree that texts are read into
//! - `option/`: each field is read from that tree
//! - `strategy`, `timeline`: the results
//! - `names/`: weights are told from the other tensors of a model's files
//! - `filter`: the weights that are pruned are selected
//! - `plan/`: what an event asks of layers is worked out
//! - `pruner/`: it is carried out
//!
//! This crate names no backend.

mod chart;
mod error;
mod event;
mod filter;
mod glob;
mod key;
mod method;
mod moment;
pub mod names;
mod option;
mod percent;
mod plan;
mod prune_error;
mod pruner;
mod strategy;
pub mod table;
mod text;
mod timeline;
mod tree;
mod value;
mod warning;
mod words;

pub use error::{Position, Problem, StrategyError, SyntaxError};
pub use event::{Event, Rule, Scope, Share, Target};
pub use filter::{Filter, LeftDense};
pub use glob::Glob;
pub use key::{Key, KeyError, LAST_EPOCH};
pub use method::{Method, MethodError, ScopeKind, Structure};
pub use moment::Moment;
pub use plan::{
    Alive, Amount, Defaults, EventPlan, LayerFacts, LayerInfo, LayerPlan, RankedLayers, UsedDefaults, WeightsBy,
};
pub use prune_error::PruneError;
pub use pruner::{
    Evidence, Inputs, LayerReport, MeasureInputs, PreparedMasks, Pruner, PrunerState, Report, ReportColumn, ReportRow,
    StepAction, Totals, UnitCounts, report_table,
};
pub use strategy::Strategy;
pub use timeline::{Timeline, TimelineRow};
pub use value::{
    AxisUnknown, Decay, DensityBounds, DistributionRule, FractionError, GroupAxis, Grow, LayerAxis, Piece, Ramp,
    Ranking, Regrow, Reopen,
};
pub use warning::Warning;

/// [page of methods]: crate::methods
/// [`names`]: crate::names
///
#[doc = include_str!("../docs/strategies.md")]
pub mod guide {}

/// [page of strategies]: crate::guide
/// [`Density`]: prune_core::Density
/// [`Mask`]: prune_core::Mask
/// [`Pruner`]: crate::Pruner
/// [`Inputs::Measure`]: crate::Inputs
/// [`compact`]: prune_core::compact
/// [`Pruner::with_couplings`]: crate::Pruner::with_couplings
/// [`Pruner::replaces_step`]: crate::Pruner::replaces_step
/// [`Pruner::forward_masks`]: crate::Pruner::forward_masks
///
#[doc = include_str!("../docs/methods.md")]
pub mod methods {}
