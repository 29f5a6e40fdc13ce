//! The rows of the table: what is timed, against what, and what it should reach.

use std::cell::LazyCell;

use half::{bf16, f16};
use nalgebra::DMatrix;
use ndarray::{Array2, ShapeBuilder};
use num_traits::{WrappingAdd, Zero};
use prune_core::{Density, Element, Layout, Mask, NmPattern, PlainTensor, PruneExt, Ranked, Selector, Threads};
use rayon::prelude::*;

use crate::inputs::{HARD, make, weight};
use crate::measure::in_turns;
use crate::show::{Outcome, Row};
use crate::{Args, MEMORY};

/// Every row, measured as it is asked for.
pub(crate) fn all(args: &Args) -> impl Iterator<Item = Row> {
    let groups: [fn(&Args, &mut Vec<Row>); 7] = [dense, plain_rust, global, types, columns, small, hard];
    groups.into_iter().flat_map(move |group| {
        let mut rows = Vec::new();
        group(args, &mut rows);
        rows
    })
}

/// Collects the rows of a group, but for those that are not wanted.
struct Group<'a> {
    args: &'a Args,
    rows: &'a mut Vec<Row>,
}

impl Group<'_> {
    fn time<R, B>(&mut self, name: &str, bar: Option<(f64, f64)>, work: impl FnMut() -> R, base: impl FnMut() -> B) {
        if name.contains(&self.args.only) {
            let outcome = Outcome::Time(in_turns(self.args.rounds, work, base));
            self.rows.push(Row { name: name.to_owned(), bar, outcome });
        }
    }
}

/// Reads memory once: a wrapping sum of its words, on the pool.
macro_rules! read {
    ($values:expr) => {
        || $values.par_chunks(1 << 16).map(|chunk| sum(chunk)).reduce(Zero::zero, plus)
    };
}

/// Elements whose bits are added up as words of their own width: nothing that only reads is faster.
trait Words: Element {
    /// The word.
    type Word: Send + WrappingAdd + Zero;

    fn word(self) -> Self::Word;
}

macro_rules! words {
    ($($float:ty: $word:ty),*) => {$(
        impl Words for $float {
            type Word = $word;

            #[inline(always)]
            fn word(self) -> $word {
                self.to_bits()
            }
        }
    )*};
}
words!(f32: u32, f64: u64, f16: u16, bf16: u16);

fn plus<W: WrappingAdd>(a: W, b: W) -> W {
    a.wrapping_add(&b)
}

fn sum<E: Words>(chunk: &[E]) -> E::Word {
    chunk.iter().fold(E::Word::zero(), |sum, value| plus(sum, value.word()))
}

fn density(kept: f64) -> Density {
    Density::new(kept).unwrap_or(Density::ONE)
}

fn pattern(n: usize, m: usize) -> NmPattern {
    NmPattern::new(n, m).unwrap_or_else(|_| unreachable!("written here"))
}

/// What reading the large tensor takes.
pub(crate) fn reading(args: &Args) -> std::time::Duration {
    let x = matrix(args.size);
    in_turns(args.rounds, read!(x.values()), || ()).time
}

/// A square matrix of about `size` elements, a multiple of 8 wide.
fn side(size: usize) -> usize {
    (size as f64).sqrt() as usize / 8 * 8
}

fn matrix(size: usize) -> PlainTensor<f32> {
    let side = side(size);
    tensor(&[side, side], make(side * side, |i| weight(i) as f32))
}

fn tensor<E: Element>(shape: &[usize], values: Vec<E>) -> PlainTensor<E> {
    PlainTensor::from_logical(shape, values).unwrap_or_else(|_| unreachable!("as many values as elements"))
}

/// A mask that must come out; its bits are not looked at here, the tests did that.
fn must(mask: Result<Mask, prune_core::Error>) -> Mask {
    mask.unwrap_or_else(|error| panic!("{error}"))
}

