//! Zeros outside masks: applying, holding, counting revivals, and writing to memory with gaps.

use std::cell::{LazyCell, RefCell};

use ndarray::{Array2, s};
use prune_core::{LayerMut, LayerRef, Mask, Masks, PlainTensor, PruneExt as _};
use rayon::prelude::*;

use super::{Group, density, mask_of, matrix, must, side};
use crate::MEMORY;
use crate::inputs::{make, weight};
use crate::show::Outcome;

pub(super) fn rows(group: &mut Group<'_>) {
    memory(group);
    apply(group);
    gaps(group);
    hold(group);
    revivals(group);
    converting(group);
}

fn memory(group: &mut Group<'_>) {
    let name = "extra memory at the peak, unstructured 0.5, f32";
    if group.wants(name) {
        let x = matrix(group.args.largest());
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let mask = must(x.mask_unstructured(density(0.5)));
        let extra = MEMORY.peak_usage() - before;
        drop(mask);
        group.push(name, Some((0.10, 0.05)), Outcome::Memory { extra, of: size_of_val(x.values()) });
    }
}

/// Writes, and so reads, every element: the base for applying a mask.
fn scale(values: &mut [f32]) {
    let chunk = |chunk: &mut [f32]| chunk.iter_mut().for_each(|value| *value *= 1.000_001);
    values.par_chunks_mut(1 << 16).for_each(chunk);
}

fn apply(group: &mut Group<'_>) {
    let name = "apply a mask in place, against scaling in place";
    if group.wants(name) {
        let x = RefCell::new(matrix(group.args.largest()));
        let mask = mask_of(&x.borrow(), 0.5);
        let work = || x.borrow_mut().apply_mask(&mask);
        group.time(name, Some((1.3, 1.05)), work, || scale(x.borrow_mut().values_mut()));
    }
}

/// Memory in runs, as in a view of some columns, compared with as many elements in one piece.
fn gaps(group: &mut Group<'_>) {
    use prune_ndarray::PruneExt as _;

    let name = "apply a mask through runs of memory, against one piece";
    if group.wants(name) {
        let side = side(group.args.largest());
        let mut dense = matrix(group.args.largest());
        let mask = mask_of(&dense, 0.5);
        let values = make(side * (side + 8), |i| weight(i) as f32);
        let mut wide = Array2::from_shape_vec((side, side + 8), values).unwrap_or_else(|error| panic!("{error}"));
        let work = || must(wide.slice_mut(s![.., ..side]).apply_mask(&mask));
        group.time(name, Some((1.2, 1.05)), work, || must(prune_core::PruneExt::apply_mask(&mut dense, &mask)));
    }
}

/// A hundred named layers, each under its own mask.
struct Model {
    names: Vec<String>,
    masks: Masks,
}

impl Model {
    fn new(layers: &[PlainTensor<f32>], kept: f64) -> Self {
        let names: Vec<String> = (0..layers.len()).map(|i| format!("layer {i}")).collect();
        let masks = names.iter().zip(layers).map(|(name, layer)| (name.clone(), mask_of(layer, kept))).collect();
        Model { names, masks }
    }

    fn written<'a>(&'a self, layers: &'a mut [PlainTensor<f32>]) -> Vec<(&'a str, LayerMut<'a>)> {
        self.names.iter().zip(layers).map(|(name, layer)| (name.as_str(), LayerMut::of(layer))).collect()
    }

    fn read<'a>(&'a self, layers: &'a [PlainTensor<f32>]) -> Vec<(&'a str, LayerRef<'a>)> {
        self.names.iter().zip(layers).map(|(name, layer)| (name.as_str(), LayerRef::of(layer))).collect()
    }
}

fn hundred(group: &Group<'_>) -> Vec<PlainTensor<f32>> {
    vec![matrix(group.args.layer()); 100]
}

fn hold(group: &mut Group<'_>) {
    for kept in [0.1, 0.5] {
        let name = format!("hold 100 layers and two buffers, density {kept}, against scaling");
        if group.wants(&name) {
            let sets = RefCell::new([hundred(group), hundred(group), hundred(group)]);
            let model = Model::new(&sets.borrow()[0], kept);
            let work = || {
                let [weights, first, second] = &mut *sets.borrow_mut();
                let (mut weights, mut first, mut second) =
                    (model.written(weights), model.written(first), model.written(second));
                must(model.masks.hold_each(&mut [&mut weights, &mut first, &mut second]));
            };
            let base = || sets.borrow_mut().iter_mut().flatten().for_each(|layer| scale(layer.values_mut()));
            group.time(&name, Some((1.1, 1.0)), work, base);
        }
    }
}

fn revivals(group: &mut Group<'_>) {
    let name = "revivals in 100 layers, density 0.5, against hold";
    if group.wants(name) {
        let layers = RefCell::new(hundred(group));
        let model = Model::new(&layers.borrow(), 0.5);
        let work = || must(model.masks.revivals(&model.read(&layers.borrow())));
        let base = || must(model.masks.hold(&mut model.written(&mut layers.borrow_mut())));
        group.time(name, Some((1.5, 1.0)), work, base);
    }
}

/// Masks as one number an element and back, against copying as many numbers on one thread.
fn converting(group: &mut Group<'_>) {
    let mask = LazyCell::new(|| mask_of(&matrix(group.args.largest()), 0.5));
    let bytes = LazyCell::new(|| mask.to_bytes());
    let values = LazyCell::new(|| mask.to_values::<f32>());
    let bar = Some((1.3, 1.1));
    group.time("a mask to bytes, against copying them", bar, || mask.to_bytes(), || bytes.to_vec());
    group.time("a mask to f32 values, against copying them", bar, || mask.to_values::<f32>(), || values.to_vec());
    let back = || must(Mask::from_bytes(mask.shape(), &bytes));
    group.time("a mask from bytes, against copying them", bar, back, || bytes.to_vec());
}
