//! Trains a network of the widths of a run's `small.onnx` from scratch, as long as the run and on the same data: the
//! control for a pruned network.
//!
//! ```text
//! cargo xtask demo --method small --no-act-pruning --data full --out out
//! cargo run --release -p prune-mnist --example from_scratch -- --data full --out out
//! ```
//!
//! The options are those of the demo; if the run had other options than the defaults, give the same.

use std::error::Error;
use std::ops::ControlFlow;

use prune_mnist::demo::{Arguments, DEFAULT_EPOCHS, SMALL_FILE};
use prune_mnist::nn::NdarrayParams;
use prune_mnist::onnx;
use prune_mnist::train::{Session, Settings};
use prune_onnx::Model;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::from_command_line();
    let model = Model::read(&arguments.out.join(SMALL_FILE))?;
    let (spec, _) = onnx::read(&arguments.model.spec(), &model)?;
    let data = arguments.data.load()?;
    let settings = Settings {
        epochs: arguments.epochs.unwrap_or(DEFAULT_EPOCHS),
        lr: arguments.lr,
        momentum: arguments.momentum,
        weight_decay: arguments.weight_decay,
        batch_size: arguments.batch_size,
        seed: arguments.seed,
    };
    let mut session = Session::<NdarrayParams<f32>>::new(&spec, &data, settings, "{}".parse()?, &[])?;
    session.start()?;
    for _ in 0..settings.epochs {
        let _ = session.epoch(&mut |_, _| ControlFlow::Continue(()))?;
        if let Some(epoch) = session.history.epochs.last() {
            println!("epoch {}: test accuracy {:.2}%", epoch.epoch, 100.0 * epoch.test_accuracy);
        }
    }
    Ok(())
}
