"""Half an hour of known sentences through the whole flow, in one piece and in many: the seams must not show."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

import pytest

from dropscribe.progress import Told
from gpu_job.speech.onnx import onnx_engine
from local.backend.embedded_ports import open_ports
from local.commands.audio import inputs
from local.runtime import one_shot, submission
from shared.flow import merge
from shared.flow.chunk import result_name
from shared.messages import decode
from shared.model import Options
from shared.results import ChunkResult, Word
from shared.settings import Settings
from tests.speech import talk, text_of, word_errors, write_wav

pytestmark = pytest.mark.slow

LENGTH = 1800
NEAR = 1.0
"""Seconds around a fault in which the pieces are asked whether they had it right."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What came out of one run."""

    pieces: tuple[merge.Piece, ...]
    words: tuple[Word, ...]

    @property
    def text(self):
        return " ".join(word.text for word in self.words)


def spoken(folder):
    samples, truth = talk(LENGTH, seed=7)
    write_wav(folder / "speech.wav", samples)
    return folder / "speech.wav", truth


@pytest.fixture
def recording(once):
    return once("half-an-hour", spoken)


@pytest.fixture
def in_one_piece(recording, once):
    return once("half-an-hour-in-one-piece", lambda folder: transcribe(recording[0], 60, folder))


def transcribe(path, minutes, state):
    ports = open_ports(Settings(state_dir=state, chunk_minutes=minutes, model="tiny"))
    try:
        files = submission.look(inputs.collect([path]).files, Options(model="tiny"), ports)
        submission.submit(files, ports)
        [(_, recording)] = one_shot.follow(files, ports, onnx_engine.load, progress=Told(None))
        assert recording.state == "DONE"
        results = [
            decode(ports.store.load("work", result_name(recording.id, chunk.index)), ChunkResult)
            for chunk in recording.chunks
        ]
        pieces = merge.pieces(recording.chunks, results)
        return Heard(pieces=pieces, words=merge.join(pieces))
    finally:
        ports.close()


def rate(truth, heard):
    errors, words = word_errors(text_of(truth), heard.text)
    return 100 * errors / words


def faults(truth, words):
    """When words were lost or added, against what was spoken: the difference in number of each change."""
    spoken, got = [one[0] for one in truth], [word.text for word in words]
    changes = SequenceMatcher(None, spoken, got, autojunk=False).get_opcodes()
    return [
        truth[min(a, len(truth) - 1)][1] for kind, a, b, c, d in changes if kind != "equal" and b - a != d - c
    ]


def seam_faults(truth, heard):
    """Words lost or repeated in an overlap that one of its two pieces, well inside itself, had right."""
    found = []
    for at in faults(truth, heard.words):
        for piece in overlapping(heard, at):
            near = [one for one in truth if at - NEAR <= one[1] <= at + NEAR]
            its = [word for word in piece.words if at - NEAR <= word.start <= at + NEAR]
            if near and not faults(near, its):
                found.append((at, near, its))
    return found


def overlapping(heard, at):
    """The pieces that heard a moment well inside, where there are two."""
    for left, right in pairwise(heard.pieces):
        if right.start <= at <= left.end:
            return [piece for piece in (left, right) if piece.start + NEAR <= at <= piece.end - NEAR]
    return []


def test_the_tiny_model_hears_half_an_hour_with_less_than_one_error_in_a_hundred(recording, in_one_piece):
    assert rate(recording[1], in_one_piece) < 1.0
    assert len(in_one_piece.pieces) == 1


@pytest.mark.parametrize(("minutes", "chunks"), [(10, 3), (1, 28), (1 / 3, 82)])
def test_chunks_leave_no_trace(recording, in_one_piece, tmp_path, minutes, chunks):
    path, truth = recording
    heard = transcribe(path, minutes, tmp_path)
    assert len(heard.pieces) == chunks
    assert rate(truth, heard) <= rate(truth, in_one_piece) + 0.1
    assert seam_faults(truth, heard) == []
