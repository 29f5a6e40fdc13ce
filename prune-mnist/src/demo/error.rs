//! The errors that stop the demo, each with a remedy.

use std::io;
use std::path::PathBuf;

use prune_schedule::{PruneError, StrategyError};

use super::args::MOST_EPOCHS;
use crate::data::DataError;
use crate::nn::NnError;
use crate::onnx::OnnxError;
use crate::run::INTERRUPTED;
use crate::run::checkpoint::CheckpointError;
use crate::train::Role;

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
    /// The strategy does not fit the model.
    #[error("the strategy does not fit model `{model}`: {source}")]
    Unfit {
        /// The model.
        model: String,
        /// The cause.
        source: Box<PruneError>,
    },
    /// The data cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network refused.
    #[error(transparent)]
    Network(#[from] NnError),
    /// The pruner refused.
    #[error(transparent)]
    Prune(Box<PruneError>),
    /// Threads cannot be started.
    #[error("cannot start {threads} threads: {source}; lower --threads")]
    Threads {
        /// The number of threads.
        threads: usize,
        /// The cause.
        source: rayon::ThreadPoolBuildError,
    },
    /// The run has diverged.
    #[error(
        "epoch {epoch}: {role} has diverged ({what}); no results are written: {}",
        advice(*lr, *momentum, *weight_decay, *batch_size)
    )]
    Diverged {
        /// The epoch.
        epoch: u64,
        /// The network that diverged.
        role: Role,
        /// The sign of divergence.
        what: String,
        /// The learning rate of the first step.
        lr: f64,
        /// The momentum.
        momentum: f64,
        /// The weight decay.
        weight_decay: f64,
        /// The batch size.
        batch_size: u64,
    },
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
    /// The checkpoint cannot be resumed, or is in the way.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Ctrl-C was pressed; the run is saved.
    #[error(
        "stopped in epoch {epoch} of {epochs} after {} of {steps}; saved to `{}`\nto go on: cargo xtask demo --resume --out {}",
        super::show::counted(*done, "step"), path.display(), super::show::shell_word(out)
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
        super::show::shell_word(out)
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
    #[error("cannot draw {picture}: {why}; please report this")]
    Picture {
        /// The picture.
        picture: &'static str,
        /// The cause, in the drawing library's words.
        why: String,
    },
    /// The network cannot be written as ONNX, or cannot be read back.
    #[error("ONNX: {0}; please report this")]
    Onnx(Box<OnnxError>),
    /// Tensors cannot be put into a file.
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
}

/// Advice against divergence: each flag that could have caused it, with its value now.
fn advice(lr: f64, momentum: f64, weight_decay: f64, batch_size: u64) -> String {
    let number = super::show::number;
    let mut advice = format!("lower --lr (now {})", number(lr));
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

impl From<PruneError> for DemoError {
    fn from(error: PruneError) -> Self {
        Self::Prune(Box::new(error))
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
            | Self::Unfit { .. }
            | Self::NoSmall { .. } => 2,
            Self::Checkpoint(error) if error.is_about_options() => 2,
            Self::Interrupted { .. } | Self::InterruptedFromScratch { .. } => INTERRUPTED,
            _ => 1,
        }
    }
}
