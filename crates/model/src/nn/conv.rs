//! Causal convolutions that run on: each call continues where the last one stopped.
//! Source: `moshi/modules/conv.py`, `StreamingConv1d` and `StreamingConvTranspose1d`, moshi 0.2.13.

use mlx_rs::Array;
use mlx_rs::error::Exception;
use mlx_rs::ops::{broadcast_to, concatenate, conv1d, expm1, matmul, maximum, minimum, zeros};

use crate::error::ModelError;
use crate::ffi;
use crate::runtime::DeviceKind;
use crate::weights::Checkpoint;

/// What lies before the first sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Padding {
    /// Silence.
    Zero,
    /// The first sample, repeated.
    First,
}

/// Sizes of a convolution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConvShape {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
}

impl ConvShape {
    /// How many blocks of `stride` samples an output sees, where products of those are the better way.
    fn blocks(self, device: DeviceKind) -> Option<usize> {
        let blocks = self.kernel / self.stride;
        let is_whole = self.kernel.is_multiple_of(self.stride) && (self.stride == 1 || self.dilation == 1);
        let is_better =
            device == DeviceKind::Cpu && blocks <= MOST_BLOCKS && self.stride * self.inputs >= SHORTEST_BLOCK;
        (is_whole && is_better).then_some(blocks)
    }
}

impl Kernel {
    /// From `[outputs, inputs, kernel]`.
    fn new(weight: &Array, shape: ConvShape, device: DeviceKind) -> Result<Self, Exception> {
        let Some(blocks) = shape.blocks(device) else {
            return Ok(Self::Whole(weight.transpose_axes(&[0, 2, 1])?.contiguous()?));
        };
        let (outputs, row) = (shape.outputs as i32, (shape.stride * shape.inputs) as i32);
        let rows = weight.transpose_axes(&[2, 1, 0])?.reshape(&[blocks as i32, row, outputs])?;
        let matrices = (0..blocks as i32).map(|block| {
            ffi::slice(&rows, [block, 0, 0], [block + 1, row, outputs])?.reshape(&[row, outputs])?.contiguous()
        });
        Ok(Self::Blocks(matrices.collect::<Result<_, _>>()?))
    }

    /// **Shapes** `input`: `[1, L, inputs]`, history included. Returns `[1, T / stride, outputs]`.
    fn apply(&self, input: &Array, shape: ConvShape) -> Result<Array, Exception> {
        let ConvShape { inputs, outputs, stride, dilation, .. } = shape;
        let matrices = match self {
            Self::Whole(weight) => return conv1d(input, weight, stride as i32, 0, dilation as i32, 1),
            Self::Blocks(matrices) => matrices,
        };
        let (length, row) = (input.dim(1) / stride as i32, (stride * inputs) as i32);
        let input = ffi::reshape(input, [length, row])?;
        let steps = length - ((matrices.len() - 1) * dilation) as i32;
        let mut sum: Option<Array> = None;
        for (block, matrix) in matrices.iter().enumerate() {
            let from = (block * dilation) as i32;
            let seen = ffi::slice(&input, [from, 0], [from + steps, row])?;
            sum = Some(match &sum {
                None => ffi::matmul(&seen, matrix)?,
                Some(sum) => ffi::addmm(sum, &seen, matrix, 1.0, 1.0)?,
            });
        }
        let sum = sum.ok_or_else(|| Exception::custom("a kernel without blocks"))?;
        ffi::reshape(&sum, [1, steps, outputs as i32])
    }
}

/// What a convolution multiplies with.
#[derive(Debug)]
enum Kernel {
    /// For MLX's convolution. **Shapes** `[outputs, kernel, inputs]`.
    Whole(Array),
    /// A matrix for each block of `stride` samples that an output sees: as many products, and their sum. On a CPU MLX's convolution
    /// copies its input twice, once for every place in the kernel, which costs more than the arithmetic. **Shapes** `[stride · inputs, outputs]`
    Blocks(Vec<Array>),
}

/// More products than these cost more than the copies.
const MOST_BLOCKS: usize = 3;
/// A product of shorter rows is mostly overhead.
const SHORTEST_BLOCK: usize = 8;

/// A causal convolution. Its input must come in multiples of the stride.
#[derive(Debug)]
pub(crate) struct StreamingConv {
    kernel: Kernel,
    bias: Option<Array>,
    shape: ConvShape,
    padding: Padding,
    /// **Shapes** `[1, kernel span − stride, inputs]`; `None` before the first sample.
    previous: Option<Array>,
}

