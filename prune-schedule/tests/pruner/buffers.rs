//! The optimiser's buffers after an event: held by the call that was given them, and otherwise named as the next step.

use prune_core::LayersMut;
use prune_schedule::{Evidence, PruneError, Pruner, Report};

use crate::model::Model;
use crate::{ended, pruner, small};

const HALF: &str = "'method': 'unstr_unified_local', 'density': 0.5";

fn ones() -> Model {
    let mut buffer = small();
    buffer.0.iter_mut().for_each(|(_, tensor)| tensor.values_mut().fill(1.0));
    buffer
}

fn ended_and_held(pruner: &mut Pruner, epoch: u64, buffers: &mut [&mut dyn LayersMut]) -> Result<Report, PruneError> {
    Ok(pruner.end_epoch_and_hold(epoch, &mut small(), buffers, Evidence::default())?.unwrap())
}

#[test]
fn an_epoch_s_event_holds_the_buffers_that_it_is_given() {
    let mut pruner = pruner(&format!("{{1: {{{HALF}}}}}"));
    let (mut first, mut second) = (ones(), ones());
    let report = ended_and_held(&mut pruner, 1, &mut [&mut first, &mut second]).unwrap();
    assert_eq!((report.buffers_open, report.next_step()), (false, None));
    for buffer in [&first, &second] {
        assert_eq!(pruner.revivals(buffer).unwrap(), 0);
        // Kept elements stay, and so do layers without a mask.
        let sum = |name: &str| buffer.get(name).values().iter().sum::<f32>();
        assert_eq!(["Dense_0-kernel", "Dense_0-bias", "Dense_1-kernel"].map(sum), [4.0, 4.0, 2.0]);
    }
}

#[test]
fn without_buffers_the_report_says_what_is_next() {
    let mut pruner = pruner(&format!("{{1: {{{HALF}}}}}"));
    let mut buffer = ones();
    let report = ended(&mut pruner, 1, &mut small());
    assert_eq!(pruner.revivals(&buffer).unwrap(), 6);
    let text = report.to_string();
    let last = text.lines().last().unwrap();
    assert_eq!(last, "next: hold the optimiser's buffers to the new masks too: outside them they are as they were");
    pruner.hold(&mut buffer).unwrap();
    assert_eq!(pruner.revivals(&buffer).unwrap(), 0);
    assert_eq!(text.strip_suffix(last).unwrap().trim_end(), report.with_buffers_held().to_string());
}

/// A report has no next step before training, if nothing is closed, or if a mask is not held. It has one once the mask
/// is.
#[test]
fn nothing_is_next_where_buffers_have_nothing_to_lose() {
    let held_to_zero = |strategy: &str, epochs: &[bool]| {
        let mut pruner = pruner(strategy);
        let mut model = small();
        for (epoch, &open) in epochs.iter().enumerate() {
            let report = pruner.end_epoch(epoch as u64, &mut model).unwrap();
            let mut buffer = ones();
            let before = pruner.revivals(&buffer).unwrap();
            assert_eq!(
                report.as_ref().is_some_and(|report| report.buffers_open),
                open,
                "{strategy}, {epoch}: {before}"
            );
            assert_eq!(report.is_some_and(|report| report.to_string().contains("next:")), open);
            pruner.hold(&mut buffer).unwrap();
        }
    };
    held_to_zero(&format!("{{0: {{{HALF}}}, 2: {{{HALF}}}}}"), &[false, false, false]);
    held_to_zero(&format!("{{'1..=3': {{{HALF}}}}}"), &[false, false, false, true]);
    held_to_zero(&format!("{{'1..=3': {{{HALF}, 'straight_through': True}}}}"), &[false, false, false, true]);
    let less = "'method': 'unstr_unified_local', 'density': 0.25";
    held_to_zero(&format!("{{1: {{{HALF}}}, 2: {{{less}}}}}"), &[false, true, true]);
}

#[test]
fn an_event_at_a_step_holds_all_that_is_given() {
    let strategy = format!("{{'1 steps': {{{HALF}}}}}");
    let (mut with, mut without) = (pruner(&strategy), pruner(&strategy));
    let mut buffer = ones();
    let report = with.after_step(&mut small(), &mut [&mut buffer]).unwrap().unwrap();
    assert_eq!((report.buffers_open, with.revivals(&buffer).unwrap()), (false, 0));
    assert!(without.end_step(1, &mut small()).unwrap().unwrap().buffers_open);
}

/// Buffers that cannot be held are refused before the event.
#[test]
fn buffers_that_lack_a_layer_are_refused_before_anything_is_written() {
    let missing = Model::of(&[("Dense_0-kernel", &[2, 4], &[1.0; 8])]);
    let other = Model::of(&[("Dense_0-kernel", &[2, 4], &[1.0; 8]), ("Dense_1-kernel", &[2, 2], &[1.0; 4])]);
    for (mut buffer, why) in [
        (missing, "there is no layer `Dense_1-kernel`; did you mean `Dense_0-kernel`?"),
        (other, "layer `Dense_1-kernel`: the mask has shape [4, 1] where [2, 2] is needed"),
    ] {
        let mut pruner = pruner(&format!("{{1: {{{HALF}}}}}"));
        let (before, mut good) = (pruner.clone(), ones());
        let error = ended_and_held(&mut pruner, 1, &mut [&mut good, &mut buffer]).unwrap_err();
        assert_eq!(error.to_string(), why);
        assert_eq!(pruner, before);
        assert_eq!((good.bits(), buffer.get("Dense_0-kernel").values()), (ones().bits(), &[1.0; 8][..]));
    }
}
