"""The bundled weights: one training, two formats, the same text."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnx_asr
import onnxruntime
import pytest

from tests.speech import sentences, talk, text_of, word_errors

MODEL = Path(__file__).parent.parent / "models" / "tiny-tdt"
needs_nemo = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed: `make test` installs it"
)


@pytest.fixture(scope="module")
def recognise():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the model is so small that sharing the work costs more than it saves
    model = onnx_asr.load_model(
        "nemo-conformer-tdt", MODEL, sess_options=options, providers=["CPUExecutionProvider"]
    )
    return lambda samples: model.recognize(samples.astype(np.float32) / 32768)


def rate_of(pairs):
    errors, words = (sum(column) for column in zip(*(word_errors(*pair) for pair in pairs), strict=True))
    return errors / words


def test_fewer_than_one_word_in_a_hundred_of_the_held_out_sentences_is_wrong(recognise):
    rate = rate_of([(sentence.text, recognise(sentence.samples)) for sentence in sentences()])
    assert 0 < rate < 0.01


def test_half_a_minute_of_joined_sentences_is_understood(recognise):
    talks = [talk(30, seed) for seed in range(8)]
    assert rate_of([(text_of(words), recognise(samples)) for samples, words in talks]) < 0.03


@pytest.mark.nemo
@needs_nemo
@pytest.mark.filterwarnings("ignore")  # NeMo and what it imports warn about their own affairs
def test_nemo_and_onnx_give_the_same_text(recognise):
    from nemo.collections.asr.models import ASRModel  # noqa: PLC0415 - not installed everywhere

    model = ASRModel.restore_from(str(MODEL / "tiny-tdt.nemo"), map_location="cpu")
    model.eval()
    chosen = sentences()[:40]
    audio = [sentence.samples.astype(np.float32) / 32768 for sentence in chosen]
    texts = [one.text for one in model.transcribe(audio, batch_size=8, verbose=False)]
    assert texts == [recognise(sentence.samples) for sentence in chosen]
