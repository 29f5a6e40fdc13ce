#![allow(clippy::unwrap_used, reason = "tests")]
use proptest::prelude::*;

use super::*;
use crate::{Layout, Mask};

fn plain(shape: &[usize], values: Vec<f64>) -> PlainTensor<f64> {
    PlainTensor::from_logical(shape, values).unwrap()
}

/// The same values in memory with the first axis innermost and backwards.
fn odd(shape: &[usize], values: &[f64]) -> PlainTensor<f64> {
    let mut strides = vec![0isize; shape.len()];
    let (mut step, mut offset) = (1isize, 0usize);
    for (axis, &side) in shape.iter().enumerate() {
        strides[axis] = if axis == 0 { -step } else { step };
        offset += if axis == 0 { step as usize * side.saturating_sub(1) } else { 0 };
        step *= side as isize;
    }
    let layout = Layout::new(shape, &strides, offset).unwrap();
    let mut memory = vec![0.0; values.len()];
    for (index, &value) in values.iter().enumerate() {
        let (mut rest, mut position) = (index, offset as isize);
        for (axis, &side) in shape.iter().enumerate().rev() {
            position += (rest % side) as isize * strides[axis];
            rest /= side;
        }
        memory[position as usize] = value;
    }
    PlainTensor::from_memory(layout, memory).unwrap()
}

fn bits(scores: &Scores<'_>) -> Vec<u64> {
    scores.layer().to_logical_f64().unwrap().into_iter().map(f64::to_bits).collect()
}

fn numbers(len: usize) -> impl Strategy<Value = Vec<f64>> {
    let number = prop_oneof![
        6 => -2.0f64..2.0,
        1 => Just(0.0), 1 => Just(-0.0), 1 => Just(f64::INFINITY), 1 => Just(f64::NEG_INFINITY), 1 => Just(f64::NAN)
    ];
    prop::collection::vec(number, len)
}

fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

