//! The bundled sample of the real MNIST: 10,000 training and 2,000 test images inside the program.
//!
//! The sample is drawn without replacement, from the training and the test set apart, and without a random number
//! generator. Every image of a set is ranked by the SHA-256 of `prune-mnist sample, seed S, SET, I` (`SET` is `train`
//! or `test`, `I` its index in the full set, both numbers in decimal), and the lowest hashes are taken, lowest first.
//! So the draw can be repeated in any language, at any time, and the first images of the sample are a fair draw
//! themselves. `mnist-sample` (in `src/bin`) drew it; `data/sample/README.md` states origin and licence.

use super::dataset::{Dataset, Split};
use super::{DataError, MnistFile, Origin, PIXELS, Sha256, folder, idx};

/// The seed by which the bundled sample was drawn.
pub const SEED: u64 = 2;
/// The number of training images in the bundled sample.
pub const TRAIN_LEN: usize = 10_000;
/// The number of test images in the bundled sample.
pub const TEST_LEN: usize = 2_000;

/// The SHA-256 of each bundled file, uncompressed, in the order of [`MnistFile::ALL`].
pub const SHA256: [Sha256; 4] = [
    Sha256::from_hex("1e7e69baa3b3e4f8d6a88c8133577ec4bb500b1150c916bf020c16b92c3d1e9d"),
    Sha256::from_hex("6838f6b18e50875b927ffee463765bcb35167236c8d6505558c462d7bdbaa981"),
    Sha256::from_hex("0d196e11ea9206e4bfb6090843e99373f1a39f0f0c51f683f38282b1666bee1d"),
    Sha256::from_hex("bc5628ce2512674b9c021a2cf58d39569bc544094f6708ade091baa3d616b604"),
];

macro_rules! bundled {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../data/sample/", $name)))
    };
}

/// Name and gzipped bytes of each bundled file, in the order of [`MnistFile::ALL`].
const BUNDLED: [(&str, &[u8]); 4] = [
    bundled!("train-images-idx3-ubyte.gz"),
    bundled!("train-labels-idx1-ubyte.gz"),
    bundled!("t10k-images-idx3-ubyte.gz"),
    bundled!("t10k-labels-idx1-ubyte.gz"),
];

/// Reads the bundled sample through the same checks as any other data.
pub(crate) fn load() -> Result<Dataset, DataError> {
    let read = |i: usize| {
        let (name, bytes) = BUNDLED[i];
        Ok((name.to_owned(), idx::read(bytes, name, MnistFile::ALL[i].kind())?))
    };
    folder::assemble([read(0)?, read(1)?, read(2)?, read(3)?], Origin::Sample { seed: SEED })
}

/// The set from which an index is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleSet {
    /// The 60,000 training images.
    Train,
    /// The 10,000 test images.
    Test,
}

/// Draws `len` of the indices `0..population` without replacement; all of them, shuffled, if there are fewer.
///
/// # Examples
///
/// ```
/// use prune_mnist::data::sample::{SampleSet, draw};
/// let first = draw(2, SampleSet::Train, 60_000, 100);
/// assert_eq!(first, draw(2, SampleSet::Train, 60_000, 10_000)[..100]);
/// assert_ne!(first, draw(3, SampleSet::Train, 60_000, 100));
/// ```
pub fn draw(seed: u64, part: SampleSet, population: usize, len: usize) -> Vec<usize> {
    let set = match part {
        SampleSet::Train => "train",
        SampleSet::Test => "test",
    };
    let rank = |index: usize| Sha256::of(format!("prune-mnist sample, seed {seed}, {set}, {index}").as_bytes());
    let mut ranked: Vec<_> = (0..population).map(|index| (rank(index), index)).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(len).map(|(_, index)| index).collect()
}

/// Draws a sample from the full set and returns its four plain IDX files, in the order of
/// [`MnistFile::ALL`].
pub fn files(full: &Dataset, seed: u64, train_len: usize, test_len: usize) -> [Vec<u8>; 4] {
    let pick = |split: &Split, part, len| {
        let indices = draw(seed, part, split.len(), len);
        let mut images = Vec::with_capacity(indices.len() * PIXELS);
        indices.iter().for_each(|&index| images.extend_from_slice(split.image(index)));
        let labels: Vec<_> = indices.iter().map(|&index| split.labels()[index]).collect();
        [idx::write_images(&images), idx::write_labels(&labels)]
    };
    let [train_images, train_labels] = pick(&full.train, SampleSet::Train, train_len);
    let [test_images, test_labels] = pick(&full.test, SampleSet::Test, test_len);
    [train_images, train_labels, test_images, test_labels]
}
