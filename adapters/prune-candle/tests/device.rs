//! Masks as tensors, and masks applied by `where_cond`, compared with masks applied in memory.

#![allow(clippy::unwrap_used, reason = "tests")]

use candle_core::{DType, Device, Tensor, Var};
use proptest::prelude::*;
use prune_candle::{CandleError, DeviceMasks, Evidence, Mask, Masks, Params, Pruner, mask_tensor};
use prune_schedule::{Moment, Report};

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![-2.0..2.0f64, Just(-0.0), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(f64::NAN)]
}

fn bits(params: &Params) -> Vec<u64> {
    let var = params.get("w").unwrap().to_dtype(DType::F64).unwrap();
    var.flatten_all().unwrap().to_vec1::<f64>().unwrap().into_iter().map(f64::to_bits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// `where_cond` selects and never multiplies: infinities, NaN and zeros of both signs give the same results as in
    /// memory.
    #[test]
    fn where_cond_writes_what_memory_holds(
        rows in 0usize..5,
        drawn in prop::collection::vec((value(), any::<bool>()), 28),
        dtype in prop::sample::select(vec![DType::F32, DType::F64, DType::F16, DType::BF16]),
    ) {
        let len = rows * 7;
        let values: Vec<f64> = drawn[..len].iter().map(|&(value, _)| value).collect();
        let kept: Vec<bool> = drawn[..len].iter().map(|&(_, kept)| kept).collect();
        let params = || {
            let tensor = Tensor::from_slice(&values, (rows, 7), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
            Params::named([("w", Var::from_tensor(&tensor).unwrap())]).unwrap()
        };
        let (there, mut here) = (params(), params());
        let mask = Mask::from_bools(&[rows, 7], &kept).unwrap();
        let masks: Masks = [("w".to_owned(), mask.clone())].into_iter().collect();
        DeviceMasks::new(&masks, &Device::Cpu).unwrap().hold(&there).unwrap();
        masks.hold(&mut here).unwrap();
        prop_assert_eq!(bits(&there), bits(&here));

        for of in [DType::U8, DType::U32, DType::I64, dtype] {
            let tensor = mask_tensor(&mask, of, &Device::Cpu).unwrap();
            prop_assert_eq!((tensor.dtype(), tensor.dims()), (of, &[rows, 7][..]));
            let ones = tensor.to_dtype(DType::U8).unwrap().flatten_all().unwrap().to_vec1::<u8>().unwrap();
            prop_assert_eq!(ones, kept.iter().map(|&kept| u8::from(kept)).collect::<Vec<_>>());
        }
    }
}

fn ones(shape: (usize, usize)) -> Params {
    Params::named([("fc1.weight", Var::ones(shape, DType::F32, &Device::Cpu).unwrap())]).unwrap()
}

fn masks(name: &str, shape: &[usize]) -> DeviceMasks {
    let masks = [(name.to_owned(), Mask::none(shape).unwrap())].into_iter().collect();
    DeviceMasks::new(&masks, &Device::Cpu).unwrap()
}

#[test]
fn masks_that_do_not_fit_are_refused() {
    let params = ones((2, 3));
    let error = masks("fc1.wieght", &[2, 3]).hold(&params).unwrap_err();
    assert_eq!(error.to_string(), "there is no parameter `fc1.wieght`; did you mean `fc1.weight`?");
    let error = masks("fc1.weight", &[3, 2]).hold(&params).unwrap_err();
    assert_eq!(error.to_string(), "layer `fc1.weight`: the mask has shape [3, 2] where [2, 3] is needed");
    assert_eq!(params.get("fc1.weight").unwrap().to_vec2::<f32>().unwrap(), [[1.0; 3]; 2]);
    let mask = Mask::all(&[2]).unwrap();
    assert!(matches!(mask_tensor(&mask, DType::F4, &Device::Cpu), Err(CandleError::Candle(_))));
}

/// Events on a device equal those on the host: of epochs and steps, with rewinding and reopening among them.
#[test]
fn events_on_a_device_are_those_of_the_host() {
    let values = |seed: f32| -> Vec<f32> { (0..24).map(|i| (i as f32 * 1.7 + seed).sin()).collect() };
    let params = |seed: f32| {
        let tensor = |shape: &[usize], len| Tensor::from_slice(&values(seed)[..len], shape, &Device::Cpu).unwrap();
        Params::named([
            ("fc1.bias", Var::from_tensor(&tensor(&[4], 4)).unwrap()),
            ("fc1.weight", Var::from_tensor(&tensor(&[4, 6], 24)).unwrap()),
            ("w", Var::from_tensor(&tensor(&[3, 4], 12)).unwrap()),
        ])
        .unwrap()
    };
    let strategies = [
        "{1: {'method': 'unstr_global', 'density': 0.5}, 3: {'method': 'unstr_global', 'density': 0.25}}",
        "{1: {'method': 'str_unified_local', 'pattern': (2, 4), 'exclude': 'w'}}",
        "{2: {'method': 'unstr_global', 'density': 0.5, 'rewind': 0}}",
        "{'1 steps': {'method': 'unstr_unified_local', 'density': 0.5}, '3 steps': {'method': 'set', 'fraction': 0.3, 'decay': 'constant'}}",
    ];
    for strategy in strategies {
        let (there, mut here, start) = (params(0.3), params(0.3), params(0.9));
        let mut device = Pruner::new(strategy.parse().unwrap());
        let mut host = device.clone();
        let evidence = Evidence { rewind: Some(&start), ..Evidence::default() };
        let moment = |time| if host.strategy().has_steps() { Moment::Step(time) } else { Moment::Epoch(time) };
        let moments = [1, 2, 3].map(moment);
        device.start(&mut there.on_cpu().unwrap()).unwrap();
        host.start(&mut here).unwrap();
        for moment in moments {
            let theirs = there.end_on_device(&mut device, moment, evidence).unwrap();
            let ours = match moment {
                Moment::Step(step) => host.end_step_with(step, &mut here, evidence).unwrap(),
                Moment::Epoch(epoch) => here.end_epoch(&mut host, epoch, &mut [], evidence).unwrap(),
            };
            // On a device, a call of its own holds the buffers. The report names this call as the next step.
            assert!(theirs.as_ref().is_none_or(|report| report.unchanged || report.buffers_open), "{strategy}");
            let held = |report: Option<Report>| report.map(Report::with_buffers_held);
            assert_eq!((held(theirs), &device), (held(ours), &host), "{strategy}");
            for ((name, one), (_, two)) in there.iter().zip(here.iter()) {
                let bits = |var: &Var| -> Vec<u32> {
                    let values = var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                    values.into_iter().map(f32::to_bits).collect()
                };
                assert_eq!(bits(one), bits(two), "{strategy}: {name}");
            }
        }
        assert!(!host.masks().is_empty());
    }
}

/// A refused event leaves parameters and pruner as they were.
#[test]
fn a_refused_event_changes_nothing() {
    let params = ones((2, 3));
    let mut pruner = Pruner::new("{1: {'method': 'unstr_global', 'density': 0.5, 'rewind': 0}}".parse().unwrap());
    let before = pruner.clone();
    let refused = params.end_on_device(&mut pruner, Moment::Epoch(1), Evidence::default()).unwrap_err();
    assert!(matches!(refused, CandleError::Prune(_)), "{refused}");
    assert_eq!(pruner, before);
    assert_eq!(params.get("fc1.weight").unwrap().to_vec2::<f32>().unwrap(), [[1.0; 3]; 2]);
}
