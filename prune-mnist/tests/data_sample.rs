//! The bundled sample agrees with its README, and can be drawn again.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use prune_mnist::data::sample::{self, SampleSet};
use prune_mnist::data::{DataSource, MnistFile, Origin, Sha256};

#[test]
fn bundled_files_have_the_recorded_hashes() {
    let data = DataSource::Sample.load().unwrap();
    assert_eq!(data.files.each_ref().map(|record| record.sha256), sample::SHA256);
    assert_eq!((data.train.len(), data.test.len()), (sample::TRAIN_LEN, sample::TEST_LEN));
    assert_eq!(data.origin, Origin::Sample { seed: sample::SEED });
    assert_eq!(
        data.to_string(),
        "the bundled sample, drawn from the real MNIST by seed 2: 10,000 training and 2,000 test images"
    );
}

#[test]
fn the_readme_states_the_same_hashes_and_seed() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join("sample").join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    for (file, hash) in MnistFile::ALL.into_iter().zip(sample::SHA256) {
        assert!(readme.contains(&format!("    {hash}  {file}\n")), "{file}");
    }
    assert!(readme.contains(&format!("    prune-mnist sample, seed {}, SET, I\n", sample::SEED)));
}

#[test]
fn a_draw_is_without_replacement_and_within_the_population() {
    for (len, population) in [(0, 5), (5, 5), (9, 5), (2_000, 10_000)] {
        let drawn = sample::draw(7, SampleSet::Test, population, len);
        let distinct: BTreeSet<_> = drawn.iter().collect();
        assert_eq!(drawn.len(), len.min(population));
        assert_eq!(distinct.len(), drawn.len());
        assert!(drawn.iter().all(|&index| index < population));
    }
}

/// The values come from a few lines of Python written from the README's words alone.
#[test]
fn the_draw_is_the_one_that_was_recorded() {
    let train = sample::draw(2, SampleSet::Train, 60_000, 10_000);
    assert_eq!(train[..5], [41_633, 35_047, 14_922, 26_130, 50_814]);
    assert_eq!(train[9_999], 57_176);
    let test = sample::draw(2, SampleSet::Test, 10_000, 2_000);
    assert_eq!(test[..5], [5_334, 3_855, 1_642, 8_282, 1_479]);
    assert_eq!(test[1_999], 3_948);
}

#[test]
fn every_digit_is_well_represented() {
    let data = DataSource::Sample.load().unwrap();
    for (split, least) in [(&data.train, 850), (&data.test, 150)] {
        for digit in 0..10 {
            let count = split.labels().iter().filter(|&&label| label == digit).count();
            assert!(count > least, "digit {digit}: {count}");
        }
    }
}

#[test]
#[ignore = "needs the full set: cargo xtask mnist"]
fn the_sample_can_be_drawn_again() {
    let full = DataSource::Full.load().unwrap();
    let files = sample::files(&full, sample::SEED, sample::TRAIN_LEN, sample::TEST_LEN);
    assert_eq!(files.map(|bytes| Sha256::of(&bytes)), sample::SHA256);
}
