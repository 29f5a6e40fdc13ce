//! IDX, the format of MNIST's files: a reader that trusts nothing, and a plain writer.
//!
//! A file of images is `00 00 08 03`, then count, rows and columns, then a byte a pixel, row by row;
//! a file of labels is `00 00 08 01`, then the count, then a byte a label. Numbers are big-endian
//! 32-bit. The reader takes gzip or plain bytes and tells them apart by their first two bytes, not by
//! the name, since browsers unpack `.gz` files and keep the name.
//!
//! A header is only a claim. Memory grows with the bytes that really arrive, at most one byte past the announced end
//! is read, and at most [`MAX_ITEMS`] items are accepted. So no header and no gzip bomb costs more than a large
//! honest file.

use std::fmt;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;
use sha2::Digest as _;

use super::{CLASSES, DataError, PIXELS, SIDE, Sha256};

/// The most images or labels that one file may hold: sixteen times MNIST, under 800 MB of pixels.
pub const MAX_ITEMS: u32 = 1_000_000;

/// The content of an IDX file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdxKind {
    /// Images of 28x28 bytes.
    Images,
    /// Labels of one byte, 0 to 9.
    Labels,
}

impl IdxKind {
    /// The first four bytes of such a file, as a big-endian number.
    pub const fn magic(self) -> u32 {
        match self {
            Self::Images => 0x0000_0803,
            Self::Labels => 0x0000_0801,
        }
    }

    /// The kind whose magic number is `magic`.
    pub const fn from_magic(magic: u32) -> Option<Self> {
        match magic {
            0x0000_0803 => Some(Self::Images),
            0x0000_0801 => Some(Self::Labels),
            _ => None,
        }
    }

    const fn header_len(self) -> usize {
        match self {
            Self::Images => 16,
            Self::Labels => 8,
        }
    }
}

impl fmt::Display for IdxKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Images => "images",
            Self::Labels => "labels",
        })
    }
}

/// A file that has passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// Pixels (784 an image, row by row) or labels, without the header. Never empty.
    pub values: Vec<u8>,
    /// The hash of the whole uncompressed file, header included.
    pub sha256: Sha256,
    /// The size of the whole uncompressed file in bytes.
    pub byte_len: u64,
}

/// Reads a file, gzipped or plain.
///
/// # Errors
///
/// [`DataError::NotAFile`] and [`DataError::Read`] for the file itself, and all errors of [`read`].
pub fn read_file(path: &Path, kind: IdxKind) -> Result<Idx, DataError> {
    read(open(path)?, &path.display().to_string(), kind)
}

/// Reads gzipped or plain bytes from `input`; `file` names them in errors.
///
/// # Errors
///
/// - [`DataError::Read`]: `input` failed.
/// - [`DataError::GzipCut`], [`DataError::GzipCorrupt`], [`DataError::GzipTrailing`]: the compressed data is damaged. Zeros
///   after it are padding, as for `gunzip`.
/// - [`DataError::Truncated`], [`DataError::Trailing`]: too few or too many bytes.
/// - [`DataError::Magic`], [`DataError::SizeOverflow`], [`DataError::Shape`], [`DataError::TooMany`],
///   [`DataError::Empty`]: the header is wrong, checked in this order.
/// - [`DataError::Label`]: a label is past 9.
///
/// # Examples
///
/// ```
/// use prune_mnist::data::idx::{self, IdxKind};
/// let labels = idx::read(&[0, 0, 8, 1, 0, 0, 0, 2, 7, 4][..], "two labels", IdxKind::Labels)?;
/// assert_eq!(labels.values, [7, 4]);
/// # Ok::<(), prune_mnist::data::DataError>(())
/// ```
pub fn read(input: impl Read, file: &str, kind: IdxKind) -> Result<Idx, DataError> {
    read_plain(&mut UnpackedBytes::new(input, file)?, file, kind)
}

