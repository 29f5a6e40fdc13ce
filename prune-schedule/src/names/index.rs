//! An index of the table of names: it finds the entries for a name without trying all.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::entry::NameEntry;
use super::pattern::Pattern;
use super::table;

/// The table of names. Its patterns are parsed, and its entries are filed by the last words of their patterns.
#[derive(Debug)]
pub(super) struct Index {
    entries: Vec<(NameEntry, Pattern)>,
    /// Entries by the last two words of their patterns; the second word is empty if the pattern leaves it open.
    by_words: HashMap<(&'static str, &'static str), Vec<usize>>,
    /// Entries whose last segment is not a literal word.
    open: Vec<usize>,
}

impl Index {
    /// The index of the table of names, made once.
    pub(super) fn of_table() -> &'static Index {
        static INDEX: OnceLock<Index> = OnceLock::new();
        INDEX.get_or_init(|| Index::new(table::entries()))
    }

    fn new(entries: impl Iterator<Item = &'static NameEntry>) -> Self {
        let entries: Vec<_> = entries.map(|entry| (*entry, Pattern::new(entry.pattern))).collect();
        let mut by_words: HashMap<_, Vec<usize>> = HashMap::new();
        let mut open = Vec::new();
        for (place, (entry, pattern)) in entries.iter().enumerate() {
            let Some(last) = pattern.last_words() else {
                open.push(place);
                continue;
            };
            let before = pattern.words_before().unwrap_or(vec![""]);
            // The words are parts of the table's own text, so they live as long as the table.
            let text: &'static str = entry.pattern;
            let lasting = |word: &str| text.find(word).map_or("", |at| &text[at..at + word.len()]);
            for last in &last {
                for before in &before {
                    by_words.entry((lasting(last), lasting(before))).or_default().push(place);
                }
            }
        }
        Index { entries, by_words, open }
    }

    /// The first entry, in the table's order, whose pattern matches the name and for which `holds` is true.
    pub(super) fn first(&self, segments: &[&str], holds: impl Fn(&NameEntry) -> bool) -> Option<&NameEntry> {
        let last = segments.last().copied()?;
        let before = segments.iter().rev().nth(1).copied().unwrap_or("");
        let filed = |words| self.by_words.get(&words).map_or(&[][..], Vec::as_slice);
        let lists = [filed((last, before)), if before.is_empty() { &[] } else { filed((last, "")) }, &self.open];
        let mut found: Option<usize> = None;
        for list in lists {
            // Places ascend within a list, so the first match is the best of the list.
            let before_found = list.iter().take_while(|&&place| found.is_none_or(|found| place < found));
            let better = before_found.copied().find(|&place| {
                let (entry, pattern) = &self.entries[place];
                pattern.matches(segments) && holds(entry)
            });
            found = better.or(found);
        }
        found.map(|place| &self.entries[place].0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Condition;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_entry_is_written_twice() {
        let mut seen = std::collections::HashSet::new();
        for entry in table::entries() {
            assert!(seen.insert(format!("{entry:?}")), "{entry:?}");
        }
    }

    proptest! {
        /// A search through all entries in order finds the same.
        #[test]
        fn finds_what_trying_all_finds(
            head in prop::collection::vec(prop::sample::select(vec!["layers", "0", "attn", "mlp", "encoder", "x"]), 0..4),
            entry in 0..table::entries().count(),
            choice in any::<usize>(),
        ) {
            // A name that an entry is likely to match: its own pattern with alternatives filled in.
            let text = table::entries().nth(entry).map_or("", |entry| entry.pattern);
            let tail = text.trim_start_matches("**.").replace(['*', '#'], "0");
            let tail = alternative(&tail, choice);
            let name = [head.join("."), tail].join(".");
            let segments: Vec<&str> = name.split('.').filter(|s| !s.is_empty()).collect();
            let index = Index::of_table();
            let holds = |entry: &NameEntry| entry.kinds.is_empty() && entry.when == Condition::Always;
            let naive = index.entries.iter().find(|(entry, pattern)| pattern.matches(&segments) && holds(entry));
            let found = index.first(&segments, holds);
            prop_assert_eq!(found.map(|e| format!("{e:?}")), naive.map(|(e, _)| format!("{e:?}")));
        }
    }

    /// The text with each pair of braces replaced by one of its alternatives.
    fn alternative(text: &str, choice: usize) -> String {
        match (text.find('{'), text.find('}')) {
            (Some(open), Some(close)) => {
                let words: Vec<&str> = text[open + 1..close].split(',').collect();
                let rest = alternative(&text[close + 1..], choice);
                format!("{}{}{rest}", &text[..open], words[choice % words.len()])
            }
            _ => text.to_owned(),
        }
    }
}
