//! Layers with inaccessible elements are listed; operations that need the elements refuse them.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::borrow::Cow;

use prune_core::{
    ActivationPruner, Channels, Density, Error, ErrorKind, LayerMut, LayerRef, Layers, LayersMut, Mask, Masks, Norm,
    PlainTensor, Ranked, Selector, Unit,
};

const WHY: &str = "it lies on another device";

/// A model of an accessible layer and an inaccessible one.
struct Model {
    near: PlainTensor<f32>,
}

impl Layers for Model {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        vec![("near".into(), LayerRef::of(&self.near)), ("far".into(), LayerRef::opaque(&[2, 4], WHY).unwrap())]
    }
}

impl LayersMut for Model {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        vec![("near".into(), LayerMut::of(&mut self.near)), ("far".into(), LayerMut::opaque(&[2, 4], WHY).unwrap())]
    }
}

fn model() -> Model {
    Model { near: PlainTensor::from_logical(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]).unwrap() }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>, layer: Option<&str>) {
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Opaque { why: WHY.to_owned() });
    assert_eq!(error.layer.as_deref(), layer);
}

#[test]
fn whatever_needs_the_elements_is_refused_with_the_reason() {
    let (half, mask) = (Density::new(0.5).unwrap(), Mask::all(&[2, 4]).unwrap());
    let far = LayerRef::opaque(&[2, 4], WHY).unwrap();
    assert_eq!((far.opaque_reason(), far.shape(), far.len()), (Some(WHY), &[2, 4][..], 8));
    assert_eq!(LayerRef::of(&model().near).opaque_reason(), None);
    let selector = Selector::magnitude();
    let named = || Ranked::new("far", &far);
    refused(selector.unstructured(named(), half), Some("far"));
    refused(selector.global(&[named()], half), Some("far"));
    refused(selector.top(&[named()], 1), Some("far"));
    refused(selector.n_m(named(), "2:4".parse().unwrap(), -1), Some("far"));
    refused(selector.n_m_concatenated(&[named()], "2:4".parse().unwrap()), Some("far"));
    let unit = Unit::Channels(Channels::new(0, Norm::L2));
    refused(selector.units(named(), &unit, half), Some("far"));
    refused(far.to_logical_f64(), None);
    refused(far.revivals(&mask), None);
    refused(far.clone().with_shape(&[4, 2]).unwrap().to_logical_f64(), None);

    let mut far = LayerMut::opaque(&[2, 4], WHY).unwrap();
    refused(far.apply_mask(&mask), None);
    refused(far.reborrow().apply_mask(&mask), None);
    refused(far.as_ref().to_logical_f64(), None);
    refused(ActivationPruner::unstructured(half).prune(far.reborrow()), None);
    let same = PlainTensor::from_logical(&[2, 4], vec![0.0f32; 8]).unwrap();
    refused(far.assign(&LayerRef::of(&same)), None);
    let mut same = same;
    refused(LayerMut::of(&mut same).assign(&LayerRef::opaque(&[2, 4], WHY).unwrap()), None);
}

#[test]
fn a_mask_on_it_is_refused_before_anything_is_written_and_none_is_no_matter() {
    let mut model = model();
    let mut masks: Masks = [("near".to_owned(), Mask::none(&[2, 2]).unwrap())].into_iter().collect();
    masks.insert("far", Mask::none(&[2, 4]).unwrap());
    refused(masks.hold(&mut model), Some("far"));
    assert_eq!(model.near.values(), [1.0, 2.0, 3.0, 4.0]);
    refused(masks.revivals(&model), Some("far"));
    masks.remove("far");
    masks.hold(&mut model).unwrap();
    assert_eq!((model.near.values(), masks.revivals(&model).unwrap()), (&[0.0; 4][..], 0));
}
