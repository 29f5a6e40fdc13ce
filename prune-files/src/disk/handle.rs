//! Files that are open only while they are in use.
//!
//! A model may have hundreds of shards, and an output as many, but a process may have only a few hundred files open. A
//! [`Handle`] stands for a file and opens it again when it is needed. All handles of the process share [`MOST`] open
//! files; the one that was used longest ago is closed for a new one.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{id, open, open_to_write, read_at, stat_open, sync_all, sync_data};

/// The most files that handles keep open. Each thread may briefly have one more.
const MOST: usize = 40;

/// A file by its path, for reading or also for writing.
#[derive(Debug)]
pub(crate) struct Handle {
    key: u64,
    path: PathBuf,
    write: bool,
    /// The identity of the file that was at the path.
    id: Option<(u64, u64)>,
}

/// An open file, and the key of its handle.
struct OpenFile {
    key: u64,
    path: PathBuf,
    write: bool,
    file: Arc<File>,
}

/// The open files. The last one was used most recently.
static OPEN: Mutex<Vec<OpenFile>> = Mutex::new(Vec::new());

fn pool() -> MutexGuard<'static, Vec<OpenFile>> {
    OPEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Handle {
    /// A file for reading.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::of(open(path)?, path, false)
    }

    /// A file that is already open, also for writing.
    pub(crate) fn of_new(file: File, path: &Path) -> io::Result<Self> {
        Self::of(file, path, true)
    }

    fn of(file: File, path: &Path, write: bool) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = id(&stat_open(&file, path)?);
        let handle = Handle { key: NEXT.fetch_add(1, Ordering::Relaxed), path: path.to_owned(), write, id };
        handle.keep(Arc::new(file))?;
        Ok(handle)
    }

    /// The file, if it is open.
    fn if_open(&self) -> Option<Arc<File>> {
        let mut pool = pool();
        let place = pool.iter().position(|open| open.key == self.key)?;
        let open = pool.remove(place);
        let file = Arc::clone(&open.file);
        pool.push(open);
        Some(file)
    }

    fn file(&self) -> io::Result<Arc<File>> {
        if let Some(file) = self.if_open() {
            return Ok(file);
        }
        let file = if self.write { open_to_write(&self.path)? } else { open(&self.path)? };
        if id(&stat_open(&file, &self.path)?) != self.id {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "another file has taken its place"));
        }
        let file = Arc::new(file);
        self.keep(Arc::clone(&file))?;
        Ok(file)
    }

    /// Keeps a file open, and closes the one that was used longest ago. That file is synced first: a system may report
    /// a failed write only through a file that is still open.
    fn keep(&self, file: Arc<File>) -> io::Result<()> {
        let closed = {
            let mut pool = pool();
            pool.push(OpenFile { key: self.key, path: self.path.clone(), write: self.write, file });
            if pool.len() > MOST { Some(pool.remove(0)) } else { None }
        };
        match closed {
            Some(OpenFile { path, write: true, file, .. }) => sync_all(&file, &path),
            _ => Ok(()),
        }
    }

    /// Runs a call on the file, which is opened first if necessary.
    pub(crate) fn on<T>(&self, call: impl FnOnce(&File, &Path) -> io::Result<T>) -> io::Result<T> {
        call(&*self.file()?, &self.path)
    }

    pub(crate) fn stat(&self) -> io::Result<Metadata> {
        self.on(stat_open)
    }

    /// Fills `bytes` from the position `at` on.
    pub(crate) fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.on(|file, path| read_at(file, path, bytes, at))
    }

    /// Syncs the bytes that were written since the file was opened. A closed file has been synced already.
    pub(crate) fn sync_data(&self) -> io::Result<()> {
        self.if_open().map_or(Ok(()), |file| sync_data(&file, &self.path))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        pool().retain(|open| open.key != self.key);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::fs;

    use super::super::write_at;
    use super::*;

    #[test]
    fn many_files_are_one_set_of_open_ones() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> = (0..3 * MOST).map(|i| folder.path().join(i.to_string())).collect();
        let new = |path: &PathBuf| Handle::of_new(File::create_new(path).unwrap(), path).unwrap();
        let handles: Vec<Handle> = paths.iter().map(new).collect();
        for round in 0..2u64 {
            for (i, handle) in handles.iter().enumerate() {
                let bytes = (i as u64 + round).to_le_bytes();
                handle.on(|file, path| write_at(file, path, &bytes, round * 8)).unwrap();
                assert!(pool().len() <= MOST);
            }
        }
        for (i, handle) in handles.iter().enumerate() {
            let mut bytes = [0; 16];
            handle.read_at(&mut bytes, 0).unwrap();
            assert_eq!(bytes[..8], (i as u64).to_le_bytes());
            assert_eq!(bytes[8..], (i as u64 + 1).to_le_bytes());
            handle.on(sync_all).unwrap();
        }
        let keys: Vec<u64> = handles.iter().map(|handle| handle.key).collect();
        drop(handles);
        assert!(pool().iter().all(|open| !keys.contains(&open.key)));
    }

    #[cfg(unix)]
    #[test]
    fn another_file_in_its_place_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "mine").unwrap();
        let handle = Handle::open(&path).unwrap();
        fs::write(folder.path().join("b"), "else").unwrap();
        fs::rename(folder.path().join("b"), &path).unwrap();
        // While it is open, it is the same file.
        pool().retain(|open| open.key != handle.key);
        let error = handle.read_at(&mut [0; 4], 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }
}
