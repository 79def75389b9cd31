//! Rows looked up by token. Several tables over the same width lie in one, so that a frame's lookups are one gather.

use mlx_rs::Array;
use mlx_rs::error::Exception;
use mlx_rs::ops::dequantize;
use mlx_rs::ops::indexing::take_axis;

use super::linear::Linear;

/// A stack of embedding tables: row = offset of the table + token.
#[derive(Debug)]
pub(crate) struct EmbeddingStack {
    rows: Linear,
    offsets: Vec<i32>,
}

impl EmbeddingStack {
    /// **Shapes** each table `[tokens, width]`, as a [`Linear`] of `width` inputs holds it.
    pub(crate) fn new(tables: &[(Linear, usize)]) -> Result<Self, Exception> {
        let mut offset = 0;
        let offsets = tables
            .iter()
            .map(|(_, tokens)| {
                let start = offset;
                offset += *tokens as i32;
                start
            })
            .collect();
        let tables: Vec<_> = tables.iter().map(|(table, _)| table.clone()).collect();
        let rows = match Linear::stack(&tables)? {
            // Lookups want rows in one piece, not the transposed view that products want.
            Linear::Dense(matrix) => {
                let rows = Linear::Dense(matrix.transpose()?.contiguous()?);
                rows.evaluate()?;
                rows
            }
            quantized @ Linear::Quantized { .. } => quantized,
        };
        Ok(Self { rows, offsets })
    }

    /// First row of each table.
    pub(crate) fn offsets(&self) -> &[i32] {
        &self.offsets
    }

    /// **Shapes** `rows`: `[N]`, row numbers. Returns `[N, width]`.
    pub(crate) fn gather(&self, rows: &Array) -> Result<Array, Exception> {
        match &self.rows {
            Linear::Dense(table) => take_axis(table, rows, 0),
            Linear::Quantized { words, scales, biases, packing } => dequantize(
                take_axis(words, rows, 0)?,
                take_axis(scales, rows, 0)?,
                &take_axis(biases, rows, 0)?,
                packing.group as i32,
                packing.bits as i32,
            ),
        }
    }
}
