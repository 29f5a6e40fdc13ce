//! Backends unlike the plain tensor: memory with gaps, and false claims.

#![allow(clippy::unwrap_used, reason = "tests")]

use prune_core::testing::generators::TestElement;
use prune_core::{
    Density, Element, Error, ErrorKind, LayerMut, LayerRef, Layout, Mask, Masks, Memory, MemoryMut, NmPattern,
    PlainTensor, PruneExt, Ranked, Run, Selector, Strided, Tensor, TensorMut, conformance_tests,
};

/// A tensor whose runs along its first axis lie apart, every other one backwards: no two runs are in one piece.
#[derive(Clone)]
struct Gapped<E> {
    shape: Vec<usize>,
    /// `GAP`, then a run of the first axis and again `GAP`, for every index of the other axes.
    memory: Vec<E>,
}

const GAP: usize = 3;

impl<E: TestElement> Gapped<E> {
    fn new(shape: &[usize], logical: Vec<E>) -> Self {
        let (run, columns) = Self::runs(shape);
        let mut memory = vec![E::nearest(7.0); GAP];
        for column in 0..columns {
            let mut values: Vec<E> = (0..run).map(|i| logical[i * columns + column]).collect();
            if column % 2 == 1 {
                values.reverse();
            }
            memory.extend(values);
            memory.extend([E::nearest(7.0); GAP]);
        }
        Gapped { shape: shape.to_vec(), memory }
    }

    /// The length of the runs, and their number.
    fn runs(shape: &[usize]) -> (usize, usize) {
        (shape.first().copied().unwrap_or(1), shape.get(1..).unwrap_or_default().iter().product())
    }

    fn gaps_are_untouched(&self) -> bool {
        let (run, _) = Self::runs(&self.shape);
        self.memory.chunks(run + GAP).all(|chunk| chunk[..GAP].iter().all(|gap| *gap == E::nearest(7.0)))
    }
}

impl<E: TestElement> Tensor for Gapped<E> {
    type Elem = E;

    fn layout(&self) -> Layout {
        Layout::row_major(&self.shape).unwrap()
    }

    fn memory(&self) -> Memory<'_, E> {
        Memory::Gathered(gathered(&self.shape, &self.memory))
    }
}

fn gathered<E: TestElement>(shape: &[usize], memory: &[E]) -> Vec<E> {
    let (run, columns) = Gapped::<E>::runs(shape);
    let place = |i: usize, column: usize| GAP + column * (run + GAP) + if column % 2 == 1 { run - 1 - i } else { i };
    (0..run * columns).map(|index| memory[place(index / columns, index % columns)]).collect()
}

impl<E: TestElement> TensorMut for Gapped<E> {
    fn memory_mut(&mut self) -> MemoryMut<'_, E> {
        MemoryMut::Strided(Box::new(Runs { shape: &self.shape, memory: &mut self.memory }))
    }
}

struct Runs<'a, E> {
    shape: &'a [usize],
    memory: &'a mut [E],
}

impl<E: TestElement> Strided<E> for Runs<'_, E> {
    fn gather(&self) -> Vec<E> {
        gathered(self.shape, self.memory)
    }

    fn for_each_run<'s>(&'s mut self, visit: &mut dyn FnMut(Run<'s, E>)) {
        let (run, columns) = Gapped::<E>::runs(self.shape);
        if run * columns == 0 {
            return;
        }
        for (column, chunk) in self.memory[GAP..].chunks_mut(run + GAP).enumerate() {
            let step = columns as isize;
            let (first, step) = if column % 2 == 1 { (column + (run - 1) * columns, -step) } else { (column, step) };
            visit(Run { first, step, values: &mut chunk[..run] });
        }
    }
}

conformance_tests!(gapped_f32: f32, |shape, data| Gapped::new(shape, data));
conformance_tests!(gapped_f16: half::f16, |shape, data| Gapped::new(shape, data));
// The element type is inferred from the closure.
conformance_tests!(gapped_inferred, |shape, data| Gapped::<f64>::new(shape, data));

