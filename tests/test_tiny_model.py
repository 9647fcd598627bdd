"""The bundled weights by themselves, as onnx-asr runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_asr
import onnxruntime
import pytest

from tests.speech import sentences, talk, text_of, word_errors

pytestmark = pytest.mark.slow

MODEL = Path(__file__).parent.parent / "models" / "tiny-tdt"


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
