//! Rankings over a source of chunks: they equal the masks of the same data in memory; and sources that fail.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};

use prune_core::testing::generators::{TestElement, ValueKind, many_values};
use prune_core::{
    ChunkSource, Density, Error, ErrorKind, LayerRef, Mask, PlainTensor, RankBy, Ranked, Selector, SourceCut,
    SourceLayer, Threads, Values,
};

enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
    F16(Vec<half::f16>),
    Bf16(Vec<half::bf16>),
}

impl Data {
    fn len(&self) -> usize {
        self.values(0, usize::MAX).len()
    }

    fn values(&self, start: usize, len: usize) -> Values<'_> {
        fn part<E>(values: &[E], start: usize, len: usize) -> &[E] {
            &values[start..values.len().min(start.saturating_add(len))]
        }
        match self {
            Data::F32(values) => Values::F32(part(values, start, len)),
            Data::F64(values) => Values::F64(part(values, start, len)),
            Data::F16(values) => Values::F16(part(values, start, len)),
            Data::Bf16(values) => Values::Bf16(part(values, start, len)),
        }
    }

    fn with_layer<R>(&self, use_layer: impl FnOnce(&LayerRef<'_>) -> R) -> R {
        fn plain<E: TestElement>(values: &[E]) -> PlainTensor<E> {
            PlainTensor::from_logical(&[values.len()], values.to_vec()).unwrap()
        }
        match self {
            Data::F32(values) => use_layer(&LayerRef::of(&plain(values))),
            Data::F64(values) => use_layer(&LayerRef::of(&plain(values))),
            Data::F16(values) => use_layer(&LayerRef::of(&plain(values))),
            Data::Bf16(values) => use_layer(&LayerRef::of(&plain(values))),
        }
    }
}

/// Layers by name, and the number of elements read.
struct Source {
    layers: Vec<(&'static str, Data)>,
    /// A mask in force for each layer, or none.
    masks: Vec<Option<Mask>>,
    elements_read: AtomicUsize,
}

impl Source {
    fn new(layers: Vec<(&'static str, Data)>) -> Self {
        let masks = layers.iter().map(|_| None).collect();
        Source { layers, masks, elements_read: AtomicUsize::new(0) }
    }

    fn len(&self) -> usize {
        self.layers.iter().map(|(_, data)| data.len()).sum()
    }
}

impl ChunkSource for Source {
    fn layers(&self) -> Vec<SourceLayer> {
        self.layers.iter().map(|(name, data)| SourceLayer { name: (*name).to_owned(), len: data.len() }).collect()
    }

