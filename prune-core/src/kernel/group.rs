//! The best N elements of one group.

use core::cmp::Reverse;

/// The alive elements of a group, each a key and a place; the memory is reused from group to group.
#[derive(Debug, Clone)]
pub(crate) struct Group<K> {
    members: Vec<(Reverse<K>, usize)>,
}

/// The elements that a group keeps.
#[derive(Debug)]
pub(crate) struct GroupChoice<'g, K> {
    /// In no particular order.
    pub(crate) kept: &'g [(Reverse<K>, usize)],
    /// True if a pruned element has the same key as a kept one.
    pub(crate) tied: bool,
}

impl<K> Default for Group<K> {
    fn default() -> Self {
        Group { members: Vec::new() }
    }
}

impl<K: Copy + Ord> Group<K> {
    pub(crate) fn clear(&mut self) {
        self.members.clear();
    }

    /// Adds an alive element at a place that comes after all earlier ones.
    pub(crate) fn push(&mut self, key: K, place: usize) {
        self.members.push((Reverse(key), place));
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The `n` best, equal keys by place; all of them if there are fewer.
    pub(crate) fn keep(&mut self, n: usize) -> GroupChoice<'_, K> {
        if self.members.len() <= n {
            return GroupChoice { kept: &self.members, tied: false };
        }
        let (_, &mut (last, _), rest) = self.members.select_nth_unstable(n - 1);
        let tied = rest.iter().any(|&(key, _)| key == last);
        GroupChoice { kept: &self.members[..n], tied }
    }
}
