//! External data: elements in files beside the model.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use sha1::{Digest as _, Sha1};

use crate::error::{Error, ExternalProblem};

/// The folder of a model, and the checksums of its files that were read so far.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    checked: Mutex<HashMap<String, String>>,
}

/// Data in a file beside the model.
#[derive(Debug, Clone)]
pub(crate) struct External {
    folder: Arc<DataFolder>,
    pub(crate) location: String,
    path: PathBuf,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) checksum: Option<String>,
}

/// The entries of a tensor about its external data.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) location: Option<String>,
    pub(crate) offset: Option<String>,
    pub(crate) length: Option<String>,
    pub(crate) checksum: Option<String>,
}

impl DataFolder {
    pub(crate) fn new(path: &Path) -> Self {
        DataFolder { path: path.to_owned(), checked: Mutex::default() }
    }

    /// The path of a file, if it is in the folder.
    fn file(&self, location: &str) -> Result<Result<PathBuf, ExternalProblem>, Error> {
        let relative = Path::new(location);
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        // A backslash or a colon is a separator on other systems, so no portable model has one.
        if !relative.components().all(plain) || location.contains(['\\', ':', '\0']) {
            return Ok(Err(ExternalProblem::Outside));
        }
        let path = self.path.join(relative);
        let about = match fs::metadata(&path) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound || error.kind() == io::ErrorKind::NotADirectory => {
                return Ok(Err(ExternalProblem::Missing(self.path.clone())));
            }
            Err(error) => return Err(Error::read(&path)(error)),
        };
        let real = fs::canonicalize(&path).map_err(Error::read(&path))?;
        let folder = fs::canonicalize(&self.path).map_err(Error::read(&self.path))?;
        Ok(if !real.starts_with(&folder) {
            Err(ExternalProblem::Outside)
        } else if !about.is_file() {
            Err(ExternalProblem::NotRegular)
        } else {
            Ok(real)
        })
    }

    /// The SHA-1 of a file. It is computed once.
    fn sha1(&self, external: &External) -> Result<String, Error> {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = checked.get(&external.location) {
            return Ok(known.clone());
        }
        let mut file = File::open(&external.path).map_err(Error::read(&external.path))?;
        let mut digest = Sha1::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer).map_err(Error::read(&external.path))? {
                0 => break,
                read => digest.update(&buffer[..read]),
            }
        }
        let text = hex(&digest.finalize());
        checked.insert(external.location.clone(), text.clone());
        Ok(text)
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl External {
    /// Finds data of `wanted` bytes by these entries, and checks that the file exists and is long enough.
    pub(crate) fn new(folder: &Arc<DataFolder>, tensor: &str, entries: Entries, wanted: u64) -> Result<Self, Error> {
        let location = entries.location.unwrap_or_default();
        let fail = |problem| Err(Error::External { tensor: tensor.to_owned(), location: location.clone(), problem });
        if location.is_empty() {
            return fail(ExternalProblem::NoLocation);
        }
        let number = |text: Option<String>| text.map(|text| text.trim().parse::<u64>()).transpose();
        let Ok(offset) = number(entries.offset) else { return fail(ExternalProblem::Number("offset")) };
        let Ok(length) = number(entries.length) else { return fail(ExternalProblem::Number("length")) };
        let path = match folder.file(&location)? {
            Ok(path) => path,
            Err(problem) => return fail(problem),
        };
        let long = fs::metadata(&path).map_err(Error::read(&path))?.len();
        let offset = offset.unwrap_or(0);
        // Without a length, the data end with the file.
        let length = length.unwrap_or(long.saturating_sub(offset));
        let end = offset.saturating_add(length);
        if end > long {
            return fail(ExternalProblem::PastEnd { offset, end, long });
        }
        if length != wanted {
            return fail(ExternalProblem::PastEnd { offset, end: offset.saturating_add(wanted), long: end });
        }
        Ok(External { folder: Arc::clone(folder), location, path, offset, length, checksum: entries.checksum })
    }

    /// The bytes. If the model states a checksum, the file must have it.
    pub(crate) fn bytes(&self, tensor: &str) -> Result<Bytes, Error> {
        if let Some(wanted) = &self.checksum
            && !self.folder.sha1(self)?.eq_ignore_ascii_case(wanted.trim())
        {
            let (tensor, location) = (tensor.to_owned(), self.location.clone());
            return Err(Error::External { tensor, location, problem: ExternalProblem::Checksum });
        }
        let mut file = File::open(&self.path).map_err(Error::read(&self.path))?;
        file.seek(SeekFrom::Start(self.offset)).map_err(Error::read(&self.path))?;
        let mut bytes = vec![0; self.length as usize];
        file.read_exact(&mut bytes).map_err(Error::read(&self.path))?;
        Ok(bytes.into())
    }
}
