//! The errors around a run: its folder, its files, its output, its threads.

use std::io;
use std::path::PathBuf;

/// The reason why a run cannot write, print or compute.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The output folder or a file in it cannot be written.
    #[error("--out: cannot write `{}`: {source}; name a folder with room that you may write to", path.display())]
    Out {
        /// The folder or file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Something other than a folder is at the path of the output folder, or a folder at the path of a file.
    #[error("--out: `{}` is {found}; move it away, or name another folder", path.display())]
    OutTaken {
        /// The path.
        path: PathBuf,
        /// The thing found there.
        found: &'static str,
    },
    /// Another run is writing into the output folder.
    #[error("--out: another run is writing into `{}`; wait until it has ended, or name another folder", path.display())]
    OutBusy {
        /// The folder.
        path: PathBuf,
    },
    /// Content cannot be put into a file.
    #[error("cannot encode {file}: {why}; please report this")]
    Encode {
        /// The file.
        file: &'static str,
        /// The cause.
        why: String,
    },
    /// The results cannot be printed.
    #[error("cannot print: {source}; send the output where it can be written")]
    Print {
        /// The cause.
        source: io::Error,
    },
    /// Threads cannot be started.
    #[error("cannot start {threads} threads: {source}; lower --threads")]
    Threads {
        /// The number of threads.
        threads: usize,
        /// The cause.
        source: rayon::ThreadPoolBuildError,
    },
}
