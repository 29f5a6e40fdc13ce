//! Sums over axes and normalisations.

use super::{T, indices};

pub(super) fn reduce(how: &str, x: &T, over: &[usize], keep: bool) -> T {
    let dims: Vec<usize> = x.dims.iter().enumerate().map(|(k, &n)| if over.contains(&k) { 1 } else { n }).collect();
    let window: Vec<usize> = x.dims.iter().enumerate().map(|(k, &n)| if over.contains(&k) { n } else { 1 }).collect();
    let out = T::from(&dims, |i| {
        let all: Vec<f64> =
            indices(&window).map(|at| x.at(&i.iter().zip(&at).map(|(p, q)| p + q).collect::<Vec<_>>())).collect();
        match how {
            "ReduceSum" => all.iter().sum(),
            "ReduceMean" => all.iter().sum::<f64>() / all.len() as f64,
            "ReduceMax" => all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            "ReduceMin" => all.iter().copied().fold(f64::INFINITY, f64::min),
            "ReduceProd" => all.iter().product(),
            "ReduceL1" => all.iter().map(|v| v.abs()).sum(),
            "ReduceL2" => all.iter().map(|v| v * v).sum::<f64>().sqrt(),
            "ReduceSumSquare" => all.iter().map(|v| v * v).sum(),
            "ReduceLogSum" => all.iter().sum::<f64>().ln(),
            "ReduceLogSumExp" => all.iter().map(|v| v.exp()).sum::<f64>().ln(),
            other => panic!("the evaluator lacks {other}"),
        }
    });
    if keep {
        return out;
    }
    let kept: Vec<usize> = (0..x.rank()).filter(|k| !over.contains(k)).map(|k| x.dims[k]).collect();
    T::new(&kept, out.data)
}

pub(super) fn normalise(x: &T, together: impl Fn(&[usize], &[usize]) -> bool, centred: bool) -> T {
    let all: Vec<Vec<usize>> = indices(&x.dims).collect();
    T::from(&x.dims, |i| {
        let part: Vec<f64> = all.iter().filter(|j| together(i, j)).map(|j| x.at(j)).collect();
        let mean = if centred { part.iter().sum::<f64>() / part.len() as f64 } else { 0.0 };
        let variance = part.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / part.len() as f64;
        (x.at(i) - mean) / (variance + 1e-5).sqrt()
    })
}
