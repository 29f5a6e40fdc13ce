//! Errors of data. Each names the file, the value found, the value expected, and a remedy.

use std::io;
use std::path::PathBuf;

use super::idx::{IdxKind, MAX_ITEMS};
use super::{CLASSES, SIDE, Sha256};

/// An error of reading or storing data.
///
/// `file` is the path as the user would type it, or the bundled file's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The system refused to open or read the file.
    #[error("{file}: cannot be read: {source}; check the path and its permissions")]
    Read {
        /// The file.
        file: String,
        /// The system's error.
        source: io::Error,
    },
    /// The path is a folder, a pipe or a device.
    #[error("{file}: is not a regular file; put the IDX file itself there, gzipped or not")]
    NotAFile {
        /// The path.
        file: String,
    },
    /// The gzip stream stops before its end mark.
    #[error(
        "{file}: the gzip data is cut: it ends after {found} uncompressed bytes without its end mark; \
         copy or download the file again"
    )]
    GzipCut {
        /// The file.
        file: String,
        /// The number of bytes before the cut.
        found: u64,
    },
    /// The gzip stream breaks its own format or fails its checksum.
    #[error(
        "{file}: the gzip data is corrupt after {found} uncompressed bytes ({reason}); \
         copy or download the file again"
    )]
    GzipCorrupt {
        /// The file.
        file: String,
        /// The number of bytes before the fault.
        found: u64,
        /// The decoder's words.
        reason: String,
    },
    /// Something else follows the gzip streams.
    #[error(
        "{file}: bytes that are not gzip follow the end of its gzip data, which has {found} uncompressed bytes; \
         copy or download the file again, or cut them off"
    )]
    GzipTrailing {
        /// The file.
        file: String,
        /// The number of bytes of the gzip data.
        found: u64,
    },
    /// The first four bytes are not those of the kind of IDX file wanted.
    #[error(
        "{file}: the magic number is {found:#010x}, but IDX {expected} start with {:#010x}; {}",
        expected.magic(), magic_advice(*found, *expected)
    )]
    Magic {
        /// The file.
        file: String,
        /// The first four bytes, big-endian.
        found: u32,
        /// The kind of file expected.
        expected: IdxKind,
    },
    /// The file ends before its header, or before the last item that its header announces.
    #[error(
        "{file}: is truncated: {found} bytes (uncompressed) where {expected} were expected; \
         copy or download the file again"
    )]
    Truncated {
        /// The file.
        file: String,
        /// Uncompressed bytes in the file.
        found: u64,
        /// Uncompressed bytes that the header announces, or the header's own size.
        expected: u64,
    },
    /// The file goes on after the last item that its header announces.
    #[error(
        "{file}: goes on past the {expected} bytes (uncompressed) that its header announces; \
         the header or the file is damaged: copy or download the file again"
    )]
    Trailing {
        /// The file.
        file: String,
        /// Uncompressed bytes that the header announces.
        expected: u64,
    },
    /// The product of the sizes in the header does not fit in 64 bits.
    #[error(
        "{file}: the header announces {count} images of {rows}x{columns}, more bytes than 64 bits can count; \
         the header is damaged: copy or download the file again"
    )]
    SizeOverflow {
        /// The file.
        file: String,
        /// Images announced.
        count: u32,
        /// Rows announced.
        rows: u32,
        /// Columns announced.
        columns: u32,
    },
    /// The images are not 28x28.
    #[error("{file}: the images are {rows}x{columns}, but the models take {SIDE}x{SIDE}; give MNIST-sized images")]
    Shape {
        /// The file.
        file: String,
        /// Rows announced.
        rows: u32,
        /// Columns announced.
        columns: u32,
    },
    /// The header announces more items than the reader accepts.
    #[error("{file}: the header announces {count} items, and at most {MAX_ITEMS} are read; split the set")]
    TooMany {
        /// The file.
        file: String,
        /// Items announced.
        count: u32,
    },
    /// The file is well formed but holds no items.
    #[error("{file}: holds no items; at least one is needed to train or test")]
    Empty {
        /// The file.
        file: String,
    },
    /// A label is past 9.
    #[error(
        "{file}: label {index} is {found}, but labels run from 0 to {}; \
         the file is damaged, or not a set of ten classes", CLASSES - 1
    )]
    Label {
        /// The file.
        file: String,
        /// Position of the first such label, from 0.
        index: usize,
        /// The label.
        found: u8,
    },
    /// Images and labels do not belong together.
    #[error("{images_file} holds {images} images but {labels_file} holds {labels} labels; take both from the same set")]
    CountsDisagree {
        /// The file of images.
        images_file: String,
        /// The number of images in it.
        images: usize,
        /// The file of labels.
        labels_file: String,
        /// The number of labels in it.
        labels: usize,
    },
    /// A slice of pixels is not a whole number of images.
    #[error("{pixels} pixels are not a whole number of {SIDE}x{SIDE} images; pass 784 pixels an image")]
    PartImage {
        /// Pixels given.
        pixels: usize,
    },
    /// The data folder does not exist, or is not a folder.
    #[error(
        "`{}` is not a folder that can be opened; `--data` takes `sample`, `full`, or a folder of IDX files",
        folder.display()
    )]
    NoFolder {
        /// The path given.
        folder: PathBuf,
    },
    /// One of the four files is not in the folder under any name it may have.
    #[error(
        "{}: has no `{name}`; put it there as `{name}`, `{dotted}`, or either with `.gz`",
        folder.display()
    )]
    MissingFile {
        /// The folder.
        folder: PathBuf,
        /// The usual name.
        name: &'static str,
        /// The other spelling.
        dotted: &'static str,
    },
    /// The full set has not been fetched.
    #[error(
        "the full MNIST set is not in {} (missing: {}); run `cargo xtask mnist` to fetch it, \
         or use `--data sample`",
        folder.display(), missing.join(", ")
    )]
    FullAbsent {
        /// The folder of the full set.
        folder: PathBuf,
        /// The usual names of the missing files.
        missing: Vec<&'static str>,
    },
    /// A file that must be MNIST's own is another file.
    #[error(
        "{file}: the SHA-256 of its uncompressed bytes is {found}, but MNIST's is {expected}; \
         run `cargo xtask mnist` to fetch it again"
    )]
    Checksum {
        /// The file, or its source.
        file: String,
        /// The hash found.
        found: Sha256,
        /// MNIST's hash.
        expected: Sha256,
    },
    /// The system refused to store a file. No part of that file is left behind.
    #[error("{}: cannot be written: {source}; check that the folder is writable and the disk has room", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// The most likely cause of a wrong magic number.
fn magic_advice(found: u32, expected: IdxKind) -> &'static str {
    match IdxKind::from_magic(found) {
        Some(kind) if kind != expected => "images and labels seem to be swapped: exchange the two files",
        _ => match IdxKind::from_magic(found.swap_bytes()) {
            Some(_) => "its bytes are in reverse order: write it big-endian",
            None => "this is not such a file: copy or download it again",
        },
    }
}