    fn read(&self, layer: usize, start: usize, len: usize, visit: &mut dyn FnMut(Values<'_>)) -> Result<(), String> {
        self.elements_read.fetch_add(len, Ordering::Relaxed);
        visit(self.layers[layer].1.values(start, len));
        Ok(())
    }

    fn alive_len(&self, layer: usize) -> Option<usize> {
        self.masks[layer].as_ref().map(Mask::kept_len)
    }

    fn alive(&self, layer: usize, start: usize, len: usize, bits: &mut [u64]) -> Result<(), String> {
        let mask = self.masks[layer].as_ref().ok_or("no mask")?;
        for i in (0..len).filter(|i| mask.is_kept(start + i)) {
            bits[i / 64] |= 1 << (i % 64);
        }
        Ok(())
    }
}

/// The cut of the source gives the masks, counts and ties of the same layers in memory.
fn agrees_with_memory(source: &Source, kept: usize, by: RankBy, what: &str) {
    let selector = Selector::default().with_rank_by(by);
    let plain: Vec<(&str, Vec<f64>)> = source
        .layers
        .iter()
        .map(|(name, data)| (*name, data.with_layer(|layer| layer.to_logical_f64().unwrap())))
        .collect();
    // Widened to f64 the ranking is the same, by rule 2.
    let tensors: Vec<PlainTensor<f64>> =
        plain.iter().map(|(_, values)| PlainTensor::from_logical(&[values.len()], values.clone()).unwrap()).collect();
    let layers: Vec<LayerRef<'_>> = tensors.iter().map(LayerRef::of).collect();
    let ranked: Vec<Ranked<'_>> = plain
        .iter()
        .zip(&layers)
        .zip(&source.masks)
        .map(|(((name, _), layer), mask)| Ranked::new(name, layer).with_alive(mask.as_ref()))
        .collect();
    let wanted = selector.top(&ranked, kept).unwrap();
    for threads in [Threads::One, Threads::Pool] {
        let cut = selector.with_threads(threads).cut_source(source, kept).unwrap();
        let counts: Vec<usize> = wanted.iter().map(|selected| selected.mask.kept_len()).collect();
        assert_eq!(cut.kept(), counts, "{what}, {threads:?}");
        assert_eq!(cut.kept().iter().sum::<usize>(), kept, "{what}, {threads:?}");
        let ties: Vec<usize> = wanted.iter().map(|selected| selected.ties).collect();
        assert_eq!(cut.ties(), ties, "{what}, {threads:?}");
        for (layer, (name, data)) in source.layers.iter().enumerate() {
            for chunk in [100_000, SourceCut::READING, 64 * 100, 777] {
                let mut masker = cut.masker(layer);
                let mut start = 0;
                while start < data.len() {
                    let values = data.values(start, chunk);
                    if start % SourceCut::READING == 0 {
                        masker = cut.masker_from(layer, start);
                    }
                    let alive = source.masks[layer].as_ref().map(|_| {
                        let mut bits = vec![0; values.len().div_ceil(64)];
                        source.alive(layer, start, values.len(), &mut bits).unwrap();
                        bits
                    });
                    let words = masker.mask_alive(values, alive.as_deref()).to_vec();
                    assert_eq!(words.len(), values.len().div_ceil(64));
                    for i in 0..values.len() {
                        let kept = words[i / 64] >> (i % 64) & 1 == 1;
                        assert_eq!(kept, wanted[layer].mask.is_kept(start + i), "{what}: {name} at {}", start + i);
                    }
                    start += values.len();
                }
            }
        }
    }
}

fn mixed(kind: ValueKind, len: usize) -> Source {
    Source::new(vec![
        ("layer-2", Data::F32(many_values(kind, len, 1))),
        ("layer-10", Data::F64(many_values(kind, len / 2 + 1, 2))),
        ("empty", Data::F32(Vec::new())),
        ("a", Data::F16(many_values(kind, len / 3 + 1, 3))),
        ("z", Data::Bf16(many_values(kind, 5, 4))),
    ])
}

#[test]
fn masks_are_those_of_the_same_layers_in_memory() {
    for len in [1usize, 100, 30_000, 200_000] {
        for kind in ValueKind::ALL {
            let source = mixed(kind, len);
            let elements = source.len();
            for kept in [1, elements / 10, elements / 2, elements - 1, elements] {
                agrees_with_memory(&source, kept.max(1), RankBy::Magnitude, &format!("{kind:?} {len}, {kept} kept"));
            }
            agrees_with_memory(&source, elements.div_ceil(3), RankBy::Value, &format!("{kind:?} {len} by value"));
        }
    }
}

/// Under masks in force only alive elements are ranked, ties and NaN included.
#[test]
fn masks_in_force_only_close() {
    for len in [100usize, 30_000, 200_000] {
        for kind in [ValueKind::Uniform, ValueKind::Tied, ValueKind::Equal] {
            for third in [1, 3, 50] {
                let mut source = mixed(kind, len);
                for (layer, (_, data)) in source.layers.iter().enumerate() {
                    let alive: Vec<bool> = (0..data.len()).map(|i| (i * 7 + layer) % third == 0).collect();
                    let some = layer != 1;
                    source.masks[layer] = some.then(|| Mask::from_bools(&[data.len()], &alive).unwrap());
                }
                let alive: usize =
                    (0..5).map(|layer| source.alive_len(layer).unwrap_or(source.layers[layer].1.len())).sum();
                for kept in [0, 1, alive / 10, alive / 2, alive - 1, alive] {
                    agrees_with_memory(&source, kept, RankBy::Magnitude, &format!("{kind:?} {len} {third} {kept}"));
                }
                let error = Selector::magnitude().cut_source(&source, alive + 1).unwrap_err();
                assert_eq!(error, ErrorKind::TooFewAlive { asked: alive + 1, alive }.into());
            }
        }
    }
}

#[test]
fn a_dead_nan_is_not_examined_and_a_false_count_is_refused() {
    let mut source = Source::new(vec![("a", Data::F32(vec![f32::NAN, 3.0, 1.0, 2.0]))]);
    source.masks[0] = Some(Mask::from_bools(&[4], &[false, true, true, true]).unwrap());
    let cut = Selector::magnitude().cut_source(&source, 2).unwrap();
    assert_eq!(cut.masker(0).mask_alive(source.layers[0].1.values(0, 4), Some(&[0b1110])), [0b1010]);
    source.masks[0] = Some(Mask::from_bools(&[4], &[true, true, true, true]).unwrap());
    let nan = ErrorKind::Nan { index: vec![0] }.in_layer("a");
    assert_eq!(Selector::magnitude().cut_source(&source, 2), Err(nan));

    struct Liar(Source);
    impl ChunkSource for Liar {
        fn layers(&self) -> Vec<SourceLayer> {
            self.0.layers()
        }
        fn read(
            &self,
            layer: usize,
            start: usize,
            len: usize,
            visit: &mut dyn FnMut(Values<'_>),
        ) -> Result<(), String> {
            self.0.read(layer, start, len, visit)
        }
        fn alive_len(&self, _: usize) -> Option<usize> {
            Some(2)
        }
        fn alive(&self, layer: usize, start: usize, len: usize, bits: &mut [u64]) -> Result<(), String> {
            self.0.alive(layer, start, len, bits)
        }
    }
    source.masks[0] = Some(Mask::from_bools(&[4], &[false, true, true, true]).unwrap());
    let error = Selector::magnitude().cut_source(&Liar(source), 1).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Source { .. }) && error.layer.as_deref() == Some("a"), "{error}");
}

#[test]
fn a_density_is_of_all_elements() {
    let source = mixed(ValueKind::Uniform, 1000);
    let half = Density::new(0.5).unwrap();
    let cut = Selector::magnitude().global_source(&source, half).unwrap();
    assert_eq!(cut, Selector::magnitude().cut_source(&source, half.kept_of(source.len())).unwrap());
}

/// Layers longer than the elements that are read at once.
#[test]
fn layers_longer_than_a_reading() {
    for kind in [ValueKind::Uniform, ValueKind::Tied] {
        let source = Source::new(vec![("long", Data::F32(many_values(kind, (1 << 20) + 70_001, 9)))]);
        agrees_with_memory(&source, 200_003, RankBy::Magnitude, &format!("{kind:?}"));
    }
}

#[test]
fn a_source_is_read_about_once_or_twice() {
    for (kind, passes) in
        [(ValueKind::Uniform, 1.2), (ValueKind::Sorted, 1.2), (ValueKind::Tied, 2.2), (ValueKind::Equal, 2.2)]
    {
        let source = Source::new(vec![("long", Data::F32(many_values(kind, 500_000, 9)))]);
        Selector::magnitude().cut_source(&source, 100_000).unwrap();
        let read = source.elements_read.into_inner() as f64 / 500_000.0;
        assert!(read < passes, "{kind:?}: read {read} times");
    }
}

#[test]
fn a_nan_is_named_by_layer_and_index() {
    let mut long = many_values::<f64>(ValueKind::Uniform, 300_000, 5);
    long[222_222] = f64::NAN;
    long[299_999] = f64::NAN;
    let source = Source::new(vec![
        ("b", Data::F32(vec![1.0, f32::NAN, 0.0])),
        ("a", Data::F64(long)),
        ("c", Data::F16(vec![half::f16::NAN])),
    ]);
    let nan = Err(ErrorKind::Nan { index: vec![222_222] }.in_layer("a"));
    for kept in [0, 1, 1000, 300_004] {
        assert_eq!(Selector::magnitude().cut_source(&source, kept), nan, "{kept}");
    }
}

#[test]
fn more_than_there_is_and_names_that_stand_twice_are_refused() {
    let source = mixed(ValueKind::Uniform, 10);
    let elements = source.len();
    assert_eq!(
        Selector::magnitude().cut_source(&source, elements + 1),
        Err(ErrorKind::TooFewAlive { asked: elements + 1, alive: elements }.into())
    );
    let twice = Source::new(vec![("a", Data::F32(vec![1.0])), ("a", Data::F32(vec![1.0]))]);
    assert_eq!(
        Selector::magnitude().cut_source(&twice, 1),
        Err(ErrorKind::DuplicateLayer { name: "a".to_owned() }.into())
    );
    let none = Source::new(Vec::new());
    assert_eq!(Selector::magnitude().cut_source(&none, 0).unwrap().kept(), [] as [usize; 0]);
}

/// A source that fails in one way at a time.
struct Broken(How);

#[derive(Debug, Clone, Copy)]
enum How {
    Fails,
    TooFew,
    TooMany,
    NotAtAll,
    Twice,
    OtherAtTheEnd,
}

impl ChunkSource for Broken {
    fn layers(&self) -> Vec<SourceLayer> {
        vec![SourceLayer { name: "fc".to_owned(), len: 100_000 }]
    }

