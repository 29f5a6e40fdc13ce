//! The strategy that a run follows, and its number of epochs.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use prune_core::{Density, Need, NmPattern};
use prune_schedule::{Event, Key, Problem, Scope, Strategy, StrategyError};

use super::error::DemoError;
use super::presets::{self, PresetRun};
use crate::run::choice::MOST_EPOCHS;
use crate::words::counted;

/// Epochs of the default run, and of a strategy that names no epoch.
pub const DEFAULT_EPOCHS: u64 = 7;

/// Epochs of fine-tuning after the last event, unless `--epochs` says otherwise.
const FINE_TUNING: u64 = 3;

/// The most bytes read of a strategy file: far more than a strategy needs, and little enough for memory.
const MOST_BYTES: u64 = 16 << 20;

/// A strategy with the number of epochs to train.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The strategy.
    pub strategy: Strategy,
    /// Its source, as the start of a sentence.
    pub origin: String,
    /// Epochs to train.
    pub epochs: u64,
    /// The reason for this number.
    pub epochs_origin: &'static str,
    /// Oddities of the plan that do not stop it.
    pub warnings: Vec<String>,
}

impl Plan {
    /// The plan of `--strategy` and `--epochs`.
    ///
    /// Without `--epochs`, training goes on for three epochs after the last named event. A strategy that names no
    /// epoch (`{}`, or -1 alone) gets the default's seven.
    ///
    /// # Errors
    ///
    /// Every variant of [`DemoError`] about the strategy, except the one for a strategy that does not fit the model.
    pub fn new(strategy: Option<&str>, epochs: Option<u64>) -> Result<Self, DemoError> {
        let Some(given) = strategy else { return Self::default_for(epochs) };
        let (strategy, origin) = Self::read(given)?;
        fits_the_demo(&strategy)?;
        let last = strategy.last_event_epoch();
        let (epochs, epochs_origin) = match (epochs, last) {
            (Some(epochs), _) => (epochs, "--epochs"),
            (None, Some(last)) => (last.saturating_add(FINE_TUNING), "three after the last event"),
            (None, None) => (DEFAULT_EPOCHS, "the default, since the strategy names no epoch"),
        };
        if let Some(last) = last.filter(|&last| last.max(epochs) > MOST_EPOCHS) {
            return Err(DemoError::EventTooFar { last });
        }
        ends_within(&strategy, epochs)?;
        Ok(Self { warnings: warnings(&strategy, epochs), strategy, origin, epochs, epochs_origin })
    }

    /// The plan of `--method`, for a network whose output layer has the kernel `output`, trained in `steps` steps an
    /// epoch.
    ///
    /// # Errors
    ///
    /// [`DemoError::NoDensity`] for a method without a density.
    pub fn preset(
        method: &str,
        density: Option<Density>,
        epochs: Option<u64>,
        steps: u64,
        output: &str,
        seed: u64,
    ) -> Result<Self, DemoError> {
        if density.is_some() && !presets::has_density(method) {
            return Err(DemoError::NoDensity { method: method.to_owned() });
        }
        let (count, epochs_origin) = match epochs {
            Some(epochs) => (epochs, "--epochs"),
            None => (DEFAULT_EPOCHS, "the default"),
        };
        let ask = PresetRun { density, epochs: count, steps, output: output.to_owned(), seed };
        let made =
            presets::strategy(method, &ask).ok_or_else(|| DemoError::UnknownMethod { method: method.to_owned() })?;
        let origin = Self::method_origin(method);
        let strategy = made.map_err(|source| DemoError::Strategy { from: origin.clone(), source })?;
        fits_the_demo(&strategy)?;
        ends_within(&strategy, count)?;
        Ok(Self { warnings: warnings(&strategy, count), strategy, origin, epochs: count, epochs_origin })
    }

    /// The source of a preset, as messages name it.
    pub fn method_origin(method: &str) -> String {
        format!("--method {method}")
    }

