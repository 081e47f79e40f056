//! Tables of text: columns as wide as their widest cell.

/// Between two columns.
pub const GAP: &str = "  ";

/// A line for each row, the first of which names the columns.
pub fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let widths = widths(rows);
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(widths);
        let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join(GAP).trim_end())
    });
    lines.collect()
}

/// How wide each column is on a terminal, cut by nothing.
pub fn widths<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> [usize; COLUMNS] {
    std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| &*row[column]);
        cells
            .map(console::measure_text_width)
            .max()
            .unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn no_line_ends_with_blanks() {
        let rows = [["A", "LONG", "END"], ["wider", "b", ""], ["", "c", "d"]];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "A      LONG  END\nwider  b\n       c     d\n");
        assert_eq!(table::<3>(&[]), "");
    }
}
