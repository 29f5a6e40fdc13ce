//! The errors that stop the demo, each with a remedy.

use std::io;
use std::path::PathBuf;

use prune_schedule::StrategyError;

use crate::data::DataError;
use crate::nn::NnError;
use crate::onnx::OnnxError;
use crate::picture::PictureError;
use crate::run::checkpoint::CheckpointError;
use crate::run::choice::MOST_EPOCHS;
use crate::run::{INTERRUPTED, RunError};
use crate::train::{Settings, TrainError};
use crate::words::{counted, number, shell_word};

/// The reason why the demo did not run to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The strategy's text is wrong.
    #[error("{from}: {source}")]
    Strategy {
        /// `--strategy`, or the file.
        from: String,
        /// The error of the text, with its place.
        source: StrategyError,
    },
    /// `--strategy` is neither text nor a file.
    #[error(
        "--strategy: there is no file `{text}`, and it is no strategy either; write one such as {{2: {{'method': \
         'str_unified_local', 'pattern': (2, 4)}}}}, or the name of a file that holds one"
    )]
    StrategyAbsent {
        /// The text given.
        text: String,
    },
    /// The strategy's file cannot be read.
    #[error("--strategy: cannot read `{}`: {source}; name a file that can be read", path.display())]
    StrategyUnreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The strategy's file is a folder.
    #[error("--strategy: `{}` is a folder; name a file in it", path.display())]
    StrategyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The strategy's file is not text.
    #[error("--strategy: `{}` is not UTF-8 text (byte {offset}); save it as UTF-8", path.display())]
    StrategyNotUtf8 {
        /// The file.
        path: PathBuf,
        /// The offset of the first byte that is not UTF-8, counted from 0.
        offset: usize,
    },
    /// The strategy's file is too long to be one.
    #[error("--strategy: `{}` is longer than {limit} bytes, which no strategy is; name another file", path.display())]
    StrategyTooLong {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// An event comes after the last epoch.
    #[error(
        "the strategy has an event at epoch {event}, but training ends after epoch {epochs}: raise --epochs to {last} or \
         more ({} leaves three to fine-tune), or move the event",
        last.saturating_add(3)
    )]
    EventPastEnd {
        /// The event's key.
        event: String,
        /// The last epoch of the key.
        last: u64,
        /// Epochs to train.
        epochs: u64,
    },
    /// An event comes after the last step.
    #[error(
        "the strategy has an event at step {last}, but training ends after step {all} ({steps} an epoch): raise --epochs to {} \
         or more, or move the event",
        last.div_ceil(*steps)
    )]
    StepPastEnd {
        /// The last step of the strategy.
        last: u64,
        /// Steps of the run.
        all: u64,
        /// Steps of an epoch.
        steps: u64,
    },
    /// There is no such method.
    #[error("--method: there is no `{method}`; `--help` lists them")]
    UnknownMethod {
        /// The name given.
        method: String,
    },
    /// An event needs evidence that the demo does not gather.
    #[error("the strategy's event at {event} is not for the demo: {why}")]
    EvidenceNotGathered {
        /// The event's key.
        event: String,
        /// The evidence that the demo lacks.
        why: &'static str,
    },
    /// A method has no density.
    #[error("--density: `{method}` has a pattern and no density; leave it out, or choose another --method")]
    NoDensity {
        /// The method.
        method: String,
    },
    /// The last event is further away than a run goes.
    #[error(
        "the strategy's last event is at epoch {last}, and the demo trains at most {MOST_EPOCHS} epochs: move the event"
    )]
    EventTooFar {
        /// The epoch.
        last: u64,
    },
    /// The data cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network refused.
    #[error(transparent)]
    Network(#[from] NnError),
    /// Training stopped.
    #[error("{}{}", .0, advice(.0))]
    Train(#[from] TrainError),
    /// The output folder, its files, the output or the threads.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The checkpoint cannot be resumed, or is in the way.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Ctrl-C was pressed; the run is saved.
    #[error(
        "stopped in epoch {epoch} of {epochs} after {} of {steps}; saved to `{}`\nto go on: cargo xtask demo --resume --out {}",
        counted(*done, "step"), path.display(), shell_word(out)
    )]
    Interrupted {
        /// The epoch that was in training, or comes next.
        epoch: u64,
        /// Epochs to train.
        epochs: u64,
        /// Steps of it done, those of the twin included.
        done: u64,
        /// Steps of it in all.
        steps: u64,
        /// The checkpoint.
        path: PathBuf,
        /// The output folder.
        out: PathBuf,
    },
    /// Ctrl-C after the run, while the small network was trained from scratch.
    #[error(
        "stopped while the small network was trained from scratch; the run is complete and its other files are written\nto \
         train it again: cargo xtask demo --resume --from-scratch --out {}",
        shell_word(out)
    )]
    InterruptedFromScratch {
        /// The output folder.
        out: PathBuf,
    },
    /// `--from-scratch` with a strategy that leaves no small network.
    #[error(
        "--from-scratch: the strategy {}, so there will be no small network to train; use --method channel or --method small",
        if *has_channels {
            "prunes channels without their biases ('bias': True closes them too)"
        } else {
            "prunes no channels"
        }
    )]
    NoSmall {
        /// True if the strategy prunes channels.
        has_channels: bool,
    },
    /// A picture cannot be drawn.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The network cannot be written as ONNX, or cannot be read back.
    #[error("ONNX: {0}; please report this")]
    Onnx(Box<OnnxError>),
}