proptest! {
    /// Every score equals its formula, index by index, whatever the layout of weights and evidence.
    #[test]
    fn scores_are_their_formulas(
        (shape, weights, evidence, norms, axis) in prop::collection::vec(1usize..5, 1..4).prop_flat_map(|shape| {
            let len: usize = shape.iter().product();
            let rank = shape.len();
            (Just(shape), numbers(len), numbers(len), numbers(len), 0..rank)
        }),
        seed in any::<u64>(),
    ) {
        let (row, moved) = (plain(&shape, weights.clone()), odd(&shape, &weights));
        for tensor in [&row, &moved] {
            let layer = LayerRef::of(tensor);
            let random = Score::random(seed).of(&Subject::new("fc", &layer)).unwrap();
            let expected: Vec<u64> = (0..weights.len()).map(|i| draw(seed, "fc", i as u64).to_bits()).collect();
            prop_assert_eq!(bits(&random), expected);

            for gradient in [plain(&shape, evidence.clone()), odd(&shape, &evidence)] {
                let gradient = LayerRef::of(&gradient);
                for score in [Score::saliency(), Score::snip()] {
                    let scores = score.of(&Subject::new("fc", &layer).with_evidence(&gradient)).unwrap();
                    prop_assert_eq!(scores.rank_by(), RankBy::Value);
                    for (i, found) in scores.layer().to_logical_f64().unwrap().into_iter().enumerate() {
                        prop_assert!(same(found, (weights[i] * evidence[i]).abs()));
                    }
                }
                let given = Score::given().of(&Subject::new("fc", &layer).with_evidence(&gradient)).unwrap();
                prop_assert_eq!(bits(&given), evidence.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
            }

            let inputs = [&shape[..axis], &shape[axis + 1..]].concat();
            let count: usize = inputs.iter().product();
            let norm = plain(&inputs, norms[..count].to_vec());
            let norm = LayerRef::of(&norm);
            let subject = Subject::new("fc", &layer).with_evidence(&norm).with_output_axis(axis);
            let scores = Score::wanda().of(&subject).unwrap().layer().to_logical_f64().unwrap();
            for (i, found) in scores.into_iter().enumerate() {
                // The index of the element without its output axis.
                let mut index = Vec::new();
                let mut rest = i;
                for &side in shape.iter().rev() {
                    index.insert(0, rest % side);
                    rest /= side;
                }
                index.remove(axis);
                let input = index.iter().zip(&inputs).fold(0, |at, (i, side)| at * side + i);
                prop_assert!(same(found, weights[i].abs() * norms[input]));
            }
        }
    }

    /// The norm covers alive elements only, and no order changes except by rounding.
    #[test]
    fn normalised_scores_keep_their_order(
        values in prop::collection::vec(-1e3f64..1e3, 1..40), kept in prop::collection::vec(any::<bool>(), 40), exponent in -1000i32..1000,
    ) {
        let scale = 2f64.powi(exponent);
        let values: Vec<f64> = values.iter().map(|value| value * scale).collect();
        let mask = Mask::from_bools(&[values.len()], &kept[..values.len()]).unwrap();
        let tensor = plain(&[values.len()], values.clone());
        let layer = LayerRef::of(&tensor);
        let scores = Score::magnitude().of(&Subject::new("fc", &layer)).unwrap().normalised(Some(&mask)).unwrap();
        let found = scores.layer().to_logical_f64().unwrap();
        for (i, a) in found.iter().enumerate() {
            for (j, b) in found.iter().enumerate() {
                prop_assert!(values[i].abs() < values[j].abs() || a >= b);
            }
        }
        let sum: f64 = found.iter().zip(mask.iter()).filter(|(_, kept)| *kept).map(|(v, _)| v * v).sum();
        let any = values.iter().zip(mask.iter()).any(|(v, kept)| kept && *v != 0.0);
        // Subnormal values have already lost digits here.
        if any && exponent > -960 {
            prop_assert!((sum - 1.0).abs() < 1e-9, "{}", sum);
        }
    }
}

#[test]
fn infinities_and_zeros_are_defined_under_a_norm() {
    let normalised = |values: Vec<f64>| {
        let tensor = plain(&[values.len()], values);
        let layer = LayerRef::of(&tensor);
        let scores = Score::magnitude().of(&Subject::new("fc", &layer)).unwrap().normalised(None).unwrap();
        scores.layer().to_logical_f64().unwrap()
    };
    assert_eq!(normalised(vec![0.0, -0.0]), [0.0, 0.0]);
    assert_eq!(normalised(vec![f64::NEG_INFINITY, 3.0]), [f64::INFINITY, 0.0]);
    assert_eq!(normalised(vec![f64::MAX, -f64::MAX]), [1.0 / 2f64.sqrt(); 2]);
    assert!(normalised(vec![f64::NAN, 1.0])[0].is_nan());
    assert_eq!(normalised(vec![]), [] as [f64; 0]);
}

#[test]
fn what_is_missing_or_misshapen_is_named() {
    let weights = plain(&[2, 3], vec![0.0; 6]);
    let layer = LayerRef::of(&weights);
    for (score, message) in [
        (Score::saliency(), "layer `fc`: the score `saliency` needs the gradient of a batch, and there is none"),
        (Score::snip(), "layer `fc`: the score `snip` needs gradients averaged over batches, and there is none"),
        (Score::wanda(), "layer `fc`: the score `wanda` needs the norms of the layer's inputs, and there is none"),
        (Score::given(), "layer `fc`: the score `given` needs a tensor of scores, and there is none"),
    ] {
        assert_eq!(score.of(&Subject::new("fc", &layer)).unwrap_err().to_string(), message);
        let other = plain(&[3, 2], vec![0.0; 6]);
        let other = LayerRef::of(&other);
        let error = score.of(&Subject::new("fc", &layer).with_evidence(&other)).unwrap_err();
        assert!(
            matches!(error.kind, ErrorKind::ShapeMismatch { .. }) && error.layer.as_deref() == Some("fc"),
            "{error}"
        );
    }
    let norms = plain(&[2], vec![0.0; 2]);
    let norms = LayerRef::of(&norms);
    let error = Score::wanda().of(&Subject::new("fc", &layer).with_evidence(&norms).with_output_axis(2)).unwrap_err();
    assert_eq!(error.to_string(), "layer `fc`: axis 2 does not exist: the tensor has 2 axes, 0 to 1 (or -2 to -1)");
}

#[test]
fn every_score_has_one_name() {
    for name in Score::names() {
        assert_eq!(Score::named(name, 3).unwrap().name(), name);
    }
    assert_eq!(Score::named("random", 3), Some(Score::random(3)));
    assert_eq!(Score::named("magnitude", 3), Some(Score::default()));
    assert_eq!(Score::named("weight", 0), None);
    assert_eq!(Score::random(3).to_string(), "random, seed 3");
}
