"""Features are the same numbers as NeMo's; the networks in the precision of a GPU, on a processor."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gpu_job.speech.nemo.archive import opened
from gpu_job.weights import lookup
from tests.gpu_job.speech.hearing import nemo_tests, text
from tests.speech import talk

pytestmark = nemo_tests()


@pytest.fixture(scope="module")
def bfloat16(torch, nemo_engine):
    """The bundled weights as a GPU has them."""
    located = lookup.locate("tiny", "nemo")
    with opened(located.path) as archive:
        networks = nemo_engine.Networks.of(archive, torch.device("cpu"), torch.bfloat16)
    return nemo_engine.Parakeet("tiny", located, networks)


def test_the_words_are_those_of_single_precision_and_confidences_differ_by_rounding(bfloat16, tiny, speech):
    windows, _ = speech
    ours, exact = bfloat16.transcribe(windows), tiny.transcribe(windows)
    assert bfloat16.device.dtype == "bfloat16"
    assert [text(words) for words in ours] == [text(words) for words in exact]
    for one, other in zip(itertools.chain(*ours), itertools.chain(*exact), strict=True):
        assert one.start == pytest.approx(other.start, abs=0.08)
        assert one.confidence == pytest.approx(other.confidence, abs=0.05)


@pytest.mark.slow
def test_so_are_those_of_minutes_and_those_with_phrases(bfloat16, tiny, speech):
    samples, _ = talk(120.0, seed=11)
    long = [samples / np.float32(32768)]
    assert text(bfloat16.transcribe(long)[0]) == text(tiny.transcribe(long)[0])
    windows, lists = speech[0][:2], [("zulu papa",), ()]
    ours, exact = bfloat16.transcribe(windows, lists), tiny.transcribe(windows, lists)
    assert [text(words) for words in ours] == [text(words) for words in exact]


def test_no_weight_stays_in_another_precision(bfloat16, torch):
    networks = bfloat16._networks
    for part in (networks.encoder, networks.decoder, networks.joint):
        kinds = {tensor.dtype for tensor in part.state_dict().values() if tensor.is_floating_point()}
        assert kinds == {torch.bfloat16}


@pytest.mark.slow
def test_features_are_those_of_nemos_preprocessor(whole_nemo):
    import torch  # noqa: PLC0415 - not importable everywhere

    from gpu_job.speech.nemo.networks import Mel  # noqa: PLC0415 - imports torch

    assert whole_nemo.done.returncode == 0, whole_nemo.done.stderr
    nemo = whole_nemo.made
    mel = Mel(torch.tensor(nemo["filters"]))
    ours, frames = mel(torch.tensor(whole_nemo.sound), torch.tensor(whole_nemo.lengths))
    assert frames.tolist() == nemo["counts"].tolist() == [100, 62, 2]
    np.testing.assert_allclose(ours, nemo["features"][:, :, :100], atol=1e-3)
