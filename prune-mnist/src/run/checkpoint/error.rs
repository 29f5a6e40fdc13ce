//! The reasons why a checkpoint is refused, each with a remedy.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::CHECKPOINT_FILE;

/// An option that differs from the run's beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The option, such as `--lr`.
    pub option: &'static str,
    /// Its value now.
    pub now: String,
    /// Its value in the checkpoint.
    pub then: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {} now and was {}", self.option, self.now, self.then)
    }
}

/// The reason why a run cannot resume from a checkpoint, or cannot begin beside one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// There is no checkpoint.
    #[error(
        "--resume: there is no {CHECKPOINT_FILE} in `{}`: a run writes its first at the end of epoch 1; leave out --resume to \
         begin, or name with --out the folder of the run to go on with",
        folder.display()
    )]
    Absent {
        /// The folder where it should be.
        folder: PathBuf,
    },
    /// The system refused to read it.
    #[error("cannot read `{}`: {source}; check the path and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It is cut or altered.
    #[error(
        "checkpoint `{}` is cut or altered: {why}; put an unharmed copy in its place, or begin again without --resume",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The sign of damage.
        why: String,
    },
    /// It is a safetensors file, but no checkpoint.
    #[error(
        "`{}` is a safetensors file, but no checkpoint of the demo; move it away, or name another folder with --out",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later version of the program has written it.
    #[error(
        "checkpoint `{}` has version {found}, and this program reads up to version {known}: go on with the program that wrote \
         it, or name another folder with --out",
        path.display()
    )]
    LaterVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The latest version that this program reads.
        known: u32,
    },
    /// It is whole, but does not describe a run of this program's model.
    #[error(
        "checkpoint `{}` cannot be gone on with: {why}; go on with the version of the program that wrote it, or begin again \
         without --resume in another --out",
        path.display()
    )]
    Unfit {
        /// The file.
        path: PathBuf,
        /// The part that does not fit.
        why: String,
    },
    /// Options that must not change have changed.
    #[error(
        "--resume: {}; a run goes on with the settings it was begun with, but for --epochs, --out and --threads: leave out {}, or \
         begin a new run without --resume in another --out than that of `{}`",
        each(differences, ToString::to_string), each(differences, |one| one.option.to_owned()), path.display()
    )]
    Differs {
        /// The file.
        path: PathBuf,
        /// Each option that has changed.
        differences: Vec<Difference>,
    },
    /// The data differs from the data of the run's beginning.
    #[error(
        "--resume: {file} of `{source_name}` is not what the run of `{}` was trained on (SHA-256 {now} now, {then} then): name \
         the same data with --data, or begin a new run without --resume in another --out",
        path.display()
    )]
    Data {
        /// The checkpoint.
        path: PathBuf,
        /// The value of `--data` now.
        source_name: String,
        /// The first of the four files that differs.
        file: &'static str,
        /// Its hash now.
        now: String,
        /// Its hash when the run was begun.
        then: String,
    },
    /// More epochs are trained than asked for.
    #[error(
        "--resume: the run of `{}` is in epoch {epoch} already, after --epochs {epochs}: raise --epochs to {epoch} or more",
        path.display()
    )]
    TooFewEpochs {
        /// The file.
        path: PathBuf,
        /// The last epoch that has been trained, in part or as a whole.
        epoch: u64,
        /// The epochs asked for.
        epochs: u64,
    },
    /// A new run would replace the checkpoint of one that is not complete.
    #[error(
        "`{}` is of a run that is not complete (it has ended {epoch} of {epochs} epochs): add --resume to go on with it; to begin \
         a new run, name another folder with --out or delete that file",
        path.display()
    )]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// Epochs done.
        epoch: u64,
        /// Epochs to train.
        epochs: u64,
    },
}

impl CheckpointError {
    /// True if an option is wrong, false if a file is.
    #[must_use]
    pub fn is_about_options(&self) -> bool {
        matches!(self, Self::Absent { .. } | Self::Differs { .. } | Self::TooFewEpochs { .. } | Self::Unfinished { .. })
    }
}

fn each(differences: &[Difference], what: impl Fn(&Difference) -> String) -> String {
    differences.iter().map(what).collect::<Vec<_>>().join(", ")
}
