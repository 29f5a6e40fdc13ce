//! `--from-scratch`: the small network from new weights, trained as long, which pruning a larger one should beat.

use prune_core::ActivationRule;
use prune_schedule::Strategy;

use super::error::DemoError;
use super::small::{self, SMALL_FILE};
use crate::data::Dataset;
use crate::nn::ModelSpec;
use crate::onnx;
use crate::run::{Bar, Console, Interrupt, OutFolder};
use crate::train::{Backend, Session, Settings};
use crate::words::percent;

/// The file of the small network that was trained from scratch.
pub const SCRATCH_FILE: &str = "scratch.onnx";

/// Trains a network of `spec` with the settings of the pruned one, and writes it. `accuracy` is that of the network
/// left by pruning.
///
/// # Errors
///
/// [`DemoError::InterruptedFromScratch`], and an error for a network that diverges. The results of the run are written
/// by then.
pub(super) fn train<P: Backend>(
    (spec, accuracy): &(ModelSpec, f64),
    data: &Dataset,
    settings: Settings,
    rules: &[ActivationRule],
    interrupt: &Interrupt,
    out: &mut OutFolder,
    console: &mut Console<'_>,
) -> Result<(), DemoError> {
    let mut session = Session::<P>::new(spec, data, settings, Strategy::default(), rules)?;
    for epoch in 1..=settings.epochs {
        let mut bar = Bar::new(epoch, settings.epochs, session.trainer.steps(), false, 0);
        let flow = session.epoch(&mut |role, loss| {
            bar.tick(role, loss);
            interrupt.flow()
        })?;
        if flow.is_break() {
            return Err(DemoError::InterruptedFromScratch { out: out.path().to_owned() });
        }
    }
    let params = &session.pruned.params;
    let scratch = small::accuracy(spec, params, &data.test)?;
    let features: Vec<String> = spec.features().map(|features| features.to_string()).collect();
    console.line(format_args!(
        "\nfrom scratch, {} channels a layer, trained as long: test accuracy {}; {SMALL_FILE} has {:+.2} points",
        features.join(", "),
        percent(scratch),
        (accuracy - scratch) * 100.0,
    ))?;
    out.write(&[(SCRATCH_FILE, onnx::write(spec, params)?)])?;
    console.line(format_args!("wrote {SCRATCH_FILE} into {}", out.path().display()))?;
    Ok(())
}
