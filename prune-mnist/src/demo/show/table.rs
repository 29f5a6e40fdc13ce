//! Aligned tables for the terminal.

use comfy_table::{CellAlignment, Table, presets};

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Lays out rows under a header, columns two spaces apart, without spaces at the ends of lines.
pub(super) fn aligned<R: IntoIterator<Item = String>>(
    header: &[(&str, Column)],
    rows: impl IntoIterator<Item = R>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().map(|(name, _)| *name));
    for row in rows {
        table.add_row(row);
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
