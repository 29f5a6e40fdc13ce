//! Spatial axes of convolutions and pools: their lengths after the operator. None of their indices can go.

use crate::analysis::{Site, Stated, Stop};
use crate::model::Node;
use crate::shapes::{Shape, Size};

/// The lengths after windows of length `kernel` run over spatial axes; a fresh symbol where one is not known.
pub(super) fn lengths(site: &mut Site<'_, '_>, spatial: &[Size], kernel: &[Option<usize>]) -> Result<Shape, Stop> {
    let node = site.node;
    let count = spatial.len();
    let strides = list(node, "strides", 1, count)?;
    let dilations = list(node, "dilations", 1, count)?;
    let pads = list(node, "pads", 0, 2 * count)?;
    let auto = node.text("auto_pad").unwrap_or("NOTSET").to_owned();
    let ceil = site.int("ceil_mode", 0) != 0;
    let length = |at: usize| -> Option<i64> {
        let (n, k) = (spatial[at].number()?, i64::try_from((*kernel.get(at)?)?).ok()?);
        let (stride, dilation) = (strides[at], dilations[at]);
        if stride < 1 || dilation < 1 || k < 1 {
            return None;
        }
        let reach = dilation.checked_mul(k - 1)?.checked_add(1)?;
        match auto.as_str() {
            "SAME_UPPER" | "SAME_LOWER" => Some((n.checked_add(stride)? - 1) / stride),
            "VALID" => Some((n - reach).max(-1).div_euclid(stride) + 1),
            _ => {
                let room = n.checked_add(pads[at])?.checked_add(pads[at + count])?.checked_sub(reach)?;
                if ceil { None } else { Some(room.div_euclid(stride) + 1) }
            }
        }
    };
    let known: Vec<Option<i64>> = (0..count).map(length).collect();
    Ok(known.into_iter().map(|n| n.filter(|&n| n > 0).map_or_else(|| site.fresh(), Size::known)).collect())
}

/// An attribute of so many whole numbers, all `default` where it is left out.
pub(super) fn list(node: &Node, name: &str, default: i64, count: usize) -> Result<Vec<i64>, Stop> {
    match node.ints(name) {
        None => Ok(vec![default; count]),
        Some(values) if values.len() == count => Ok(values.to_vec()),
        Some(_) => Err(Stop::Pin("has attributes that do not fit its input's rank")),
    }
}

/// Pins the spatial axes, from the third on, of an input and of output 0.
pub(super) fn pin_spatial(site: &mut Site<'_, '_>, slot: usize, rank: usize) -> Stated {
    for axis in 2..rank {
        site.pin(slot, axis, "moves a window over the axis")?;
        site.pin_out(0, axis, "moves a window over the axis");
    }
    Ok(())
}
