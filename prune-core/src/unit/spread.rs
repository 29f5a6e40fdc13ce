//! Turns bits of units into bits of elements.
//!
//! Plain: for every run of neighbours of one unit, repeat its bit once for each element. Departures: along the
//! innermost axis the bits of a lane are those of its units, each repeated; if a side is a power of two, all bits are
//! doubled again and again; lanes of the same units are made once; and threads share the lanes.

use crate::bits::{BitSink, read_bits, set_run};
use crate::mask::Mask;
use crate::threads::Threads;
use crate::unit::geometry::Geometry;

/// The number of elements whose bits a task makes, unless a unit's share of a lane is longer.
const A_TASK: usize = 1 << 18;

/// The bits of all elements, from a mask of units.
pub(super) fn spread(geometry: &Geometry, units: &Mask, elements: usize, threads: Threads) -> Vec<u64> {
    let Some((length, side)) = geometry.lanes() else { return Vec::new() };
    let (lanes, blocks) = (elements / length, length.div_ceil(side));
    let lanes_a_task = (A_TASK / length).max(1);
    let blocks_a_task = if lanes_a_task > 1 { blocks } else { (A_TASK / side).max(1) };
    let lane_tasks = (0..lanes).step_by(lanes_a_task);
    let tasks: Vec<(usize, usize)> =
        lane_tasks.flat_map(|lane| (0..blocks).step_by(blocks_a_task).map(move |block| (lane, block))).collect();
    let sink = BitSink::zeros(elements);
    threads.for_elements(elements).map(tasks, |(first, block)| {
        let end = blocks.min(block + blocks_a_task);
        let (start, count) = (block * side, length.min(end * side) - block * side);
        let (mut known, mut bits) = (None, Vec::new());
        for lane in first..lanes.min(first + lanes_a_task) {
            let unit = geometry.first_unit(lane) + block;
            if known != Some(unit) {
                repeated(units.words(), unit, end - block, side, count, &mut bits);
                known = Some(unit);
            }
            sink.put(lane * length + start, &bits, count);
        }
    });
    sink.into_words()
}

/// Repeats each of `len` bits from the bit `from` on `times` times, and stops at `count` bits in all.
fn repeated(bits: &[u64], from: usize, len: usize, times: usize, count: usize, out: &mut Vec<u64>) {
    let twos = times.trailing_zeros();
    let (odd, mut done) = (times >> twos, len * (times >> twos));
    out.clear();
    if odd == 1 {
        out.extend((0..len).step_by(64).map(|bit| read_bits(bits, from + bit)));
    } else {
        out.resize(done.div_ceil(64), 0);
        for bit in (0..len).filter(|bit| bits[(from + bit) / 64] >> ((from + bit) % 64) & 1 == 1) {
            set_run(out, bit * odd, odd);
        }
    }
    for _ in 0..twos {
        done *= 2;
        *out = out.iter().flat_map(|&word| [doubled(word as u32), doubled((word >> 32) as u32)]).collect();
        out.truncate(done.div_ceil(64));
    }
    out.truncate(count.div_ceil(64));
    if let Some(last) = out.last_mut() {
        *last &= crate::bits::tail_bits(count);
    }
}

/// Repeats each bit twice.
fn doubled(bits: u32) -> u64 {
    let mut spread = u64::from(bits);
    spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF;
    spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF;
    spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    spread = (spread | spread << 2) & 0x3333_3333_3333_3333;
    spread = (spread | spread << 1) & 0x5555_5555_5555_5555;
    spread * 3
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::hash::hash;
    use proptest::prelude::*;

    /// Spreads run by run.
    fn plain(geometry: &Geometry, units: &Mask, elements: usize) -> Vec<u64> {
        let (mut words, mut first) = (vec![0; elements.div_ceil(64)], 0);
        for (unit, len) in geometry.runs() {
            if units.is_kept(unit) {
                set_run(&mut words, first, len);
            }
            first += len;
        }
        words
    }

    fn agree(shape: &[usize], sides: &[usize], seed: u64) {
        let geometry = Geometry::new(shape, sides).unwrap();
        let kept: Vec<bool> = (0..geometry.units() as u64).map(|i| hash(seed << 32 | i).is_multiple_of(2)).collect();
        let units = Mask::from_bools(&[kept.len()], &kept).unwrap();
        let elements = shape.iter().product();
        for threads in [Threads::One, Threads::Pool] {
            let got = spread(&geometry, &units, elements, threads);
            assert!(got == plain(&geometry, &units, elements), "{shape:?} {sides:?} {seed}");
        }
    }

    proptest! {
        #[test]
        fn bits_are_those_of_the_runs(
            shape in prop::collection::vec(prop_oneof![0usize..9, 1usize..150], 1..4),
            sides in prop::collection::vec(prop_oneof![Just(1usize), Just(4), 1usize..20, Just(200)], 3),
            seed in 0u64..1000,
        ) {
            agree(&shape, &sides[..shape.len()], seed);
        }
    }

    /// Many lanes, and lanes longer than a task.
    #[test]
    fn tasks_meet() {
        for (shape, sides) in
            [([700, 999], [4, 4]), ([700, 999], [700, 1]), ([3, 600_001], [1, 600_001]), ([2, 600_001], [1, 12])]
        {
            agree(&shape, &sides, 5);
        }
    }
}
