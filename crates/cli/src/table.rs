//! Tables for people: columns as wide as they must be, numbers to the right.

/// On which side of its column a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Lays out rows of cells. The first column is words, the others are numbers.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let sides: Vec<Side> = (0..header.len()).map(|column| if column == 0 { Side::Left } else { Side::Right }).collect();
    mixed_table(header, &sides, rows)
}

/// Lays out rows of cells, each column on its side; those without one are numbers.
pub(crate) fn mixed_table(header: &[&str], sides: &[Side], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&header).chain(rows).collect();
    let columns = lines.iter().map(|line| line.len()).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let render = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match sides.get(column) {
            Some(Side::Left) => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.into_iter().map(render).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_on_the_left_and_numbers_on_the_right() {
        let rows = [vec!["é".to_owned(), "10.0".to_owned()], vec!["frame".to_owned(), "1".to_owned()]];
        assert_eq!(table(&["", "p50"], &rows), "        p50\né      10.0\nframe     1");
        let mixed = mixed_table(&["", "p50"], &[Side::Right, Side::Left], &rows);
        assert_eq!(mixed, "       p50\n    é  10.0\nframe  1");
    }
}