#[test]
fn gaps_are_not_written() {
    let logical: Vec<f32> = (0..30).map(|i| i as f32).collect();
    let mut tensor = Gapped::new(&[3, 5, 2], logical);
    tensor.apply_mask(&Mask::none(&[3, 5, 2]).unwrap()).unwrap();
    assert!(tensor.gaps_are_untouched());
    assert_eq!(tensor.layer().to_logical_f64().unwrap(), [0.0; 30]);
}

/// A backend that claims whatever a test wants.
struct Liar {
    layout: Layout,
    memory: Vec<f32>,
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    Dense,
    /// Reading gathers; writing visits runs of (first, step, length).
    Gapped(Vec<(usize, isize, usize)>),
}

impl Tensor for Liar {
    type Elem = f32;

    fn layout(&self) -> Layout {
        self.layout.clone()
    }

    fn memory(&self) -> Memory<'_, f32> {
        match self.how {
            How::Dense => Memory::Dense(&self.memory),
            How::Gapped(_) => Memory::Gathered(self.memory.clone()),
        }
    }
}

impl TensorMut for Liar {
    fn memory_mut(&mut self) -> MemoryMut<'_, f32> {
        match &self.how {
            How::Dense => MemoryMut::Dense(&mut self.memory),
            How::Gapped(runs) => {
                MemoryMut::Strided(Box::new(StatedRuns { memory: &mut self.memory, runs: runs.clone() }))
            }
        }
    }
}

/// Runs that follow each other in memory.
struct StatedRuns<'a> {
    memory: &'a mut Vec<f32>,
    runs: Vec<(usize, isize, usize)>,
}

impl Strided<f32> for StatedRuns<'_> {
    fn gather(&self) -> Vec<f32> {
        self.memory.clone()
    }

    fn for_each_run<'s>(&'s mut self, visit: &mut dyn FnMut(Run<'s, f32>)) {
        let mut rest = &mut self.memory[..];
        for &(first, step, length) in &self.runs {
            let (values, after) = rest.split_at_mut(length);
            rest = after;
            visit(Run { first, step, values });
        }
    }
}

fn liar(shape: &[usize], strides: &[isize], offset: usize, memory: usize, how: How) -> Liar {
    Liar { layout: Layout::new(shape, strides, offset).unwrap(), memory: vec![1.5; memory], how }
}

/// True for a layout error, with the layer's name if it has one.
fn is_layout<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    match result {
        Err(Error { layer, kind: ErrorKind::Layout { .. }, .. }) => layer.is_none_or(|layer| layer == "liar"),
        _ => false,
    }
}

/// Tries every entry for a tensor that lies when it is read.
fn refuses_to_read(liar: &Liar) {
    let shape = liar.layout.shape().to_vec();
    let what = format!("{:?} with {} elements, {:?}", liar.layout, liar.memory.len(), liar.how);
    let (half, pattern) = (Density::new(0.5).unwrap(), NmPattern::new(2, 4).unwrap());
    assert!(is_layout(liar.mask_unstructured(half)), "{what}");
    assert!(is_layout(liar.mask_unstructured_by_score(half)), "{what}");
    for axis in 0..shape.len() as isize {
        assert!(is_layout(liar.mask_n_m(pattern, axis)), "{what}");
        assert!(is_layout(liar.mask_n_m_by_score(pattern, axis)), "{what}");
    }
    assert!(is_layout(liar.revivals(&Mask::none(&shape).unwrap())), "{what}");
    assert!(is_layout(liar.layer().to_logical_f64()), "{what}");
    let layer = liar.layer();
    let honest = PlainTensor::from_logical(&[2], vec![1.0f64, 2.0]).unwrap();
    let honest = LayerRef::of(&honest);
    let layers = [Ranked::new("a", &honest), Ranked::new("liar", &layer)];
    assert!(is_layout(Selector::default().global(&layers, half)), "{what}");
    assert!(is_layout(Selector::default().n_m_concatenated(&layers, pattern)), "{what}");
    assert!(is_layout(
        Masks::from_iter([("liar".to_owned(), Mask::none(&shape).unwrap())]).revivals(&[("liar", layer)])
    ));
}

