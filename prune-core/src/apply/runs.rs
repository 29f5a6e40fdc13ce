//! Writes zeros outside masks into memory with gaps.
//!
//! Plain: for each run, element by element, look up the bit of its logical index. Departures: if runs come evenly,
//! the mask has been brought into their order, so the bits of a run are neighbours and are blended as in memory of
//! one piece; and threads share the runs.

use crate::apply::CHUNK;
use crate::bits::read_bits;
use crate::mask::Mask;
use crate::tensor::{Element, Run, RunOrder, Strided};

/// A run of fewer elements is written at once: handing it to a thread takes as long.
const SHORT: usize = 64;

/// The number of elements whose bits are read at a time.
const PIECE: usize = 4096;

/// Some runs, with their bits.
pub(super) struct RunsPart<'a, E> {
    runs: Vec<(&'a mut [E], RunBits<'a>)>,
    elements: usize,
}

/// The place of the bits of a run.
#[derive(Clone, Copy)]
enum RunBits<'a> {
    /// One after the other, from this bit on.
    Ordered(&'a [u64], usize),
    /// At the logical index of each element.
    Indexed { mask: &'a Mask, first: usize, step: isize },
}

/// Calls `visit` with the parts of a tensor. Together the parts are all runs, except runs so short that they have
/// been written already. `ordered` is the order of the runs, if they come evenly, and the bits of the mask in that
/// order.
pub(super) fn for_each_part<'a, E: Element>(
    strided: &'a mut (dyn Strided<E> + '_),
    mask: &'a Mask,
    ordered: Option<(RunOrder, &'a [u64])>,
    mut visit: impl FnMut(RunsPart<'a, E>),
) {
    let mut followed = ordered.map(|(order, words)| (order.follow(), words));
    let mut part = RunsPart { runs: Vec::new(), elements: 0 };
    strided.for_each_run(&mut |Run { first, step, values }| {
        let run = Run { first, step, values };
        // The runs have been checked. If they have changed since, each element is looked up at the index that its run
        // states.
        let before = followed.as_mut().and_then(|(followed, words)| Some((followed.take(&run)?, *words)));
        let bits = match before {
            Some((before, words)) => RunBits::Ordered(words, before),
            None => {
                followed = None;
                RunBits::Indexed { mask, first, step }
            }
        };
        if run.values.len() < SHORT {
            return bits.zero_outside(run.values);
        }
        for (chunk, values) in run.values.chunks_mut(CHUNK).enumerate() {
            part.elements += values.len();
            part.runs.push((values, bits.from(chunk * CHUNK)));
            if part.elements >= CHUNK {
                visit(core::mem::replace(&mut part, RunsPart { runs: Vec::new(), elements: 0 }));
            }
        }
    });
    if part.elements > 0 {
        visit(part);
    }
}

impl<E: Element> RunsPart<'_, E> {
    /// Writes `+0.0` outside the mask.
    pub(super) fn zero_outside(self) {
        self.runs.into_iter().for_each(|(values, bits)| bits.zero_outside(values));
    }
}

impl RunBits<'_> {
    /// The bits from one element of the run on.
    fn from(self, element: usize) -> Self {
        match self {
            RunBits::Ordered(words, before) => RunBits::Ordered(words, before + element),
            RunBits::Indexed { mask, first, step } => {
                let first = first.wrapping_add_signed(step.wrapping_mul(element as isize));
                RunBits::Indexed { mask, first, step }
            }
        }
    }

    fn zero_outside<E: Element>(self, values: &mut [E]) {
        let mut words = [0; PIECE / 64];
        for (piece, values) in values.chunks_mut(PIECE).enumerate() {
            for (block, word) in words[..values.len().div_ceil(64)].iter_mut().enumerate() {
                *word = self.word(piece * PIECE + block * 64);
            }
            E::zero_outside(values, &words[..values.len().div_ceil(64)]);
        }
    }

    /// The bits of 64 elements from one element of the run on; bits past its end mean nothing.
    fn word(self, from: usize) -> u64 {
        match self {
            RunBits::Ordered(words, before) => read_bits(words, before + from),
            RunBits::Indexed { mask, first, step } => {
                // Elements outside the mask are left alone.
                let kept = |index: usize| index >= mask.len() || mask.is_kept(index);
                let index = |i: usize| first.wrapping_add_signed(step.wrapping_mul((from + i) as isize));
                (0..64).fold(0, |word, i| word | u64::from(kept(index(i))) << i)
            }
        }
    }
}
