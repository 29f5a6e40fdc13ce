//! The images that a run learns from, and those it is tested on.

use serde::{Deserialize, Serialize};

use super::error::PaperError;
use crate::data::{Dataset, Split};

/// One in this many training images is set aside for choosing settings: the last 5,000 of the 60,000.
const HELD_OUT: usize = 12;

/// The part of the data that a run uses, and the identity of the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataUse {
    /// SHA-256 of the four files: training images and labels, test images and labels.
    pub(super) sha256: [String; 4],
    /// The number of training images to learn from: the first ones.
    pub(super) learnt: usize,
    /// The source of the test images.
    pub(super) tested: TestImages,
}

/// The source of the images that a network is tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TestImages {
    /// The test set.
    TestSet,
    /// The training images that are held out.
    HeldOut,
}

impl TestImages {
    /// The name in files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TestSet => "test_set",
            Self::HeldOut => "held_out",
        }
    }
}

impl DataUse {
    /// Divides `data` for use. With `validate`, the test set is put away.
    pub(super) fn of(data: Dataset, validate: bool) -> Result<(Dataset, Self), PaperError> {
        let sha256 = data.files.each_ref().map(|file| file.sha256.to_string());
        if !validate {
            let learnt = data.train.len();
            return Ok((data, Self { sha256, learnt, tested: TestImages::TestSet }));
        }
        let learnt = data.train.len() - data.train.len() / HELD_OUT;
        let (images, labels) = (data.train.images(), data.train.labels());
        let pixels = images.len() / labels.len();
        let test = Split::new(images[learnt * pixels..].to_vec(), labels[learnt..].to_vec())?;
        let train = data.train.head(learnt);
        Ok((Dataset { train, test, ..data }, Self { sha256, learnt, tested: TestImages::HeldOut }))
    }

    #[cfg(test)]
    pub(super) fn made() -> Self {
        Self { sha256: [0; 4].map(|_| "0".repeat(64)), learnt: 60_000, tested: TestImages::TestSet }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::data::DataSource;

    #[test]
    fn validation_never_sees_the_test_set() {
        let data = DataSource::Sample.load().unwrap();
        let (whole, held_out) = (data.clone(), 10_000 / 12);
        let (split, used) = DataUse::of(data, true).unwrap();
        assert_eq!((split.train.len(), split.test.len()), (10_000 - held_out, held_out));
        assert_eq!((used.learnt, used.tested), (10_000 - held_out, TestImages::HeldOut));
        assert_eq!(split.test.image(0), whole.train.image(10_000 - held_out));
        assert_eq!(split.test.labels(), &whole.train.labels()[10_000 - held_out..]);
        let (same, used) = DataUse::of(whole.clone(), false).unwrap();
        assert_eq!((same, used.tested), (whole, TestImages::TestSet));
    }
}