/// Opens a regular file, and refuses pipes and devices, on which opening or reading could block.
pub(crate) fn open(path: &Path) -> Result<fs::File, DataError> {
    let file = || path.display().to_string();
    let failed = |source| DataError::Read { file: file(), source };
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(DataError::NotAFile { file: file() });
    }
    fs::File::open(path).map_err(failed)
}

fn read_plain(input: &mut UnpackedBytes<'_, impl Read>, file: &str, kind: IdxKind) -> Result<Idx, DataError> {
    let file = || file.to_owned();
    let mut header = Vec::new();
    input.read_up_to(kind.header_len(), &mut header)?;

    // The magic number is checked even if the rest of the header is missing: a wrong file is the likelier mistake,
    // and the better message.
    let mut numbers = header.chunks_exact(4).map(|four| {
        // `chunks_exact(4)` yields four bytes each.
        four.iter().fold(0u32, |number, &byte| number << 8 | u32::from(byte))
    });
    let mut next = || numbers.next();
    if let Some(found) = next()
        && found != kind.magic()
    {
        return Err(DataError::Magic { file: file(), found, expected: kind });
    }
    let cut = DataError::Truncated { file: file(), found: header.len() as u64, expected: kind.header_len() as u64 };
    let Some(count) = next() else { return Err(cut) };
    let item_len = match kind {
        IdxKind::Labels => 1,
        IdxKind::Images => {
            let (Some(rows), Some(columns)) = (next(), next()) else { return Err(cut) };
            let product = u64::from(rows) * u64::from(columns);
            if product.checked_mul(u64::from(count)).is_none() {
                return Err(DataError::SizeOverflow { file: file(), count, rows, columns });
            }
            if (rows as usize, columns as usize) != (SIDE, SIDE) {
                return Err(DataError::Shape { file: file(), rows, columns });
            }
            PIXELS
        }
    };
    if count > MAX_ITEMS {
        return Err(DataError::TooMany { file: file(), count });
    }

    let body_len = count as usize * item_len;
    let expected = (header.len() + body_len) as u64;
    let mut values = Vec::new();
    input.read_up_to(body_len, &mut values)?;
    if values.len() < body_len {
        let found = (header.len() + values.len()) as u64;
        return Err(DataError::Truncated { file: file(), found, expected });
    }
    // Asking for one byte more also makes the gzip decoder reach and check its end mark.
    if input.read_up_to(1, &mut Vec::new())? > 0 {
        return Err(DataError::Trailing { file: file(), expected });
    }
    if count == 0 {
        return Err(DataError::Empty { file: file() });
    }
    if kind == IdxKind::Labels
        && let Some(index) = values.iter().position(|&label| usize::from(label) >= CLASSES)
    {
        return Err(DataError::Label { file: file(), index, found: values[index] });
    }

    let mut hasher = sha2::Sha256::new();
    hasher.update(&header);
    hasher.update(&values);
    Ok(Idx { values, sha256: Sha256::from_digest(hasher), byte_len: expected })
}

/// Bytes with their gzip layer removed, if there is one. Failures are told apart.
pub(crate) struct UnpackedBytes<'f, R> {
    file: &'f str,
    bytes: Bytes<R>,
    found: u64,
}

/// The first two bytes, already read to look for gzip's mark, followed by the rest.
type PeekedReader<R> = BufReader<io::Chain<io::Cursor<Vec<u8>>, R>>;

enum Bytes<R> {
    Plain(PeekedReader<R>),
    Gzip(Box<GzDecoder<PeekedReader<R>>>),
    /// Gzip that has reached its end.
    Ended,
}

