//! N:M over the concatenation of all layers, as in the original's `str_global`.

use crate::error::{Error, ErrorKind};
use crate::kernel::group::{Group, GroupChoice};
use crate::key::{Keyed, RankBy};
use crate::mask::Mask;
use crate::n_m::NmPattern;
use crate::select::top::{dense, first_nan_of};
use crate::select::{Ranked, Selected};

/// Keeps `pattern` over all layers in the order of their names, each in logical order.
pub(crate) fn select(layers: &[Ranked<'_>], pattern: NmPattern, by: RankBy) -> Result<Vec<Selected>, Error> {
    let mut order: Vec<usize> = (0..layers.len()).collect();
    order.sort_unstable_by_key(|&i| layers[i].name.as_bytes());
    // Allocate only after checking the layouts.
    layers.iter().try_for_each(|layer| dense(layer.scores).map(|_| ()).map_err(|error| error.in_layer(layer.name)))?;
    let mut words: Vec<Vec<u64>> = layers.iter().map(|layer| vec![0; layer.scores.len().div_ceil(64)]).collect();
    let mut counts = vec![(0, 0); layers.len()];
    let mut open = OpenGroup::default();
    for &i in &order {
        let layer = layers[i];
        let mut nan = false;
        let mut index = 0;
        let visited = layer.scores.for_each_logical(|score| {
            if layer.alive.is_none_or(|alive| alive.is_kept(index)) {
                nan |= score.is_nan();
                open.group.push(score.key(by), open.places.len());
            }
            open.places.push((i, index));
            index += 1;
            if open.places.len() == pattern.m() {
                open.close(pattern.n(), &mut words, &mut counts);
            }
        });
        visited.map_err(|error| error.in_layer(layer.name))?;
        if nan && let Some(index) = first_nan_of(&layer) {
            return Err(ErrorKind::Nan { index }.in_layer(layer.name));
        }
    }
    open.close(pattern.n(), &mut words, &mut counts);
    Ok(layers
        .iter()
        .zip(words)
        .zip(counts)
        .map(|((layer, words), (ties, short_groups))| Selected {
            mask: Mask::from_own_words(layer.scores.shape(), layer.scores.len(), words),
            ties,
            short_groups,
        })
        .collect())
}

/// The group being filled.
#[derive(Default)]
struct OpenGroup {
    group: Group<u64>,
    /// The layer and logical index of each element, alive or not.
    places: Vec<(usize, usize)>,
}

impl OpenGroup {
    /// Keeps the best `n`; a group that straddles layers counts for the layer of its first element.
    fn close(&mut self, n: usize, words: &mut [Vec<u64>], counts: &mut [(usize, usize)]) {
        let Some(&(first, _)) = self.places.first() else { return };
        let short = self.group.len() < n.min(self.places.len());
        let GroupChoice { kept, tied } = self.group.keep(n);
        for &(_, place) in kept {
            let (layer, index) = self.places[place];
            words[layer][index / 64] |= 1 << (index % 64);
        }
        counts[first].0 += usize::from(tied);
        counts[first].1 += usize::from(short);
        self.group.clear();
        self.places.clear();
    }
}
