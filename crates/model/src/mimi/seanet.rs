//! SEANet: the convolutional halves of Mimi, from 24 kHz to 25 Hz and back.
//! Source: `moshi/modules/seanet.py`, `SEANetEncoder` and `SEANetDecoder`, moshi 0.2.13.

use mlx_rs::Array;
use mlx_rs::error::Exception;

use super::config::SeanetConfig;
use super::names;
use crate::error::ModelError;
use crate::nn::conv::{ConvShape, Elu, Padding, StreamingConv, StreamingConvTranspose};
use crate::runtime::DeviceKind;
use crate::weights::Checkpoint;

/// Two convolutions whose output is added to their input.
#[derive(Debug)]
struct ResidualBlock {
    narrow: StreamingConv,
    widen: StreamingConv,
}

impl ResidualBlock {
    fn load(
        source: &mut Checkpoint<'_>,
        half: &str,
        module: usize,
        config: &SeanetConfig,
        channels: usize,
        depth: usize,
        device: DeviceKind,
    ) -> Result<Self, ModelError> {
        let hidden = channels / config.compress;
        let dilation = config.dilation_base.pow(depth as u32);
        let kernel = config.residual_kernel_size;
        let narrow = ConvShape { inputs: channels, outputs: hidden, kernel, stride: 1, dilation };
        let widen = ConvShape { inputs: hidden, outputs: channels, kernel: 1, stride: 1, dilation: 1 };
        let mut load = |which, shape| {
            StreamingConv::load(source, &names::residual_conv(half, module, which), shape, Padding::Zero, true, device)
        };
        Ok(Self { narrow: load(0, narrow)?, widen: load(1, widen)? })
    }

    fn step(&mut self, x: &Array, elu: &Elu) -> Result<Array, Exception> {
        let hidden = self.narrow.step(&elu.forward(x)?)?;
        x.add(self.widen.step(&elu.forward(&hidden)?)?)
    }

    fn reset(&mut self) {
        let Self { narrow, widen } = self;
        narrow.reset();
        widen.reset();
    }
}

/// Speech to features.
#[derive(Debug)]
pub(super) struct SeanetEncoder {
    first: StreamingConv,
    levels: Vec<(Vec<ResidualBlock>, StreamingConv)>,
    last: StreamingConv,
    elu: Elu,
}

impl SeanetEncoder {
    pub(super) fn load(
        source: &mut Checkpoint<'_>,
        config: &SeanetConfig,
        device: DeviceKind,
    ) -> Result<Self, ModelError> {
        let half = "encoder";
        let mut channels = config.n_filters;
        let plain = |inputs, outputs, kernel| ConvShape { inputs, outputs, kernel, stride: 1, dilation: 1 };
        let zero = Padding::Zero;
        let first = StreamingConv::load(
            source,
            &names::conv(half, 0),
            plain(1, channels, config.kernel_size),
            zero,
            true,
            device,
        )?;
        let mut module = 1;
        let mut levels = Vec::with_capacity(config.ratios.len());
        for &ratio in config.ratios.iter().rev() {
            let mut blocks = Vec::with_capacity(config.n_residual_layers);
            for depth in 0..config.n_residual_layers {
                blocks.push(ResidualBlock::load(source, half, module, config, channels, depth, device)?);
                module += 1;
            }
            // An ELU lies between the blocks and the convolution.
            module += 1;
            let down =
                ConvShape { inputs: channels, outputs: 2 * channels, kernel: 2 * ratio, stride: ratio, dilation: 1 };
            levels.push((blocks, StreamingConv::load(source, &names::conv(half, module), down, zero, true, device)?));
            module += 1;
            channels *= 2;
        }
        let shape = plain(channels, config.dimension, config.last_kernel_size);
        let last = StreamingConv::load(source, &names::conv(half, module + 1), shape, zero, true, device)?;
        Ok(Self { first, levels, last, elu: Elu::new() })
    }

    /// **Shapes** `[1, T, 1]` to `[1, T / hop, dimension]`.
    pub(super) fn step(&mut self, pcm: &Array) -> Result<Array, Exception> {
        let Self { first, levels, last, elu } = self;
        let mut x = first.step(pcm)?;
        for (blocks, down) in levels {
            for block in blocks {
                x = block.step(&x, elu)?;
            }
            x = down.step(&elu.forward(&x)?)?;
        }
        last.step(&elu.forward(&x)?)
    }

    pub(super) fn reset(&mut self) {
        let Self { first, levels, last, elu: _ } = self;
        first.reset();
        for (blocks, down) in levels {
            blocks.iter_mut().for_each(ResidualBlock::reset);
            down.reset();
        }
        last.reset();
    }
}

/// Features to speech.
#[derive(Debug)]
pub(super) struct SeanetDecoder {
    first: StreamingConv,
    levels: Vec<(StreamingConvTranspose, Vec<ResidualBlock>)>,
    last: StreamingConv,
    elu: Elu,
}

impl SeanetDecoder {
    pub(super) fn load(
        source: &mut Checkpoint<'_>,
        config: &SeanetConfig,
        device: DeviceKind,
    ) -> Result<Self, ModelError> {
        let half = "decoder";
        let mut channels = config.n_filters << config.ratios.len();
        let plain = |inputs, outputs, kernel| ConvShape { inputs, outputs, kernel, stride: 1, dilation: 1 };
        let zero = Padding::Zero;
        let shape = plain(config.dimension, channels, config.kernel_size);
        let first = StreamingConv::load(source, &names::conv(half, 0), shape, zero, true, device)?;
        let mut module = 1;
        let mut levels = Vec::with_capacity(config.ratios.len());
        for &ratio in &config.ratios {
            // An ELU lies before each transposed convolution.
            module += 1;
            let key = names::conv_transpose(half, module);
            let up = StreamingConvTranspose::load(source, &key, channels, channels / 2, ratio)?;
            module += 1;
            channels /= 2;
            let mut blocks = Vec::with_capacity(config.n_residual_layers);
            for depth in 0..config.n_residual_layers {
                blocks.push(ResidualBlock::load(source, half, module, config, channels, depth, device)?);
                module += 1;
            }
            levels.push((up, blocks));
        }
        let shape = plain(channels, 1, config.last_kernel_size);
        let last = StreamingConv::load(source, &names::conv(half, module + 1), shape, zero, true, device)?;
        Ok(Self { first, levels, last, elu: Elu::new() })
    }

    /// **Shapes** `[1, T, dimension]` to `[1, T · hop, 1]`.
    pub(super) fn step(&mut self, x: &Array) -> Result<Array, Exception> {
        let Self { first, levels, last, elu } = self;
        let mut x = first.step(x)?;
        for (up, blocks) in levels {
            x = up.step(&elu.forward(&x)?)?;
            for block in blocks {
                x = block.step(&x, elu)?;
            }
        }
        last.step(&elu.forward(&x)?)
    }

    pub(super) fn reset(&mut self) {
        let Self { first, levels, last, elu: _ } = self;
        first.reset();
        for (up, blocks) in levels {
            up.reset();
            blocks.iter_mut().for_each(ResidualBlock::reset);
        }
        last.reset();
    }
}
