//! The product of f32 matrices for MLX's CPU backend on Linux.
//!
//! MLX's wheel for Linux comes with the reference BLAS, which computes one or two multiplications at a time: three quarters
//! of a frame of the demo model went there. MLX calls it by the C name `cblas_sgemm`; a symbol of that name in the program
//! goes before a library's, so this one is called instead. On a Mac MLX has Accelerate, and nothing of this is compiled.
//!
//! Large products go to `matrixmultiply`. It copies both matrices into blocks first, which costs more than the product
//! itself where a matrix meets only a row or two, as in a step of a transformer: those are multiplied here, as they lie.

// What is inlined is compiled again for the registers of each kind of processor.
#![allow(clippy::inline_always)]

use std::ffi::c_int;
use std::num::FpCategory;

/// `CblasRowMajor`.
const ROW_MAJOR: c_int = 101;
/// `CblasNoTrans`; the other values are transposed, for real numbers conjugated or not.
const AS_STORED: c_int = 111;

/// Up to so many rows of the result are computed without copies. With 192 × 768 the copies paid from 5 rows on where the columns
/// of B lie in order, from 9 on where its rows do (AMD EPYC); with one row they made it two and a half times as slow.
const FEW_ROWS: usize = 4;

/// A matrix in memory that somebody else owns.
#[derive(Clone, Copy)]
struct Operand {
    first: *const f32,
    row_stride: usize,
    column_stride: usize,
}

impl Operand {
    /// By the rules of BLAS: `leading` is the distance between the stored rows (or columns, where not `by_rows`).
    fn new(first: *const f32, leading: c_int, by_rows: bool, transposition: c_int) -> Self {
        let leading = leading.unsigned_abs() as usize;
        if by_rows == (transposition == AS_STORED) {
            Self { first, row_stride: leading, column_stride: 1 }
        } else {
            Self { first, row_stride: 1, column_stride: leading }
        }
    }

    fn transposed(self) -> Self {
        Self { first: self.first, row_stride: self.column_stride, column_stride: self.row_stride }
    }
}

/// Sizes and factors of `C ← α A B + β C`; A has `rows × depth` numbers, B `depth × columns`.
#[derive(Clone, Copy)]
struct Product {
    rows: usize,
    columns: usize,
    depth: usize,
    alpha: f32,
    beta: f32,
}

/// BLAS's `sgemm`: `C ← α A B + β C`.
///
/// # Safety
/// As BLAS demands: the pointers lead to matrices of these sizes, and C overlaps neither A nor B.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)] // They are BLAS's.
pub(crate) unsafe extern "C" fn cblas_sgemm(
    layout: c_int,
    a_transposition: c_int,
    b_transposition: c_int,
    rows: c_int,
    columns: c_int,
    depth: c_int,
    alpha: f32,
    a: *const f32,
    a_leading: c_int,
    b: *const f32,
    b_leading: c_int,
    beta: f32,
    c: *mut f32,
    c_leading: c_int,
) {
    #[cfg(test)]
    if depth == tests::PROBE {
        tests::PROBES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    let by_rows = layout == ROW_MAJOR;
    let size = |value: c_int| usize::try_from(value).unwrap_or(0);
    let product = Product { rows: size(rows), columns: size(columns), depth: size(depth), alpha, beta };
    let a = Operand::new(a, a_leading, by_rows, a_transposition);
    let b = Operand::new(b, b_leading, by_rows, b_transposition);
    let result = Operand::new(c, c_leading, by_rows, AS_STORED);
    // SAFETY: the caller's promise is handed on.
    unsafe { multiply(product, a, b, c, result) }
}

/// # Safety
/// As [`cblas_sgemm`]; `result` describes where C's numbers lie.
unsafe fn multiply(product: Product, a: Operand, b: Operand, c: *mut f32, result: Operand) {
    // A product of few columns is, transposed, one of few rows.
    let few_columns = product.columns <= FEW_ROWS && product.columns < product.rows;
    let (product, a, b, result) = if few_columns {
        let product = Product { rows: product.columns, columns: product.rows, ..product };
        (product, b.transposed(), a.transposed(), result.transposed())
    } else {
        (product, a, b, result)
    };
    let in_order = a.column_stride == 1 && result.column_stride == 1 && (b.row_stride == 1 || b.column_stride == 1);
    // SAFETY: the caller's promise is handed on.
    unsafe {
        if product.rows <= FEW_ROWS && in_order {
            few_rows(product, a, b, c, result);
        } else {
            matrixmultiply::sgemm(
                product.rows,
                product.depth,
                product.columns,
                product.alpha,
                a.first,
                a.row_stride as isize,
                a.column_stride as isize,
                b.first,
                b.row_stride as isize,
                b.column_stride as isize,
                product.beta,
                c,
                result.row_stride as isize,
                result.column_stride as isize,
            );
        }
    }
}

/// The product row by row, with the widest registers that this processor has.
///
/// # Safety
/// As [`multiply`]; rows of A and C lie in order, and rows or columns of B.
unsafe fn few_rows(product: Product, a: Operand, b: Operand, c: *mut f32, result: Operand) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        /// # Safety
        /// As the function around it, on a processor with AVX2.
        #[target_feature(enable = "avx2")]
        unsafe fn with_avx2(product: Product, a: Operand, b: Operand, c: *mut f32, result: Operand) {
            // SAFETY: the caller's promise is handed on.
            unsafe { row_by_row(product, a, b, c, result) }
        }
        // SAFETY: the processor was asked, and the caller's promise is handed on.
        return unsafe { with_avx2(product, a, b, c, result) };
    }
    // SAFETY: the caller's promise is handed on.
    unsafe { row_by_row(product, a, b, c, result) }
}