impl<'f, R: Read> UnpackedBytes<'f, R> {
    pub(crate) fn new(mut input: R, file: &'f str) -> Result<Self, DataError> {
        let mut mark = Vec::new();
        input
            .by_ref()
            .take(2)
            .read_to_end(&mut mark)
            .map_err(|source| DataError::Read { file: file.to_owned(), source })?;
        let is_gzip = mark == [0x1f, 0x8b];
        let all = BufReader::new(io::Cursor::new(mark).chain(input));
        let bytes = if is_gzip { Bytes::Gzip(Box::new(GzDecoder::new(all))) } else { Bytes::Plain(all) };
        Ok(Self { file, bytes, found: 0 })
    }

    /// Appends at most `limit` bytes to `to` and returns their number; fewer only at the end of the input.
    pub(crate) fn read_up_to(&mut self, limit: usize, to: &mut Vec<u8>) -> Result<usize, DataError> {
        let start = to.len();
        loop {
            let (before, left) = (to.len(), (limit - (to.len() - start)) as u64);
            let outcome = match &mut self.bytes {
                Bytes::Plain(plain) => plain.take(left).read_to_end(to),
                Bytes::Gzip(gzip) => gzip.take(left).read_to_end(to),
                Bytes::Ended => Ok(0),
            };
            self.found += (to.len() - before) as u64;
            outcome.map_err(|source| self.explain(source))?;
            if to.len() - start == limit || !self.next_stream()? {
                return Ok(to.len() - start);
            }
        }
    }

    /// Goes on to the next gzip stream, if there is one: a gzip file may be several streams one after another, all of
    /// them its content.
    fn next_stream(&mut self) -> Result<bool, DataError> {
        if !matches!(self.bytes, Bytes::Gzip(_)) {
            return Ok(false);
        }
        let Bytes::Gzip(gzip) = core::mem::replace(&mut self.bytes, Bytes::Ended) else { return Ok(false) };
        let mut rest = gzip.into_inner();
        loop {
            let next = rest.fill_buf().map_err(|source| DataError::Read { file: self.file.to_owned(), source })?;
            match next.iter().position(|&byte| byte != 0) {
                None if next.is_empty() => return Ok(false),
                Some(0) if next[0] == 0x1f => break,
                Some(_) => return Err(DataError::GzipTrailing { file: self.file.to_owned(), found: self.found }),
                None => {
                    let zeros = next.len();
                    rest.consume(zeros);
                }
            }
        }
        self.bytes = Bytes::Gzip(Box::new(GzDecoder::new(rest)));
        Ok(true)
    }

    fn explain(&self, source: io::Error) -> DataError {
        let (file, found) = (self.file.to_owned(), self.found);
        match (&self.bytes, source.kind()) {
            (Bytes::Gzip(_), io::ErrorKind::UnexpectedEof) => DataError::GzipCut { file, found },
            (Bytes::Gzip(_), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                DataError::GzipCorrupt { file, found, reason: source.to_string() }
            }
            _ => DataError::Read { file, source },
        }
    }
}

/// Writes images, 784 bytes each, as a plain IDX file.
///
/// # Panics
///
/// If `pixels` is not a whole number of images, or holds more than [`MAX_ITEMS`].
pub fn write_images(pixels: &[u8]) -> Vec<u8> {
    assert!(pixels.len().is_multiple_of(PIXELS), "{} pixels are not whole images", pixels.len());
    let side = SIDE as u32;
    write(IdxKind::Images, &[item_count(pixels.len() / PIXELS), side, side], pixels)
}

/// Writes labels as a plain IDX file.
///
/// # Panics
///
/// If there are more than [`MAX_ITEMS`].
pub fn write_labels(labels: &[u8]) -> Vec<u8> {
    write(IdxKind::Labels, &[item_count(labels.len())], labels)
}

fn item_count(items: usize) -> u32 {
    u32::try_from(items).ok().filter(|&count| count <= MAX_ITEMS).expect("at most MAX_ITEMS items a file")
}

fn write(kind: IdxKind, sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(kind.header_len() + values.len());
    bytes.extend(kind.magic().to_be_bytes());
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend_from_slice(values);
    bytes
}
