//! The files beside a model's weights, which are copied to a new folder.
//!
//! Everything is copied: descriptions of the model, its code, its tokenizer, inner folders. Weights in other formats
//! and second copies of the same weights are left behind and reported, since they would be dense beside the pruned
//! ones. Files that cannot be copied are left behind and reported too.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::litter::is_ours;
use super::rights::Rights;
use super::{Folder, is_within};
use crate::disk::{self, Stamp};
use crate::error::{Error, show};
use crate::read::foreign::{indexed, is_bookkeeping, is_foreign};
use crate::read::model::{Model, ModelKind};
use crate::text::clipped::all_clipped;
use crate::watch::Watch;

/// The most files and folders that are copied. Links to each other can turn a few into any number.
const MOST: usize = 200_000;

/// The longest index that is read.
const LONGEST_INDEX: u64 = 100_000_000;

/// Bytes that are copied between two chances to stop the command.
const PIECE: u64 = 64 << 20;

/// The files that are copied along with a model, and those that are left behind.
#[derive(Debug, Default)]
pub(crate) struct Companions {
    /// Inner folders, outer ones first.
    folders: Vec<(PathBuf, Metadata)>,
    /// Files: their path, and their path in the new folder.
    files: Vec<(PathBuf, PathBuf, Metadata)>,
    /// Safetensors files among them.
    unpruned: Vec<String>,
    /// The files that are left behind, by reason.
    left: BTreeMap<&'static str, Vec<String>>,
}

const WEIGHTS: &str = "weights that are not pruned with these";
const INDEXES: &str = "indexes of shards that are left behind or not there";
const KEPT_BY_OTHERS: &str = "what other programs keep there";
const NOWHERE: &str = "links that lead nowhere";
const DEVICES: &str = "neither files nor folders";

/// A folder that is searched.
struct SearchedFolder<'a> {
    path: &'a Path,
    /// Its path in the model's folder.
    inner: &'a Path,
    /// This folder and the folders around it, without links.
    around: Vec<PathBuf>,
    /// The model's own files, if they lie in this folder.
    own: BTreeSet<&'a OsStr>,
    /// The model's index.
    index: Option<&'a OsStr>,
}

impl Companions {
    /// The companions of a model that is a folder; none for a file. `output` is the folder that they are copied to.
    ///
    /// # Errors
    ///
    /// [`Error::NotAModel`] for a cycle of links, or if `output` lies in a folder that would be copied;
    /// [`Error::Read`].
    pub(crate) fn of(model: &Model, output: &Path) -> Result<Self, Error> {
        let mut companions = Companions::default();
        let (ModelKind::Folder(folder) | ModelKind::Index { folder, .. }) = model.kind() else { return Ok(companions) };
        let own: BTreeSet<&OsStr> = model.paths().filter_map(Path::file_name).collect();
        let index = if let ModelKind::Index { index, .. } = model.kind() { Some(OsStr::new(index)) } else { None };
        let around = vec![disk::canonical(folder).map_err(Error::read(folder))?];
        companions.add(&SearchedFolder { path: folder, inner: Path::new(""), around, own, index }, output)?;
        Ok(companions)
    }