/// Every number of B is read once, and meets all rows while it is near.
///
/// # Safety
/// As [`few_rows`].
#[inline(always)]
unsafe fn row_by_row(product: Product, a: Operand, b: Operand, c: *mut f32, result: Operand) {
    let Product { rows, columns, depth, alpha, beta } = product;
    if columns == 0 {
        return;
    }
    // SAFETY: the caller says that A has `rows` rows of `depth` numbers, in order.
    let a_row = |row: usize| unsafe { std::slice::from_raw_parts(a.first.add(row * a.row_stride), depth) };
    // SAFETY: the caller says that C has `rows` rows of `columns` numbers, in order; nobody asks for one while he has another.
    let c_row = |row: usize| unsafe { std::slice::from_raw_parts_mut(c.add(row * result.row_stride), columns) };
    // SAFETY: the caller says that B has `depth` rows of `columns` numbers; either its rows or its columns lie in order.
    let line = |index: usize, stride: usize, length: usize| unsafe {
        std::slice::from_raw_parts(b.first.add(index * stride), length)
    };
    for row in 0..rows {
        let c = c_row(row);
        if beta.classify() == FpCategory::Zero {
            // Not multiplied: what lies there may be anything, NaN too.
            c.fill(0.0);
        } else {
            for c in c {
                *c *= beta;
            }
        }
    }
    if depth == 0 {
        return; // then A and B may be anything, null too
    }
    if b.column_stride == 1 {
        let in_fours = depth / 4 * 4;
        for index in (0..in_fours).step_by(4) {
            let next = |offset| line(index + offset, b.row_stride, columns);
            let lines = [next(0), next(1), next(2), next(3)];
            for row in 0..rows {
                if let Some(&[p, q, r, s]) = a_row(row).get(index..).and_then(<[f32]>::first_chunk::<4>) {
                    add_four(c_row(row), [p * alpha, q * alpha, r * alpha, s * alpha], lines);
                }
            }
        }
        for index in in_fours..depth {
            let line = line(index, b.row_stride, columns);
            for row in 0..rows {
                let factor = a_row(row).get(index).copied().unwrap_or_default() * alpha;
                c_row(row).iter_mut().zip(line).for_each(|(c, b)| *c += factor * b);
            }
        }
    } else {
        for column in 0..columns {
            let line = line(column, b.column_stride, depth);
            for row in 0..rows {
                if let Some(c) = c_row(row).get_mut(column) {
                    *c += alpha * dot(a_row(row), line);
                }
            }
        }
    }
}

/// `c += Σ factor · row`, four rows in one pass over `c`.
#[inline(always)]
fn add_four(c: &mut [f32], [p, q, r, s]: [f32; 4], [b0, b1, b2, b3]: [&[f32]; 4]) {
    for ((((c, b0), b1), b2), b3) in c.iter_mut().zip(b0).zip(b1).zip(b2).zip(b3) {
        *c += (p * b0 + q * b1) + (r * b2 + s * b3);
    }
}

