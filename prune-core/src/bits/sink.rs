//! Bits written by many tasks at once.

use core::sync::atomic::{AtomicU64, Ordering};

/// Bits that tasks set concurrently, each task its own. Words inside a task's run are plain stores. Only the words
/// that two runs may share are combined atomically. Each bit has one writer, so the result does not depend on the
/// order.
#[derive(Debug)]
pub(crate) struct BitSink {
    words: Vec<AtomicU64>,
}

impl BitSink {
    pub(crate) fn zeros(bits: usize) -> Self {
        // The system gives large allocations zeroed; the conversions here and back cost nothing.
        BitSink { words: vec![0u64; bits.div_ceil(64)].into_iter().map(AtomicU64::new).collect() }
    }

    /// Puts the first `count` bits of `run` at the bit `at`. The bits of `run` past them must be zero.
    pub(crate) fn put(&self, at: usize, run: &[u64], count: usize) {
        let (first, shift) = (at / 64, at % 64);
        let end = at + count;
        let mut carried = 0u64;
        for word in first..end.div_ceil(64) {
            let next = run.get(word - first).copied().unwrap_or(0);
            let bits = if shift == 0 { next } else { carried | next << shift };
            carried = if shift == 0 { 0 } else { next >> (64 - shift) };
            if word * 64 >= at && word * 64 + 64 <= end {
                self.words[word].store(bits, Ordering::Relaxed);
            } else {
                self.words[word].fetch_or(bits, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn into_words(self) -> Vec<u64> {
        self.words.into_iter().map(AtomicU64::into_inner).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_land_where_they_are_put() {
        for at in 0..130 {
            for count in 0..140 {
                let run: Vec<u64> = vec![0xDEAD_BEEF_1234_5677, 0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3211];
                let bit = |bits: &[u64], i: usize| bits[i / 64] >> (i % 64) & 1;
                let mut cut = run.clone();
                for i in count..192 {
                    cut[i / 64] &= !(1 << (i % 64));
                }
                let sink = BitSink::zeros(320);
                sink.put(0, &[u64::MAX; 3], at);
                let sink = BitSink { words: sink.into_words().into_iter().map(AtomicU64::new).collect() };
                for i in at..320 {
                    sink.words[i / 64].fetch_and(!(1 << (i % 64)), Ordering::Relaxed);
                }
                sink.put(at, &cut, count);
                let words = sink.into_words();
                for i in 0..320 {
                    let expected = if i < at {
                        1
                    } else if i < at + count {
                        bit(&run, i - at)
                    } else {
                        0
                    };
                    assert_eq!(bit(&words, i), expected, "bit {i} of {count} at {at}");
                }
            }
        }
    }
}