impl StreamingConv {
    /// Takes `{key}.weight`, `[outputs, inputs, kernel]`, and `{key}.bias` where `with_bias`.
    pub(crate) fn load(
        checkpoint: &mut Checkpoint<'_>,
        key: &str,
        shape: ConvShape,
        padding: Padding,
        with_bias: bool,
        device: DeviceKind,
    ) -> Result<Self, ModelError> {
        let weight = checkpoint.take(&format!("{key}.weight"), &[shape.outputs, shape.inputs, shape.kernel])?;
        let bias = if with_bias { Some(checkpoint.take(&format!("{key}.bias"), &[shape.outputs])?) } else { None };
        Ok(Self { kernel: Kernel::new(&weight, shape, device)?, bias, shape, padding, previous: None })
    }

    /// **Shapes** `x`: `[1, T, inputs]`, T a multiple of the stride. Returns `[1, T / stride, outputs]`.
    ///
    /// **State** keeps the last samples for the next call.
    pub(crate) fn step(&mut self, x: &Array) -> Result<Array, Exception> {
        let ConvShape { inputs, kernel, stride, dilation, .. } = self.shape;
        let history = ((kernel - 1) * dilation + 1 - stride) as i32;
        let input = if history == 0 {
            x.clone()
        } else {
            let inputs = inputs as i32;
            let previous = match self.previous.take() {
                Some(previous) => previous,
                None if self.padding == Padding::Zero => zeros::<f32>(&[1, history, inputs])?,
                None => broadcast_to(ffi::slice(x, [0, 0, 0], [1, 1, inputs])?, &[1, history, inputs])?,
            };
            let joined = concatenate(&[&previous, x], 1)?;
            let length = joined.dim(1);
            self.previous = Some(ffi::slice(&joined, [0, length - history, 0], [1, length, inputs])?);
            joined
        };
        let y = self.kernel.apply(&input, self.shape)?;
        match &self.bias {
            Some(bias) => y.add(bias),
            None => Ok(y),
        }
    }

    /// Forgets what came before.
    pub(crate) fn reset(&mut self) {
        let Self { kernel: _, bias: _, shape: _, padding: _, previous } = self;
        *previous = None;
    }
}

/// A causal transposed convolution whose kernel is twice its stride.
///
/// Each block of `stride` outputs depends on two inputs, the current and the previous one, so the whole is one matrix
/// product over pairs of inputs: no overlap-add, and the state is one input.
#[derive(Debug)]
pub(crate) struct StreamingConvTranspose {
    /// **Shapes** `[2 · inputs, stride · outputs]`: previous input first.
    matrix: Array,
    bias: Array,
    inputs: usize,
    outputs: usize,
    stride: usize,
    previous: Option<Array>,
}

impl StreamingConvTranspose {
    /// Takes `{key}.weight`, `[inputs, outputs, 2 · stride]`, and `{key}.bias`.
    pub(crate) fn load(
        checkpoint: &mut Checkpoint<'_>,
        key: &str,
        inputs: usize,
        outputs: usize,
        stride: usize,
    ) -> Result<Self, ModelError> {
        let weight = checkpoint.take(&format!("{key}.weight"), &[inputs, outputs, 2 * stride])?;
        let bias = checkpoint.take(&format!("{key}.bias"), &[outputs])?;
        let (rows, columns) = (inputs as i32, (stride * outputs) as i32);
        // The first half of the kernel meets the current input, the second half the previous one.
        let halves = weight.transpose_axes(&[0, 2, 1])?.reshape(&[rows, 2, columns])?;
        let current = ffi::slice(&halves, [0, 0, 0], [rows, 1, columns])?.reshape(&[rows, columns])?;
        let previous = ffi::slice(&halves, [0, 1, 0], [rows, 2, columns])?.reshape(&[rows, columns])?;
        let matrix = concatenate(&[previous, current], 0)?;
        Ok(Self { matrix, bias, inputs, outputs, stride, previous: None })
    }

    /// **Shapes** `x`: `[1, T, inputs]`. Returns `[1, T · stride, outputs]`.
    ///
    /// **State** keeps the last input for the next call.
    pub(crate) fn step(&mut self, x: &Array) -> Result<Array, Exception> {
        let (steps, inputs) = (x.dim(1), self.inputs as i32);
        let pairs = pair_with_previous(&mut self.previous, x, steps, inputs)?;
        let y = matmul(pairs, &self.matrix)?;
        y.reshape(&[1, steps * self.stride as i32, self.outputs as i32])?.add(&self.bias)
    }

    /// Forgets what came before.
    pub(crate) fn reset(&mut self) {
        let Self { matrix: _, bias: _, inputs: _, outputs: _, stride: _, previous } = self;
        *previous = None;
    }
}

