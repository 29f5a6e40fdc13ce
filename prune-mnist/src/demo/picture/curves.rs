//! The content of the picture: points over epochs, and events.

use prune_core::Density;
use prune_schedule::{Strategy, Target};

use crate::train::History;

/// A run as points. Two points of one epoch are its states before and after the event.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// The title above the picture.
    pub title: String,
    /// Epochs trained.
    pub epochs: u64,
    /// Test accuracy of the pruned network, as a fraction.
    pub pruned: Vec<(u64, f64)>,
    /// Test accuracy of the dense twin, from its first epoch on.
    pub twin: Vec<(u64, f64)>,
    /// Fraction of the parameters kept, from epoch 0.
    pub density: Vec<(u64, f64)>,
    /// The events.
    pub events: Vec<EventMark>,
}

/// An event in the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventMark {
    /// Its epoch.
    pub epoch: u64,
    /// Its target, in a word or two.
    pub label: String,
    /// True if its mask floats.
    pub floats: bool,
}

impl Curves {
    /// The curves of a run under `strategy`.
    #[must_use]
    pub fn of(title: &str, history: &History, strategy: &Strategy) -> Self {
        let mut curves = Self {
            title: title.to_owned(),
            epochs: history.epochs.len() as u64,
            pruned: Vec::new(),
            twin: Vec::new(),
            density: Vec::new(),
            events: Vec::new(),
        };
        let mut density = 1.0;
        for event in &history.events {
            let report = &event.report;
            if report.epoch == 0 {
                density = report.all.density().map_or(0.0, Density::get);
            }
            curves.events.push(EventMark {
                epoch: report.epoch,
                label: label(strategy, report.epoch),
                floats: report.floats,
            });
        }
        curves.density.push((0, density));
        for record in &history.epochs {
            let epoch = record.epoch;
            if let Some(before) = record.test_accuracy_before_event {
                if record.twin.is_none() {
                    curves.twin.push((epoch, before));
                }
                curves.pruned.push((epoch, before));
            }
            curves.pruned.push((epoch, record.test_accuracy));
            curves.twin.extend(record.twin.map(|twin| (epoch, twin.test_accuracy)));
            curves.density.push((epoch, density));
            if density != record.density {
                density = record.density;
                curves.density.push((epoch, density));
            }
        }
        curves
    }
}

/// The target of the event at `epoch`, as short as possible.
fn label(strategy: &Strategy, epoch: u64) -> String {
    let targets = strategy.event_at(epoch).map(|(_, event)| event.targets()).unwrap_or_default();
    match targets[..] {
        [(None, Target::Pattern(pattern))] => pattern.to_string(),
        [(None, target)] => kept(target.density()),
        _ => "by layer".to_owned(),
    }
}

fn kept(density: Density) -> String {
    let percent = density.get() * 100.0;
    // Enough digits for the densities that people write.
    let digits = format!("{percent:.2}");
    format!("keeps {}%", digits.trim_end_matches('0').trim_end_matches('.'))
}
