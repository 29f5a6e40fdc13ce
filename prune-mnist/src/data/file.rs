//! The four files of MNIST: their names, sizes and hashes.

use std::fmt;

use super::Sha256;
use super::idx::IdxKind;

/// One of the four files of MNIST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MnistFile {
    /// 60,000 training images.
    TrainImages,
    /// 60,000 training labels.
    TrainLabels,
    /// 10,000 test images.
    TestImages,
    /// 10,000 test labels.
    TestLabels,
}

impl MnistFile {
    /// All four, in the order in which records list them.
    pub const ALL: [Self; 4] = [Self::TrainImages, Self::TrainLabels, Self::TestImages, Self::TestLabels];

    /// The usual name, without `.gz`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrainImages => "train-images-idx3-ubyte",
            Self::TrainLabels => "train-labels-idx1-ubyte",
            Self::TestImages => "t10k-images-idx3-ubyte",
            Self::TestLabels => "t10k-labels-idx1-ubyte",
        }
    }

    /// The other spelling in use, as some archives unpack it, without `.gz`.
    pub const fn dotted_name(self) -> &'static str {
        match self {
            Self::TrainImages => "train-images.idx3-ubyte",
            Self::TrainLabels => "train-labels.idx1-ubyte",
            Self::TestImages => "t10k-images.idx3-ubyte",
            Self::TestLabels => "t10k-labels.idx1-ubyte",
        }
    }

    /// The SHA-256 of the full set's file, uncompressed.
    pub const fn sha256(self) -> Sha256 {
        Sha256::from_hex(match self {
            Self::TrainImages => "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            Self::TrainLabels => "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            Self::TestImages => "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            Self::TestLabels => "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        })
    }

    /// The size of the full set's file in bytes, uncompressed.
    pub const fn byte_len(self) -> u64 {
        match self {
            Self::TrainImages => 47_040_016,
            Self::TrainLabels => 60_008,
            Self::TestImages => 7_840_016,
            Self::TestLabels => 10_008,
        }
    }

    /// The kind of the file's content.
    pub const fn kind(self) -> IdxKind {
        match self {
            Self::TrainImages | Self::TestImages => IdxKind::Images,
            Self::TrainLabels | Self::TestLabels => IdxKind::Labels,
        }
    }
}

impl fmt::Display for MnistFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
