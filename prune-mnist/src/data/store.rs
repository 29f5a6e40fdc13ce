//! Stores the full set: only files that verify, and never half a file.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::idx::UnpackedBytes;
use super::{DataError, MnistFile, Sha256};
use crate::files::{WriteError, write_whole};

/// The uncompressed bytes of one file of the full set, known to have MNIST's SHA-256.
///
/// [`save`] takes nothing else, so a file that does not verify cannot be stored.
#[derive(Clone)]
pub struct VerifiedFile {
    file: MnistFile,
    bytes: Vec<u8>,
}

impl VerifiedFile {
    /// Reads gzipped or plain bytes and checks them; `from` names them in errors.
    ///
    /// Reads at most one byte past the size that the file must have.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`], [`DataError::GzipCut`], [`DataError::GzipCorrupt`],
    /// [`DataError::Truncated`], [`DataError::Trailing`] or [`DataError::Checksum`].
    pub fn read(file: MnistFile, input: impl Read, from: &str) -> Result<Self, DataError> {
        let expected = file.byte_len();
        let mut unpacked = UnpackedBytes::new(input, from)?;
        let mut bytes = Vec::new();
        unpacked.read_up_to(expected as usize + 1, &mut bytes)?;
        let found = bytes.len() as u64;
        if found < expected {
            return Err(DataError::Truncated { file: from.to_owned(), found, expected });
        }
        if found > expected {
            return Err(DataError::Trailing { file: from.to_owned(), expected });
        }
        let found = Sha256::of(&bytes);
        if found != file.sha256() {
            return Err(DataError::Checksum { file: from.to_owned(), found, expected: file.sha256() });
        }
        Ok(Self { file, bytes })
    }

    /// The file among the four.
    pub fn file(&self) -> MnistFile {
        self.file
    }
}

/// Stores `files` in `folder`, uncompressed under their usual names, and returns the paths.
///
/// All files are written and synced under temporary names first and renamed only then. A failure leaves each place as
/// it was: no file, or the whole old one.
///
/// # Errors
///
/// [`DataError::Write`].
pub fn save(folder: &Path, files: &[VerifiedFile]) -> Result<Vec<PathBuf>, DataError> {
    fs::create_dir_all(folder).map_err(|source| DataError::Write { path: folder.to_owned(), source })?;
    let whole: Vec<(&str, &[u8])> =
        files.iter().map(|VerifiedFile { file, bytes }| (file.name(), &bytes[..])).collect();
    write_whole(folder, &whole).map_err(|WriteError { path, source }| DataError::Write { path, source })?;
    Ok(whole.iter().map(|(name, _)| folder.join(name)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::files::tests::names;

    fn made(file: MnistFile, bytes: &[u8]) -> VerifiedFile {
        VerifiedFile { file, bytes: bytes.to_vec() }
    }

    #[test]
    fn saved_files_replace_old_ones_and_leave_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("new").join("mnist");
        let files = [made(MnistFile::TestLabels, b"labels"), made(MnistFile::TestImages, b"images")];
        save(&folder, &files).unwrap();
        let paths = save(&folder, &[made(MnistFile::TestLabels, b"again")]).unwrap();
        assert_eq!(paths, [folder.join("t10k-labels-idx1-ubyte")]);
        assert_eq!(names(&folder), ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]);
        assert_eq!(fs::read(&paths[0]).unwrap(), b"again");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named_and_nothing_half_written_stays() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("occupied"), b"").unwrap();
        let error = save(&root.path().join("occupied"), &[]).unwrap_err().to_string();
        assert!(error.contains("occupied: cannot be written: "), "{error}");

        // A rename cannot replace a folder that is not empty.
        let taken = root.path().join("train-images-idx3-ubyte");
        fs::create_dir(&taken).unwrap();
        fs::write(taken.join("inside"), b"").unwrap();
        let files = [made(MnistFile::TrainImages, b"images"), made(MnistFile::TestLabels, b"labels")];
        let error = save(root.path(), &files).unwrap_err().to_string();
        assert!(error.contains("train-images-idx3-ubyte: cannot be written: "), "{error}");
        assert_eq!(names(root.path()), ["occupied", "train-images-idx3-ubyte"]);
    }

    #[test]
    fn what_is_not_mnist_is_refused() {
        let read = |bytes: &[u8]| VerifiedFile::read(MnistFile::TestLabels, bytes, "a source").map(|_| ()).unwrap_err();
        assert!(matches!(read(b"<html>"), DataError::Truncated { found: 6, expected: 10_008, .. }));
        assert!(matches!(read(&[0; 10_009]), DataError::Trailing { expected: 10_008, .. }));
        assert!(matches!(read(&[0; 10_008]), DataError::Checksum { .. }));
    }
}
