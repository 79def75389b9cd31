"""What the released 7B (`config_v0_1` of moshi_mlx 0.3.0) counts: layers, slices, streams, delays, vocabularies. Widths are free."""

from golden import lm_weights


def config(**widths) -> dict:
    """A model with as many graph nodes as the released one; `widths` are the keywords of `lm_weights.lm_config` that are left."""
    streams = 8
    delays = [0] + [0, *[1] * (streams - 1)] * 2  # text; Moshi's semantic and acoustic codebooks; the user's
    return lm_weights.lm_config(
        layers=32, context=3000, text_card=32000, card=2048, n_q=2 * streams, dep_q=streams, delays=delays, dep_layers=6, **widths
    )
