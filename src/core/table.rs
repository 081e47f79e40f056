//! Renders tables of text, with columns as wide as their widest cell.

/// Between two columns.
pub const GAP: &str = "  ";

/// The widest column, in columns of a terminal: longer than any name at AWS. Texts from other servers can be longer.
const WIDEST: usize = 400;

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

/// How wide each column is on a terminal.
pub fn widths<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> [usize; COLUMNS] {
    std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| &*row[column]);
        cells
            .map(console::measure_text_width)
            .max()
            .unwrap_or_default()
            .min(WIDEST)
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

    #[test]
    fn a_cell_of_any_length_is_shown() {
        let long = "x".repeat(70_000);
        let rows = [
            [long.clone(), "a".to_owned()],
            ["y".to_owned(), "b".to_owned()],
        ];
        assert!(table(&rows).starts_with(&format!("{long}  a\ny")));
    }
}
