//! Prune nalgebra matrices: exact masks from their values, and zeros that stay zero.
//!
//! [`PruneExt`] puts the methods of [`prune_core`] on every [`Matrix`](nalgebra::Matrix) of `f32`, `f64`, `f16` or
//! `bf16`: owned, statically sized, view and mutable view. Memory in one piece is used in place; memory with gaps is
//! gathered for reading and written in place. The mask is the same, bit for bit, in each of these cases and in every
//! other backend. Every backend's [`PruneExt`] has the same methods, so changing the backend means changing one
//! import.
//!
//! A type with one column or one row (`DVector`, `RowDVector`, `Vector3`, ...) is a tensor of rank 1, any other of
//! rank 2. Indices and groups go by rows and columns. Logical order is row by row, although nalgebra's memory goes
//! column by column.
//!
//! It is not on crates.io yet. From a clone of the repository: `cargo add --path ../prune/prune-nalgebra`.
//!
//! # The best weights
//!
//! ```
//! use nalgebra::DMatrix;
//! use prune_nalgebra::{Density, PruneExt};
//!
//! let mut weights = DMatrix::from_row_slice(2, 3, &[0.5_f32, -3.0, 2.0, -0.1, 0.2, 1.0]);
//! // The half of greatest magnitude: exactly three of six, whatever ties there are.
//! let mask = weights.mask_unstructured(Density::new(0.5)?)?;
//! weights.apply_mask(&mask)?;
//! assert_eq!(weights, DMatrix::from_row_slice(2, 3, &[0.0, -3.0, 2.0, 0.0, 0.0, 1.0]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # N of every M
//!
//! ```
//! use nalgebra::Matrix2x4;
//! use prune_nalgebra::PruneExt;
//!
//! let weights = Matrix2x4::new(0.5_f64, -3.0, 2.0, 0.1, 4.0, 5.0, -6.0, 7.0);
//! // Two of every four along the last axis (along each row), and one of every two along the first.
//! let rows = weights.mask_n_m("2:4".parse()?, -1)?;
//! assert_eq!(rows.kept_indices().collect::<Vec<_>>(), [1, 2, 6, 7]);
//! let columns = weights.mask_n_m("1:2".parse()?, 0)?;
//! assert_eq!(columns.kept_indices().collect::<Vec<_>>(), [4, 5, 6, 7]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A view
//!
//! ```
//! use nalgebra::DMatrix;
//! use prune_nalgebra::{Density, PruneExt};
//!
//! let mut weights = DMatrix::from_fn(4, 6, |i, j| (i * 6 + j) as f32);
//! let mut every_other_row = weights.rows_with_step_mut(0, 2, 1);
//! let mask = every_other_row.mask_unstructured(Density::new(0.25)?)?;
//! every_other_row.apply_mask(&mask)?;
//! assert_eq!(weights.row(0).sum(), 0.0);
//! assert_eq!(weights.row(1).sum(), 51.0); // not part of the view, so not touched
//! assert_eq!(weights.row(2).iter().copied().collect::<Vec<_>>(), [0.0, 0.0, 0.0, 15.0, 16.0, 17.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A convolution kernel
//!
//! A matrix can hold a kernel of more dimensions, flattened into rows and columns. Given its logical shape, it has
//! that tensor's axes, masks and saved files.
//!
//! ```
//! use nalgebra::DMatrix;
//! use prune_nalgebra::{PruneExt, Ranked, Selector};
//!
//! // 3 x 3 places, 2 input channels and 8 output channels, as an 18 x 8 matrix.
//! let kernel = DMatrix::from_fn(18, 8, |i, j| ((i * 8 + j) as f32).sin());
//! let layer = kernel.layer_with_shape(&[3, 3, 2, 8])?;
//! let selected = Selector::magnitude().n_m(Ranked::new("conv", &layer), "1:2".parse()?, 2)?;
//! assert_eq!(selected.mask.shape(), [3, 3, 2, 8]);
//! assert_eq!(selected.mask.kept_len(), 72);
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
//! use nalgebra::{DMatrix, DVector};
//! use prune_nalgebra::{Density, LayerMut, LayerRef, Layers, LayersMut, Masks, PruneExt, Ranked, Selector};
//!
//! struct Model { conv: DMatrix<f32>, dense: DMatrix<f64>, bias: DVector<f64> }
//!
//! const CONV: [usize; 4] = [3, 3, 1, 4];
//!
//! impl Layers for Model {
//!     fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
//!         vec![
//!             ("conv-kernel".into(), self.conv.layer_with_shape(&CONV).expect("a 9 x 4 matrix")),
//!             ("dense-kernel".into(), self.dense.layer()),
//!             ("dense-bias".into(), self.bias.layer()),
//!         ]
//!     }
//! }
//!
//! impl LayersMut for Model {
//!     fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
//!         vec![
//!             ("conv-kernel".into(), self.conv.layer_mut_with_shape(&CONV).expect("a 9 x 4 matrix")),
//!             ("dense-kernel".into(), self.dense.layer_mut()),
//!             ("dense-bias".into(), self.bias.layer_mut()),
//!         ]
//!     }
//! }
//!
//! let mut model = Model {
//!     conv: DMatrix::from_fn(9, 4, |i, j| (i * 4 + j) as f32),
//!     dense: DMatrix::from_fn(4, 16, |i, j| (i * 16 + j) as f64 / 2.0),
//!     bias: DVector::repeat(16, 1.0),
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
//! use nalgebra::DMatrix;
//! use prune_nalgebra::{Evidence, PruneExt, Pruner};
//!
//! let mut weights = DMatrix::from_fn(8, 4, |i, j| ((i * 4 + j) as f32).sin());
//! let mut momentum = DMatrix::<f32>::zeros(8, 4);
//!
//! let mut pruner = Pruner::new("{2: {'method': 'str_unified_local', 'pattern': (2, 4)}}".parse()?);
//! pruner.check(&[("fc-kernel", weights.layer())])?;
//! for epoch in 1..=3 {
//!     for _batch in 0..10 {
//!         // A step of momentum descent, on a loss that pulls all weights towards one.
//!         momentum.zip_apply(&weights, |m, w| *m = 0.9 * *m + 0.01 * (w - 1.0));
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
//! assert!(weights.row_iter().all(|row| row.iter().filter(|&&w| w != 0.0).count() == 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Why not a threshold
//!
//! `weights.map(|w| if w.abs() >= threshold { w } else { 0.0 })` keeps too many elements if values tie, needs a sort
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
//! The crate is thin: it lends the memory of matrices. Everything else is in [`prune_core`] (masks, selection,
//! errors) and [`prune_schedule`] (strategies and their events). Both are re-exported, and so is [`nalgebra`].

mod contiguous;
mod lend;
mod runs;

pub use nalgebra;
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
    /// use nalgebra::Matrix2;
    /// use prune_nalgebra::{Density, PruneExt};
    ///
    /// let mut weights = Matrix2::new(0.5_f32, -3.0, 2.0, 0.1);
    /// let mask = weights.mask_unstructured(Density::new(0.5)?)?;
    /// weights.apply_mask(&mask)?;
    /// assert_eq!(weights, Matrix2::new(0.0, -3.0, 2.0, 0.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
}