/// Tries every entry for a tensor that lies when it is written; nothing may be touched.
fn refuses_to_write(liar: &mut Liar) {
    let shape = liar.layout.shape().to_vec();
    let what = format!("{:?} with {} elements, {:?}", liar.layout, liar.memory.len(), liar.how);
    let none = Mask::none(&shape).unwrap();
    assert!(is_layout(liar.apply_mask(&none)), "{what}");
    let mut honest = PlainTensor::from_logical(&[2], vec![1.0f64, 2.0]).unwrap();
    let masks: Masks = [("a".to_owned(), Mask::none(&[2]).unwrap()), ("liar".to_owned(), none)].into_iter().collect();
    assert!(is_layout(masks.hold(&mut [("a", LayerMut::of(&mut honest)), ("liar", liar.layer_mut())])), "{what}");
    assert_eq!(honest.values(), [1.0, 2.0], "the honest layer is untouched: {what}");
    assert!(liar.memory.iter().all(|&value| value == 1.5), "{what}");
}

#[test]
fn a_false_layout_is_an_error_everywhere() {
    let big = isize::MAX;
    for (shape, strides, offset, memory) in [
        (&[2usize, 3][..], &[3isize, 1][..], 0, 5),
        (&[2, 3], &[3, 1], 0, 7),
        (&[2, 3], &[3, 1], 0, 0),
        (&[2, 3], &[3, 1], 1, 6),
        (&[2, 3], &[3, 1], usize::MAX, 6),
        (&[2, 3], &[-3, 1], 0, 6),
        (&[2, 3], &[-3, 1], 6, 6),
        (&[2, 3], &[1, 1], 0, 6),
        (&[2, 3], &[0, 0], 0, 6),
        (&[2, 3], &[6, 2], 0, 6),
        (&[2, 3], &[isize::MIN, isize::MIN], 0, 6),
        (&[2, 3], &[big, big], 0, 6),
        (&[2, 3], &[big, 1], big as usize, 6),
        (&[6], &[2], 0, 6),
        (&[6], &[0], 0, 6),
        (&[2, 0], &[1, 1], 0, 4),
        (&[usize::MAX, 0], &[big, big], 0, 1),
        (&[200, 1000], &[1, 201], 0, 200_000),
        (&[1 << 40, 1 << 20], &[1 << 20, 1], 0, 4),
    ] {
        let mut liar = liar(shape, strides, offset, memory, How::Dense);
        // A mask of the claimed shape may be too large to allocate; then there is nothing to apply.
        if shape.iter().product::<usize>() < 1 << 30 {
            refuses_to_read(&liar);
            refuses_to_write(&mut liar);
        } else {
            assert!(is_layout(liar.mask_unstructured(Density::ONE)));
            assert!(is_layout(liar.mask_n_m(NmPattern::new(1, 2).unwrap(), 0)));
        }
    }
}

#[test]
fn gathering_too_much_or_too_little_is_an_error() {
    for memory in [0, 5, 7] {
        refuses_to_read(&liar(&[2, 3], &[3, 1], 0, memory, How::Gapped(Vec::new())));
    }
}

