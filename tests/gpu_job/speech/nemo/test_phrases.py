"""A caller's keyterms on their way through the worker."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from gpu_job.pipeline import results
from gpu_job.pipeline.batcher import Batch
from shared.audio import Pcm
from shared.model import Chunk, Options


class Engine:
    """Remembers how it was called."""

    engine, model, revision, language, batch = "parakeet-gpu", "tiny", "1", "en", None

    def __init__(self, *, hears_phrases=True):
        self.hears_phrases = hears_phrases
        self.calls = []

    def transcribe(self, windows, phrases=()):
        self.calls.append(phrases)
        return [()] * len(windows)


def prepared(keyterms):
    chunk = Chunk(index=0, start=0.0, end=1.0, lead=0.0, tail=0.0, engine="parakeet-gpu")
    return SimpleNamespace(
        message=SimpleNamespace(options=Options(keyterms=keyterms), chunk=chunk, recording="r", tried=()),
        delivery=SimpleNamespace(message_id="m", attempt=1),
        pcm=Pcm(samples=b"", start=0.0, owned=1.0, warnings=("The file ends early.",)),
        windows=[],
        heard={},
    )


def batch(engine, *keyterms):
    windows = [np.zeros(16_000, np.float32)] * len(keyterms)
    return Batch(engine=engine, items=tuple((prepared(one), 0) for one in keyterms), waveforms=windows)


@pytest.mark.parametrize(
    ("keyterms", "phrases"),
    [(None, ()), ("Dropscribe", ("Dropscribe",)), (" Ada Lovelace, ,L4,", ("Ada Lovelace", "L4"))],
)
def test_keyterms_are_phrases_with_commas_between(keyterms, phrases):
    assert Options(keyterms=keyterms).phrases == phrases


def test_recordings_with_different_keyterms_share_a_batch():
    engine = Engine()
    batch(engine, "Dropscribe", None, "Lovelace, L4").recognise()
    assert engine.calls == [[("Dropscribe",), (), ("Lovelace", "L4")]]


def test_without_keyterms_the_engine_is_not_told_of_any():
    engine = Engine()
    batch(engine, None, None).recognise()
    assert engine.calls == [()]


def test_an_engine_that_does_not_listen_for_keyterms_says_so_in_the_result():
    deaf, able = Engine(hears_phrases=False), Engine()
    warnings = results.chunk_result(prepared("Dropscribe"), deaf).warnings
    assert warnings[0] == "The file ends early."
    assert "does not listen for keyterms" in warnings[1]
    assert results.chunk_result(prepared("Dropscribe"), able).warnings == ("The file ends early.",)
    assert results.chunk_result(prepared(None), deaf).warnings == ("The file ends early.",)
