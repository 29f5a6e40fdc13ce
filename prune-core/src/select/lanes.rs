//! N:M along an axis, lane by lane.
//!
//! In memory a dense tensor is `outer` blocks of `lane` rows of `inner` elements, whatever its axis order: the axis
//! of the lanes has the stride `inner`. Three ways through it give the same result:
//!
//! * `flat`: groups lie one after the other through all of memory, so chunks own whole words of the mask;
//! * `columns`: the places of a group lie `inner` apart, groups side by side;
//! * `loose`: everything else, element by element: remainders, odd group sizes, backward lanes.

use crate::bits::{BitSink, read_bits};
use crate::error::{Error, ErrorKind};
use crate::kernel::group::{Group, GroupChoice};
use crate::kernel::groups::{Columns, GROUPS, NmRule, columns, contiguous};
use crate::kernel::instructions::level;
use crate::kernel::lanes::Lanes as Vectors;
use crate::key::RankBy;
use crate::layout::Layout;
use crate::mask::{Mask, to_logical, to_memory};
use crate::n_m::NmPattern;
use crate::select::tally::{Tally, tally_columns, tally_contiguous};
use crate::select::top::{dense, first_nan_of};
use crate::select::{Ranked, Selected, Selector};
use crate::tensor::Values;
use crate::tensor::for_any_type;
use crate::threads::Threads;

/// Keeps `pattern` along the existing axis `axis`.
pub(crate) fn select(
    layer: &Ranked<'_>,
    pattern: NmPattern,
    axis: usize,
    selector: &Selector,
) -> Result<Selected, Error> {
    let (layout, values) = dense(layer.scores)?;
    let alive = layer.alive.map(|mask| to_memory(mask.words(), &layout, selector.threads));
    let lanes = Lanes::new(&layout, axis, pattern);
    let job = LaneJob { lanes, alive: alive.as_deref(), by: selector.rank_by, count_ties: selector.count_ties };
    let threads = selector.threads.for_elements(layout.len());
    let (words, tally) = for_any_type!(Values, values, values => job.run(values, threads));
    if tally.nan
        && let Some(index) = first_nan_of(layer)
    {
        return Err(ErrorKind::Nan { index }.into());
    }
    let words = to_logical(words, &layout, selector.threads);
    let mask = Mask::from_own_words(layout.shape(), layout.len(), words);
    Ok(Selected { mask, ties: tally.ties, short_groups: tally.short })
}

/// A dense tensor as lanes.
#[derive(Debug, Clone, Copy)]
struct Lanes {
    outer: usize,
    lane: usize,
    inner: usize,
    pattern: NmPattern,
    /// True if memory runs through a lane backwards.
    reversed: bool,
}

impl Lanes {
    fn new(layout: &Layout, axis: usize, pattern: NmPattern) -> Self {
        let (lane, stride) = (layout.shape()[axis], layout.strides()[axis]);
        if layout.is_empty() {
            // The other lengths and the strides may then be any numbers.
            return Lanes { outer: 0, lane: 0, inner: 1, pattern, reversed: false };
        }
        // The stride of an axis of one element means nothing.
        let inner = if lane > 1 { stride.unsigned_abs() } else { 1 };
        let outer = layout.len() / (lane * inner);
        Lanes { outer, lane, inner, pattern, reversed: lane > 1 && stride < 0 }
    }

    fn len(&self) -> usize {
        self.outer * self.lane * self.inner
    }

    /// True if groups lie one after the other, without a gap or remainder.
    fn is_flat(&self) -> bool {
        self.inner == 1 && !self.reversed && self.lane.is_multiple_of(self.pattern.m())
    }

    /// The memory position of element `j` of the lane of `column` in block `outer`.
    fn position(&self, outer: usize, j: usize, column: usize) -> usize {
        let row = if self.reversed { self.lane - 1 - j } else { j };
        (outer * self.lane + row) * self.inner + column
    }
}

/// The approximate number of elements that a task works on.
const SPAN: usize = 1 << 15;

/// Groups `group..group + groups` of the lanes `column..column + columns` in the blocks `outer..outer + blocks`.
#[derive(Debug, Clone, Copy)]
struct Span {
    outer: usize,
    blocks: usize,
    group: usize,
    groups: usize,
    column: usize,
    columns: usize,
}