fn dense(args: &Args, rows: &mut Vec<Row>) {
    // Made when a row first needs it.
    let x = LazyCell::new(|| matrix(args.size));
    let mut group = Group { args, rows };
    for kept in [0.1, 0.5, 0.9] {
        let work = || must(x.mask_unstructured(density(kept)));
        group.time(&format!("unstructured {kept}, f32"), Some((1.8, 1.3)), work, read!(x.values()));
    }
    for (n, m, bar) in [(2, 4, (1.4, 1.1)), (1, 4, (1.4, 1.1)), (4, 8, (2.0, 1.3))] {
        let work = || must(x.mask_n_m(pattern(n, m), -1));
        group.time(&format!("{n}:{m} along the last axis, f32"), Some(bar), work, read!(x.values()));
    }
    let work = || must(x.mask_n_m(pattern(2, 4), 0));
    group.time("2:4 along the first axis, f32", Some((2.0, 1.3)), work, read!(x.values()));

    let name = "extra memory at the peak, unstructured 0.5, f32";
    if name.contains(&args.only) {
        LazyCell::force(&x);
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let mask = must(x.mask_unstructured(density(0.5)));
        let extra = MEMORY.peak_usage() - before;
        drop(mask);
        group.rows.push(Row {
            name: name.to_owned(),
            bar: Some((0.10, 0.05)),
            outcome: Outcome::Memory { extra, of: size_of_val(x.values()) },
        });
    }

    let name = "apply a mask in place, against scaling in place";
    if name.contains(&args.only) {
        let mask = must(x.mask_unstructured(density(0.5)));
        let mut scaled = x.clone();
        let mut masked = x.clone();
        let scale = || {
            let chunk = |chunk: &mut [f32]| chunk.iter_mut().for_each(|value| *value *= 1.000_001);
            scaled.values_mut().par_chunks_mut(1 << 16).for_each(chunk);
        };
        group.time(name, Some((1.3, 1.05)), || masked.apply_mask(&mask), scale);
    }
}

/// What a user would write without this crate.
fn plain_rust(args: &Args, rows: &mut Vec<Row>) {
    // A tenth of the size, as the rows say: a sort of all would take most of the time of the table.
    let x = LazyCell::new(|| matrix(args.size / 10));
    let magnitudes = || x.values().iter().map(|value| value.abs()).collect::<Vec<f32>>();
    let mask_from = |threshold: f32| x.values().iter().map(|value| value.abs() >= threshold).collect::<Vec<bool>>();
    let mut group = Group { args: &Args { rounds: args.rounds.min(3), only: args.only.clone(), ..*args }, rows };
    let sort = || {
        let mut sorted = magnitudes();
        sorted.sort_unstable_by(|a, b| b.total_cmp(a));
        mask_from(sorted[sorted.len() / 2])
    };
    group.time("plain Rust: sort magnitudes, compare (tenth of the size)", None, sort, read!(x.values()));
    let nth = || {
        let mut copied = magnitudes();
        let middle = copied.len() / 2;
        let (_, &mut threshold, _) = copied.select_nth_unstable_by(middle, |a, b| b.total_cmp(a));
        mask_from(threshold)
    };
    group.time("plain Rust: select_nth_unstable, compare (tenth of the size)", None, nth, read!(x.values()));
    let groups = || {
        let keep = |group: &[f32]| {
            let mut order = [0, 1, 2, 3];
            order.sort_by(|&a: &usize, &b: &usize| group[b].abs().total_cmp(&group[a].abs()));
            [0, 1, 2, 3].map(|place| order[..2].contains(&place))
        };
        x.values().chunks_exact(4).flat_map(keep).collect::<Vec<bool>>()
    };
    group.time("plain Rust: 2:4 by sorting each group (tenth of the size)", None, groups, read!(x.values()));
}

const GLOBAL: &str = "global 0.5 over 100 layers, f32";

fn global(args: &Args, rows: &mut Vec<Row>) {
    let each = (args.size / 100).max(1000);
    if !GLOBAL.contains(&args.only) {
        return;
    }
    let values = make(100 * each, |i| weight(i) as f32);
    let tensors: Vec<PlainTensor<f32>> = values.chunks(each).map(|chunk| tensor(&[each], chunk.to_vec())).collect();
    let layers: Vec<_> = tensors.iter().map(|tensor| tensor.layer()).collect();
    let names: Vec<String> = (0..100).map(|i| format!("layer {i}")).collect();
    let ranked: Vec<Ranked<'_>> = names.iter().zip(&layers).map(|(name, layer)| Ranked::new(name, layer)).collect();
    let work = || Selector::magnitude().global(&ranked, density(0.5));
    Group { args, rows }.time(GLOBAL, Some((2.0, 1.4)), work, read!(values));
}

fn types(args: &Args, rows: &mut Vec<Row>) {
    fn of<E: Words>(args: &Args, rows: &mut Vec<Row>, name: &str, value: fn(f64) -> E) {
        let side = side(args.size);
        let x = LazyCell::new(|| tensor(&[side, side], make(side * side, |i| value(weight(i)))));
        let mut group = Group { args, rows };
        let bar = Some((2.5, 1.5));
        group.time(
            &format!("unstructured 0.5, {name}"),
            bar,
            || must(x.mask_unstructured(density(0.5))),
            read!(x.values()),
        );
        let work = || must(x.mask_n_m(pattern(2, 4), -1));
        group.time(&format!("2:4 along the last axis, {name}"), bar, work, read!(x.values()));
    }
    of::<bf16>(args, rows, "bf16", bf16::from_f64);
    of::<f16>(args, rows, "f16", f16::from_f64);
    of::<f64>(args, rows, "f64", |value| value);
}

