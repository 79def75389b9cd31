"""PyTorch's token alignment around moshi_mlx's model: `LMGen._step` in plain numbers.

moshi_mlx's own LmGen gives the model the user's codes one frame later, so its tokens cannot be compared.
"""

import mlx.core as mx
import numpy as np
from moshi_mlx.models import Lm


def _greedy_step(model: Lm, tokens: list[int]) -> tuple[list[int], float]:
    """The text token and the codes chosen after `tokens` (text, then every codebook), and the smallest margin among them."""
    margins = []

    def sampler(logits: mx.array):
        row = np.array(logits.flatten())
        second, best = np.sort(row)[-2:]
        margins.append(float(best - second))
        return mx.array([[int(row.argmax())]]), logits

    text, audio, _ = model._sample(mx.array([[tokens[0]]]), [mx.array([[token]]) for token in tokens[1:]], sampler, sampler)
    return [int(text.item()), *(int(code) for code in np.array(audio).flatten())], min(margins)


def greedy(model: Lm, config: dict, user_codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """(text [T], audio [dep_q, T], smallest margin); -1 where LMGen.step returns None."""
    delays, own = config["delays"], config["dep_q"] + 1
    initial = [config["text_card"]] + [config["card"]] * config["n_q"]
    longest = max(delays)
    for cache in model.transformer_cache:
        cache.reset()
    chosen: list[list[int]] = []
    result = np.full((own, user_codes.shape[1]), -1, np.int32)
    smallest = np.inf
    for now in range(user_codes.shape[1]):
        tokens = []
        for stream, delay in enumerate(delays):
            if now <= delay:
                tokens.append(initial[stream])
            elif stream < own:
                tokens.append(chosen[now - 1][stream])
            else:
                tokens.append(int(user_codes[stream - own, now - delay]))
        step, margin = _greedy_step(model, tokens)
        chosen.append(step)
        smallest = min(smallest, margin)
        if now >= longest:
            result[:, now] = [chosen[now - longest + delays[stream]][stream] for stream in range(own)]
    return result[0], result[1:], smallest
