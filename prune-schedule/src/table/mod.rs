//! Aligned tables for the terminal, as in reports and timelines. Programs can use them for tables of their own.

mod cells;

use comfy_table::{CellAlignment, Table, presets};
use prune_core::printable;

pub use cells::{percent, shape, share};

/// The alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Left-aligned, for text.
    Left,
    /// Right-aligned, for numbers.
    Right,
}

/// Lays out rows under a header, with columns two spaces apart and no spaces at the ends of lines. Control characters
/// in the cells, which layer names may have, are shown as escapes, so that a row stays one line.
///
/// # Examples
///
/// ```
/// use prune_schedule::table::{Column, aligned};
///
/// let rows = [["fc1", "1000"], ["out", "10"]].map(|row| row.map(str::to_owned));
/// let shown = aligned(&[("layer", Column::Left), ("kept", Column::Right)], rows);
/// assert_eq!(shown, "layer  kept\nfc1    1000\nout      10");
/// ```
pub fn aligned<R: IntoIterator<Item = String>>(header: &[(&str, Column)], rows: impl IntoIterator<Item = R>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().map(|(name, _)| *name));
    for row in rows {
        table.add_row(row.into_iter().map(|cell| printable(&cell).into_owned()));
    }
    let last = header.len().saturating_sub(1);
    for (i, (column, (_, set))) in table.column_iter_mut().zip(header).enumerate() {
        column.set_padding((0, if i == last { 0 } else { 2 }));
        column.set_cell_alignment(match set {
            Column::Left => CellAlignment::Left,
            Column::Right => CellAlignment::Right,
        });
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_rows_stay_lines() {
        let rows = [["a", "1"], ["b\nc", "1000"]].map(|row| row.map(str::to_owned));
        let shown = aligned(&[("name", Column::Left), ("n", Column::Right)], rows);
        assert_eq!(shown, "name     n\na        1\nb\\nc  1000");
    }
}
