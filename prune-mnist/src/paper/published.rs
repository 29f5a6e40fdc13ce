//! Other people's figures on MNIST, each with its source. Errors are top-1, in percent of the test set.

use super::recipe::PaperNet;

/// A published network.
pub(super) struct Point {
    pub(super) net: PaperNet,
    pub(super) method: &'static str,
    /// The number of weights for each kept one.
    pub(super) compression: f64,
    pub(super) error: f64,
}

const fn point(net: PaperNet, method: &'static str, compression: f64, error: f64) -> Point {
    Point { net, method, compression, error }
}

/// Han et al. 2015 (Learning both Weights and Connections, Tables 1 to 3); DNS is Guo et al. 2016; SNIP is Lee et al. 2019
/// (Table 1, which also gives LC, Carreira-Perpinan and Idelbayev 2018); RigL is Evci et al. 2020 (Table 2, its net without
/// dead units: 6,291 of 266,200 weights).
pub(super) const POINTS: &[Point] = &[
    point(PaperNet::Lenet300, "Han 2015", 12.0, 1.59),
    point(PaperNet::Lenet300, "DNS", 56.0, 1.99),
    point(PaperNet::Lenet300, "SNIP", 20.0, 1.6),
    point(PaperNet::Lenet300, "SNIP", 50.0, 2.4),
    point(PaperNet::Lenet300, "RigL", 42.3, 1.48),
    point(PaperNet::Lenet300, "LC", 100.0, 3.2),
    point(PaperNet::Lenet5, "Han 2015", 12.0, 0.77),
    point(PaperNet::Lenet5, "DNS", 108.0, 0.91),
    point(PaperNet::Lenet5, "SNIP", 50.0, 0.8),
    point(PaperNet::Lenet5, "SNIP", 100.0, 1.1),
    point(PaperNet::Lenet5, "LC", 100.0, 1.1),
];

/// Lee et al. 2019 (SNIP, Table 1): the error of their dense network; none for the CNN.
pub(super) fn snip_reference(net: PaperNet) -> Option<f64> {
    match net {
        PaperNet::Lenet300 => Some(1.7),
        PaperNet::Lenet5 => Some(0.9),
        PaperNet::Cnn => None,
    }
}

/// The published error of `method` at this compression.
pub(super) fn error_of(net: PaperNet, method: &str, compression: f64) -> Option<f64> {
    let is_it = |point: &&Point| {
        // Compressions are printed with three digits.
        let ratio = point.compression / compression;
        point.net == net && point.method == method && (ratio - 1.0).abs() < 0.02
    };
    POINTS.iter().find(is_it).map(|point| point.error)
}

/// RigL's LeNet-300-100 (Evci et al. 2020, Table 2), without its idle neurons.
pub(super) struct Rigl {
    /// Inputs used, neurons of each layer, outputs.
    pub(super) units: [usize; 4],
    /// Weights kept, from its sparsity of 0.870.
    pub(super) kept: usize,
    pub(super) bytes: usize,
    /// The error in the final version; an earlier one has 1.44.
    pub(super) error: f64,
    /// The share kept of each kernel in training, in the order of the model.
    pub(super) shares: [f64; 3],
}

/// Evci et al.'s figures.
pub(super) const RIGL: Rigl =
    Rigl { units: [408, 100, 69, 10], kept: 6291, bytes: 31_914, error: 1.48, shares: [0.01, 0.11, 1.0] };

/// Frankle and Carbin 2019 (The Lottery Ticket Hypothesis, section 2), LeNet-300-100: the percentages of kept weights
/// at which the accuracy at early stopping changes. `as_dense` is from the final version; an earlier one has 3.5.
pub(super) struct LotteryTicket {
    /// The ticket learns fastest.
    pub(super) fastest: f64,
    /// The ticket is as accurate as the dense network again.
    pub(super) as_dense: f64,
    /// The ticket has fallen below the dense network.
    pub(super) below: f64,
    /// The same weights drawn anew have fallen below the dense network.
    pub(super) redrawn_below: f64,
}

/// Frankle and Carbin's figures.
pub(super) const LOTTERY: LotteryTicket =
    LotteryTicket { fastest: 21.0, as_dense: 3.6, below: 2.9, redrawn_below: 26.3 };

/// Han et al.'s networks.
pub(super) struct Han {
    pub(super) dense_error: f64,
    pub(super) error: f64,
    /// The figure they print; their shares give 12.2 and 11.9.
    pub(super) compression: f64,
    /// The share kept of each kernel, in the order of the model.
    pub(super) kept: &'static [f64],
}

/// Han et al.'s figures for a network; they have none for the CNN.
pub(super) fn han(net: PaperNet) -> Option<Han> {
    match net {
        PaperNet::Lenet300 => {
            Some(Han { dense_error: 1.64, error: 1.59, compression: 12.0, kept: &[0.08, 0.09, 0.26] })
        }
        PaperNet::Lenet5 => {
            Some(Han { dense_error: 0.80, error: 0.77, compression: 12.0, kept: &[0.66, 0.12, 0.08, 0.19] })
        }
        PaperNet::Cnn => None,
    }
}
