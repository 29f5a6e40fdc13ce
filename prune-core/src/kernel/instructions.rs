//! The vector instructions in use.

use core::sync::atomic::{AtomicU8, Ordering};

use fearless_simd::Level;

/// A set of vector instructions. Results never depend on it; [`InstructionSet::limit`] exists for benches and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum InstructionSet {
    /// The instructions of every processor of the target: SSE2 on x86-64, NEON on AArch64.
    Baseline,
    /// AVX2 and its companions (x86-64-v3).
    Avx2,
    /// AVX-512 as of Ice Lake.
    Avx512,
}

/// 0: no limit; else one more than the set's place in [`InstructionSet::ALL`].
static LIMIT: AtomicU8 = AtomicU8::new(0);

impl InstructionSet {
    const ALL: [InstructionSet; 3] = [InstructionSet::Baseline, InstructionSet::Avx2, InstructionSet::Avx512];

    /// The sets that this machine offers.
    pub fn available() -> Vec<InstructionSet> {
        Self::ALL.into_iter().filter(|set| set.level().is_some()).collect()
    }

    /// The set in use.
    pub fn in_use() -> InstructionSet {
        let limit = LIMIT.load(Ordering::Relaxed);
        let limited = Self::ALL.get(usize::from(limit).wrapping_sub(1)).copied();
        let best = Self::available().pop().unwrap_or(InstructionSet::Baseline);
        limited.map_or(best, |limit| limit.min(best))
    }

    /// Uses no set beyond `set` from now on, in the whole process; `None` lifts the limit.
    pub fn limit(set: Option<InstructionSet>) {
        let place = set.and_then(|set| Self::ALL.iter().position(|&other| other == set));
        LIMIT.store(place.map_or(0, |place| place as u8 + 1), Ordering::Relaxed);
    }

    /// The proof that this machine has the set.
    pub(crate) fn level(self) -> Option<Level> {
        let best = Level::new();
        match self {
            InstructionSet::Baseline => Some(baseline(best)),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            InstructionSet::Avx2 => best.as_avx2().map(Level::Avx2),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            InstructionSet::Avx512 => best.as_avx512().map(Level::Avx512),
            #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
            InstructionSet::Avx2 | InstructionSet::Avx512 => None,
        }
    }
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn baseline(best: Level) -> Level {
    best.as_sse2().map_or(best, Level::Sse2)
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn baseline(best: Level) -> Level {
    best
}

/// Runs `$work` with `$simd` bound to the token of a level. Only the sets of [`InstructionSet`] are compiled in. The
/// sets between them gain little, and each would lengthen every user's build as much.
macro_rules! dispatch {
    ($level:expr, $simd:ident => $work:expr) => {{
        #[cfg(target_arch = "x86_64")]
        {
            let level: fearless_simd::Level = $level;
            if let Some($simd) = level.as_avx512() {
                fearless_simd::Simd::vectorize($simd, #[inline(always)] || $work)
            } else if let Some($simd) = level.as_avx2() {
                fearless_simd::Simd::vectorize($simd, #[inline(always)] || $work)
            } else if let Some($simd) = level.as_sse2() {
                fearless_simd::Simd::vectorize($simd, #[inline(always)] || $work)
            } else {
                unreachable!("every x86-64 has SSE2")
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            fearless_simd::dispatch!($level, $simd => $work)
        }
    }};
}
pub(crate) use dispatch;

/// The level in use.
pub(crate) fn level() -> Level {
    if LIMIT.load(Ordering::Relaxed) == 0 {
        return Level::new();
    }
    InstructionSet::in_use().level().unwrap_or_else(Level::new)
}

impl core::fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(match self {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            InstructionSet::Baseline => "SSE2",
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Baseline => "NEON",
            #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
            InstructionSet::Baseline => "baseline",
            InstructionSet::Avx2 => "AVX2",
            InstructionSet::Avx512 => "AVX-512",
        })
    }
}
