//! The choice of the classes that stay: a count for each family, and the highest scores.

use prune_core::Density;

use crate::classes::{ClassId, Classes, Family};
use crate::removal::Removal;

/// The set that a density is a fraction of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// The classes of each family.
    #[default]
    ChannelUnifiedLocal,
    /// All classes together, in one ranking.
    ChannelGlobal,
}

/// A choice of the classes that stay: a method, a density, and the multiple that counts are rounded to.
///
/// Under [`Method::ChannelUnifiedLocal`], a family of n classes keeps rule 1's count, [`Density::kept_of`]. Under
/// [`Method::ChannelGlobal`], rule 1's count of all classes is kept. The highest scores stay. Of equal scores, the
/// class with the lower first member stays, by tensor name, axis and index. Then each family's count becomes the
/// nearest multiple of [`Choice::multiple`]. Halfway counts go up, and the result is at least `min(n, multiple)` and at
/// most n.
///
/// # Examples
///
/// ```
/// use prune_core::Density;
/// use prune_graph::Choice;
///
/// let choice = Choice::local(Density::new(0.3)?).with_multiple(4);
/// assert_eq!(choice.rounded(6, 20), 8); // 6 lies halfway between 4 and 8
/// assert_eq!(choice.rounded(5, 20), 4);
/// assert_eq!(choice.rounded(1, 3), 3);
/// # Ok::<(), prune_core::DensityError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// The set that the density is a fraction of.
    pub method: Method,
    /// The fraction kept.
    pub density: Density,
    /// No family keeps less than this fraction of its classes.
    pub min_density: Option<Density>,
    /// Counts are rounded to multiples of this. 0 counts as 1.
    pub multiple: usize,
}

impl Choice {
    /// A choice of rule 1's count in each family.
    pub fn local(density: Density) -> Self {
        Choice { method: Method::ChannelUnifiedLocal, density, min_density: None, multiple: 1 }
    }

    /// A choice of rule 1's count of all classes together.
    pub fn global(density: Density) -> Self {
        Choice { method: Method::ChannelGlobal, ..Self::local(density) }
    }

    /// Rounds counts to a multiple.
    pub fn with_multiple(self, multiple: usize) -> Self {
        Choice { multiple, ..self }
    }

    /// Sets the least density of every family.
    pub fn with_min_density(self, min_density: Density) -> Self {
        Choice { min_density: Some(min_density), ..self }
    }

    /// The count for a family of `n` classes, after rounding.
    pub fn rounded(&self, count: usize, n: usize) -> usize {
        let multiple = self.multiple.max(1);
        let below = count - count % multiple;
        let up = count - below >= multiple - multiple / 2;
        let nearest = if up { below.saturating_add(multiple) } else { below };
        nearest.max(multiple).min(n)
    }

    /// The classes that go: the lowest scores of each family. `scores` holds a number for each class; see
    /// [`Classes::scores`].
    pub fn choose(&self, classes: &Classes, scores: &[f64]) -> Removal {
        self.choose_where(classes, scores, |_| true)
    }

    /// As [`Choice::choose`], but only families for which `selected` is true lose classes.
    pub fn choose_where(&self, classes: &Classes, scores: &[f64], selected: impl Fn(&Family) -> bool) -> Removal {
        let ranked = RankedFamilies::new(classes, scores, selected);
        ranked.lowest_gone(&self.counts(&ranked))
    }

    /// The number of classes that each selected family keeps.
    pub(crate) fn counts(&self, ranked: &RankedFamilies) -> Vec<usize> {
        let sizes = || ranked.families.iter().map(Vec::len);
        let least = |n: usize| self.min_density.map_or(0, |least| least.kept_of(n));
        let counts: Vec<usize> = match self.method {
            Method::ChannelUnifiedLocal => sizes().map(|n| self.density.kept_of(n).max(least(n))).collect(),
            Method::ChannelGlobal => {
                let mut counts: Vec<usize> = sizes().map(least).collect();
                let total: usize = sizes().sum();
                let spare = self.density.kept_of(total).saturating_sub(counts.iter().sum());
                let mut rest: Vec<(ClassId, usize)> = ranked
                    .families
                    .iter()
                    .enumerate()
                    .flat_map(|(at, family)| family.iter().skip(counts[at]).map(move |&class| (class, at)))
                    .collect();
                rest.sort_by(|a, b| ranked.order(a.0, b.0));
                rest.into_iter().take(spare).for_each(|(_, at)| counts[at] += 1);
                counts
            }
        };
        counts.into_iter().zip(sizes()).map(|(count, n)| self.rounded(count, n)).collect()
    }
}

/// The selected families. Each lists its classes from the highest score to the lowest.
pub(crate) struct RankedFamilies<'a> {
    classes: &'a Classes,
    scores: &'a [f64],
    pub(crate) families: Vec<Vec<ClassId>>,
}

impl<'a> RankedFamilies<'a> {
    pub(crate) fn new(classes: &'a Classes, scores: &'a [f64], selected: impl Fn(&Family) -> bool) -> Self {
        let mut ranked = RankedFamilies { classes, scores, families: Vec::new() };
        for family in classes.families().iter().filter(|family| selected(family)) {
            let mut order = family.classes().to_vec();
            order.sort_by(|&a, &b| ranked.order(a, b));
            ranked.families.push(order);
        }
        ranked
    }

    fn order(&self, a: ClassId, b: ClassId) -> std::cmp::Ordering {
        let score = |class: ClassId| self.scores.get(class.index()).map_or(0.0, |score| score + 0.0);
        score(b).total_cmp(&score(a)).then(a.cmp(&b))
    }

    /// Keeps the first classes of each family, as many as `counts` says, and removes the rest.
    pub(crate) fn lowest_gone(&self, counts: &[usize]) -> Removal {
        let mut removal = Removal::none(self.classes);
        for (family, &count) in self.families.iter().zip(counts) {
            family.iter().skip(count).for_each(|&class| removal.close(class));
        }
        removal
    }
}