    /// The strategy that `--strategy` names or writes out, and the name of its source.
    ///
    /// # Errors
    ///
    /// Every variant of [`DemoError`] about reading one.
    pub fn read(given: &str) -> Result<(Strategy, String), DemoError> {
        let (text, origin) = text_or_file(given)?;
        let strategy = text.parse().map_err(|source| DemoError::Strategy { from: origin.clone(), source })?;
        Ok((strategy, origin))
    }

    /// The plan of a resumed run: `strategy` as it was, for `epochs` if `--epochs` is given anew.
    ///
    /// # Errors
    ///
    /// [`DemoError::EventPastEnd`].
    pub fn resumed(strategy: Strategy, origin: &str, then: u64, epochs: Option<u64>) -> Result<Self, DemoError> {
        let (epochs, epochs_origin) = match epochs {
            Some(epochs) => (epochs, "--epochs"),
            None => (then, "as the run was begun"),
        };
        ends_within(&strategy, epochs)?;
        let origin = format!("{origin}; from the checkpoint");
        Ok(Self { warnings: warnings(&strategy, epochs), strategy, origin, epochs, epochs_origin })
    }

    /// The default strategy, its epochs scaled to `epochs`.
    fn default_for(epochs: Option<u64>) -> Result<Self, DemoError> {
        let from = "the default strategy".to_owned();
        let refused = |source| DemoError::Strategy { from: from.clone(), source };
        let whole = default_strategy().map_err(refused)?;
        let (count, epochs_origin) = match epochs {
            Some(epochs) => (epochs, "--epochs"),
            None => (DEFAULT_EPOCHS, "the default"),
        };
        let mut warnings = Vec::new();
        let strategy = match whole.scale_epochs(DEFAULT_EPOCHS, count) {
            Err(error) if matches!(error.problem(), Problem::ScaleCollision { .. }) => {
                warnings.push(format!(
                    "--epochs {count} is too few for the default strategy's two events: only the first, 2:4, happens; 1:4 \
                     follows from --epochs 3 on"
                ));
                let first = whole.events().map(|(_, event)| (1, event.clone())).take(1);
                Strategy::new(first).map_err(refused)?
            }
            scaled => scaled.map_err(refused)?,
        };
        warnings.extend(self::warnings(&strategy, count));
        let origin = match epochs {
            Some(epochs) if epochs != DEFAULT_EPOCHS => format!("the default, scaled to {}", counted(epochs, "epoch")),
            _ => "the default".to_owned(),
        };
        Ok(Self { strategy, origin, epochs: count, epochs_origin, warnings })
    }
}

/// The strategy without `--strategy`, over [`DEFAULT_EPOCHS`]: 2:4 after epoch 2, and 1:4 after epoch 4.
fn default_strategy() -> Result<Strategy, StrategyError> {
    let event = |n| Event::n_m(Scope::UnifiedLocal(NmPattern::new(n, 4).map_err(Problem::from)?));
    Strategy::new([(2, event(2)?), (4, event(1)?)])
}

/// Refuses events that need evidence which the demo does not gather.
fn fits_the_demo(strategy: &Strategy) -> Result<(), DemoError> {
    for (key, event) in strategy.events() {
        let needs = event.score().needs();
        let why = match needs {
            Some(Need::Scores) => "it has no scores of yours; hand them over in a loop of your own",
            Some(Need::InputNorms) if key.in_steps() => "inputs are measured at the end of epochs; write it at one",
            Some(_) if event.straight_through() => {
                "forward passes under `straight_through` rank by magnitude there, or at random; leave the score out"
            }
            _ if key.in_steps() && event.rewind().is_some() => "it rewinds at the end of epochs; write it at one",
            _ => continue,
        };
        return Err(DemoError::EvidenceNotGathered { event: key.to_string(), why });
    }
    Ok(())
}