/// Column-major memory against row-major memory.
fn columns(args: &Args, rows: &mut Vec<Row>) {
    let side = side(args.size);
    let value = |i: usize| weight(i) as f32;
    let c = LazyCell::new(|| tensor(&[side, side], make(side * side, value)));
    let mut group = Group { args, rows };
    let bar = Some((1.4, 1.15));
    let c_unstructured = || must(c.mask_unstructured(density(0.5)));
    let c_groups = || must(c.mask_n_m(pattern(2, 4), -1));
    {
        use prune_nalgebra::PruneExt as _;
        let x = LazyCell::new(|| DMatrix::from_vec(side, side, make(side * side, value)));
        let work = || must(x.mask_unstructured(density(0.5)));
        group.time("unstructured 0.5, nalgebra against row-major", bar, work, c_unstructured);
        let work = || must(x.mask_n_m(pattern(2, 4), -1));
        group.time("2:4 along the last axis, nalgebra against row-major", bar, work, c_groups);
    }
    {
        use prune_ndarray::PruneExt as _;
        let fortran = || Array2::from_shape_vec((side, side).f(), make(side * side, value));
        let x = LazyCell::new(|| fortran().unwrap_or_else(|error| panic!("{error}")));
        let work = || must(x.mask_unstructured(density(0.5)));
        group.time("unstructured 0.5, Fortran-order ndarray against row-major", bar, work, c_unstructured);
        let work = || must(x.mask_n_m(pattern(2, 4), -1));
        group.time("2:4 along the last axis, Fortran-order ndarray against row-major", bar, work, c_groups);
    }
}

fn small(args: &Args, rows: &mut Vec<Row>) {
    let x = tensor(&[1000, 1000], make(1_000_000, |i| weight(i) as f32));
    let mut group = Group { args, rows };
    let bar = Some((6.0, 3.0));
    group.time(
        "1 million elements, unstructured 0.5",
        bar,
        || must(x.mask_unstructured(density(0.5))),
        read!(x.values()),
    );
    let work = || must(x.mask_n_m(pattern(2, 4), -1));
    group.time("1 million elements, 2:4 along the last axis", bar, work, read!(x.values()));

    let x = tensor(&[100, 100], make(10_000, |i| weight(i) as f32));
    let layer = x.layer();
    let ranked = Ranked::new("", &layer);
    let with = |threads: Threads| Selector::magnitude().with_threads(threads).unstructured(ranked, density(0.5));
    let name = "10,000 elements, unstructured 0.5: pool against one thread";
    group.time(name, Some((1.05, 1.0)), || with(Threads::Pool), || with(Threads::One));
    let with = |threads: Threads| Selector::magnitude().with_threads(threads).n_of_m(ranked, pattern(2, 4), -1);
    let name = "10,000 elements, 2:4: pool against one thread";
    group.time(name, Some((1.05, 1.0)), || with(Threads::Pool), || with(Threads::One));
}

/// Hard inputs against random ones.
fn hard(args: &Args, rows: &mut Vec<Row>) {
    let random = LazyCell::new(|| matrix(args.size));
    let len = side(args.size).pow(2);
    for (name, value) in HARD {
        let x = LazyCell::new(|| tensor(&[len], make(len, |i| value(i, len))));
        let mut group = Group { args, rows };
        for kept in [0.1, 0.5] {
            let work = || must(x.mask_unstructured(density(kept)));
            let base = || must(random.mask_unstructured(density(kept)));
            group.time(&format!("unstructured {kept}, {name}, against random"), Some((3.0, 1.0)), work, base);
        }
    }
    // A tensor with reversed axes is turned bit by bit; it is shown, not judged.
    let side = side(args.size / 10);
    let strides = [-(side as isize), -1];
    let layout = Layout::new(&[side, side], &strides, side * side - 1).unwrap_or_else(|error| panic!("{error}"));
    let x = PlainTensor::from_memory(layout, make(side * side, |i| weight(i) as f32))
        .unwrap_or_else(|error| panic!("{error}"));
    let work = || must(x.mask_unstructured(density(0.5)));
    Group { args, rows }.time(
        "unstructured 0.5, both axes reversed (tenth of the size)",
        None,
        work,
        read!(x.values()),
    );
}
