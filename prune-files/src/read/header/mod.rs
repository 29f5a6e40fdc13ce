//! The header of a safetensors file, read strictly and within bounds.
//!
//! A file is a length of eight bytes, a JSON table of that length, and the bytes of the tensors one after the other. A
//! header from outside may be false anywhere, so everything is checked before it is used: the length against the
//! format's limit and the file's length, each tensor's bytes against its shape and type, and all of them against the
//! file, without gap or overlap. The names of types are those of the `safetensors` crate. Its own reader loses the
//! order of a file and hides a name that occurs twice.

mod table;

use std::collections::BTreeMap;
use std::path::Path;

use prune_core::ElementType;
use safetensors::Dtype;

use crate::disk::Handle;
use crate::error::{Error, HeaderProblem};
use crate::other_format;

pub(crate) use table::LONGEST;

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// Its type.
    pub dtype: Dtype,
    /// Its shape; row-major.
    pub shape: Vec<usize>,
    /// The number of elements.
    pub elements: usize,
    /// Its first byte, counted from the beginning of the file.
    pub start: u64,
    /// The number of bytes.
    pub bytes: u64,
}

impl TensorInfo {
    /// The element type, if it is prunable.
    pub fn element_type(&self) -> Option<ElementType> {
        match self.dtype {
            Dtype::F32 => Some(ElementType::F32),
            Dtype::F64 => Some(ElementType::F64),
            Dtype::F16 => Some(ElementType::F16),
            Dtype::BF16 => Some(ElementType::Bf16),
            _ => None,
        }
    }
}

/// The header of a safetensors file: its tensors in the order of their bytes, and its other contents.
///
/// # Examples
///
/// ```
/// use prune_files::Header;
///
/// let table = br#"{"fc.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#;
/// let header = Header::parse(table, 8 + table.len() as u64 + 16)?;
/// assert_eq!(header.tensors[0].shape, [2, 2]);
/// assert_eq!(header.tensors[0].start, 8 + table.len() as u64);
///
/// // A file that was cut is told from its header alone.
/// assert!(Header::parse(table, 8 + table.len() as u64 + 15).is_err());
/// # Ok::<(), prune_files::HeaderProblem>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// The tensors in the order of their bytes.
    pub tensors: Vec<TensorInfo>,
    /// The free text under `__metadata__`.
    pub metadata: BTreeMap<String, String>,
    /// The first byte after the header, counted from the beginning of the file.
    pub data_start: u64,
}

impl Header {
    /// Reads the header of a file of `file_len` bytes. If the file has none, the error names its format, if that is
    /// known.
    pub(crate) fn read(file: &Handle, path: &Path, file_len: u64) -> Result<Self, Error> {
        let read = Self::read_strictly(file, path, file_len);
        let Err(Error::Header { problem, .. }) = &read else { return read };
        let other = matches!(
            problem,
            HeaderProblem::TooShort { .. }
                | HeaderProblem::TooLong { .. }
                | HeaderProblem::PastEnd { .. }
                | HeaderProblem::Unreadable { .. }
        );
        if !other {
            return read;
        }
        let mut begin = vec![0; other_format::LOOKED_AT.min(usize::try_from(file_len).unwrap_or(usize::MAX))];
        file.read_at(&mut begin, 0).map_err(Error::read_within(path))?;
        match other_format::of(&begin) {
            Some(format) => Err(Error::OtherFormat { path: path.to_owned(), format }),
            None => read,
        }
    }

    fn read_strictly(file: &Handle, path: &Path, file_len: u64) -> Result<Self, Error> {
        let refuse = |problem| Error::Header { path: path.to_owned(), problem };
        if file_len < 10 {
            return Err(refuse(HeaderProblem::TooShort { bytes: file_len }));
        }
        let mut len = [0; 8];
        file.read_at(&mut len, 0).map_err(Error::read_within(path))?;
        let len = u64::from_le_bytes(len);
        if len > LONGEST {
            return Err(refuse(HeaderProblem::TooLong { len, most: LONGEST }));
        }
        if len > file_len - 8 {
            return Err(refuse(HeaderProblem::PastEnd { len, there: file_len - 8 }));
        }
        let mut table = vec![0; len as usize];
        file.read_at(&mut table, 8).map_err(Error::read_within(path))?;
        Self::parse(&table, file_len).map_err(refuse)
    }

    /// Reads the table of a file of `file_len` bytes: the text between the length and the data.
    ///
    /// # Errors
    ///
    /// [`HeaderProblem::Unreadable`], [`HeaderProblem::ShapeOverflow`], [`HeaderProblem::WrongLen`],
    /// [`HeaderProblem::NotContiguous`], [`HeaderProblem::DataLen`]; [`HeaderProblem::PastEnd`] if the table is longer
    /// than the file.
    ///
    /// # Complexity
    ///
    /// Linear in the table, except for sorting its tensors; memory is proportional to it.
    pub fn parse(table: &[u8], file_len: u64) -> Result<Self, HeaderProblem> {
        let data_start = 8 + table.len() as u64;
        let Some(data_len) = file_len.checked_sub(data_start) else {
            return Err(HeaderProblem::PastEnd { len: table.len() as u64, there: file_len.saturating_sub(8) });
        };
        let table = table::read(table)?;
        let mut tensors = Vec::with_capacity(table.tensors.len());
        for (name, raw) in table.tensors {
            let [start, end] = raw.data_offsets;
            let shape = raw.shape.0;
            let Some(elements) = shape.iter().try_fold(1usize, |elements, &side| elements.checked_mul(side)) else {
                return Err(HeaderProblem::ShapeOverflow { tensor: name, shape });
            };
            let Some(needed) = (elements as u64).checked_mul(raw.dtype.bitsize() as u64) else {
                return Err(HeaderProblem::ShapeOverflow { tensor: name, shape });
            };
            if end.checked_sub(start).and_then(|bytes| bytes.checked_mul(8)) != Some(needed) {
                return Err(HeaderProblem::WrongLen { tensor: name, shape, dtype: raw.dtype, start, end, needed });
            }
            tensors.push(TensorInfo { name, dtype: raw.dtype, shape, elements, start, bytes: end - start });
        }
        // An empty tensor begins where the next one does. Empty tensors are sorted by name, so that the order is
        // unique.
        tensors.sort_by(|a, b| (a.start, a.bytes, &a.name).cmp(&(b.start, b.bytes, &b.name)));
        let mut expected = 0;
        for tensor in &tensors {
            if tensor.start != expected {
                return Err(HeaderProblem::NotContiguous {
                    tensor: tensor.name.clone(),
                    start: tensor.start,
                    expected,
                });
            }
            // This is the tensor's own end, so it does not overflow.
            expected += tensor.bytes;
        }
        if expected != data_len {
            return Err(HeaderProblem::DataLen { needed: expected, there: data_len });
        }
        // All tensors lie in the file, so this cannot overflow.
        tensors.iter_mut().for_each(|tensor| tensor.start += data_start);
        Ok(Header { tensors, metadata: table.metadata, data_start })
    }
}

#[cfg(test)]
mod tests;
