//! The cut over scans that are true, with samples that mislead.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

/// Keys in a list, with any sample that a test wants.
struct Keys {
    keys: Vec<u64>,
    sample: Vec<u64>,
    passes: usize,
    histograms: usize,
    last: Option<Bracket>,
    gathered: Vec<u64>,
}

impl Keys {
    fn new(keys: &[u64], sample: Vec<u64>) -> Self {
        Keys { keys: keys.to_vec(), sample, passes: 0, histograms: 0, last: None, gathered: Vec::new() }
    }
}

impl KeyScan for Keys {
    fn sample(&mut self) -> Result<Vec<u64>, Error> {
        Ok(self.sample.clone())
    }

    fn pass(&mut self, bracket: Bracket, room: usize) -> Result<PassCounts, Error> {
        self.passes += 1;
        self.last = Some(bracket);
        let inside: Vec<u64> =
            self.keys.iter().copied().filter(|&key| key < bracket.sure && key >= bracket.inside).collect();
        let counts = PassCounts {
            sure: self.keys.iter().filter(|&&key| key >= bracket.sure).count(),
            inside: inside.len(),
            gathered: room > 0 && inside.len() <= room,
        };
        self.gathered = inside;
        Ok(counts)
    }

    fn cut_gathered(&mut self, wanted: usize) -> Option<Cut> {
        Some(cut_among(&mut self.gathered, wanted))
    }

    fn histogram(&mut self, low: u64, shift: u32, buckets: usize) -> Result<Vec<usize>, Error> {
        self.histograms += 1;
        let mut counts = vec![0; buckets];
        for key in &self.keys {
            if let Some(above) = key.checked_sub(low)
                && let Some(count) = counts.get_mut((above >> shift) as usize)
            {
                *count += 1;
            }
        }
        Ok(counts)
    }
}

/// Compares the cut with that of sorting, and bounds the number of passes.
fn check(keys: &[u64], sample: Vec<u64>, kept: usize, room: usize) -> Result<(), TestCaseError> {
    let mut sorted = keys.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let key = sorted[kept - 1];
    let above = sorted.iter().filter(|&&other| other > key).count();
    let tied = sorted.iter().filter(|&&other| other == key).count();
    let mut scan = Keys::new(keys, sample);
    let cut = find(&mut scan, kept, keys.len(), room).unwrap();
    prop_assert_eq!(cut, Cut { key, ties: kept - above, tied });
    let last = scan.last.unwrap();
    prop_assert!(last.inside <= key && key < last.sure, "the last pass {:?} does not enclose {:?}", last, cut);
    prop_assert!(scan.histograms <= 6, "{} histograms", scan.histograms);
    prop_assert!(scan.passes <= 3, "{} passes", scan.passes);
    Ok(())
}

/// Keys that spread, cluster, repeat, and sit at the ends of the range. A key is never the largest number: NaN is above
/// every key of a float.
fn keys() -> impl Strategy<Value = Vec<u64>> {
    let key = prop_oneof![
        3 => 0..u64::MAX,
        2 => (1u64 << 62)..(1 << 62) + 1000,
        2 => prop::sample::select(vec![0, 1, 5, 1 << 52, 1 << 63, u64::MAX - 1]),
        1 => 0..16u64,
    ];
    prop_oneof![
        proptest::collection::vec(key, 1..400),
        (0..u64::MAX, 1usize..300).prop_map(|(key, len)| vec![key; len]),
        // One key makes up nearly everything.
        (0..u64::MAX, proptest::collection::vec(0..u64::MAX, 1..20), 1usize..300).prop_map(|(key, mut rest, len)| {
            rest.resize(rest.len() + len, key);
            rest
        }),
        (0..u64::MAX - 1000, 1u64..500).prop_map(|(low, len)| (low..low + len).collect()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_honest_sample_finds_the_cut(keys in keys(), at: prop::sample::Index, room in 1usize..64, step in 1usize..8) {
        let sample = keys.iter().copied().step_by(step).collect();
        check(&keys, sample, at.index(keys.len()) + 1, room)?;
    }

    #[test]
    fn no_sample_can_mislead(
        keys in keys(),
        at: prop::sample::Index,
        room in 1usize..64,
        lie in proptest::collection::vec(0..=u64::MAX, 0..50),
        repeated in any::<Option<u64>>(),
    ) {
        let sample = match repeated {
            Some(key) => vec![key; lie.len()],
            None => lie,
        };
        check(&keys, sample, at.index(keys.len()) + 1, room)?;
    }

    #[test]
    fn a_sample_of_one_end_does_not_mislead(keys in keys(), at: prop::sample::Index, highest: bool) {
        let end = if highest { keys.iter().max() } else { keys.iter().min() };
        check(&keys, vec![*end.unwrap(); 100], at.index(keys.len()) + 1, 8)?;
    }
}

/// If all elements share a key, narrowing goes down to that one key and proves it by counting.
#[test]
fn narrowing_ends_at_a_single_key() {
    for key in [0, 1, 12345, 1 << 63, u64::MAX - 1] {
        let mut scan = Keys::new(&[key; 1000], Vec::new());
        assert_eq!(narrow(&mut scan, 10, 4).unwrap(), Cut { key, ties: 10, tied: 1000 });
        assert_eq!((scan.histograms, scan.passes), (6, 1));
        let mut scan = Keys::new(&[key; 1000], vec![key; 10]);
        assert_eq!(find(&mut scan, 10, 1000, 4).unwrap(), Cut { key, ties: 10, tied: 1000 });
    }
}

/// Values that change between two readings give an error, not a wrong answer or a loop.
#[test]
fn values_that_change_are_refused() {
    struct Fickle(u64);
    impl KeyScan for Fickle {
        fn sample(&mut self) -> Result<Vec<u64>, Error> {
            Ok(vec![7; 100])
        }
        fn pass(&mut self, _: Bracket, _: usize) -> Result<PassCounts, Error> {
            Ok(PassCounts::default())
        }
        fn cut_gathered(&mut self, _: usize) -> Option<Cut> {
            unreachable!("nothing was gathered")
        }
        fn histogram(&mut self, _: u64, _: u32, buckets: usize) -> Result<Vec<usize>, Error> {
            self.0 += 1;
            let mut counts = vec![0; buckets];
            counts[self.0 as usize % buckets] = 1000;
            Ok(counts)
        }
    }
    assert!(matches!(find(&mut Fickle(0), 10, 1000, 4), Err(Error { kind: ErrorKind::Source { .. }, .. })));
}