/// Refuses events after the last epoch.
fn ends_within(strategy: &Strategy, epochs: u64) -> Result<(), DemoError> {
    let named = strategy.events().filter(|(key, _)| !key.in_steps());
    let past = named.into_iter().find_map(|(key, _)| Some((key, key.last().filter(|&last| last > epochs)?)));
    match past {
        Some((key, last)) => Err(DemoError::EventPastEnd { event: key.to_string(), last, epochs }),
        None => Ok(()),
    }
}

/// Refuses events after the last step of `epochs` of `steps` each.
///
/// # Errors
///
/// [`DemoError::StepPastEnd`].
pub(super) fn steps_end_within(strategy: &Strategy, epochs: u64, steps: u64) -> Result<(), DemoError> {
    let all = epochs.saturating_mul(steps);
    match strategy.last_event_step().filter(|&last| last > all) {
        Some(last) => Err(DemoError::StepPastEnd { last, all, steps }),
        None => Ok(()),
    }
}

/// Warns of an event at the last epoch: it is allowed, but rarely meant.
fn warnings(strategy: &Strategy, epochs: u64) -> Vec<String> {
    let enough = epochs.saturating_add(FINE_TUNING);
    let warning = match strategy.event_at(epochs) {
        None => return Vec::new(),
        Some((Key::OtherEpochs, _)) => format!(
            "under -1 the mask is made anew at the end of every epoch, and nothing is fine-tuned after the last one, epoch \
             {epochs}"
        ),
        Some((key, _)) => format!(
            "the event at epoch {key} is at the end of the last epoch, so nothing is fine-tuned after it; --epochs {enough} \
             would leave three epochs"
        ),
    };
    vec![warning]
}

/// The strategy's text, and the name of its source: the content of an existing file, or the given text itself.
fn text_or_file(given: &str) -> Result<(String, String), DemoError> {
    let path = Path::new(given);
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(DemoError::StrategyFolder { path: path.to_owned() }),
        Ok(_) => return Ok((read(path)?, format!("strategy file `{given}`"))),
        Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
            return Err(DemoError::StrategyUnreadable { path: path.to_owned(), source });
        }
        // There is no file of that name, or the text cannot be a file name.
        Err(_) => {}
    }
    // Every strategy except an empty text has one of these characters, and hardly any file name has.
    if given.is_empty() || given.contains(['{', '[', '=', '\n']) {
        return Ok((given.to_owned(), "--strategy".to_owned()));
    }
    let text = given.chars().take(80).collect();
    Err(DemoError::StrategyAbsent { text })
}