/// A depthwise transposed convolution whose kernel is twice its stride: every channel on its own, without bias.
#[derive(Debug)]
pub(crate) struct StreamingUpsample {
    /// **Shapes** `[1, stride, channels]` each.
    current: Array,
    before: Array,
    previous: Option<Array>,
}

impl StreamingUpsample {
    /// Takes `{key}.weight`, `[channels, 1, 2 · stride]`.
    pub(crate) fn load(
        checkpoint: &mut Checkpoint<'_>,
        key: &str,
        channels: usize,
        stride: usize,
    ) -> Result<Self, ModelError> {
        let weight = checkpoint.take(&format!("{key}.weight"), &[channels, 1, 2 * stride])?;
        let taps = weight.transpose_axes(&[1, 2, 0])?;
        let (stride_i, channels_i) = (stride as i32, channels as i32);
        let current = ffi::slice(&taps, [0, 0, 0], [1, stride_i, channels_i])?.contiguous()?;
        let before = ffi::slice(&taps, [0, stride_i, 0], [1, 2 * stride_i, channels_i])?.contiguous()?;
        Ok(Self { current, before, previous: None })
    }

    /// **Shapes** `x`: `[1, 1, channels]`, one frame. Returns `[1, stride, channels]`.
    ///
    /// **State** keeps the input for the next call.
    pub(crate) fn step(&mut self, x: &Array) -> Result<Array, Exception> {
        let y = x.multiply(&self.current)?;
        match self.previous.replace(x.clone()) {
            Some(previous) => y.add(previous.multiply(&self.before)?),
            None => Ok(y),
        }
    }

    /// Forgets what came before.
    pub(crate) fn reset(&mut self) {
        let Self { current: _, before: _, previous } = self;
        *previous = None;
    }
}

/// **Shapes** `x`: `[1, T, C]`. Returns `[1, T, 2C]`: each step behind the one before it.
fn pair_with_previous(previous: &mut Option<Array>, x: &Array, steps: i32, channels: i32) -> Result<Array, Exception> {
    let before = match previous.take() {
        Some(before) => before,
        None => zeros::<f32>(&[1, 1, channels])?,
    };
    let last = ffi::slice(x, [0, steps - 1, 0], [1, steps, channels])?;
    *previous = Some(last);
    if steps == 1 {
        return concatenate(&[&before, x], 2);
    }
    let shifted = concatenate(&[&before, &ffi::slice(x, [0, 0, 0], [1, steps - 1, channels])?], 1)?;
    concatenate(&[&shifted, x], 2)
}

/// The exponential linear unit with α = 1.
#[derive(Debug)]
pub(crate) struct Elu {
    zero: Array,
}

impl Elu {
    pub(crate) fn new() -> Self {
        Self { zero: Array::from_f32(0.0) }
    }

    /// `x` where positive, else `eˣ − 1`, which is never below `x`: so the larger of the two, once `x` is 0 at most.
    ///
    /// Not a selection by a condition: on the CPU MLX takes three times as long for that as for the larger of two.
    pub(crate) fn forward(&self, x: &Array) -> Result<Array, Exception> {
        maximum(x, expm1(minimum(x, &self.zero)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_blocks_equal_mlxs_convolution() {
        let numbers = |count: usize, from: f32| (0..count).map(move |i| (i as f32 * 0.77 + from).sin());
        for (inputs, outputs, kernel, stride, dilation) in [
            (16, 8, 3, 1, 1),
            (16, 8, 3, 1, 2),
            (8, 16, 1, 1, 1),
            (16, 32, 8, 4, 1),
            (4, 6, 10, 5, 1),
            (16, 1, 3, 1, 1),
        ] {
            let shape = ConvShape { inputs, outputs, kernel, stride, dilation };
            let weight = Array::from_iter(
                numbers(outputs * inputs * kernel, 0.3),
                &[outputs as i32, inputs as i32, kernel as i32],
            );
            let length = (kernel - 1) * dilation + 1 + 7 * stride;
            let input = Array::from_iter(numbers(length * inputs, 1.7), &[1, length as i32, inputs as i32]);
            let blocks = Kernel::new(&weight, shape, DeviceKind::Cpu).unwrap();
            assert!(matches!(blocks, Kernel::Blocks(_)), "{shape:?}");
            let whole = Kernel::new(&weight, shape, DeviceKind::Gpu).unwrap();
            let [ours, mlxs] = [blocks, whole].map(|kernel| kernel.apply(&input, shape).unwrap());
            assert_eq!((ours.shape(), ours.shape()[1]), (mlxs.shape(), 8));
            let difference = ours.subtract(mlxs).unwrap().abs().unwrap().max(None).unwrap().item_exact::<f32>();
            assert!(difference < 1e-5, "{shape:?}: {difference}");
        }
    }
}