struct LaneJob<'a> {
    lanes: Lanes,
    alive: Option<&'a [u64]>,
    by: RankBy,
    count_ties: bool,
}

impl LaneJob<'_> {
    fn run<E: Vectors>(&self, values: &[E], threads: Threads) -> (Vec<u64>, Tally) {
        if self.lanes.is_flat() {
            let mut words = vec![0u64; values.len().div_ceil(64)];
            let m = self.lanes.pattern.m();
            let words_a_task = m.saturating_mul((SPAN / 64 / m).max(1)).min(words.len().max(1));
            let tasks: Vec<(usize, &mut [u64])> = words.chunks_mut(words_a_task).enumerate().collect();
            let tallies = threads.map(tasks, |(task, words)| {
                let start = task * words_a_task * 64;
                self.flat(start, &values[start..values.len().min(start + words.len() * 64)], words)
            });
            return (words, tallies.into_iter().sum());
        }
        let sink = BitSink::zeros(self.lanes.len());
        let tallies = threads.map(self.spans(), |span| self.span(span, values, &sink));
        (sink.into_words(), tallies.into_iter().sum())
    }

    fn rule(&self, m: usize) -> NmRule {
        NmRule { n: self.lanes.pattern.n().min(m), m, by: self.by, last_of_ties: false }
    }

    /// Selects in the chunk of memory from `start` on, which holds whole groups and whose bits are `words`.
    fn flat<E: Vectors>(&self, start: usize, values: &[E], words: &mut [u64]) -> Tally {
        let m = self.lanes.pattern.m();
        let rule = self.rule(m);
        let alive = self.alive.map(|alive| &alive[start / 64..][..words.len()]);
        let mut tally = Tally::default();
        let mut done = 0;
        if rule.has_vectors(alive.is_some()) {
            done = values.len() / (GROUPS * m) * (GROUPS * m);
            let words = &mut words[..done / 64];
            let alive = alive.map(|alive| &alive[..done / 64]);
            tally.nan = contiguous(level(), &values[..done], alive, rule, words);
            if self.count_ties {
                let mut last = vec![0; words.len()];
                contiguous(level(), &values[..done], alive, NmRule { last_of_ties: true, ..rule }, &mut last);
                tally.ties = tally_contiguous(words, &last, m);
            }
            if alive.is_some() {
                tally.short = Tally::short_groups(words, rule.n, m);
            }
        }
        let mut group = Group::default();
        for first in (done..values.len()).step_by(m) {
            group.clear();
            for (place, value) in values[first..first + m].iter().enumerate() {
                let i = first + place;
                if alive.is_none_or(|alive| alive[i / 64] >> (i % 64) & 1 == 1) {
                    tally.nan |= value.is_nan();
                    group.push(value.key(self.by), i);
                }
            }
            tally.add(group.keep(rule.n), rule.n, |i| words[i / 64] |= 1 << (i % 64));
        }
        tally
    }

    fn spans(&self) -> Vec<Span> {
        let Lanes { outer: blocks, lane, inner, pattern, .. } = self.lanes;
        let groups = lane.div_ceil(pattern.m());
        let mut spans = Vec::new();
        if lane * inner <= SPAN {
            // Whole blocks, enough to fill a task.
            let blocks_a_span = (SPAN / (lane * inner).max(1)).max(1);
            for outer in (0..blocks).step_by(blocks_a_span) {
                let blocks = blocks_a_span.min(blocks - outer);
                spans.push(Span { outer, blocks, group: 0, groups, column: 0, columns: inner });
            }
            return spans;
        }
        // Rows of groups: long ones are cut at whole words, short ones are put together.
        let row = pattern.m().min(lane);
        let columns_a_span = ((SPAN / row).div_ceil(64) * 64).max(64);
        let groups_a_span = if inner <= columns_a_span { (SPAN / row / inner).max(1) } else { 1 };
        for outer in 0..blocks {
            for group in (0..groups).step_by(groups_a_span) {
                let groups = groups_a_span.min(groups - group);
                for column in (0..inner).step_by(columns_a_span) {
                    let columns = columns_a_span.min(inner - column);
                    spans.push(Span { outer, blocks: 1, group, groups, column, columns });
                }
            }
        }
        spans
    }

    fn span<E: Vectors>(&self, span: Span, values: &[E], sink: &BitSink) -> Tally {
        let m = self.lanes.pattern.m();
        let mut tally = Tally::default();
        let mut scratch = Scratch::default();
        let mut group = Group::default();
        for outer in span.outer..span.outer + span.blocks {
            for index in span.group..span.group + span.groups {
                let start = index * m;
                let end = self.lanes.lane.min(start.saturating_add(m));
                let rule = self.rule(end - start);
                let mut done = 0;
                if span.columns >= 64 && !self.lanes.reversed && rule.has_vectors(self.alive.is_some()) {
                    done = span.columns / 64 * 64;
                    let first = self.lanes.position(outer, start, span.column);
                    tally += self.columns(first, done, rule, values, &mut scratch, sink);
                    // The last columns run again with some columns before them; nothing but NaN is counted here. The
                    // bits come out the same, and much faster than one by one.
                    if done < span.columns && self.alive.is_none() && !self.count_ties {
                        done = span.columns;
                        let first = self.lanes.position(outer, start, span.column + done - 64);
                        tally += self.columns(first, 64, rule, values, &mut scratch, sink);
                    }
                }
                for column in span.column + done..span.column + span.columns {
                    self.loose(outer, start..end, column, values, &mut group, &mut tally, sink);
                }
            }
        }
        tally
    }

    /// Selects in `columns_len` groups (whole words of them) side by side, the first of which starts at `first`.
    fn columns<E: Vectors>(
        &self,
        first: usize,
        columns_len: usize,
        rule: NmRule,
        values: &[E],
        scratch: &mut Scratch,
        sink: &BitSink,
    ) -> Tally {
        let inner = self.lanes.inner;
        let words_a_row = columns_len / 64;
        let block = Columns { values: &values[first..], stride: inner, columns: columns_len };
        scratch.alive.clear();
        let alive = self.alive.map(|alive| {
            for j in 0..rule.m {
                scratch.alive.extend((0..words_a_row).map(|word| read_bits(alive, first + j * inner + word * 64)));
            }
            &scratch.alive[..]
        });
        scratch.words.resize(rule.m * words_a_row, 0);
        let words = &mut scratch.words[..];
        let mut tally = Tally { nan: columns(level(), block, alive, rule, words), ..Tally::default() };
        if self.count_ties {
            scratch.last.resize(words.len(), 0);
            columns(level(), block, alive, NmRule { last_of_ties: true, ..rule }, &mut scratch.last);
            tally.ties = tally_columns(words, &scratch.last, words_a_row);
        }
        if alive.is_some() {
            tally.short = Tally::short_columns(words, rule.n, words_a_row);
        }
        for (j, bits) in words.chunks_exact(words_a_row).enumerate() {
            sink.put(first + j * inner, bits, columns_len);
        }
        tally
    }

    /// Selects in one group, element by element.
    #[expect(clippy::too_many_arguments, reason = "the state of one innermost loop, split off for its name")]
    fn loose<E: Vectors>(
        &self,
        outer: usize,
        places: core::ops::Range<usize>,
        column: usize,
        values: &[E],
        group: &mut Group<E::Key>,
        tally: &mut Tally,
        sink: &BitSink,
    ) {
        let asked = self.lanes.pattern.n().min(places.len());
        group.clear();
        for j in places {
            let position = self.lanes.position(outer, j, column);
            if self.alive.is_none_or(|alive| alive[position / 64] >> (position % 64) & 1 == 1) {
                let value = values[position];
                tally.nan |= value.is_nan();
                group.push(value.key(self.by), j);
            }
        }
        let kept: GroupChoice<'_, E::Key> = group.keep(self.lanes.pattern.n());
        tally.add(kept, asked, |j| sink.put(self.lanes.position(outer, j, column), &[1], 1));
    }
}

/// Memory that a task reuses.
#[derive(Debug, Default)]
struct Scratch {
    alive: Vec<u64>,
    words: Vec<u64>,
    last: Vec<u64>,
}
