//! Backends whose clone is a handle to the same memory: the suite finds a backend that hides this, and passes one
//! that declares it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::panic::catch_unwind;
use std::sync::{Arc, Mutex};

use prune_core::testing::conformance::{self, Suite};
use prune_core::testing::generators::Shapes;
use prune_core::{
    Guarded, Layout, Mask, Masks, Memory, MemoryMut, PruneExt, Tensor, TensorMut, conformance_tests, named_mut,
};

/// A tensor behind a lock, like a tensor on a device. If `COPIES`, it duplicates as it must.
#[derive(Clone)]
struct Handle<const COPIES: bool> {
    shape: Vec<usize>,
    values: Arc<Mutex<Vec<f32>>>,
}

impl<const COPIES: bool> Handle<COPIES> {
    fn new(shape: &[usize], values: Vec<f32>) -> Self {
        Handle { shape: shape.to_vec(), values: Arc::new(Mutex::new(values)) }
    }
}

impl<const COPIES: bool> Tensor for Handle<COPIES> {
    type Elem = f32;

    fn layout(&self) -> Layout {
        Layout::row_major(&self.shape).unwrap()
    }

    fn memory(&self) -> Memory<'_, f32> {
        Memory::Gathered(self.values.lock().unwrap().clone())
    }
}

impl<const COPIES: bool> TensorMut for Handle<COPIES> {
    fn memory_mut(&mut self) -> MemoryMut<'_, f32> {
        MemoryMut::Guarded(Box::new(Locked(&self.values)))
    }

    fn duplicate(&self) -> Self {
        if COPIES { Handle::new(&self.shape, self.values.lock().unwrap().clone()) } else { self.clone() }
    }
}

struct Locked<'a>(&'a Mutex<Vec<f32>>);

impl Guarded<f32> for Locked<'_> {
    fn read(&self, read: &mut dyn FnMut(&[f32])) {
        read(&self.0.lock().unwrap());
    }

    fn write(&mut self, write: &mut dyn FnMut(&mut [f32])) {
        write(&mut self.0.lock().unwrap());
    }

    fn identity(&self) -> Option<usize> {
        Some(std::ptr::from_ref(self.0).addr())
    }
}

conformance_tests!(handles_f32: f32, |shape, data| Handle::<true>::new(shape, data));
conformance_tests!(read_only views_f32: f32, |shape, data| Handle::<true>::new(shape, data));

#[test]
fn a_handle_that_is_not_duplicated_is_found() {
    let found = catch_unwind(|| {
        let methods = || conformance::Methods::<Handle<false>> {
            layer: |tensor| tensor.layer(),
            layer_with_shape: |tensor, shape| tensor.layer_with_shape(shape),
            mask_unstructured: |tensor, density| tensor.mask_unstructured(density),
            mask_unstructured_by_score: |tensor, density| tensor.mask_unstructured_by_score(density),
            mask_n_m: |tensor, pattern, axis| tensor.mask_n_m(pattern, axis),
            mask_n_m_by_score: |tensor, pattern, axis| tensor.mask_n_m_by_score(pattern, axis),
            revivals: |tensor, mask| tensor.revivals(mask),
            writing: None,
            copying: Some(conformance::Copying {
                prune_act_unstruct: |tensor, density| tensor.prune_act_unstruct(density),
            }),
        };
        let make = move |shape: &[usize], values: Vec<f32>| conformance::adapt(Handle::new(shape, values), methods());
        conformance::activations_are_pruned_in_a_copy(&Suite::new(Shapes::only(&[[3, 5], [6, 2]]), make));
    });
    let message = *found.unwrap_err().downcast::<String>().unwrap();
    assert!(message.starts_with("activations_are_pruned_in_a_copy does not hold"), "{message}");
}

#[test]
fn two_names_of_one_memory_are_held_to_one_mask_only() {
    let mut weight = Handle::<true>::new(&[2], vec![1.0, 2.0]);
    let mut tied = weight.clone();
    let mask = |kept: [bool; 2]| Mask::from_bools(&[2], &kept).unwrap();
    let mut masks: Masks = ["wte", "lm_head"].map(|name| (name.to_owned(), mask([true, false]))).into_iter().collect();
    masks.hold(&mut named_mut([("wte", &mut weight), ("lm_head", &mut tied)])).unwrap();
    assert_eq!(*weight.values.lock().unwrap(), [1.0, 0.0]);
    masks.insert("lm_head", mask([false, true]));
    let refused = masks.hold(&mut named_mut([("wte", &mut weight), ("lm_head", &mut tied)])).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "layers `wte` and `lm_head` are the same memory and have different masks; keep one name, or give both one mask"
    );
    assert_eq!(*weight.values.lock().unwrap(), [1.0, 0.0]);
}
