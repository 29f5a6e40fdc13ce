//! The records of a run so far: one for each epoch, one for each event.

use std::collections::BTreeMap;

use prune_schedule::Report;
use serde::{Deserialize, Serialize};

use crate::nn::Score;

/// One line of `metrics.jsonl`. Figures on the test set are those of the network at the end of the epoch, after its
/// event. Figures of training are means over the epoch's batches as they were trained on.
///
/// It does not depend on the machine's speed, so equal runs write equal files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: u64,
    /// Mean cross-entropy in nats.
    pub train_loss: f64,
    /// Fraction of the training images predicted correctly.
    pub train_accuracy: f64,
    /// Mean cross-entropy in nats on the test images.
    pub test_loss: f64,
    /// Fraction of the test images predicted correctly.
    pub test_accuracy: f64,
    /// The accuracy just before the epoch's event, if it had one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub test_accuracy_before_event: Option<f64>,
    /// Fraction of all parameters, biases included, that the masks in force keep.
    pub density: f64,
    /// The same for each parameter.
    pub layer_densities: BTreeMap<String, f64>,
    /// Weights and momentum outside the masks held that are not zero.
    pub revivals: usize,
    /// Learning rate of the epoch's first step.
    pub learning_rate: f64,
    /// The dense twin at the same epoch, once it has branched off.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub twin: Option<TwinRecord>,
}

/// The dense twin's part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwinRecord {
    /// As in [`EpochRecord`].
    pub train_loss: f64,
    /// As in [`EpochRecord`].
    pub train_accuracy: f64,
    /// As in [`EpochRecord`].
    pub test_loss: f64,
    /// As in [`EpochRecord`].
    pub test_accuracy: f64,
}

/// Loss and accuracy on the test images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Fraction predicted correctly.
    pub accuracy: f64,
}

impl From<Score> for Figures {
    fn from(score: Score) -> Self {
        Self { loss: score.loss(), accuracy: score.accuracy() }
    }
}

/// An event with the accuracy around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The pruner's report.
    pub report: Report,
    /// Before the event.
    pub before: Figures,
    /// Right after it.
    pub after: Figures,
    /// After the next epoch has trained, before an event of that epoch.
    pub later: Option<Later>,
}

/// An epoch after an event.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Later {
    /// The epoch that has trained since.
    pub epoch: u64,
    /// The pruned network.
    pub pruned: Figures,
    /// Its dense twin.
    pub twin: Figures,
}

/// All records of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// One for each epoch, from epoch 1.
    pub epochs: Vec<EpochRecord>,
    /// One for each event at the end of an epoch, in order of time.
    pub events: Vec<EventRecord>,
    /// The reports of events after steps.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub steps: Vec<Report>,
}

impl History {
    /// The content of `metrics.jsonl`: a line of JSON for each epoch.
    ///
    /// # Errors
    ///
    /// Values that serde_json refuses; no record contains one.
    pub fn to_jsonl(&self) -> Result<String, serde_json::Error> {
        let mut text = String::new();
        for record in &self.epochs {
            text += &serde_json::to_string(record)?;
            text.push('\n');
        }
        Ok(text)
    }
}