/// The sum of products, in sixteen partial sums that a processor can keep in two registers of eight.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<16>();
    let (b_chunks, b_rest) = b.as_chunks::<16>();
    let mut sums = [0.0; 16];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        sums.iter_mut().zip(a).zip(b).for_each(|((sum, a), b)| *sum += a * b);
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use mlx_rs::{Array, Device, Stream};

    use super::*;
    use crate::ffi::{matmul, transposed, with_stream};

    /// Products of this depth are counted; no other test has them.
    pub(super) const PROBE: c_int = 61;
    pub(super) static PROBES: AtomicUsize = AtomicUsize::new(0);

    const BY_COLUMNS: c_int = 102;
    const TRANSPOSED: c_int = 112;

    /// Numbers between −1 and 1, without a pattern that a wrong stride would survive.
    fn numbers(length: usize, seed: usize) -> Vec<f32> {
        (0..length).map(|i| ((i * 7919 + seed * 104_729) as f32 * 0.618_034).fract() * 2.0 - 1.0).collect()
    }

    /// Where number (row, column) of a matrix lies.
    fn place(layout: c_int, transposition: c_int, leading: usize, row: usize, column: usize) -> usize {
        if (layout == ROW_MAJOR) == (transposition == AS_STORED) {
            row * leading + column
        } else {
            column * leading + row
        }
    }

    #[test]
    fn products_equal_those_by_definition_in_every_layout() {
        let sizes = [
            (1, 1, 1),
            (1, 192, 192),
            (1, 33, 70),
            (3, 17, 19),
            (4, 9, 6),
            (5, 9, 6),
            (70, 1, 33),
            (70, 2, 16),
            (50, 16, 7),
            (1, 5, 0),
        ];
        for (rows, columns, depth) in sizes {
            for layout in [ROW_MAJOR, BY_COLUMNS] {
                for (a_turned, b_turned) in
                    [(AS_STORED, AS_STORED), (AS_STORED, TRANSPOSED), (TRANSPOSED, AS_STORED), (TRANSPOSED, TRANSPOSED)]
                {
                    for (alpha, beta) in [(1.0, 0.0), (0.5, 1.0), (-2.0, 0.25)] {
                        let case =
                            format!("{rows}×{depth}×{columns}, layout {layout}, {a_turned} {b_turned}, {alpha} {beta}");
                        let product = Product { rows, columns, depth, alpha, beta };
                        check(product, layout, a_turned, b_turned, &case);
                    }
                }
            }
        }
    }

    fn check(product: Product, layout: c_int, a_turned: c_int, b_turned: c_int, case: &str) {
        let Product { rows, columns, depth, alpha, beta } = product;
        // Three numbers more than a row or column has: strides that a matrix in one piece would hide.
        let leading = |turned, rows: usize, columns: usize| {
            if (layout == ROW_MAJOR) == (turned == AS_STORED) { columns + 3 } else { rows + 3 }
        };
        let [a_leading, b_leading, c_leading] =
            [leading(a_turned, rows, depth), leading(b_turned, depth, columns), leading(AS_STORED, rows, columns)];
        let a = numbers((rows + 3) * (depth + 3), 1);
        let b = numbers((depth + 3) * (columns + 3), 2);
        let before = numbers((rows + 3) * (columns + 3), 3);
        let mut c = before.clone();
        if beta == 0.0 {
            c.fill(f32::NAN);
        }
        // SAFETY: the vectors hold all rows and columns and three numbers behind each.
        unsafe {
            cblas_sgemm(
                layout,
                a_turned,
                b_turned,
                rows as c_int,
                columns as c_int,
                depth as c_int,
                alpha,
                a.as_ptr(),
                a_leading as c_int,
                b.as_ptr(),
                b_leading as c_int,
                beta,
                c.as_mut_ptr(),
                c_leading as c_int,
            );
        }
        for row in 0..rows {
            for column in 0..columns {
                let sum: f64 = (0..depth)
                    .map(|k| {
                        let a = a[place(layout, a_turned, a_leading, row, k)];
                        f64::from(a) * f64::from(b[place(layout, b_turned, b_leading, k, column)])
                    })
                    .sum();
                let at = place(layout, AS_STORED, c_leading, row, column);
                let expected = f64::from(alpha) * sum + f64::from(beta) * f64::from(before[at]);
                // A sum of some two hundred products below 1, each off by at most 6e-8.
                assert!((f64::from(c[at]) - expected).abs() < 2e-5, "{case}: {} for {expected}", c[at]);
                c[at] = f32::NAN;
            }
        }
        let untouched =
            c.iter().zip(&before).filter(|(c, _)| !c.is_nan()).all(|(c, before)| c.to_bits() == before.to_bits());
        assert!(untouched, "{case}: written beyond the matrix");
    }

    /// The linker must let the library see the program's symbol; otherwise all is right, and three times as slow.
    #[test]
    fn mlx_multiplies_with_this() {
        let stream = Stream::try_default_on_device(&Device::cpu()).unwrap();
        let a = Array::from_slice(&numbers(4 * PROBE as usize, 1), &[4, PROBE]);
        let product = with_stream(&stream, || matmul(&a, &transposed(&a).unwrap())).unwrap();
        product.eval().unwrap();
        assert_eq!(PROBES.load(Ordering::Relaxed), 1);
    }
}
