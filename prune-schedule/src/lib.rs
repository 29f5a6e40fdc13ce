//! Epoch-keyed pruning strategies, and the pruner that carries them out.
//!
//! A [`Strategy`] says what is pruned when. It is read from a Python literal (dictionaries of jax_pruning work
//! unchanged), JSON or TOML, checked once, and written back to any of them; its [`Timeline`] shows what will happen,
//! without any model. The [`guide`] has every form, and [`methods`] says what each method is, where it comes from and what it
//! costs.
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
//! A [`Pruner`] carries it out inside a training loop of the user's: it tests the strategy against the model before any
//! training, makes and applies masks when their epoch has trained, keeps zeros zero in weights and in the optimiser's
//! buffers, and returns a [`Report`] of what each event did. Models are anything that implements
//! [`Layers`](prune_core::Layers) and [`LayersMut`](prune_core::LayersMut).
//!
//! ```
//! use prune_core::{LayerMut, PlainTensor};
//! use prune_schedule::Pruner;
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
//!     if let Some(report) = pruner.end_epoch(epoch, &mut model)? {
//!         assert_eq!(report.to_string(), "\
//! epoch 2: unstr_global, keeps 25%, removes 75%
//! layer            shape  asked  kept  of  density  non-zero  newly pruned  norm kept
//! fc-kernel        2x4              2   8   25.00%         2             6     59.18%
//! selected layers             2     2   8   25.00%         2             6     59.18%
//! all parameters              2     2   8   25.00%         2             6     59.18%");
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Why use it over an `if epoch == 10` and a threshold: counts are exact whatever ties there are, nothing that was
//! pruned comes back, a resumed run continues bit for bit, and a misspelt layer is an error and not a silence.
//!
//! # Features
//!
//! `rayon` (default) is forwarded to prune-core: masks are made on all threads, and are the same without it.
//!
//! # Map
//!
//! `epoch`, `method` and `event` hold what a strategy is made of, `option/` what an event may carry beside; `text/` reads
//! and writes it; `names/` tells the weights of a model's files from what else they hold, and `filter` which of them are
//! pruned; `strategy` and `timeline` are what comes out; `pruner/` carries it out. Nothing here knows a backend.

mod chart;
mod epoch;
mod error;
mod event;
mod filter;
mod method;
pub mod names;
mod option;
mod percent;
mod pruner;
mod strategy;
pub mod table;
mod text;
mod timeline;

pub use epoch::{Epochs, LAST_EPOCH};
pub use error::{Position, Problem, StrategyError, SyntaxError};
pub use event::{Event, Rule, Scope, Target};
pub use filter::{Filter, LeftDense};
pub use method::{Method, ScopeKind, Structure};
pub use option::axis::{AxisUnknown, GroupAxis, LayerAxis};
pub use option::distribution::{Bound, Distribution};
pub use option::glob::Glob;
pub use option::ranking::Ranking;
pub use option::regrow::{Decay, Grow, Regrow};
pub use option::reopen::Reopen;
pub use option::times::Ramp;
pub use option::unit::Piece;
pub use pruner::{
    Evidence, Inputs, LayerReport, MeasureInputs, PruneError, Pruner, PrunerState, Report, Totals, UnitCounts, Warning,
};
pub use strategy::Strategy;
pub use timeline::{Timeline, TimelineRow};

#[doc = include_str!("../docs/strategies.md")]
pub mod guide {}

#[doc = include_str!("../docs/methods.md")]
pub mod methods {}
