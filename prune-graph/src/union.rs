//! Sets of indices that must go together, with the first reason why a set may not go.

/// No reason: the set is free.
const FREE: u32 = 0;

/// Union-find over `u32` nodes. The root of a pinned set has the reason.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sets {
    /// The parent of a node; a root is its own parent.
    parent: Vec<u32>,
    /// At roots, the number of the reason plus one, or [`FREE`] if nothing pins the set.
    pin: Vec<u32>,
}

impl Sets {
    pub(crate) fn len(&self) -> usize {
        self.parent.len()
    }

    /// Adds `n` sets of one node each and returns the first node. The caller has checked that they fit.
    pub(crate) fn grow(&mut self, n: usize) -> u32 {
        let first = self.parent.len() as u32;
        self.parent.extend((0..n as u32).map(|i| first + i));
        self.pin.resize(self.parent.len(), FREE);
        first
    }

    /// The root of a node. Halves the path on the way, so that paths stay short.
    pub(crate) fn root(&mut self, mut node: u32) -> u32 {
        loop {
            let up = self.parent[node as usize];
            if up == node {
                return node;
            }
            let over = self.parent[up as usize];
            self.parent[node as usize] = over;
            node = over;
        }
    }

    /// Makes one set of two. The smaller root and the earlier reason remain, so the order of calls does not matter.
    pub(crate) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return;
        }
        let (low, high) = (a.min(b), a.max(b));
        self.parent[high as usize] = low;
        let (x, y) = (self.pin[low as usize], self.pin[high as usize]);
        self.pin[low as usize] = match (x, y) {
            (FREE, other) | (other, FREE) => other,
            _ => x.min(y),
        };
    }

    /// Marks the set of a node as one that stays, for the reason numbered `reason`. An earlier reason remains.
    pub(crate) fn pin(&mut self, node: u32, reason: u32) {
        let root = self.root(node) as usize;
        if self.pin[root] == FREE || self.pin[root] > reason + 1 {
            self.pin[root] = reason + 1;
        }
    }

    /// The number of the reason that pins the set of a node.
    pub(crate) fn pinned(&mut self, node: u32) -> Option<u32> {
        let root = self.root(node) as usize;
        self.pin[root].checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_reason_stands_whatever_the_order_of_joins() {
        for order in [[0, 1], [1, 0]] {
            let mut sets = Sets::default();
            sets.grow(4);
            sets.pin(0, 7);
            sets.pin(3, 2);
            for step in order {
                if step == 0 { sets.join(0, 1) } else { sets.join(3, 1) }
            }
            assert_eq!((0..4).map(|node| sets.pinned(node)).collect::<Vec<_>>(), [Some(2), Some(2), None, Some(2)]);
        }
    }

    #[test]
    fn a_long_chain_has_one_root() {
        let mut sets = Sets::default();
        sets.grow(100_000);
        for node in (1..100_000).rev() {
            sets.join(node, node - 1);
        }
        assert!((0..100_000).all(|node| sets.root(node) == 0));
    }
}
