//! The data that the user asked for (`--data`), and the origin of the loaded data.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{DataError, Dataset, folder, sample};

/// The value of `--data`: `sample`, `full`, or a folder of IDX files.
///
/// # Examples
///
/// ```
/// use prune_mnist::data::DataSource;
/// assert_eq!("sample".parse(), Ok(DataSource::Sample));
/// // A folder that happens to have such a name is written as a path, and shown so.
/// let folder = DataSource::Folder("sample".into());
/// assert_eq!(folder.to_string(), "./sample");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum DataSource {
    /// The bundled sample: 10,000 training and 2,000 test images, no file needed.
    #[default]
    Sample,
    /// The full set, as `cargo xtask mnist` stores it.
    Full,
    /// A folder holding the four IDX files, gzipped or not.
    Folder(PathBuf),
}

impl DataSource {
    /// Reads the data and checks all of it.
    ///
    /// # Errors
    ///
    /// [`DataError::FullAbsent`] or [`DataError::Checksum`] for the full set, [`DataError::NoFolder`] or
    /// [`DataError::MissingFile`] for a folder, [`DataError::CountsDisagree`] if images and labels do not match, and
    /// for each file the errors of [`idx::read_file`](super::idx::read_file).
    pub fn load(&self) -> Result<Dataset, DataError> {
        match self {
            Self::Sample => sample::load(),
            Self::Full => folder::load_full(&folder::full_folder()),
            Self::Folder(path) => folder::load(path),
        }
    }
}

/// `--data` was given an empty text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data source is empty: write `sample`, `full`, or a folder of IDX files")]
pub struct EmptyDataSource;

impl FromStr for DataSource {
    type Err = EmptyDataSource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err(EmptyDataSource),
            "sample" => Ok(Self::Sample),
            "full" => Ok(Self::Full),
            folder => Ok(Self::Folder(folder.into())),
        }
    }
}

impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sample => f.write_str("sample"),
            Self::Full => f.write_str("full"),
            Self::Folder(path) if ["sample", "full", ""].iter().any(|word| path == Path::new(word)) => {
                write!(f, "./{}", path.display())
            }
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

/// The origin of a [`Dataset`]. `Display` shows the start of a sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The sample bundled in the program.
    Sample {
        /// The seed by which it was drawn.
        seed: u64,
    },
    /// The full set, every file verified by its SHA-256.
    Full {
        /// The folder of the files.
        folder: PathBuf,
    },
    /// A folder that the user named.
    Folder {
        /// The folder.
        folder: PathBuf,
        /// True if its four files are, by SHA-256, the full MNIST set.
        is_full_mnist: bool,
    },
    /// Made by the program itself, as in tests.
    Made,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sample { seed } => {
                write!(f, "the bundled sample, drawn from the real MNIST by seed {seed}")
            }
            Self::Full { folder } => write!(f, "the full MNIST set in {} (verified)", folder.display()),
            Self::Folder { folder, is_full_mnist: true } => {
                write!(f, "the full MNIST set in {} (verified)", folder.display())
            }
            Self::Folder { folder, is_full_mnist: false } => {
                write!(f, "IDX files in {} (not the full MNIST set)", folder.display())
            }
            Self::Made => f.write_str("data made by the program"),
        }
    }
}
