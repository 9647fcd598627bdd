import numpy as np
import pytest

from gpu_job.speech.onnx import onnx_engine
from gpu_job.weights.catalogue import BUNDLED, FILES
from gpu_job.weights.onnx_export import differing, quantise
from shared.errors import ConfigurationError
from tests.speech import sentences, word_errors


def test_quantised_weights_are_smaller_load_as_they_are_and_understand_as_much(tmp_path):
    folder = quantise(BUNDLED, tmp_path / "int8")
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert (folder / "encoder-model.onnx").stat().st_size < 0.7 * (
        BUNDLED / "encoder-model.onnx"
    ).stat().st_size
    chosen = sentences()[:60]
    engine = onnx_engine.load(str(folder))
    heard = engine.transcribe([one.samples.astype(np.float32) / 32768 for one in chosen])
    pairs = [
        (one.text, " ".join(word.text for word in words)) for one, words in zip(chosen, heard, strict=True)
    ]
    errors, words = (sum(column) for column in zip(*(word_errors(*pair) for pair in pairs), strict=True))
    assert errors / words < 0.02


def test_without_onnx_quantising_says_what_to_install(tmp_path, monkeypatch):
    def missing(name):
        raise ImportError("No module named 'onnx'")

    monkeypatch.setattr("gpu_job.weights.onnx_export.importlib.import_module", missing)
    with pytest.raises(ConfigurationError, match=r"pip install 'dropscribe\[models\]'"):
        quantise(BUNDLED, tmp_path / "int8")


@pytest.mark.parametrize(
    ("expected", "heard", "share"),
    [
        ("a b c d", "a b c d", 0.0),
        ("a b c d", "a x c d", 0.25),
        ("a b c d", "b c d", 0.25),
        ("a b", "a b c", 0.5),
        ("a b", "", 1.0),
        ("", "a", 1.0),
    ],
)
def test_the_share_of_differing_words_counts_edits(expected, heard, share):
    assert differing(expected.split(), heard.split()) == share
