//! Causal convolutions that run on: each call continues where the last one stopped.
//! Source: `moshi/modules/conv.py`, `StreamingConv1d` and `StreamingConvTranspose1d`, moshi 0.2.13.

use mlx_rs::Array;
use mlx_rs::error::Exception;
use mlx_rs::ops::{broadcast_to, concatenate, conv1d, expm1, matmul, maximum, minimum, zeros};

use crate::error::ModelError;
use crate::ffi;
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
    /// Whether each output sees one input only: a product with a matrix.
    fn is_pointwise(self) -> bool {
        self.kernel == 1 && self.stride == 1
    }
}

/// A causal convolution. Its input must come in multiples of the stride.
#[derive(Debug)]
pub(crate) struct StreamingConv {
    /// **Shapes** `[outputs, kernel, inputs]`; where the kernel is 1, a matrix `[inputs, outputs]`.
    weight: Array,
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
    ) -> Result<Self, ModelError> {
        let weight = checkpoint.take(&format!("{key}.weight"), &[shape.outputs, shape.inputs, shape.kernel])?;
        let bias = if with_bias { Some(checkpoint.take(&format!("{key}.bias"), &[shape.outputs])?) } else { None };
        let weight = if shape.is_pointwise() {
            weight.reshape(&[shape.outputs as i32, shape.inputs as i32])?.transpose()?.contiguous()?
        } else {
            weight.transpose_axes(&[0, 2, 1])?.contiguous()?
        };
        Ok(Self { weight, bias, shape, padding, previous: None })
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
        let y = if self.shape.is_pointwise() {
            // MLX's convolution would copy its input twice for nothing on the CPU.
            ffi::matmul(&input, &self.weight)?
        } else {
            conv1d(&input, &self.weight, stride as i32, 0, dilation as i32, 1)?
        };
        match &self.bias {
            Some(bias) => y.add(bias),
            None => Ok(y),
        }
    }

    /// Forgets what came before.
    pub(crate) fn reset(&mut self) {
        let Self { weight: _, bias: _, shape: _, padding: _, previous } = self;
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
