//! Visiting memory in logical order.

use crate::layout::Layout;

/// The elements in logical order.
pub(crate) fn gather<E: Copy>(layout: &Layout, values: &[E]) -> Vec<E> {
    let mut gathered = Vec::with_capacity(values.len());
    logical(layout, |position| gathered.push(values[position]));
    gathered
}

/// Calls `visit` with the memory position of every element, in logical order.
///
/// # Complexity
///
/// One addition an element along the innermost run; no division.
pub(crate) fn logical(layout: &Layout, mut visit: impl FnMut(usize)) {
    if layout.is_empty() {
        return;
    }
    let runs = layout.merged();
    let Some((&(length, stride), outer)) = runs.split_last() else {
        return visit(layout.offset());
    };
    let mut index = vec![0usize; outer.len()];
    let mut start = layout.offset() as isize;
    loop {
        let mut position = start;
        for _ in 0..length {
            visit(position as usize);
            position += stride;
        }
        // Count up the outer dimensions like an odometer.
        let mut dimension = outer.len();
        loop {
            if dimension == 0 {
                return;
            }
            dimension -= 1;
            index[dimension] += 1;
            start += outer[dimension].1;
            if index[dimension] < outer[dimension].0 {
                break;
            }
            start -= outer[dimension].1 * outer[dimension].0 as isize;
            index[dimension] = 0;
        }
    }
}
