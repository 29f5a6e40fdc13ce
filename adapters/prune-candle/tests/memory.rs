//! A hold copies no weight.

#![allow(clippy::unwrap_used, reason = "tests")]

use candle_core::{DType, Device, Var};
use candle_nn::ParamsAdamW;
use peak_alloc::PeakAlloc;
use prune_candle::{AdamW, Mask, Masks, Params};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The peak of extra memory during a call.
fn extra(call: impl FnOnce()) -> usize {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    call();
    MEMORY.peak_usage() - before
}

#[test]
fn a_hold_copies_no_weight() {
    let (rows, columns) = (1024, 1024);
    let elements = rows * columns;
    let named = ["a", "b"].map(|name| (name, Var::ones((rows, columns), DType::F32, &Device::Cpu).unwrap()));
    let mut params = Params::named(named).unwrap();
    let mut adam = AdamW::for_params(&params, ParamsAdamW::default()).unwrap();
    let kept: Vec<bool> = (0..elements).map(|i| i % 10 == 0).collect();
    let masks: Masks = ["a", "b"]
        .map(|name| (name.to_owned(), Mask::from_bools(&[rows, columns], &kept).unwrap()))
        .into_iter()
        .collect();
    let mut hold = || {
        let [first, second] = adam.moments_mut();
        masks.hold_each(&mut [&mut params, first, second]).unwrap();
    };
    hold(); // the threads are there from now on
    let held = extra(hold);
    let counted = extra(|| assert_eq!(params.revivals(&masks).unwrap(), 0));
    println!("a hold takes {held} bytes, a count {counted}, of {} bytes of a layer", 4 * elements);
    assert!(held < elements / 64 && counted < elements / 64, "{held} {counted}");
    // A copy would be detected.
    assert!(extra(|| drop(params.on_cpu().unwrap())) > 8 * elements);
}
