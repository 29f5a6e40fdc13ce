//! Many layers in one event.

use prune_core::{LayerRef, PlainTensor, Ranked, Selector};

use super::{Group, density, must, tensor};
use crate::inputs::{make, weight};
use crate::reading::read;
use crate::show::Outcome;
use crate::size::Bar;

pub(super) fn rows(group: &mut Group<'_>) {
    if let Some(size) = group.args.size {
        global(group, "global 0.5 over 100 layers, f32", (2.0, 1.5), 100, (size / 100).max(1000));
        alone(group, "each of 200 layers, 0.5, f32", (size / 200).max(1000));
        return;
    }
    global(group, "global 0.5 over 100 layers, f32, 1M each", (2.0, 1.5), 100, 1_000_000);
    global(group, "global 0.5 over 10,000 layers, f32, 10,000 each", (3.0, 2.0), 10_000, 10_000);
    alone(group, "each of 200 layers, 0.5, f32, 1M each", 1_000_000);
}

/// Layers in one piece of memory each.
struct Model {
    names: Vec<String>,
    tensors: Vec<PlainTensor<f32>>,
}

impl Model {
    fn new(layers: usize, each: usize) -> Self {
        let one = |layer: usize| tensor(&[each], make(each, |i| weight(layer * each + i) as f32));
        Model { names: (0..layers).map(|i| format!("layer {i}")).collect(), tensors: (0..layers).map(one).collect() }
    }

    fn layers(&self) -> Vec<LayerRef<'_>> {
        self.tensors.iter().map(LayerRef::of).collect()
    }

    fn ranked<'a>(&'a self, layers: &'a [LayerRef<'a>]) -> Vec<Ranked<'a>> {
        self.names.iter().zip(layers).map(|(name, layer)| Ranked::new(name, layer)).collect()
    }

    /// Reads every layer once.
    fn read(&self) -> u32 {
        self.tensors.iter().fold(0, |sum, tensor| sum.wrapping_add(read(tensor.values())))
    }

    fn bytes(&self) -> usize {
        self.tensors.iter().map(|tensor| size_of_val(tensor.values())).sum()
    }
}

fn time<R>(group: &mut Group<'_>, name: &str, bar: Bar, model: &Model, work: impl FnMut() -> R) {
    let measured = crate::measure::in_turns(group.rounds, work, || model.read());
    group.push(name, Some(bar), Outcome::Time { measured, read: Some(model.bytes()), hot: None });
}

fn global(group: &mut Group<'_>, name: &str, bar: Bar, layers: usize, each: usize) {
    if group.wants(name) {
        let model = Model::new(layers, each);
        let layers = model.layers();
        let ranked = model.ranked(&layers);
        time(group, name, bar, &model, || must(Selector::magnitude().global(&ranked, density(0.5))));
    }
}

/// Each layer is ranked alone, as in an event on a whole model.
fn alone(group: &mut Group<'_>, name: &str, each: usize) {
    if group.wants(name) {
        let model = Model::new(200, each);
        let layers = model.layers();
        let ranked = model.ranked(&layers);
        let asked: Vec<_> = ranked.iter().map(|layer| (*layer, density(0.5).kept_of(each))).collect();
        time(group, name, (1.8, 1.4), &model, || must(Selector::magnitude().top_of_each(&asked)));
    }
}
