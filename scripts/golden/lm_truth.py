"""What the official LMs compute: PyTorch's streaming greedy tokens, moshi_mlx's teacher-forced logits."""

from contextlib import contextmanager
from dataclasses import dataclass, field

import mlx.core as mx
import numpy as np
import torch
from moshi.models.lm import LMGen, LMModel
from moshi_mlx.models import Lm


@dataclass
class Recording:
    """What went in and out of the model, step by step."""

    inputs: list = field(default_factory=list)  # i64 [1 + n_q], the aligned tokens the temporal transformer was given
    depformer: list = field(default_factory=list)  # the token each depformer slice was given
    margins: list = field(default_factory=list)  # best minus second-best logit: text, then every slice

    def smallest_margin(self) -> float:
        return min(map(min, self.margins))


@dataclass
class Greedy:
    text: np.ndarray  # i32 [T], -1 where LMGen.step returned None
    audio: np.ndarray  # i32 [dep_q, T], same
    recording: Recording

    def forced(self, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """The first frames' inputs: i32 [1 + n_q, frames] and, of the depformer's slices, i32 [dep_q, frames]."""
        inputs, depformer = self.recording.inputs[:frames], self.recording.depformer[:frames]
        return np.stack(inputs, 1).astype(np.int32), np.array(depformer, np.int32).T


def _margin(logits: torch.Tensor) -> float:
    best = logits.flatten().topk(2).values
    return float(best[0] - best[1])


@contextmanager
def recorded(model: LMModel):
    """Everything that the model computes inside the `with` is noted in the Recording."""
    recording = Recording()
    forward_text, forward_depformer = model.forward_text, model.forward_depformer

    def text_spy(sequence, *rest):
        recording.inputs.append(sequence[0, :, 0].numpy().copy())
        out = forward_text(sequence, *rest)
        recording.margins.append([_margin(out[1])])
        recording.depformer.append([])
        return out

    def depformer_spy(index, sequence, out):
        recording.depformer[-1].append(int(sequence[0, 0, 0]))
        logits = forward_depformer(index, sequence, out)
        recording.margins[-1].append(_margin(logits))
        return logits

    model.forward_text, model.forward_depformer = text_spy, depformer_spy
    try:
        yield recording
    finally:
        del model.forward_text, model.forward_depformer


def torch_greedy(model: LMModel, user_codes: np.ndarray) -> Greedy:
    """LMGen.step frame by frame, use_sampling=False."""
    frames = user_codes.shape[1]
    text = np.full(frames, -1, np.int32)
    audio = np.full((model.dep_q, frames), -1, np.int32)
    with recorded(model) as recording:
        generator = LMGen(model, use_sampling=False, check=True)
        with generator.streaming(1):
            for frame in range(frames):
                codes = torch.from_numpy(user_codes[:, frame].astype(np.int64))[None, :, None]
                out = generator.step(codes)
                if out is not None:
                    text[frame] = int(out[0, 0, 0])
                    audio[:, frame] = out[0, 1:, 0].numpy()
    return Greedy(text, audio, recording)


def torch_forced(model: LMModel, inputs: np.ndarray, depformer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits of PyTorch on given tokens: text [T, text_card], audio [T, dep_q, card]."""
    text, audio = [], []
    model.set_streaming_detached(True)
    with model.streaming(1):
        for frame in range(inputs.shape[1]):
            out, logits = model.forward_text(torch.from_numpy(inputs[:, frame].astype(np.int64))[None, :, None])
            text.append(logits.flatten().numpy().copy())
            row = []
            with model.depformer.streaming(1):
                for index, token in enumerate(depformer[:, frame]):
                    logits = model.forward_depformer(index, torch.tensor([[[int(token)]]]), out)
                    row.append(logits.flatten().numpy().copy())
            audio.append(row)
    return np.array(text, np.float32), np.array(audio, np.float32)


def mlx_forced(model: Lm, inputs: np.ndarray, depformer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same from moshi_mlx, one position at a time (it has no causal mask for more)."""
    for cache in model.transformer_cache:
        cache.reset()
    text, audio = [], []
    for frame in range(inputs.shape[1]):
        tokens = [mx.array([[int(token)]]) for token in inputs[:, frame]]
        hidden = model.text_emb(tokens[0])
        for token, embedding in zip(tokens[1:], model.audio_embs):
            hidden = hidden + embedding(token)
        hidden = model.out_norm(model.transformer(hidden, cache=model.transformer_cache))
        text.append(np.array(model.text_linear(hidden).flatten()))
        for cache in model.depformer_cache:
            cache.reset()
        row = []
        for part, token in zip(model.depformer.slices, depformer[:, frame]):
            state = part.linear_in(hidden) + part.emb(mx.array([[int(token)]]))
            state = part.transformer(state, cache=model.depformer_cache)
            row.append(np.array(part.linear_out(state).flatten()))
        audio.append(row)
    text, audio = np.array(text), np.array(audio)
    assert text.dtype == audio.dtype == np.float32
    return text, audio