    fn read(&self, _: usize, start: usize, len: usize, visit: &mut dyn FnMut(Values<'_>)) -> Result<(), String> {
        let values: Vec<f32> = (start..start + len + 1).map(|i| (i as f32).sin()).collect();
        match self.0 {
            How::Fails => return Err("the disk is gone".to_owned()),
            How::TooFew => visit(Values::F32(&values[..len - 1])),
            How::TooMany => visit(Values::F32(&values)),
            How::NotAtAll => {}
            How::Twice => {
                visit(Values::F32(&values[..len]));
                visit(Values::F32(&values[..len / 2]));
            }
            How::OtherAtTheEnd if len > 1000 => visit(Values::F32(&values[..len / 2])),
            How::OtherAtTheEnd => visit(Values::F32(&values[..len])),
        }
        Ok(())
    }
}

#[test]
fn a_source_that_goes_wrong_is_an_error_naming_the_layer() {
    for how in [How::Fails, How::TooFew, How::TooMany, How::NotAtAll, How::Twice, How::OtherAtTheEnd] {
        let result = Selector::magnitude().cut_source(&Broken(how), 10);
        let Err(Error { layer, kind: ErrorKind::Source { why }, .. }) = result else { panic!("{how:?}: {result:?}") };
        assert_eq!(layer.as_deref(), Some("fc"));
        assert!(matches!(how, How::Fails) == (why == "the disk is gone"), "{how:?}: {why}");
    }
}
