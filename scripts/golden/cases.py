"""The committed cases. Their sizes are what fits, all together, into the 2 MB that testdata/ may take."""

from . import lm_weights, mimi

MIMI_NAME, MIMI_CONFIG_NAME, TOKENIZER_NAME = "mimi.safetensors", "mimi_config.json", "tokenizer_spm_tiny.model"


def repository_keys(config: dict, *, complete: bool, precision: str | None = "q8") -> dict:
    """The keys of config.json that name files; one without weights, or without codec and tokenizer, does not name them."""
    keys = {"model_type": "moshi"}
    if precision is not None:
        keys |= {"moshi_name": lm_weights.FILES[precision]}
    if complete:
        keys |= {"mimi_name": MIMI_NAME, "mimi_config_name": MIMI_CONFIG_NAME, "tokenizer_name": TOKENIZER_NAME}
    limits = {"top_k": min(250, config["card"] // 2), "top_k_text": min(25, config["text_card"] // 2)}
    return keys | {"lm_gen_config": {"temp": 0.8, "temp_text": 0.7} | limits}


def lm_base() -> dict:
    """The released pattern of delays, four codebooks for Moshi; everything else as small as q8's groups of 64 allow."""
    return lm_weights.lm_config(
        dim=64, heads=4, layers=2, hidden_scale=1.5, context=64, text_card=48, card=32, n_q=12, dep_q=4,
        delays=[0, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1], dep_dim=64, dep_heads=2, dep_layers=1, dep_feedforward=96,
    )


def lm_odd() -> dict:
    """What the released model does not use: other delays and counts, shared and low-rank depformer weights, other RoPE base.

    Inner sizes are multiples of 32, too narrow for q8's groups.
    """
    return lm_weights.lm_config(
        dim=64, heads=2, layers=1, hidden_scale=2.25, context=40, text_card=40, card=24, n_q=5, dep_q=3,
        delays=[0, 0, 2, 2, 1, 3], dep_dim=32, dep_heads=4, dep_layers=2, dep_feedforward=96, max_period=500,
        schedule=[0, 1, 1], low_rank=32,
    )


def mimi_tiny() -> dict:
    """Mimi's strides and kernels with few channels; an odd context far shorter than the signal, and spare codebooks in the file."""
    return mimi.mimi_config(dim=16, filters=2, layers=2, heads=2, feedforward=32, context=7, codebooks=12, bins=32, code_dim=8)
