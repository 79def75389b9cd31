"""Counting the primitives of a lazy graph, and the places where Python waits for the device."""

import io
import re
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field

import mlx.core as mx

# Primitives that only rename, reshape or stride memory on every backend when their input allows it.
VIEWS = {
    "AsStrided", "Broadcast", "BroadcastAxes", "Contiguous", "Copy", "ExpandDims", "Flatten", "NumberOfElements", "Reshape",
    "Slice", "Split", "Squeeze", "StopGradient", "Transpose", "Unflatten", "View",
}
NODE = re.compile(r'\{ \d+ \[label ="([^"]*)", shape=rectangle\]; \}')


def primitives(*outputs: mx.array) -> Counter:
    """Names of the graph's primitives and how often each occurs; evaluated arrays are leaves."""
    text = io.StringIO()
    mx.export_to_dot(text, *outputs)
    return Counter(NODE.findall(text.getvalue()))


def split(found: Counter) -> dict:
    views = sum(count for name, count in found.items() if name in VIEWS)
    return {"total": found.total(), "views": views, "computing": found.total() - views}


@dataclass
class Waits:
    count: int = 0
    seconds: float = 0.0
    found: Counter = field(default_factory=Counter)


@contextmanager
def watched(count_primitives: bool = False):
    """Counts and times every wait: `if array:`, `.item()`, `mx.eval`, and the conversions done through `to_numpy`."""
    waits = Waits()
    originals = {name: getattr(mx.array, name) for name in ("__bool__", "item", "__array__")}
    evaluate = mx.eval

    def wrap(original):
        def wrapped(value, *rest, **named):
            if count_primitives:
                waits.found += primitives(value)
            begin = time.perf_counter()
            result = original(value, *rest, **named)
            waits.seconds += time.perf_counter() - begin
            waits.count += 1
            return result

        return wrapped

    try:
        for name, original in originals.items():
            setattr(mx.array, name, wrap(original))
        mx.eval = wrap(evaluate)
        yield waits
    finally:
        for name, original in originals.items():
            setattr(mx.array, name, original)
        mx.eval = evaluate


@contextmanager
def fused_on_gpu():
    """Stand-ins of one primitive each for what is one primitive on Metal and a fallback of many on the CPU.

    Only for counting and timing the building of a graph: the results are wrong.
    """
    originals = {name: getattr(mx.fast, name) for name in ("rms_norm", "rope", "scaled_dot_product_attention")}
    try:
        mx.fast.rms_norm = lambda x, weight, eps: mx.depends([x], [weight])[0]
        mx.fast.rope = lambda x, *_, **__: mx.negative(x)
        mx.fast.scaled_dot_product_attention = lambda q, k, v, **_: mx.depends([q], [k, v])[0]
        yield
    finally:
        for name, original in originals.items():
            setattr(mx.fast, name, original)