/// Advice against divergence: each flag that could have caused it, with its value now.
fn advice(error: &TrainError) -> String {
    let TrainError::Diverged { settings, .. } = error else { return String::new() };
    let Settings { lr, momentum, weight_decay, batch_size, .. } = *settings;
    let mut advice = format!("; no results are written: lower --lr (now {})", number(lr));
    for (flag, value) in [("--momentum", momentum), ("--weight-decay", weight_decay)] {
        if value > 0.0 {
            advice += &format!(", or {flag} (now {})", number(value));
        }
    }
    format!("{advice}, or raise --batch-size (now {batch_size})")
}

impl From<OnnxError> for DemoError {
    fn from(error: OnnxError) -> Self {
        Self::Onnx(Box::new(error))
    }
}

impl DemoError {
    /// The exit code: 2 if an option or the strategy is wrong, 130 if Ctrl-C was pressed, 1 otherwise.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Strategy { .. }
            | Self::StrategyAbsent { .. }
            | Self::StrategyUnreadable { .. }
            | Self::StrategyFolder { .. }
            | Self::StrategyNotUtf8 { .. }
            | Self::StrategyTooLong { .. }
            | Self::EventPastEnd { .. }
            | Self::EventTooFar { .. }
            | Self::StepPastEnd { .. }
            | Self::NoDensity { .. }
            | Self::UnknownMethod { .. }
            | Self::EvidenceNotGathered { .. }
            | Self::Train(TrainError::Unfit { .. })
            | Self::NoSmall { .. } => 2,
            Self::Checkpoint(error) if error.is_about_options() => 2,
            Self::Interrupted { .. } | Self::InterruptedFromScratch { .. } => INTERRUPTED,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::TwinRole;

    #[test]
    fn advice_names_what_is_set_and_its_numbers_are_short() {
        let settings = Settings { epochs: 3, lr: 1e300, momentum: 0.0, weight_decay: 0.0, batch_size: 16, seed: 0 };
        let diverged = |settings| {
            let what = "a mean training loss of 1.000e30".to_owned();
            DemoError::from(TrainError::Diverged { epoch: 3, role: TwinRole::Twin, what, settings }).to_string()
        };
        assert_eq!(
            diverged(settings),
            "epoch 3: the dense twin has diverged (a mean training loss of 1.000e30); no results are written: lower --lr (now \
             1e300), or raise --batch-size (now 16)"
        );
        let message = diverged(Settings { lr: 1000.0, momentum: 0.9, weight_decay: 5e-4, ..settings });
        for part in ["--lr (now 1000)", "--momentum (now 0.9)", "--weight-decay (now 0.0005)", "--batch-size (now 16)"]
        {
            assert!(message.contains(part), "{message}");
        }
    }
}
