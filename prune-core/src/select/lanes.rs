//! N:M along an axis, lane by lane.
//!
//! In memory a dense tensor is `outer` blocks of `lane` rows of `inner` elements, whatever its axis order: the axis of
//! the lanes has the stride `inner`. A task takes a span of neighbouring groups, keeps the best of each in bits of
//! its own, and puts these where they belong.

use crate::element::{Element, RankBy};
use crate::error::Error;
use crate::layer::for_any_type;
use crate::layout::Layout;
use crate::mask::{Mask, to_logical, to_memory};
use crate::n_of_m::NmPattern;
use crate::select::group::{Group, Kept};
use crate::select::sink::BitSink;
use crate::select::top::{dense, first_nan_of};
use crate::select::values::Values;
use crate::select::{Ranked, Selected};
use crate::threads::Threads;

/// Keeps `pattern` along the existing axis `axis`.
pub(crate) fn select(
    layer: &Ranked<'_>,
    pattern: NmPattern,
    axis: usize,
    by: RankBy,
    threads: Threads,
) -> Result<Selected, Error> {
    let (layout, values) = dense(layer.scores)?;
    let lanes = Lanes::new(&layout, axis, pattern);
    let alive = layer.alive.map(|mask| to_memory(mask.words(), &layout, threads));
    let sink = BitSink::zeros(layout.len());
    let results = threads.for_elements(layout.len()).map(
        lanes.spans(),
        |span| for_any_type!(Values, values, values => lanes.run(span, values, alive.as_deref(), by, &sink)),
    );
    let (mut ties, mut short_groups, mut nan) = (0, 0, false);
    for result in results {
        ties += result.ties;
        short_groups += result.short;
        nan |= result.nan;
    }
    if nan && let Some(index) = first_nan_of(layer) {
        return Err(Error::Nan { layer: String::new(), index });
    }
    let words = to_logical(sink.into_words(), &layout, threads);
    Ok(Selected { mask: Mask::from_own_words(layout.shape(), layout.len(), words), ties, short_groups })
}

/// A dense tensor as lanes.
#[derive(Debug, Clone, Copy)]
struct Lanes {
    outer: usize,
    lane: usize,
    inner: usize,
    pattern: NmPattern,
    /// Whether memory runs through a lane backwards.
    reversed: bool,
}

/// Neighbouring groups: `columns` of them side by side (one row of groups), or one after the other where `inner` is 1.
#[derive(Debug, Clone, Copy)]
struct Span {
    outer: usize,
    /// The first group of the lane.
    group: usize,
    /// How many groups of the lane; 1 unless `inner` is 1.
    groups: usize,
    /// How many whole lanes, one after the other; 1 unless `inner` is 1 and a lane is short.
    lanes: usize,
    column: usize,
    columns: usize,
}

#[derive(Debug, Default)]
struct SpanResult {
    ties: usize,
    short: usize,
    nan: bool,
}

/// About how many elements a task works on.
const SPAN: usize = 1 << 15;

impl Lanes {
    fn new(layout: &Layout, axis: usize, pattern: NmPattern) -> Self {
        let (lane, stride) = (layout.shape()[axis], layout.strides()[axis]);
        // The stride of an axis of one element says nothing.
        let inner = if lane > 1 { stride.unsigned_abs() } else { 1 };
        let outer = if layout.is_empty() { 0 } else { layout.len() / (lane * inner) };
        Lanes { outer, lane, inner, pattern, reversed: lane > 1 && stride < 0 }
    }

    fn spans(&self) -> Vec<Span> {
        let groups = self.lane.div_ceil(self.pattern.m());
        let mut spans = Vec::new();
        if self.inner == 1 {
            if self.lane <= SPAN {
                // Whole lanes, as many as fill a task.
                let lanes_a_span = SPAN / self.lane.max(1);
                for outer in (0..self.outer).step_by(lanes_a_span.max(1)) {
                    let lanes = lanes_a_span.max(1).min(self.outer - outer);
                    spans.push(Span { outer, group: 0, groups, lanes, column: 0, columns: 1 });
                }
            } else {
                let groups_a_span = (SPAN / self.pattern.m()).max(1);
                for outer in 0..self.outer {
                    for group in (0..groups).step_by(groups_a_span) {
                        let groups = groups_a_span.min(groups - group);
                        spans.push(Span { outer, group, groups, lanes: 1, column: 0, columns: 1 });
                    }
                }
            }
        } else {
            // Whole words of columns, where there are so many.
            let rows = self.pattern.m().min(self.lane);
            let columns_a_span = (SPAN / rows).div_ceil(64) * 64;
            for outer in 0..self.outer {
                for group in 0..groups {
                    for column in (0..self.inner).step_by(columns_a_span) {
                        let columns = columns_a_span.min(self.inner - column);
                        spans.push(Span { outer, group, groups: 1, lanes: 1, column, columns });
                    }
                }
            }
        }
        spans
    }

    /// The memory row of the `j`th element of a lane.
    fn row(&self, j: usize) -> usize {
        if self.reversed { self.lane - 1 - j } else { j }
    }

    fn run<E: Element>(
        &self,
        span: Span,
        values: &[E],
        alive: Option<&[u64]>,
        by: RankBy,
        sink: &BitSink,
    ) -> SpanResult {
        let mut result = SpanResult::default();
        let mut group = Group::default();
        let m = self.pattern.m();
        for outer in span.outer..span.outer + span.lanes {
            for index in span.group..span.group + span.groups {
                let start = index * m;
                let end = self.lane.min(start.saturating_add(m));
                let mut rows =
                    vec![vec![0u64; span.columns.div_ceil(64)]; if self.inner == 1 { 0 } else { end - start }];
                for column in span.column..span.column + span.columns {
                    group.clear();
                    for j in start..end {
                        let position = (outer * self.lane + self.row(j)) * self.inner + column;
                        let value = values[position];
                        if alive.is_none_or(|alive| alive[position / 64] >> (position % 64) & 1 == 1) {
                            result.nan |= value.is_nan();
                            group.push(value.key(by), j - start);
                        }
                    }
                    let Kept { kept, tied } = group.keep(self.pattern.n());
                    result.ties += usize::from(tied);
                    result.short += usize::from(kept.len() < self.pattern.n().min(end - start));
                    for &(_, j) in kept {
                        if self.inner == 1 {
                            sink.put(outer * self.lane + self.row(start + j), &[1], 1);
                        } else {
                            let bit = column - span.column;
                            rows[j][bit / 64] |= 1 << (bit % 64);
                        }
                    }
                }
                for (j, bits) in rows.iter().enumerate() {
                    let at = (outer * self.lane + self.row(start + j)) * self.inner + span.column;
                    sink.put(at, bits, span.columns);
                }
            }
        }
        result
    }
}
