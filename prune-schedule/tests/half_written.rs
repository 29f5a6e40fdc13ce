//! A model whose fault shows only when it is written is refused before its first layer is written.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::borrow::Cow;

use prune_core::{LayerMut, LayerRef, Layers, LayersMut, Layout, LentMut, MemoryMut, PlainTensor};
use prune_schedule::{Evidence, Pruner};

/// Two layers. The second lends fewer elements for writing than its shape says.
struct Shrinking {
    a: PlainTensor<f32>,
    b: PlainTensor<f32>,
}

impl Layers for Shrinking {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        vec![("a".into(), LayerRef::of(&self.a)), ("b".into(), LayerRef::of(&self.b))]
    }
}

impl LayersMut for Shrinking {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        let layout = Layout::row_major(&[2, 2]).unwrap();
        let b = LentMut::new(layout, MemoryMut::Dense(&mut self.b.values_mut()[..3]));
        vec![("a".into(), LayerMut::of(&mut self.a)), ("b".into(), LayerMut::lent(b))]
    }
}

#[test]
fn all_layers_are_checked_before_the_first_is_written() {
    let tensor = || PlainTensor::from_logical(&[2, 2], vec![1.0f32, 2.0, 3.0, 4.0]).unwrap();
    let mut model = Shrinking { a: tensor(), b: tensor() };
    let mut pruner = Pruner::new("{1: {'method': 'unstr_unified_local', 'density': 0.5}}".parse().unwrap());
    let before = pruner.clone();
    let error = pruner.end_epoch(1, &mut model).unwrap_err().to_string();
    assert!(error.starts_with("epoch 1: layer `b`: layout of shape [2, 2]"), "{error}");
    assert_eq!((model.a, model.b, pruner), (tensor(), tensor(), before));
}

/// Parameters that are set back are checked too.
#[test]
fn all_layers_are_checked_before_the_first_is_set_back() {
    let tensor =
        |by: f32| PlainTensor::from_logical(&[2, 2], [1.0f32, 2.0, 3.0, 4.0].map(|x| by * x).to_vec()).unwrap();
    let mut model = Shrinking { a: tensor(1.0), b: tensor(1.0) };
    let initial = Shrinking { a: tensor(2.0), b: tensor(2.0) };
    let strategy = "{1: {'method': 'unstr_unified_local', 'density': 0.5, 'rewind': 0}}";
    let mut pruner = Pruner::new(strategy.parse().unwrap());
    let before = pruner.clone();
    let evidence = Evidence { rewind: Some(&initial), ..Evidence::default() };
    let error = pruner.end_epoch_with(1, &mut model, evidence).unwrap_err().to_string();
    assert!(error.starts_with("epoch 1: layer `b`: layout of shape [2, 2]"), "{error}");
    assert_eq!((model.a, model.b, pruner), (tensor(1.0), tensor(1.0), before));
}

/// Two layers that together claim more elements than can be counted.
struct Boasting([f32; 1]);

impl Layers for Boasting {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        let layer = || {
            let layout = Layout::row_major(&[1, isize::MAX as usize]).unwrap();
            LayerRef::lent(prune_core::LentTensor::new(layout, prune_core::Memory::Dense(&self.0)))
        };
        vec![("a".into(), layer()), ("b".into(), layer()), ("c".into(), layer())]
    }
}

impl LayersMut for Boasting {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        Vec::new()
    }
}

#[test]
fn claims_beyond_any_memory_are_refused() {
    for event in [
        "'method': 'unstr_global', 'density': 0.5",
        "'method': 'unstr_unified_local', 'density': 0.5",
        "'method': 'str_global', 'pattern': '2:4'",
        "'method': 'str_unified_local', 'pattern': '2:4'",
        "'method': 'unstr_global', 'density': 0.5, 'reopen': 'random'",
    ] {
        let text = format!("{{1: {{{event}}}, 2: {{{event}}}}}");
        let mut pruner = Pruner::new(text.parse().unwrap());
        // Zeros are counted, so the false claim is found before training.
        let early = pruner.check(&Boasting([1.0])).unwrap_err().to_string();
        assert!(early.contains("layer `a`") && early.contains("layout of shape [1, 9223372036854775807]"), "{early}");
        let error = pruner.end_epoch(1, &mut Boasting([1.0])).unwrap_err().to_string();
        assert!(
            error.starts_with("epoch 1: ") && error.contains("layout of shape [1, 9223372036854775807]"),
            "{event}: {error}"
        );
    }
}
