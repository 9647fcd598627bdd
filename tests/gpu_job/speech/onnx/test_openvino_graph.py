"""What is changed in the graph, against the graph as NeMo exports it."""

from __future__ import annotations

from functools import cache

import numpy as np
import openvino
import pytest

from gpu_job.speech.onnx import openvino_graph
from gpu_job.speech.onnx.encoder import INPUTS
from gpu_job.speech.onnx.openvino_encoder import BUCKET, LONGEST, has_bfloat16
from gpu_job.weights.catalogue import BUNDLED

PRECISIONS = ["f32", "bf16"] if has_bfloat16() else ["f32"]


def encoder():
    return openvino.Core().read_model(BUNDLED / "encoder-model.onnx")


def compiled(model, precision="f32"):
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1}
    return openvino.Core().compile_model(model, "CPU", settings)


@cache
def as_exported(precision="f32"):
    return compiled(encoder(), precision)


@cache
def prepared():
    model = encoder()
    openvino_graph.prepare(model, LONGEST)
    return compiled(model)


def frames(compiled, length):
    random = np.random.default_rng(length)
    given = (random.standard_normal((2, 80, length)).astype(np.float32), np.array([length, length // 2]))
    encoded, counts = compiled(dict(zip(INPUTS, given, strict=True))).values()
    return [one[:, :count] for one, count in zip(encoded, counts, strict=True)]


def of_type(model, name):
    return [node for node in model.get_ordered_ops() if node.get_type_name() == name]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_narrow_masks_change_no_bit_of_the_frames(precision):
    narrow = encoder()
    openvino_graph._narrow_masks(narrow)
    ours, theirs = compiled(narrow, precision), as_exported(precision)
    for one, other in zip(frames(ours, 317), frames(theirs, 317), strict=True):
        assert np.array_equal(one, other)


def test_no_mask_has_a_channel_for_each_of_the_features():
    model = encoder()
    openvino_graph.prepare(model, LONGEST)
    products = [node for node in of_type(model, "Multiply") if "pre_encode" in node.get_friendly_name()]
    wide = [shape for node in products if (shape := node.input_value(1).get_partial_shape()).rank == 4]
    assert [str(shape[1]) for shape in wide] == ["1"] * 6


@pytest.mark.parametrize("length", [BUCKET, 317, LONGEST * BUCKET])
def test_all_changes_together_keep_the_frames(length):
    for one, other in zip(frames(prepared(), length), frames(as_exported(), length), strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() < 1e-5


def test_channels_and_bands_of_the_subsampling_are_moved_in_no_call():
    def orders(model):
        moved = [node for node in of_type(model, "Transpose") if node.get_output_partial_shape(0).rank == 4]
        return [list(node.input_value(1).get_node().data) for node in moved]

    before, after = encoder(), encoder()
    openvino_graph.prepare(after, LONGEST)
    assert orders(before).count([0, 2, 1, 3]) - orders(after).count([0, 2, 1, 3]) == 1
    assert orders(after).count([0, 2, 3, 1]) - orders(before).count([0, 2, 3, 1]) == 1


def test_what_layers_make_of_positions_is_computed_in_no_call():
    before, after = encoder(), encoder()
    openvino_graph.prepare(after, LONGEST)
    layers = [node for node in of_type(before, "MatMul") if "linear_pos" in node.get_friendly_name()]
    assert len(layers) == 6
    assert len(of_type(before, "MatMul")) - len(of_type(after, "MatMul")) == len(layers)
