"""Diarizers and networks that need no weights: who speaks is told by how loud it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper

from shared.results import Voice

if TYPE_CHECKING:
    from pathlib import Path

RATE = 16_000
QUIET, LOUD, BOTH = 0.1, 0.3, 0.6
"""Mean levels of one speaker, another, and both of them, as `networks` tells them."""
LINES = ((0.0, 0.0), (1.0, -0.05), (2.0, -0.25), (0.0, -9.0), (3.0, -0.7), (0.0, -9.0), (0.0, -9.0))
"""Slope and height of each class by level; the highest wins."""


def vector(speaker: int) -> bytes:
    """The embedding of a speaker, far from those of others."""
    return np.eye(192, dtype="<f2")[speaker].tobytes()


class FakeDiarizer:
    """Hears the same voices in every chunk, each all the time."""

    revision = "fake+fake"

    def __init__(self, speakers=(0,), error=None, wait=lambda: None):
        self.speakers = speakers
        self.error = error
        self.wait = wait
        self.asked = []

    def diarize(self, samples, lead, owned):
        self.asked.append((len(samples), lead, owned))
        self.wait()
        if self.error is not None:
            raise self.error
        turns = ((0, round(1000 * owned)),)
        return tuple(
            Voice(window=0, turns=turns, clean=owned, embedding=vector(one)) for one in self.speakers
        )


def sound(*stretches):
    """Noise of one mean level after the other, from pairs of level and seconds, 16 bits."""
    random = np.random.default_rng(5)
    parts = [np.full(round(seconds * RATE), level) for level, seconds in stretches]
    levels = np.concatenate(parts) if parts else np.zeros(0)
    # The mean of |x| of a uniform variable is half its largest.
    return (32768 * random.uniform(-2 * levels, 2 * levels)).clip(-32768, 32767).astype(np.int16)


def networks(folder, *, hub=False):
    """Both networks in a folder; `hub`: with the names and the axes of the files on the model hub."""
    folder.mkdir(parents=True, exist_ok=True)
    _save(_segmentation(hub=hub), folder / "segmentation.onnx")
    _save(_embedding(hub=hub), folder / "embedding.onnx")
    return folder


def _segmentation(*, hub):
    name = "x" if hub else "samples"
    slopes, heights = np.array(LINES, np.float32).T
    nodes = [] if hub else [helper.make_node("Unsqueeze", [name, "one"], ["wave"])]
    nodes += [
        helper.make_node("Abs", ["wave" if not hub else name], ["size"]),
        helper.make_node("AveragePool", ["size"], ["level"], kernel_shape=[991], strides=[270]),
        helper.make_node("Conv", ["level", "slopes", "heights"], ["lines"]),
        helper.make_node("Transpose", ["lines"], ["classes"], perm=[0, 2, 1]),
    ]
    return (
        "segmentation",
        nodes,
        (name, ["N", 1, "T"] if hub else ["N", "T"]),
        ("classes", ["N", "F", 7]),
        {"slopes": slopes[:, None, None], "heights": heights} | ({} if hub else {"one": np.array([1])}),
    )


def _embedding(*, hub):
    name = "x" if hub else "features"
    nodes = [
        helper.make_node("Mul", [name, name], ["square"]),
        helper.make_node("ReduceMean", ["square"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "more"], ["vector"]),
    ]
    more = np.random.default_rng(6).normal(size=(80, 192)).astype(np.float32)
    return ("embedding", nodes, (name, ["N", "T", 80]), ("vector", ["N", 192]), {"more": more})


def _save(described, path: Path):
    title, nodes, given, made, constants = described
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)] for name, shape in (given, made)
    )
    stored = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, title, inputs, outputs, stored)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(path))
