//! Prune ndarray tensors: exact masks from their values, and zeros that stay zero.
//!
//! [`PruneExt`] puts the methods of [`prune_core`] on every [`ArrayBase`](ndarray::ArrayBase) of `f32`, `f64`, `f16` or
//! `bf16`: owned, shared, view and mutable view, of any dimension. Memory in one piece is used in place, whatever the
//! order and direction of its axes; memory with gaps is gathered for reading and written in place. The mask is the
//! same, bit for bit, in each of these cases and in every other backend. Every backend's [`PruneExt`] has the same
//! methods, so changing the backend means changing one import.
//!
//! It is not on crates.io yet. From a clone of the repository: `cargo add --path ../prune/prune-ndarray`.
//!
//! # The best weights
//!
//! ```
//! use ndarray::array;
//! use prune_ndarray::{Density, PruneExt};
//!
//! let mut weights = array![[0.5_f32, -3.0, 2.0], [-0.1, 0.2, 1.0]];
//! // The half of greatest magnitude: exactly three of six, whatever ties there are.
//! let mask = weights.mask_unstructured(Density::new(0.5)?)?;
//! weights.apply_mask(&mask)?;
//! assert_eq!(weights, array![[0.0, -3.0, 2.0], [0.0, 0.0, 1.0]]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # N of every M
//!
//! ```
//! use ndarray::array;
//! use prune_ndarray::PruneExt;
//!
//! let weights = array![[0.5_f64, -3.0, 2.0, 0.1], [4.0, 5.0, -6.0, 7.0]];
//! // Two of every four along the last axis, and one of every two along the first.
//! let rows = weights.mask_n_m("2:4".parse()?, -1)?;
//! assert_eq!(rows.kept_indices().collect::<Vec<_>>(), [1, 2, 6, 7]);
//! let columns = weights.mask_n_m("1:2".parse()?, 0)?;
//! assert_eq!(columns.kept_indices().collect::<Vec<_>>(), [4, 5, 6, 7]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A transposed or sliced view
//!
//! ```
//! use ndarray::{Array2, s};
//! use prune_ndarray::{Density, PruneExt};
//!
//! let mut weights = Array2::from_shape_fn((4, 6), |(i, j)| (i * 6 + j) as f32);
//! let mut every_other_row = weights.slice_mut(s![..;2, ..]);
//! let mask = every_other_row.mask_unstructured(Density::new(0.25)?)?;
//! every_other_row.apply_mask(&mask)?;
//! assert_eq!(weights.row(0).sum(), 0.0);
//! assert_eq!(weights.row(1).sum(), 51.0); // not part of the view, so not touched
//! assert_eq!(weights.row(2).to_vec(), [0.0, 0.0, 0.0, 15.0, 16.0, 17.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A whole model
//!
//! A model lists its parameters, of any rank and element type, through [`Layers`] and [`LayersMut`]. [`Selector`]
//! ranks them together; [`Masks`] hold weights, and the optimiser's buffers of the same names, at zero.
//!
//! ```
//! use std::borrow::Cow;
//! use ndarray::{Array1, Array2, Array4};
//! use prune_ndarray::{Density, LayerMut, LayerRef, Layers, LayersMut, Masks, PruneExt, Ranked, Selector};
//!
//! struct Model { conv: Array4<f32>, dense: Array2<f64>, bias: Array1<f64> }
//!
//! impl Layers for Model {
//!     fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
//!         vec![
//!             ("conv-kernel".into(), self.conv.layer()),
//!             ("dense-kernel".into(), self.dense.layer()),
//!             ("dense-bias".into(), self.bias.layer()),
//!         ]
//!     }
//! }
//!
//! impl LayersMut for Model {
//!     fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
//!         vec![
//!             ("conv-kernel".into(), self.conv.layer_mut()),
//!             ("dense-kernel".into(), self.dense.layer_mut()),
//!             ("dense-bias".into(), self.bias.layer_mut()),
//!         ]
//!     }
//! }
//!
//! let mut model = Model {
//!     conv: Array4::from_shape_fn((3, 3, 1, 4), |(i, j, _, l)| (i * 12 + j * 4 + l) as f32),
//!     dense: Array2::from_shape_fn((4, 16), |(i, j)| (i * 16 + j) as f64 / 2.0),
//!     bias: Array1::ones(16),
//! };
//!
//! // One ranking over the kernels of both element types: a quarter of all 100 weights stays.
//! let layers = model.layers();
//! let ranked: Vec<_> = layers[..2].iter().map(|(name, layer)| Ranked::new(name, layer)).collect();
//! let selected = Selector::magnitude().global(&ranked, Density::new(0.25)?)?;
//! let masks: Masks = ranked.iter().zip(selected).map(|(layer, s)| (layer.name.to_owned(), s.mask)).collect();
//! assert_eq!(masks.iter().map(|(_, mask)| mask.kept_len()).sum::<usize>(), 25);
//! drop(layers);
//!
//! masks.hold(&mut model)?; // after every step of the optimiser
//! assert_eq!(masks.revivals(&model)?, 0);
//! assert_eq!(model.bias.sum(), 16.0); // no mask, not touched
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # In a training loop
//!
//! A [`Pruner`] carries out a [`Strategy`], a text that lists the events of a training run.
//!
//! ```
//! use ndarray::{Array2, Axis};
//! use prune_ndarray::{Evidence, PruneExt, Pruner};
//!
//! let mut weights = Array2::from_shape_fn((8, 4), |(i, j)| ((i * 4 + j) as f32).sin());
//! let mut momentum = Array2::<f32>::zeros((8, 4));
//!
//! let mut pruner = Pruner::new("{2: {'method': 'str_unified_local', 'pattern': (2, 4)}}".parse()?);
//! pruner.check(&[("fc-kernel", weights.layer())])?;
//! for epoch in 1..=3 {
//!     for _batch in 0..10 {
//!         // A step of momentum descent, on a loss that pulls all weights towards one.
//!         momentum.zip_mut_with(&weights, |m, &w| *m = 0.9 * *m + 0.01 * (w - 1.0));
//!         weights -= &momentum;
//!         pruner.hold(&mut [("fc-kernel", weights.layer_mut())])?;
//!         pruner.hold(&mut [("fc-kernel", momentum.layer_mut())])?;
//!     }
//!     let (mut model, mut buffer) = ([("fc-kernel", weights.layer_mut())], [("fc-kernel", momentum.layer_mut())]);
//!     if let Some(report) = pruner.end_epoch_and_hold(epoch, &mut model, &mut [&mut buffer], Evidence::default())? {
//!         assert_eq!(epoch, 2);
//!         println!("{report}");
//!     }
//! }
//! // Two of every four, an epoch after the event.
//! assert!(weights.axis_iter(Axis(0)).all(|row| row.iter().filter(|&&w| w != 0.0).count() == 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Why not a threshold
//!
//! `weights.mapv(|w| if w.abs() >= threshold { w } else { 0.0 })` keeps too many elements if values tie, needs a sort
//! to find the threshold, and is undone by the next step of the optimiser. Here counts are exact, selection is linear
//! in the number of weights, and one call holds weights and momentum at zero.
//!
//! # Features
//!
//! `testing` is forwarded to prune-core. `rayon` (default) is forwarded to prune-core and prune-schedule: masks are
//! made and applied on all threads. Without it the masks are the same.
//!
//! # Map
//!
//! The crate is thin: it lends the memory of arrays. Everything else is in [`prune_core`] (masks, selection, errors)
//! and [`prune_schedule`] (strategies and their events). Both are re-exported, and so is [`ndarray`].

mod contiguous;
mod lend;
mod runs;

pub use ndarray;
pub use prune_core;
pub use prune_schedule;

pub use prune_core::{
    Density, Element, Error, ErrorKind, LayerMut, LayerRef, Layers, LayersMut, Mask, Masks, NmPattern, RankBy, Ranked,
    Selected, Selector, Threads,
};
pub use prune_schedule::{Evidence, Pruner, Report, Strategy};

prune_core::define_prune_ext! {
    /// # Examples
    ///
    /// ```
    /// use ndarray::array;
    /// use prune_ndarray::{Density, PruneExt};
    ///
    /// let mut weights = array![[0.5_f32, -3.0], [2.0, 0.1]];
    /// let mask = weights.mask_unstructured(Density::new(0.5)?)?;
    /// weights.apply_mask(&mask)?;
    /// assert_eq!(weights, array![[0.0, -3.0], [2.0, 0.0]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
}
