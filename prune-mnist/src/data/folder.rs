//! Finds the four files in a folder under any of their names, and loads them.

use std::path::{Path, PathBuf};

use super::dataset::{Dataset, FileRecord, Split};
use super::idx::{self, Idx};
use super::{DataError, MnistFile, Origin, VerifiedFile};

/// The folder of the full set: `data/mnist` at the root of this workspace, which git ignores.
///
/// The path is fixed when the crate is built, so the program finds it from any working folder.
pub fn full_folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.parent().unwrap_or(root).join("data").join("mnist")
}

/// The state of one file of the full set in a folder.
#[derive(Debug)]
pub enum FileState {
    /// It exists and has MNIST's SHA-256.
    Verified(PathBuf),
    /// It exists and is not MNIST's file, or cannot be read.
    Damaged(DataError),
    /// It exists under none of its names.
    Absent,
}

impl MnistFile {
    /// Looks for this file in `folder`: the usual name, the dotted one, then both with `.gz`. The first regular file
    /// is taken. So a file stored by `cargo xtask mnist` (plain, usual name) wins, and a folder of the same name,
    /// which some archives contain, is passed over if another name is found.
    pub fn find(self, folder: &Path) -> Option<PathBuf> {
        let mut candidates: Vec<_> = ["", ".gz"]
            .iter()
            .flat_map(|end| [self.name(), self.dotted_name()].map(|name| folder.join(format!("{name}{end}"))))
            .filter(|path| path.exists())
            .collect();
        let regular = candidates.iter().position(|path| path.is_file()).unwrap_or(0);
        (!candidates.is_empty()).then(|| candidates.swap_remove(regular))
    }

    /// Reads this file in `folder` and compares its hash with the full set's.
    pub fn state(self, folder: &Path) -> FileState {
        let Some(path) = self.find(folder) else { return FileState::Absent };
        let checked = idx::open(&path).and_then(|file| VerifiedFile::read(self, file, &path.display().to_string()));
        match checked {
            Ok(_) => FileState::Verified(path),
            Err(error) => FileState::Damaged(error),
        }
    }

    fn load(self, folder: &Path) -> Result<(PathBuf, Idx), DataError> {
        let path = self.find(folder).ok_or_else(|| DataError::MissingFile {
            folder: folder.to_owned(),
            name: self.name(),
            dotted: self.dotted_name(),
        })?;
        let idx = idx::read_file(&path, self.kind())?;
        Ok((path, idx))
    }
}

/// Loads any folder.
pub(crate) fn load(folder: &Path) -> Result<Dataset, DataError> {
    if !folder.is_dir() {
        return Err(DataError::NoFolder { folder: folder.to_owned() });
    }
    let [train_images, train_labels, test_images, test_labels] = MnistFile::ALL.map(|file| file.load(folder));
    let read =
        [train_images?, train_labels?, test_images?, test_labels?].map(|(path, idx)| (path.display().to_string(), idx));
    let mut data = assemble(read, Origin::Made)?;
    let is_full_mnist = first_foreign(&data).is_none();
    data.origin = Origin::Folder { folder: folder.to_owned(), is_full_mnist };
    Ok(data)
}

/// Loads a folder that must hold the full set, and checks every hash.
pub(crate) fn load_full(folder: &Path) -> Result<Dataset, DataError> {
    let missing: Vec<_> =
        MnistFile::ALL.into_iter().filter(|file| file.find(folder).is_none()).map(MnistFile::name).collect();
    if !missing.is_empty() {
        return Err(DataError::FullAbsent { folder: folder.to_owned(), missing });
    }
    let mut data = load(folder)?;
    if let Some((file, record)) = first_foreign(&data) {
        return Err(DataError::Checksum {
            file: folder.join(&record.name).display().to_string(),
            found: record.sha256,
            expected: file.sha256(),
        });
    }
    data.origin = Origin::Full { folder: folder.to_owned() };
    Ok(data)
}

/// The first file that is not, by its hash, the full set's.
fn first_foreign(data: &Dataset) -> Option<(MnistFile, &FileRecord)> {
    MnistFile::ALL.into_iter().zip(&data.files).find(|(file, record)| file.sha256() != record.sha256)
}

/// Joins the four files, in the order of [`MnistFile::ALL`], each with its name for errors.
pub(crate) fn assemble(read: [(String, Idx); 4], origin: Origin) -> Result<Dataset, DataError> {
    let files = read.each_ref().map(|(name, idx)| FileRecord {
        name: Path::new(name).file_name().map_or_else(|| name.clone(), |base| base.to_string_lossy().into_owned()),
        sha256: idx.sha256,
        byte_len: idx.byte_len,
    });
    let [train_images, train_labels, test_images, test_labels] = read;
    let split = |(images_file, images): (String, Idx), (labels_file, labels): (String, Idx)| {
        Split::from_files(images.values, &images_file, labels.values, &labels_file)
    };
    Ok(Dataset { train: split(train_images, train_labels)?, test: split(test_images, test_labels)?, origin, files })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;

    use super::*;

    #[test]
    fn a_full_set_that_is_absent_names_the_command() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("train-images.idx3-ubyte.gz"), b"").unwrap();
        let error = load_full(root.path()).unwrap_err().to_string();
        let expected = format!(
            "the full MNIST set is not in {} (missing: train-labels-idx1-ubyte, t10k-images-idx3-ubyte, \
             t10k-labels-idx1-ubyte); run `cargo xtask mnist` to fetch it, or use `--data sample`",
            root.path().display()
        );
        assert_eq!(error, expected);
    }

    #[test]
    fn a_full_set_that_is_another_set_is_refused() {
        let root = tempfile::tempdir().unwrap();
        for file in MnistFile::ALL {
            let bytes = match file.kind() {
                idx::IdxKind::Images => idx::write_images(&[0; 784]),
                idx::IdxKind::Labels => idx::write_labels(&[5]),
            };
            fs::write(root.path().join(file.name()), bytes).unwrap();
        }
        let error = load_full(root.path()).unwrap_err();
        let DataError::Checksum { file, expected, .. } = &error else { panic!("{error}") };
        assert!(file.ends_with("train-images-idx3-ubyte"), "{file}");
        assert_eq!(*expected, MnistFile::TrainImages.sha256());
        assert!(error.to_string().ends_with("run `cargo xtask mnist` to fetch it again"), "{error}");
        // The same folder given as a folder keeps that origin.
        let data = load(root.path()).unwrap();
        assert_eq!(data.origin, Origin::Folder { folder: root.path().to_owned(), is_full_mnist: false });
    }

    #[test]
    fn the_full_folder_is_at_the_workspace_root() {
        let folder = full_folder();
        assert!(folder.ends_with("data/mnist"));
        assert!(folder.parent().unwrap().parent().unwrap().join("prune-mnist").is_dir());
    }
}
