//! The output before training: data, model, training, activation pruning, strategy.

use std::fmt::Write as _;

use prune_core::ActivationRule;
use prune_schedule::table::{Column, aligned, shape};

use crate::data::Dataset;
use crate::demo::args::Arguments;
use crate::demo::plan::Plan;
use crate::nn::{LayerSummary, Place};
use crate::words::{counted, number, thousands};

/// The content of the introduction.
pub(crate) struct Intro<'a> {
    /// The options.
    pub arguments: &'a Arguments,
    /// The data.
    pub data: &'a Dataset,
    /// Strategy and epochs.
    pub plan: &'a Plan,
    /// The model's layers.
    pub layers: &'a [LayerSummary],
    /// The places where activations are pruned.
    pub places: &'a [std::sync::Arc<Place>],
    /// The number of places in the model.
    pub place_count: usize,
    /// Steps of an epoch.
    pub steps: u64,
    /// The number of computing threads.
    pub threads: usize,
}

/// The introduction, of several lines.
#[must_use]
pub(crate) fn intro(about: &Intro<'_>) -> String {
    let Intro { arguments, data, plan, layers, .. } = about;
    let mut text = String::new();
    let parameters: usize = layers.iter().map(|layer| layer.parameters).sum();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "data         {data}");
    let _ = writeln!(
        text,
        "model        {} on {}, {} parameters, seed {}",
        arguments.model.spec().name,
        arguments.backend.name(),
        thousands(parameters),
        arguments.seed,
    );
    let _ = writeln!(text, "\n{}\n", model(layers));
    let _ = writeln!(
        text,
        "training     {} ({}) of {}, batches of {}, {}",
        counted(plan.epochs, "epoch"),
        plan.epochs_origin,
        counted(about.steps, "step"),
        counted(arguments.batch_size.min(data.train.len() as u64), "image"),
        counted(about.threads as u64, "thread"),
    );
    let _ = writeln!(
        text,
        "             SGD: learning rate {} falling linearly to 0, momentum {}, weight decay {}",
        number(arguments.lr),
        number(arguments.momentum),
        number(arguments.weight_decay),
    );
    let _ = writeln!(text, "             test figures are of the network as each epoch leaves it, its event included");
    let _ = writeln!(text, "activations  {}", activation_rules(about));
    let _ = writeln!(text, "strategy     {}", plan.origin);
    if arguments.method.is_some() {
        // Printed in full, to be copied and changed.
        let written = plan.strategy.to_python();
        let _ = writeln!(text, "             {}", written.replace('\n', "\n             "));
    }
    let _ = write!(text, "\n{}", plan.strategy.timeline());
    if !plan.strategy.is_empty() {
        let _ = write!(text, "\n\n{}", plan.strategy.chart(plan.epochs, about.steps));
    }
    text
}

fn activation_rules(about: &Intro<'_>) -> String {
    match about.places {
        [] if about.place_count == 0 => "this model has no place where activations are pruned".to_owned(),
        [] => "activations are left dense (--no-act-pruning)".to_owned(),
        places => {
            let each = places.iter().map(|place| format!("to {} after the relu of {}", goal(place), place.layer));
            let each = each.collect::<Vec<_>>().join(", ");
            format!("activations of each image are pruned {each}; of pruned network and twin alike")
        }
    }
}

/// The target of a place's rule.
pub(super) fn goal(place: &Place) -> String {
    match place.rule {
        ActivationRule::Unstructured(density) => format!("density {}", density.get()),
        ActivationRule::Nm(pattern) => pattern.to_string(),
    }
}

/// The table of the model.
fn model(layers: &[LayerSummary]) -> String {
    let header = [
        ("layer", Column::Left),
        ("what", Column::Left),
        ("output", Column::Right),
        ("parameters", Column::Right),
        ("multiply-adds", Column::Right),
    ];
    let count = |number: usize| if number == 0 { String::new() } else { thousands(number) };
    let row = |layer: &LayerSummary| {
        let what = layer.layer.to_string();
        // A layer without parameters is named after its operation.
        let name = if layer.name == what { String::new() } else { layer.name.clone() };
        [name, what, shape(&layer.output), count(layer.parameters), count(layer.multiply_adds)]
    };
    let total = [
        "total".to_owned(),
        String::new(),
        String::new(),
        count(layers.iter().map(|layer| layer.parameters).sum()),
        count(layers.iter().map(|layer| layer.multiply_adds).sum()),
    ];
    aligned(&header, layers.iter().map(row).chain([total]))
}
