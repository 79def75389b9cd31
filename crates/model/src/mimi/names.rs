//! Where things lie in Mimi's published file, `tokenizer-e351c8d8-checkpoint125.safetensors`: PyTorch's names.

/// The encoder's transformer.
pub(super) const ENCODER_TRANSFORMER: &str = "encoder_transformer";
/// The decoder's transformer.
pub(super) const DECODER_TRANSFORMER: &str = "decoder_transformer";
/// From 25 to 12.5 Hz.
pub(super) const DOWNSAMPLE: &str = "downsample.conv.conv.conv";
/// From 12.5 to 25 Hz.
pub(super) const UPSAMPLE: &str = "upsample.convtr.convtr.convtr";

/// A convolution of SEANet, by its place in the half's list of modules.
pub(super) fn conv(half: &str, module: usize) -> String {
    format!("{half}.model.{module}.conv.conv")
}

/// A transposed convolution of SEANet.
pub(super) fn conv_transpose(half: &str, module: usize) -> String {
    format!("{half}.model.{module}.convtr.convtr")
}

/// A convolution of a residual block: ELUs lie at the even places of its list.
pub(super) fn residual_conv(half: &str, module: usize, which: usize) -> String {
    format!("{half}.model.{module}.block.{}.conv.conv", 2 * which + 1)
}

/// A part of a residual quantiser, `rvq_first` or `rvq_rest`.
pub(super) fn quantizer(part: &str, name: &str) -> String {
    format!("quantizer.{part}.{name}")
}

/// A tensor of a codebook.
pub(super) fn codebook(part: &str, layer: usize, name: &str) -> String {
    format!("quantizer.{part}.vq.layers.{layer}._codebook.{name}")
}
