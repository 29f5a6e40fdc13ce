//! A run and the checkpoint in its folder: an old one, the one that it resumes from, and those that it writes.

use super::error::DemoError;
use crate::run::checkpoint::{self, CHECKPOINT_FILE, Checkpoint, CheckpointError, RunSettings};
use crate::run::{Console, OutFolder};
use crate::train::{Backend, Session};
use crate::words::counted;

/// Decides what a new run does with an existing checkpoint. It replaces the checkpoint of a complete run, and one
/// from which nothing can resume. It refuses to replace one that can be resumed.
pub(super) fn beside(out: &OutFolder, console: &mut Console<'_>) -> Result<(), DemoError> {
    match Checkpoint::read(out.path()) {
        Ok(old) if old.epoch() < old.settings().epochs => {
            let (path, epoch, epochs) = (old.path().to_owned(), old.epoch(), old.settings().epochs);
            Err(CheckpointError::Unfinished { path, epoch, epochs }.into())
        }
        Ok(old) => Ok(console.line(format_args!(
            "`{}` is of a run that is complete: this one begins anew, and replaces its files (--resume --epochs N would train it \
             further)\n",
            old.path().display()
        ))?),
        Err(CheckpointError::Absent { .. }) => Ok(()),
        Err(error @ CheckpointError::Damaged { .. }) => {
            console.warning(format_args!("{error}; this run begins anew, and will replace it"));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// The message of a resumed run.
pub(super) fn resumed<P: Backend>(checkpoint: &Checkpoint, session: &Session<'_, P>, epochs: u64) -> String {
    let (done, steps) = (checkpoint.epoch(), checkpoint.steps());
    let mut text = format!("\nresumed      {}, after epoch {done}", checkpoint.path().display());
    if steps > 0 {
        text += &format!(" and {} of epoch {}", counted(steps, "step"), session.next_epoch());
    }
    let then = checkpoint.settings().epochs;
    if done >= epochs {
        text += &format!("\n             all {} are done: there is nothing left to train", counted(epochs, "epoch"));
        text += "; its results are written again, and a larger --epochs would train on";
    }
    if then != epochs {
        text += &format!(
            "\n             --epochs was {then} and is {epochs}: the strategy keeps its epochs, and the learning rate is from here on \
             that of a run of {epochs} from its beginning"
        );
    }
    text
}

/// Writes the checkpoints of a run.
pub(super) struct Saver {
    /// The folder.
    pub(super) out: OutFolder,
    /// The settings of the run.
    pub(super) settings: RunSettings,
}

impl Saver {
    /// Replaces the checkpoint by one of the session's present state.
    pub(super) fn save<P: Backend>(&mut self, session: &Session<'_, P>) -> Result<(), DemoError> {
        Ok(self.out.write(&[(CHECKPOINT_FILE, checkpoint::encode(&self.settings, session)?)])?)
    }

    /// The error that ends a run that was stopped and saved.
    pub(super) fn interrupted<P: Backend>(&self, session: &Session<'_, P>, epochs: u64) -> DemoError {
        let of_both = if session.twin.is_some() { 2 } else { 1 };
        DemoError::Interrupted {
            epoch: session.next_epoch(),
            epochs,
            done: session.begun.steps(),
            steps: of_both * session.trainer.steps(),
            path: self.out.path().join(CHECKPOINT_FILE),
            out: self.out.path().to_owned(),
        }
    }
}
