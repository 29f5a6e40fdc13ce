//! Images with their labels, as bytes, and their origin.

use std::fmt;

use super::{DataError, Origin, Sha256};
use crate::words::thousands;

/// The number of rows, and of columns, of an image.
pub const SIDE: usize = 28;
/// The number of pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;
/// The number of classes: the digits 0 to 9.
pub const CLASSES: usize = 10;

/// Images and their labels.
///
/// It always has at least one image, 784 bytes (28 rows of 28, 0 black to 255 white) for each label, and labels from
/// 0 to 9.
///
/// # Examples
///
/// ```
/// use prune_mnist::data::Split;
/// let split = Split::new(vec![0; 2 * 784], vec![3, 9])?;
/// assert_eq!(split.len(), 2);
/// assert_eq!(split.image(1).len(), 784);
/// # Ok::<(), prune_mnist::data::DataError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Split {
    images: Vec<u8>,
    labels: Vec<u8>,
}

impl Split {
    /// Joins `images` (784 bytes each, row by row) with their `labels`.
    ///
    /// # Errors
    ///
    /// [`DataError::PartImage`], [`DataError::CountsDisagree`], [`DataError::Empty`] or
    /// [`DataError::Label`], naming the arguments as `images` and `labels`.
    pub fn new(images: Vec<u8>, labels: Vec<u8>) -> Result<Self, DataError> {
        Self::from_files(images, "images", labels, "labels")
    }

    /// Does the same as [`new`](Self::new), with the files' names for errors.
    pub(crate) fn from_files(
        images: Vec<u8>,
        images_file: &str,
        labels: Vec<u8>,
        labels_file: &str,
    ) -> Result<Self, DataError> {
        if !images.len().is_multiple_of(PIXELS) {
            return Err(DataError::PartImage { pixels: images.len() });
        }
        if images.len() / PIXELS != labels.len() {
            return Err(DataError::CountsDisagree {
                images_file: images_file.to_owned(),
                images: images.len() / PIXELS,
                labels_file: labels_file.to_owned(),
                labels: labels.len(),
            });
        }
        if labels.is_empty() {
            return Err(DataError::Empty { file: labels_file.to_owned() });
        }
        if let Some(index) = labels.iter().position(|&label| usize::from(label) >= CLASSES) {
            return Err(DataError::Label { file: labels_file.to_owned(), index, found: labels[index] });
        }
        Ok(Self { images, labels })
    }

    /// The number of images: at least one.
    #[expect(clippy::len_without_is_empty, reason = "a split is never empty")]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// All pixels, 784 bytes an image.
    pub fn images(&self) -> &[u8] {
        &self.images
    }

    /// All labels, 0 to 9.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The pixels of one image.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`len`](Self::len).
    pub fn image(&self, index: usize) -> &[u8] {
        &self.images[index * PIXELS..][..PIXELS]
    }

    /// The first `len` images and labels; all of them if there are fewer, and one if `len` is 0.
    ///
    /// The bundled sample lies in the order in which it was drawn, so its first images are a fair draw themselves.
    #[must_use]
    pub fn head(&self, len: usize) -> Self {
        let len = len.clamp(1, self.len());
        Self { images: self.images[..len * PIXELS].to_vec(), labels: self.labels[..len].to_vec() }
    }
}

/// Shows the size, not thousands of bytes.
impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// One file that was read, for later records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// The name under which it was found, `.gz` included.
    pub name: String,
    /// The hash of its uncompressed bytes.
    pub sha256: Sha256,
    /// The size of its uncompressed bytes.
    pub byte_len: u64,
}

/// A set to train on and one to test on. `Display` shows one line: origin and sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The images to train on.
    pub train: Split,
    /// The images on which accuracy is measured.
    pub test: Split,
    /// The origin of both.
    pub origin: Origin,
    /// The files read: training images and labels, test images and labels.
    pub files: [FileRecord; 4],
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (train, test) = (thousands(self.train.len()), thousands(self.test.len()));
        write!(f, "{}: {train} training and {test} test images", self.origin)
    }
}
