//! The file of external data: one file for all of it, in the order of the model.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};

use sha1::{Digest as _, Sha1};

use super::super::cut::TensorCut;
use super::super::rope::write_error;
use crate::edits::{AddedTensor, Edits, TensorPlace};
use crate::error::{Error, ExternalProblem};
use crate::model::{Model, Tensor, hex};

/// A file for external data, and the name under which the model refers to it.
pub struct DataFile<'f> {
    /// The file's name. It lies beside the model.
    pub name: &'f str,
    /// The writer that receives its bytes.
    pub to: &'f mut dyn Write,
}

impl fmt::Debug for DataFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataFile").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Data at the start of a page in the old file start a page in the new one, since engines map such files. Data shorter
/// than a page may start anywhere.
const PAGE: u64 = 4096;

/// The tensor: one of the file, by its position there, or an added one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum DataKey {
    Read(usize),
    Added(usize),
}

/// A part of the file.
#[derive(Debug, Clone)]
struct DataPart<'m> {
    cut: TensorCut<'m>,
    offset: u64,
}

/// The layout of the file of external data.
#[derive(Debug, Default)]
pub(super) struct DataPlan<'m> {
    name: Option<String>,
    parts: Vec<DataPart<'m>>,
    places: HashMap<DataKey, usize>,
    len: u64,
    wants_checksum: bool,
    checksum: Option<String>,
}

impl<'m> DataPlan<'m> {
    pub(super) fn new(model: &'m Model, edits: &'m Edits, name: Option<&str>) -> Result<Self, Error> {
        let mut plan = DataPlan { name: name.map(str::to_owned), ..DataPlan::default() };
        let mut shared = HashMap::new();
        let mut places = HashMap::new();
        for (position, tensor) in model.graph.initializers.iter().enumerate() {
            places.insert(tensor.encoded.at, TensorPlace::Initializer(position));
        }
        for (position, node) in model.graph.nodes.iter().enumerate() {
            if let Some(tensor) = node.constant() {
                places.insert(tensor.encoded.at, TensorPlace::Constant(position));
            }
        }
        for tensor in model.graph.all_tensors() {
            plan.add(
                DataKey::Read(tensor.encoded.at),
                tensor,
                places.get(&tensor.encoded.at).copied(),
                edits,
                &mut shared,
            )?;
        }
        for (position, added) in edits.added.iter().enumerate() {
            if let AddedTensor::Copy { of, .. } = added {
                let tensor = &model.graph.initializers[*of];
                plan.add(DataKey::Added(position), tensor, Some(TensorPlace::Added(position)), edits, &mut shared)?;
            }
        }
        Ok(plan)
    }

    fn add(
        &mut self,
        key: DataKey,
        tensor: &'m Tensor,
        place: Option<TensorPlace>,
        edits: &'m Edits,
        shared: &mut HashMap<(&'m str, u64, u64), usize>,
    ) -> Result<(), Error> {
        // A tensor with new values goes into the model.
        let Some(external) = tensor.external().filter(|_| place.is_none_or(|place| !edits.values.contains_key(&place)))
        else {
            return Ok(());
        };
        if self.name.is_none() {
            let (tensor, location) = (tensor.name.clone(), external.location.clone());
            return Err(Error::External { tensor, location, problem: ExternalProblem::NoFile });
        }
        self.wants_checksum |= external.checksum.is_some();
        let kept = place.and_then(|place| edits.cuts.get(&place));
        // Whole tensors that share one place in the old file share one in the new file.
        let from = (external.location.as_str(), external.offset, external.length);
        let whole = kept.is_none() && external.length > 0;
        if let Some(&part) = shared.get(&from).filter(|_| whole) {
            self.places.insert(key, part);
            return Ok(());
        }
        let cut = TensorCut::new(tensor, kept)?;
        let paged = external.offset % PAGE == 0 && cut.byte_len() >= PAGE;
        let offset = if paged { self.len.next_multiple_of(PAGE) } else { self.len };
        self.len = offset + cut.byte_len();
        self.places.insert(key, self.parts.len());
        if whole {
            shared.insert(from, self.parts.len());
        }
        self.parts.push(DataPart { cut, offset });
        Ok(())
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Writes the file. If any tensor has a checksum, the new checksum is worked out.
    pub(super) fn write(&mut self, to: &mut dyn Write) -> Result<(), Error> {
        let mut to = SummingWriter { to, digest: self.wants_checksum.then(Sha1::new), at: 0 };
        for part in &self.parts {
            let gap = vec![0; (part.offset - to.at) as usize];
            to.write_all(&gap).map_err(write_error)?;
            part.cut.write(&mut to)?;
        }
        self.checksum = to.digest.map(|digest| hex(&digest.finalize()));
        Ok(())
    }

    /// The entries of a tensor whose data are in the file; `None` for other tensors.
    pub(super) fn entries(&self, key: DataKey, had_checksum: bool) -> Option<Vec<(&'static str, String)>> {
        let part = &self.parts[*self.places.get(&key)?];
        let mut entries = vec![
            ("location", self.name.clone().unwrap_or_default()),
            ("offset", part.offset.to_string()),
            ("length", part.cut.byte_len().to_string()),
        ];
        if let Some(checksum) = self.checksum.as_ref().filter(|_| had_checksum) {
            entries.push(("checksum", checksum.clone()));
        }
        Some(entries)
    }

    /// True if no tensor has its data in the file.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// A writer that counts bytes and computes a checksum.
struct SummingWriter<'t> {
    to: &'t mut dyn Write,
    digest: Option<Sha1>,
    at: u64,
}

impl Write for SummingWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        if let Some(digest) = &mut self.digest {
            digest.update(&bytes[..written]);
        }
        self.at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
