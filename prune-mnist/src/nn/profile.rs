//! The time of a step, layer by layer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Processor time of one layer, summed over threads, since the last reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerTime {
    /// `Conv_0`, `avg-pool 2`, ...; element-wise layers are counted with the layer before them.
    pub name: String,
    /// Spent in forward passes.
    pub forward: Duration,
    /// Spent in backward passes.
    pub backward: Duration,
    /// Multiply-adds of one sample's forward pass; a backward pass has twice as many, or as many in the first layer,
    /// which needs no gradient of its input.
    pub multiply_adds: usize,
}

/// Clocks of all stages. They are off by default.
#[derive(Debug, Default)]
pub(super) struct Profile {
    on: AtomicBool,
    clocks: Vec<[AtomicU64; 2]>,
}

impl Profile {
    pub(super) fn new(stages: usize) -> Self {
        Self { on: AtomicBool::new(false), clocks: (0..stages).map(|_| Default::default()).collect() }
    }

    /// Sets all clocks to zero and starts them, or stops them.
    pub(super) fn set(&self, on: bool) {
        self.clocks.iter().flatten().for_each(|clock| clock.store(0, Ordering::Relaxed));
        self.on.store(on, Ordering::Relaxed);
    }

    pub(super) fn start(&self) -> Option<Instant> {
        self.on.load(Ordering::Relaxed).then(Instant::now)
    }

    pub(super) fn add_forward(&self, stage: usize, start: Option<Instant>) {
        self.add(stage, 0, start);
    }

    pub(super) fn add_backward(&self, stage: usize, start: Option<Instant>) {
        self.add(stage, 1, start);
    }

    fn add(&self, stage: usize, direction: usize, start: Option<Instant>) {
        if let Some(start) = start {
            let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.clocks[stage][direction].fetch_add(nanoseconds, Ordering::Relaxed);
        }
    }

    /// Forward and backward time of a stage.
    pub(super) fn times(&self, stage: usize) -> [Duration; 2] {
        [0, 1].map(|direction| Duration::from_nanos(self.clocks[stage][direction].load(Ordering::Relaxed)))
    }
}
