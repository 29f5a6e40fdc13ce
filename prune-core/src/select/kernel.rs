//! The innermost loop of every selection by rank: which of 64 elements lie at or above two keys.

use crate::element::{Element, RankBy, ceil_key};
use crate::select::cut::Bracket;

/// Sets bit `i` of `sure` where `values[i]` is at or above the bracket, and bit `i` of `inside` where it lies inside.
/// Says whether there is a NaN among the values; bits of NaN mean nothing.
pub(crate) fn compare<E: Element>(
    values: &[E],
    by: RankBy,
    bracket: Bracket,
    sure: &mut [u64],
    inside: &mut [u64],
) -> bool {
    let (from_sure, from_inside) = (ceil_key::<E>(bracket.sure, by), ceil_key::<E>(bracket.inside, by));
    let mut nan = false;
    for ((block, sure), inside) in values.chunks(64).zip(sure).zip(inside) {
        let (mut at_sure, mut at_inside) = (0u64, 0u64);
        for (bit, &value) in block.iter().enumerate() {
            let key = value.key(by);
            at_sure |= u64::from(key >= from_sure) << bit;
            at_inside |= u64::from(key >= from_inside) << bit;
            nan |= value.is_nan();
        }
        *sure = at_sure;
        *inside = at_inside & !at_sure;
    }
    nan
}