    /// Adds the contents of a folder, except for the model's own files.
    fn add(&mut self, place: &SearchedFolder<'_>, output: &Path) -> Result<(), Error> {
        let root = place.inner == Path::new("");
        let mut indexes = Vec::new();
        for name in disk::names(place.path).map_err(Error::read(place.path))? {
            let (from, inner) = (place.path.join(&name), place.inner.join(&name));
            if is_ours(&name) || place.own.contains(name.as_os_str()) {
                continue;
            }
            if self.files.len() + self.folders.len() >= MOST {
                return Err(refused(place.path, &format!("and what lies beside have more than {MOST} files")));
            }
            let about = match disk::stat(&from) {
                Ok(about) => about,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.leave(NOWHERE, &inner);
                    continue;
                }
                Err(error) if is_cycle(&error) => return Err(refused(&from, "is a link that leads back to itself")),
                Err(source) => return Err(Error::Read { path: from, source }),
            };
            let text = name.to_string_lossy();
            if about.is_dir() {
                if is_bookkeeping(&text) {
                    self.leave(KEPT_BY_OTHERS, &inner.join(""));
                } else {
                    self.add_folder(place, &from, &inner, about, output)?;
                }
            } else if !about.is_file() {
                self.leave(DEVICES, &inner);
            } else if place.index == Some(name.as_os_str()) {
                self.files.push((from, inner, about));
            } else if indexed(&text).is_some() {
                indexes.push((from, inner, about));
            } else if is_foreign(&text) || (root && is_safetensors(&name)) {
                self.leave(WEIGHTS, &inner);
            } else {
                if is_safetensors(&name) {
                    self.unpruned.push(inner.display().to_string());
                }
                self.files.push((from, inner, about));
            }
        }
        for (from, inner, about) in indexes {
            if self.has_shards_of(&from, place.inner, about.len())? {
                self.files.push((from, inner, about));
            } else {
                self.leave(INDEXES, &inner);
            }
        }
        Ok(())
    }

    fn add_folder(
        &mut self,
        place: &SearchedFolder<'_>,
        from: &Path,
        inner: &Path,
        about: Metadata,
        output: &Path,
    ) -> Result<(), Error> {
        let real = disk::canonical(from).map_err(Error::read(from))?;
        if place.around.contains(&real) {
            return Err(refused(from, "is a link to a folder that it lies in, and so on without end"));
        }
        if is_within(output, &real).map_err(Error::write(output))? {
            return Err(refused(
                output,
                &format!("lies in {}, which goes along with the model; write elsewhere", show(from)),
            ));
        }
        let (folders, files) = (self.folders.len(), self.files.len());
        let empty = disk::names(from).map_err(Error::read(from))?.is_empty();
        self.folders.push((inner.to_owned(), about));
        let around = place.around.iter().cloned().chain([real]).collect();
        self.add(&SearchedFolder { path: from, inner, around, own: BTreeSet::new(), index: None }, output)?;
        // A folder from which nothing is copied is not made.
        if !empty && self.files.len() == files && self.folders.len() == folders + 1 {
            self.folders.truncate(folders);
        }
        Ok(())
    }

    fn leave(&mut self, why: &'static str, inner: &Path) {
        self.left.entry(why).or_default().push(inner.display().to_string());
    }

    /// True if all shards that an index names are copied to the same folder.
    fn has_shards_of(&self, index: &Path, inner: &Path, len: u64) -> Result<bool, Error> {
        if len > LONGEST_INDEX {
            return Ok(false);
        }
        let text = disk::read(index).map_err(Error::read(index))?;
        let Ok(whole) = serde_json::from_slice::<Value>(&text) else { return Ok(false) };
        let Some(map) = whole.get("weight_map").and_then(Value::as_object).filter(|map| !map.is_empty()) else {
            return Ok(false);
        };
        let there: BTreeSet<&Path> = self.files.iter().map(|(_, file, _)| file.as_path()).collect();
        Ok(map.values().all(|shard| shard.as_str().is_some_and(|shard| there.contains(inner.join(shard).as_path()))))
    }

    /// Copies everything into a folder that is not in its place yet. For an output in place, owners are kept.
    pub(crate) fn copy_into(&self, folder: &mut Folder, in_place: bool, watch: &Watch) -> Result<(), Error> {
        for (inner, about) in &self.folders {
            folder.create_inner(inner, Rights::of(about, in_place))?;
        }
        watch.progress.begin("copying", self.files.iter().map(|(_, _, about)| about.len()).sum());
        for (from, inner, about) in &self.files {
            let (to, shown) = (folder.temporary_path().join(inner), folder.path().join(inner));
            copy(from, &to, &shown, watch)?;
            Rights::of(about, in_place).give(&to).map_err(Error::write(shown))?;
        }
        watch.progress.end();
        Ok(())
    }

    /// Notes for the user.
    pub(crate) fn notes(&self) -> Vec<String> {
        let unpruned = (!self.unpruned.is_empty())
            .then(|| format!("copied as they are, not pruned: {}", all_clipped(&self.unpruned)));
        let left = self.left.iter().map(|(why, names)| format!("left behind ({why}): {}", all_clipped(names)));
        unpruned.into_iter().chain(left).collect()
    }
}

fn is_safetensors(name: &OsStr) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors"))
}

fn is_cycle(error: &std::io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    #[cfg(not(unix))]
    return false;
}

fn refused(path: &Path, why: &str) -> Error {
    Error::NotAModel { path: path.to_owned(), why: why.to_owned() }
}

/// Copies and syncs a file. It must not change meanwhile.
fn copy(from: &Path, to: &Path, shown: &Path, watch: &Watch) -> Result<(), Error> {
    let source = disk::open(from).map_err(Error::read(from))?;
    let about = disk::stat_open(&source, from).map_err(Error::read(from))?;
    let copy = disk::create(to, || File::create_new(to)).map_err(Error::write(shown))?;
    let mut copied = 0;
    loop {
        watch.check()?;
        let bytes = disk::copy(&source, &copy, to, PIECE).map_err(Error::write(shown))?;
        if bytes == 0 {
            break;
        }
        copied += bytes;
        watch.progress.advance(bytes);
    }
    let after = disk::stat_open(&source, from).map_err(Error::read(from))?;
    if copied != about.len() || Stamp::of(&after) != Stamp::of(&about) {
        return Err(Error::Changed { path: from.to_owned() });
    }
    disk::sync_all(&copy, to).map_err(Error::write(shown))
}
