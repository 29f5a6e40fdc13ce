//! MNIST: reading it, the sample inside the program, and fetching the full set.
//!
//! ```text
//! --data text -> DataSource -> Dataset { train: Split, test: Split, origin, files }
//!                                  ^ idx (bytes to numbers) over sample | data/mnist | any folder
//! ```
//!
//! All data from outside goes through [`idx`], which trusts no header, and every split goes through [`Split::new`].
//! So a [`Dataset`] always has 784 pixels for each label and labels from 0 to 9. [`Split`] states what the rest of
//! the crate may rely on.

mod dataset;
mod error;
#[cfg(feature = "fetch")]
pub mod fetch;
mod file;
mod folder;
pub mod idx;
pub mod sample;
mod sha256;
mod source;
mod store;

pub use dataset::{CLASSES, Dataset, FileRecord, PIXELS, SIDE, Split};
pub use error::DataError;
pub use file::MnistFile;
pub use folder::{FileState, full_folder};
pub use sha256::Sha256;
pub use source::{DataSource, EmptyDataSource, Origin};
pub use store::{VerifiedFile, save};
