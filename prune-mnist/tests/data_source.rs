//! `--data`: its words, and folders with files under every name or with one defect.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use prune_mnist::data::{DataError, DataSource, FileState, MnistFile, Origin, Sha256, Split, full_folder, idx};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A set of three training and two test images, each pixel the image's label.
fn contents(file: MnistFile) -> Vec<u8> {
    let labels: &[u8] = match file {
        MnistFile::TrainImages | MnistFile::TrainLabels => &[3, 1, 4],
        MnistFile::TestImages | MnistFile::TestLabels => &[5, 9],
    };
    match file.kind() {
        idx::IdxKind::Labels => idx::write_labels(labels),
        idx::IdxKind::Images => idx::write_images(&labels.iter().flat_map(|&label| [label; 784]).collect::<Vec<_>>()),
    }
}

fn write_set(folder: &Path) {
    for file in MnistFile::ALL {
        fs::write(folder.join(file.name()), contents(file)).unwrap();
    }
}

fn load(folder: &Path) -> Result<prune_mnist::data::Dataset, DataError> {
    DataSource::Folder(folder.to_owned()).load()
}

// Words

#[test]
fn words_are_read_and_shown() {
    for text in ["sample", "full", "some/where", "./sample"] {
        assert_eq!(text.parse::<DataSource>().unwrap().to_string(), text);
    }
    assert_eq!("sample".parse(), Ok(DataSource::Sample));
    assert_eq!("full".parse(), Ok(DataSource::Full));
    assert_eq!(
        "".parse::<DataSource>().unwrap_err().to_string(),
        "the data source is empty: write `sample`, `full`, or a folder of IDX files"
    );
    assert_eq!(DataSource::default(), DataSource::Sample);
}

// Folders

#[test]
fn every_spelling_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("train-images-idx3-ubyte"), contents(MnistFile::TrainImages)).unwrap();
    fs::write(at("train-labels-idx1-ubyte.gz"), gzip(&contents(MnistFile::TrainLabels))).unwrap();
    fs::write(at("t10k-images.idx3-ubyte"), contents(MnistFile::TestImages)).unwrap();
    // Its name ends in `.gz`, but a browser has unpacked it.
    fs::write(at("t10k-labels.idx1-ubyte.gz"), contents(MnistFile::TestLabels)).unwrap();

    let data = load(folder.path()).unwrap();
    assert_eq!(data.train.labels(), [3, 1, 4]);
    assert_eq!(data.train.image(2), [4; 784]);
    assert_eq!(data.test.labels(), [5, 9]);
    assert_eq!(data.test.images()[784..], [9; 784]);
    assert_eq!(data.origin, Origin::Folder { folder: folder.path().to_owned(), is_full_mnist: false });
    assert_eq!(data.files[1].name, "train-labels-idx1-ubyte.gz");
    for (file, record) in MnistFile::ALL.into_iter().zip(&data.files) {
        assert_eq!(record.sha256, Sha256::of(&contents(file)));
        assert_eq!(record.byte_len, contents(file).len() as u64);
    }
    let shown =
        format!("IDX files in {} (not the full MNIST set): 3 training and 2 test images", folder.path().display());
    assert_eq!(data.to_string(), shown);
}

#[test]
fn a_folder_with_a_files_name_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path());
    let name = folder.path().join("train-images-idx3-ubyte");
    fs::rename(&name, folder.path().join("train-images.idx3-ubyte")).unwrap();
    fs::create_dir(&name).unwrap();
    assert_eq!(load(folder.path()).unwrap().train.len(), 3);
}

#[test]
fn a_folder_in_place_of_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path());
    let name = folder.path().join("train-images-idx3-ubyte");
    fs::remove_file(&name).unwrap();
    fs::create_dir(&name).unwrap();
    assert_eq!(
        load(folder.path()).unwrap_err().to_string(),
        format!("{}: is not a regular file; put the IDX file itself there, gzipped or not", name.display())
    );
}

#[test]
fn a_missing_folder_says_what_may_be_written() {
    assert_eq!(
        "smaple".parse::<DataSource>().unwrap().load().unwrap_err().to_string(),
        "`smaple` is not a folder that can be opened; `--data` takes `sample`, `full`, or a folder of IDX files"
    );
}

#[test]
fn a_missing_file_is_named_with_all_its_spellings() {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path());
    fs::remove_file(folder.path().join("t10k-labels-idx1-ubyte")).unwrap();
    assert_eq!(
        load(folder.path()).unwrap_err().to_string(),
        format!(
            "{}: has no `t10k-labels-idx1-ubyte`; put it there as `t10k-labels-idx1-ubyte`, \
             `t10k-labels.idx1-ubyte`, or either with `.gz`",
            folder.path().display()
        )
    );
}

#[test]
fn counts_that_disagree_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path());
    let at = |name: &str| folder.path().join(name);
    fs::write(at("t10k-labels-idx1-ubyte"), idx::write_labels(&[1, 2, 3])).unwrap();
    assert_eq!(
        load(folder.path()).unwrap_err().to_string(),
        format!(
            "{} holds 2 images but {} holds 3 labels; take both from the same set",
            at("t10k-images-idx3-ubyte").display(),
            at("t10k-labels-idx1-ubyte").display()
        )
    );
}

#[test]
fn a_damaged_file_is_named_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path());
    let path = folder.path().join("train-labels-idx1-ubyte");
    fs::write(&path, idx::write_labels(&[1, 77, 3])).unwrap();
    assert_eq!(
        load(folder.path()).unwrap_err().to_string(),
        format!(
            "{}: label 1 is 77, but labels run from 0 to 9; the file is damaged, or not a set of ten classes",
            path.display()
        )
    );
}

#[test]
fn states_of_files_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(MnistFile::TestLabels.state(folder.path()), FileState::Absent));
    write_set(folder.path());
    let state = MnistFile::TestLabels.state(folder.path());
    assert!(matches!(state, FileState::Damaged(DataError::Truncated { found: 10, expected: 10_008, .. })), "{state:?}");
}

// Splits

#[test]
fn a_split_keeps_its_promises() {
    let refused = |images: usize, labels: &[u8]| Split::new(vec![0; images], labels.to_vec()).unwrap_err();
    assert!(matches!(refused(783, &[1]), DataError::PartImage { pixels: 783 }));
    assert!(matches!(refused(784, &[1, 2]), DataError::CountsDisagree { images: 1, labels: 2, .. }));
    assert!(matches!(refused(0, &[]), DataError::Empty { .. }));
    assert!(matches!(refused(2 * 784, &[9, 10]), DataError::Label { index: 1, found: 10, .. }));
}

#[test]
fn the_head_of_a_split_is_its_start() {
    let images: Vec<u8> = [7; 784].into_iter().chain([8; 784]).collect();
    let split = Split::new(images, vec![7, 8]).unwrap();
    assert_eq!(split.head(1), Split::new(vec![7; 784], vec![7]).unwrap());
    assert_eq!(split.head(0).len(), 1);
    assert_eq!(split.head(9), split);
}

// The full set

#[test]
#[ignore = "needs the full set: cargo xtask mnist"]
fn the_full_set_loads() {
    let data = DataSource::Full.load().unwrap();
    assert_eq!((data.train.len(), data.test.len()), (60_000, 10_000));
    assert_eq!(data.origin, Origin::Full { folder: full_folder() });
    let as_folder = load(&full_folder()).unwrap();
    assert_eq!(as_folder.origin, Origin::Folder { folder: full_folder(), is_full_mnist: true });
    assert_eq!(as_folder.train, data.train);
}
