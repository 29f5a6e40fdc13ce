//! Times two things in turns.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The time of a row, and of the work it is compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) time: Duration,
    pub(crate) base: Duration,
}

impl Measured {
    /// The ratio of the medians.
    pub(crate) fn ratio(&self) -> f64 {
        self.time.as_secs_f64() / self.base.as_secs_f64()
    }
}

/// Times `work` and `base` in turns, `rounds` times each after one that is not counted, and returns the medians.
/// Other load on the machine falls on both alike.
pub(crate) fn in_turns<R, B>(rounds: usize, mut work: impl FnMut() -> R, mut base: impl FnMut() -> B) -> Measured {
    let (mut times, mut bases) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let (time, base) = (once(&mut work), once(&mut base));
        if round > 0 {
            times.push(time);
            bases.push(base);
        }
    }
    Measured { time: median(times), base: median(bases) }
}

/// Work that takes microseconds is repeated until it fills a millisecond.
fn once<R>(work: &mut impl FnMut() -> R) -> Duration {
    let mut count = 0;
    let start = Instant::now();
    loop {
        black_box(work());
        count += 1;
        let elapsed = start.elapsed();
        if elapsed > Duration::from_millis(1) {
            return elapsed / count;
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
