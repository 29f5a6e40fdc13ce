//! The course of a density over a range of epochs or steps.

use prune_core::Density;

/// The course of a density over a range: `d(t) = end + (start - end) * (1 - x)^power`, where x runs from 0 at the first
/// event of the range to 1 at the last (Zhu and Gupta 2017, "To prune, or not to prune").
///
/// Masks are held from each event to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    /// The density at the range's first event.
    pub from: Density,
    /// The power, which sets how steep the course begins: 1 is linear, 3 is cubic.
    pub power: u32,
}

impl Ramp {
    pub(crate) const NAMES: [&str; 3] = ["linear", "cubic", "polynomial"];

    /// From dense, at an even pace.
    pub fn linear() -> Self {
        Ramp { from: Density::ONE, power: 1 }
    }

    /// From dense, fast at first and slow towards the end, when few weights are left to spare.
    pub fn cubic() -> Self {
        Ramp { from: Density::ONE, power: 3 }
    }

    /// The density `share` of the way to `end`.
    pub(crate) fn density(self, end: Density, share: f64) -> Density {
        if share >= 1.0 {
            return end;
        }
        let left = (1.0 - share).powi(i32::try_from(self.power).unwrap_or(i32::MAX));
        let density = end.get() + (self.from.get() - end.get()) * left;
        // Rounding may leave the range between the two by a tiny amount.
        let (low, high) = (end.get().min(self.from.get()), end.get().max(self.from.get()));
        Density::new(density.clamp(low, high)).unwrap_or(end)
    }

    pub(crate) fn name(self) -> &'static str {
        match self.power {
            1 => Self::NAMES[0],
            3 => Self::NAMES[1],
            _ => Self::NAMES[2],
        }
    }
}
