//! The report of pruning activations.

use core::fmt;
use core::ops::AddAssign;

/// The effect of pruning activations, in one call or summed over many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ActivationReport {
    /// Activations seen.
    pub elements: usize,
    /// Activations that the rule asks to keep.
    pub asked: usize,
    /// Activations that the mask keeps: exactly as many as were asked for.
    pub kept: usize,
    /// Activations that were not zero before.
    pub non_zero_before: usize,
    /// Activations that are not zero after.
    pub non_zero_after: usize,
}

impl ActivationReport {
    /// True if pruning changed anything.
    pub fn had_effect(&self) -> bool {
        self.non_zero_after != self.non_zero_before
    }
}

impl AddAssign for ActivationReport {
    fn add_assign(&mut self, other: Self) {
        self.elements += other.elements;
        self.asked += other.asked;
        self.kept += other.kept;
        self.non_zero_before += other.non_zero_before;
        self.non_zero_after += other.non_zero_after;
    }
}

impl fmt::Display for ActivationReport {
    /// One line, such as `no effect: 73% were already zero`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |part: usize| 100.0 * part as f64 / self.elements.max(1) as f64;
        let already = share(self.elements - self.non_zero_before);
        if self.elements == 0 {
            f.write_str("no activations")
        } else if self.had_effect() {
            let (kept, before, after) = (share(self.kept), share(self.non_zero_before), share(self.non_zero_after));
            write!(f, "kept {kept:.0}%: non-zero activations went from {before:.0}% to {after:.0}%")
        } else {
            write!(f, "no effect: {already:.0}% were already zero")
        }
    }
}
