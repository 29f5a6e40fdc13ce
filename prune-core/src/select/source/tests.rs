//! Cases that only show from inside: samples that mislead, and lengths that no data has.

#![allow(clippy::unwrap_used, reason = "tests")]

use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::BTreeSet;

use super::scan::sampled_runs;
use super::*;
use crate::select::sample::{RUN, positions};
use crate::{LayerRef, PlainTensor, Ranked, Selector};

/// One layer that counts how often its elements are read.
struct Counted {
    values: Vec<f64>,
    elements_read: AtomicUsize,
}

impl ChunkSource for Counted {
    fn layers(&self) -> Vec<SourceLayer> {
        vec![SourceLayer { name: "a".to_owned(), len: self.values.len() }]
    }

    fn read(&self, _: usize, start: usize, len: usize, visit: &mut dyn FnMut(Values<'_>)) -> Result<(), String> {
        self.elements_read.fetch_add(len, Ordering::Relaxed);
        visit(Values::F64(&self.values[start..start + len]));
        Ok(())
    }
}

/// Values that no sample has seen are found by histograms, in at most nine readings.
#[test]
fn a_misled_sample_costs_readings_and_not_truth() {
    let len = READ + 100_000;
    // The sample meets ones alone; all other values are larger, half of them alike.
    let runs = positions(sampled_runs(len, len), len);
    let sampled: BTreeSet<usize> = runs.flat_map(|at| at..at + RUN).collect();
    let hidden = |i: usize| if i.is_multiple_of(2) { 3.0 } else { 2.0 + i as f64 / (2 * len) as f64 };
    let values: Vec<f64> = (0..len).map(|i| if sampled.contains(&i) { 1.0 } else { hidden(i) }).collect();
    let tensor = PlainTensor::from_logical(&[len], values.clone()).unwrap();
    let layer = LayerRef::of(&tensor);
    let source = Counted { values, elements_read: AtomicUsize::new(0) };
    for kept in [1, len / 4, len / 2, len / 2 + len / 4] {
        source.elements_read.store(0, Ordering::Relaxed);
        let cut = Selector::magnitude().cut_source(&source, kept).unwrap();
        let read = source.elements_read.load(Ordering::Relaxed);
        assert!(read > 3 * len && read < len * 19 / 2, "{kept} kept: {read} of {len} elements were read");
        let wanted = Selector::magnitude().top_of_layer(Ranked::new("a", &layer), kept).unwrap();
        assert_eq!((cut.kept(), cut.ties()), (&[kept][..], vec![wanted.ties]));
        assert!(cut.masker(0).mask(Values::F64(&source.values)) == wanted.mask.words(), "{kept} kept");
    }
}

/// Layers of these lengths that cannot be read.
struct Claimed(Vec<usize>);

impl ChunkSource for Claimed {
    fn layers(&self) -> Vec<SourceLayer> {
        self.0.iter().enumerate().map(|(i, &len)| SourceLayer { name: i.to_string(), len }).collect()
    }

    fn read(&self, _: usize, _: usize, _: usize, _: &mut dyn FnMut(Values<'_>)) -> Result<(), String> {
        Err("there is no such file".to_owned())
    }
}

#[test]
fn lengths_beyond_any_data_are_refused() {
    let refused = |lens, kept| Selector::magnitude().cut_source(&Claimed(lens), kept).unwrap_err().to_string();
    let together = "reading failed: its layers together have more elements than can be counted";
    assert_eq!(refused(vec![usize::MAX, 1], 2), together);
    for kept in [0, 2, usize::MAX] {
        assert_eq!(refused(vec![usize::MAX], kept), "layer `0`: reading failed: there is no such file");
    }
}

#[test]
fn where_nothing_is_kept_every_mask_is_empty() {
    let source = Counted { values: vec![f64::INFINITY, 1.0], elements_read: AtomicUsize::new(0) };
    let cut = Selector::magnitude().cut_source(&source, 0).unwrap();
    assert_eq!((cut.kept(), cut.ties()), (&[0][..], vec![0]));
    assert_eq!(cut.masker(0).mask(Values::F64(&source.values)), [0]);
}
