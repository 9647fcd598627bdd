"""The two networks, whichever export they are."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_job.voices import networks
from tests import voices


@pytest.fixture(params=[False, True], ids=["own", "hub"])
def folder(request, tmp_path):
    return voices.networks(tmp_path / "networks", hub=request.param)


def test_both_exports_are_called_as_they_ask(folder):
    segmentation = networks.load_segmentation(folder / "segmentation.onnx")
    window = voices.sound((0.0, 2), (voices.QUIET, 2), (voices.LOUD, 2), (voices.BOTH, 2)) / np.float32(32768)
    speaking = networks.segment(segmentation, [window, np.zeros_like(window)])
    frame = (np.array([1, 3, 5, 7]) * 16_000 - 495) // 270
    assert speaking.shape == (2, 471, 3)
    assert speaking[0, frame].tolist() == [
        [False, False, False],
        [True, False, False],
        [False, True, False],
        [True, True, False],
    ]
    assert not speaking[1].any()


def test_an_embedding_is_192_numbers_of_length_one(folder):
    embedding = networks.load_embedding(folder / "embedding.onnx")
    energies = np.random.default_rng(3).normal(size=(200, 80)).astype(np.float32)
    found = np.frombuffer(networks.embed(embedding, energies), "<f2").astype(float)
    assert found.shape == (192,)
    assert np.sqrt((found**2).sum()) == pytest.approx(1.0, abs=1e-3)
    # A constant in every frame, as another gain is, changes nothing.
    louder = np.frombuffer(networks.embed(embedding, energies + np.float32(3)), "<f2").astype(float)
    assert louder == pytest.approx(found, abs=2e-3)


@pytest.mark.parametrize("factor", [np.nan, 1e30, 0.0])
def test_a_vector_that_says_nothing_is_none(folder, factor):
    embedding = networks.load_embedding(folder / "embedding.onnx")
    energies = np.random.default_rng(3).normal(size=(200, 80)) * factor
    assert networks.embed(embedding, energies.astype(np.float32)) == b""


def test_one_network_is_not_taken_for_the_other(folder):
    with pytest.raises(Exception, match=r"axes|dimension|rank|gives"):
        networks.load_embedding(folder / "segmentation.onnx")
    with pytest.raises(Exception, match=r"axes|dimension|rank|gives"):
        networks.load_segmentation(folder / "embedding.onnx")
