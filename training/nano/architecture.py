"""Sizes of nano: Kyutai's architecture at small width, as the configuration dictionaries of their `moshi` package.

Every input width of a Linear or Embedding is a multiple of 64, so that MLX's q8 (groups of 64) and q4 (groups of 32) fit.
"""

import os

# `moshi` compiles small functions lazily otherwise, which costs a minute per process and nothing is gained at this size.
os.environ.setdefault("NO_TORCH_COMPILE", "1")

SAMPLE_RATE = 24_000
FRAME_SAMPLES = 1_920  # 80 ms: one step of the model
CODEBOOKS = 8

# Text ids with a meaning, as in Moshi's own vocabulary: PAD, and EPAD, which announces a word.
TEXT_EPAD, TEXT_PAD = 0, 3


def mimi_config(layers: int = 2, filters: int = 16, bins: int = 256) -> dict:
    """Mimi at an eighth of its width; `layers` in each of its two transformers."""
    width = 128
    return {
        "sample_rate": SAMPLE_RATE,
        "channels": 1,
        "frame_rate": 12.5,
        "seanet": {
            "channels": 1,
            "dimension": width,
            "causal": True,
            "n_filters": filters,
            "n_residual_layers": 1,
            "activation": "ELU",
            "compress": 2,
            "dilation_base": 2,
            "disable_norm_outer_blocks": 0,
            "kernel_size": 7,
            "residual_kernel_size": 3,
            "last_kernel_size": 3,
            "norm": "none",
            "pad_mode": "constant",
            "ratios": [8, 6, 5, 4],
            "true_skip": True,
        },
        "quantizer": {
            "dimension": 64,
            "n_q": CODEBOOKS,
            "bins": bins,
            "input_dimension": width,
            "output_dimension": width,
        },
        "transformer": {
            "d_model": width,
            "num_heads": 4,
            "num_layers": layers,
            "causal": True,
            "layer_scale": 0.1,
            "context": 25,
            "conv_layout": True,
            "max_period": 10000,
            "gating": "none",
            "norm": "layer_norm",
            "positional_embedding": "rope",
            "dim_feedforward": 256,
            "input_dimension": width,
            "output_dimensions": [width],
        },
    }


def lm_config(text_card: int, bins: int = 256, layers: int = 4, context: int = 100) -> dict:
    """Moshi at a twentieth of its width. `context` is in frames; training sees more frames than that, so that the window's
    sliding is nothing new to it."""
    return {
        "dim": 192,
        "text_card": text_card,
        "existing_text_padding_id": TEXT_PAD,
        "n_q": 2 * CODEBOOKS,
        "dep_q": CODEBOOKS,
        "card": bins,
        "num_heads": 3,
        "num_layers": layers,
        "hidden_scale": 2.0,
        "causal": True,
        "layer_scale": None,
        "context": context,
        "max_period": 10000,
        "gating": "silu",
        "norm": "rms_norm_f32",
        "positional_embedding": "rope",
        "depformer_dim": 64,
        "depformer_dim_feedforward": 192,
        "depformer_num_heads": 1,
        "depformer_num_layers": 1,
        "depformer_layer_scale": None,
        "depformer_multi_linear": True,
        "depformer_context": 8,
        "depformer_max_period": 10000,
        "depformer_gating": "silu",
        "depformer_pos_emb": "none",
        "depformer_weights_per_step": True,
        "delays": [0] + ([0] + [1] * 7) * 2,
    }