#[test]
fn false_runs_are_an_error_before_anything_is_written() {
    for runs in [
        vec![],
        vec![(0, 1, 5)],
        vec![(0, 1, 6), (0, 1, 1)],
        vec![(0, 1, 3), (2, 1, 3)],
        vec![(1, 1, 6)],
        vec![(5, 1, 6)],
        vec![(0, -1, 6)],
        vec![(usize::MAX, 1, 6)],
        vec![(0, isize::MAX, 6)],
        vec![(0, isize::MIN, 6)],
        vec![(0, 0, 6)],
        vec![(6, 1, 6)],
        vec![(1 << 60, 1, 6)],
    ] {
        let memory = runs.iter().map(|run| run.2).sum::<usize>().max(6);
        refuses_to_write(&mut liar(&[2, 3], &[3, 1], 0, memory, How::Gapped(runs)));
    }
    let mut honest = liar(&[2, 3], &[3, 1], 0, 6, How::Gapped(vec![(5, -1, 6)]));
    honest.apply_mask(&Mask::from_bools(&[2, 3], &[true, false, true, true, true, true]).unwrap()).unwrap();
    assert_eq!(honest.memory, [1.5, 1.5, 1.5, 1.5, 0.0, 1.5]);
}

/// A false claim under another shape is refused at once or at its use; neither panics.
#[test]
fn a_false_layout_under_another_shape_never_panics() {
    for strides in [[isize::MIN, isize::MIN], [isize::MAX, isize::MAX], [isize::MAX, 1], [1, isize::MIN], [0, 0]] {
        for shape in [&[4usize, 6][..], &[6, 4], &[24], &[2, 2, 2, 3], &[24, 1], &[5]] {
            let liar = liar(&[4, 6], &strides, usize::MAX, 24, How::Dense);
            match liar.layer_with_shape(shape) {
                Ok(layer) => assert!(is_layout(layer.to_logical_f64()), "{strides:?} as {shape:?}"),
                Err(error) => {
                    assert!(matches!(error.kind, ErrorKind::Reshape { .. }), "{strides:?} as {shape:?}: {error}")
                }
            }
        }
    }
}

/// Groups longer than the share of a task, along an axis that is not the innermost in memory.
#[test]
fn groups_longer_than_a_task() {
    let values: Vec<f32> = (0..120_000).map(|i| ((i * 7919) % 120_011) as f32).collect();
    let tensor = PlainTensor::from_logical(&[60_000, 2], values).unwrap();
    let mask = tensor.mask_n_m(NmPattern::new(10, 50_000).unwrap(), 0).unwrap();
    assert_eq!(mask.kept_len(), 40);
    let counts = mask.pattern_counts(NmPattern::new(10, 50_000).unwrap(), 0).unwrap();
    assert_eq!((counts.exact, counts.short, counts.over), (4, 0, 0));
    let mask = tensor.mask_n_m(NmPattern::new(1, usize::MAX).unwrap(), 0).unwrap();
    assert_eq!(mask.kept_len(), 2);
}

/// Elements are compared across types as real numbers, whichever backend lends them.
#[test]
fn types_mix_in_one_ranking_as_real_numbers() {
    fn layer<E: Element>(values: &[E]) -> PlainTensor<E> {
        PlainTensor::from_logical(&[values.len()], values.to_vec()).unwrap()
    }
    let a = layer(&[0.1f32]);
    let b = layer(&[0.1f64]);
    let c = layer(&[half::f16::from_f64(0.1)]);
    let d = layer(&[half::bf16::from_f64(0.1)]);
    // The values of 0.1 in each type: bf16 0.10009765625, f32 0.100000001490, f64 0.1000..., f16 0.0999755859375.
    let lent = [LayerRef::of(&a), LayerRef::of(&b), LayerRef::of(&c), LayerRef::of(&d)];
    let ranked: Vec<Ranked<'_>> =
        ["a", "b", "c", "d"].iter().zip(&lent).map(|(name, l)| Ranked::new(name, l)).collect();
    for (kept, wanted) in [(1, [0, 0, 0, 1]), (2, [1, 0, 0, 1]), (3, [1, 1, 0, 1])] {
        let masks = Selector::default().top(&ranked, kept).unwrap();
        assert_eq!(masks.iter().map(|selected| selected.mask.kept_len()).collect::<Vec<_>>(), wanted);
    }
}