fn read(path: &Path) -> Result<String, DemoError> {
    let unreadable = |source| DemoError::StrategyUnreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(DemoError::StrategyTooLong { path: path.to_owned(), limit: MOST_BYTES });
    }
    String::from_utf8(bytes)
        .map_err(|error| DemoError::StrategyNotUtf8 { path: path.to_owned(), offset: error.utf8_error().valid_up_to() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn keys(plan: &Plan) -> Vec<String> {
        plan.strategy.events().map(|(key, _)| key.to_string()).collect()
    }

    #[test]
    fn the_default_scales_with_the_epochs() {
        let scaled = |epochs| keys(&Plan::new(None, epochs).unwrap());
        assert_eq!(scaled(None), ["2", "4"]);
        assert_eq!(scaled(Some(7)), ["2", "4"]);
        assert_eq!(scaled(Some(3)), ["1", "2"]);
        assert_eq!(scaled(Some(14)), ["4", "8"]);
        assert_eq!(Plan::new(None, None).unwrap().epochs, 7);
        let written = "{2: {'method': 'str_unified_local', 'pattern': (2, 4)}, 4: {'method': 'str_unified_local', \
                       'pattern': (1, 4)}}";
        assert_eq!(Plan::new(None, None).unwrap().strategy, written.parse().unwrap());
        assert_eq!(Plan::new(None, Some(1)).unwrap().origin, "the default, scaled to 1 epoch");
    }

    #[test]
    fn every_number_of_epochs_has_a_default() {
        for epochs in 1..=50 {
            let plan = Plan::new(None, Some(epochs)).unwrap();
            assert_eq!(plan.strategy.len(), if epochs < 3 { 1 } else { 2 });
            assert_eq!(plan.warnings.is_empty(), epochs >= 3, "{:?}", plan.warnings);
            assert!(plan.strategy.last_event_epoch().unwrap() <= epochs);
        }
        let warnings = Plan::new(None, Some(1)).unwrap().warnings;
        assert!(warnings[0].contains("only the first, 2:4"), "{warnings:?}");
        assert!(warnings[1].contains("nothing is fine-tuned"), "{warnings:?}");
    }

    #[test]
    fn a_strategy_gets_three_epochs_after_its_last_event() {
        let epochs = |text: &str| Plan::new(Some(text), None).unwrap().epochs;
        assert_eq!(epochs("{10: {'method': 'unstr_global', 'density': 0.5}}"), 13);
        assert_eq!(epochs("{'2..=5': {'method': 'unstr_global', 'density': 0.5}}"), 8);
        assert_eq!(epochs("{-1: {'method': 'unstr_global', 'density': 0.5}}"), 7);
        assert_eq!(
            epochs("{4: {'method': 'unstr_global', 'density': 0.5}, -1: {'method': 'unstr_global', 'density': 0.4}}"),
            7
        );
        assert_eq!(epochs("{}"), 7);
        assert_eq!(epochs("{0: {'method': 'unstr_global', 'density': 0.5}}"), 3);
    }

    #[test]
    fn events_past_the_end_are_refused_and_at_the_end_warned_of() {
        let message = |text: &str, epochs| Plan::new(Some(text), epochs).unwrap_err().to_string();
        assert_eq!(
            message("{10: {'method': 'unstr_global', 'density': 0.5}}", Some(7)),
            "the strategy has an event at epoch 10, but training ends after epoch 7: raise --epochs to 10 or more (13 \
             leaves three to fine-tune), or move the event"
        );
        assert!(message("{'2..=5': {'method': 'unstr_global', 'density': 0.5}}", Some(4)).contains("epoch 2..=5"));
        assert!(message("{4294967295: {'method': 'unstr_global', 'density': 0.5}}", None).contains("at most 100000"));
        let plan = Plan::new(Some("{3: {'method': 'unstr_global', 'density': 0.5}}"), Some(3)).unwrap();
        assert!(plan.warnings[0].contains("--epochs 6 would"), "{:?}", plan.warnings);
        let plan = Plan::new(Some("{-1: {'method': 'unstr_global', 'density': 0.5}}"), None).unwrap();
        assert!(plan.warnings[0].contains("under -1"), "{:?}", plan.warnings);
    }

    #[test]
    fn files_are_read_and_bad_ones_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let text = "[2]\nmethod = \"str_unified_local\"\npattern = \"2:4\"\n";
        fs::write(path("good.toml"), text).unwrap();
        let plan = Plan::new(Some(&path("good.toml")), None).unwrap();
        assert_eq!((keys(&plan), plan.epochs), (vec!["2".to_owned()], 5));
        assert_eq!(Plan::new(Some(text), None).unwrap().strategy, plan.strategy);

        fs::write(path("latin.txt"), b"{2: \xe9}").unwrap();
        fs::write(path("wrong.txt"), "{2: {'method': 'unstr_globl', 'density': 0.5}}").unwrap();
        fs::write(path("empty.txt"), "").unwrap();
        fs::write(path("long.txt"), " ".repeat(MOST_BYTES as usize + 1)).unwrap();
        for (name, part) in [
            ("latin.txt", "not UTF-8 text (byte 4)"),
            ("wrong.txt", "did you mean `unstr_global`?"),
            ("empty.txt", "the strategy is empty"),
            ("long.txt", "is longer than"),
            ("none.txt", "there is no file"),
            (".", "is a folder"),
        ] {
            let error = Plan::new(Some(&path(name)), None).unwrap_err();
            let message = error.to_string();
            assert!(message.contains(part) && message.contains(folder.path().to_str().unwrap()), "{message}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
