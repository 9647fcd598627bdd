"""What an export says about itself, as onnx-asr reads it."""

from __future__ import annotations

import json

import onnx_asr
import pytest

from gpu_job.speech.onnx import export
from gpu_job.weights.catalogue import BUNDLED


def test_it_is_read_as_onnx_asr_reads_it():
    found = export.read(BUNDLED)
    theirs = onnx_asr.load_model("nemo-conformer-tdt", BUNDLED).asr
    assert dict(enumerate(found.pieces)) == theirs._vocab
    assert (found.blank, found.max_per_frame) == (theirs._blank_idx, theirs._max_tokens_per_step)
    assert found.features == theirs._features_size
    assert found.frame_seconds == pytest.approx(theirs.window_step * theirs._subsampling_factor)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"features_size": 128, "max_tokens_per_step": 3}))
    (tmp_path / "vocab.txt").write_text("▁a 0\n\u2028 1\n<blk> 2\n", encoding="utf-8")
    return tmp_path


def test_tokens_may_be_line_separators_and_begin_with_a_space(folder):
    found = export.read(folder)
    assert found.pieces == (" a", "\u2028", "<blk>")
    assert (found.features, found.max_per_frame, found.blank) == (128, 3, 2)


@pytest.mark.parametrize("text", ["a 0\nb 1\n", "a 0\n<blk> 2\n", "a x\n<blk> 1\n"])
def test_a_damaged_vocabulary_is_an_error(folder, text):
    (folder / "vocab.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"vocab|invalid literal"):
        export.read(folder)
