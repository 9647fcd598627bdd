"""What is committed of a chunk."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gpu_job.pipeline.chunk_result import chunk_result
from gpu_job.speech.windowing import Window
from shared.audio import Pcm
from shared.engines import ENGINES
from shared.model import Chunk, Options
from tests.acme import ACME
from tests.world import words

pytestmark = pytest.mark.usefixtures("three_engines")


class Engine:
    """Hears nothing."""

    engine, model, revision, language = "parakeet-cpu", "tiny", "1", "en"

    def __init__(self, *, hears_phrases):
        self.hears_phrases = hears_phrases


def job(keyterms, **options):
    chunk = Chunk(index=0, start=0.0, end=1.0, lead=0.0, tail=0.0, engine="parakeet-gpu")
    return SimpleNamespace(
        message=SimpleNamespace(
            options=Options(keyterms=keyterms, **options), chunk=chunk, recording="r", tried=(), model="tiny"
        ),
        attempt="m-1",
        pcm=Pcm(samples=b"", start=0.0, owned=1.0, warnings=("The file ends early.",)),
        windows=[],
        words={},
        diarized=None,
        channels=(),
    )


def test_an_engine_that_does_not_listen_for_keyterms_says_so_in_the_result():
    deaf, able = Engine(hears_phrases=False), Engine(hears_phrases=True)
    warnings = chunk_result(job("Dropscribe"), deaf).warnings
    assert warnings[0] == "The file ends early."
    assert warnings[1] == (
        "Parakeet on a CPU does not listen for keyterms. These engines do: Parakeet on a GPU and Deepgram."
    )
    assert chunk_result(job("Dropscribe"), able).warnings == ("The file ends early.",)
    assert chunk_result(job(None), deaf).warnings == ("The file ends early.",)


def test_the_engines_that_listen_for_keyterms_are_those_of_the_table(monkeypatch):
    monkeypatch.setitem(ENGINES, "acme", ACME)
    (_, told) = chunk_result(job("Dropscribe"), Engine(hears_phrases=False)).warnings
    assert told.endswith("These engines do: Parakeet on a GPU, Deepgram and Acme Speech.")


def test_filler_words_that_are_not_kept_are_told_of_in_the_result():
    engine = Engine(hears_phrases=True)
    warnings = chunk_result(job("Dropscribe", filler_words=True, diarize=True), engine).warnings
    assert warnings[1:] == ("Parakeet on a CPU does not keep filler words. These engines do: Deepgram.",)


def test_words_of_both_channels_have_their_channel():
    one = job(None)
    samples = bytes(2 * 32_000)
    levels = bytes([40, 120] * 50 + [120, 40] * 50)
    one.pcm = Pcm(samples=samples, start=0.0, owned=2.0, levels=levels, sound=(samples, samples))
    one.windows, one.channels = [Window(0, 16_000), Window(8_000, 32_000)], (0, 1)
    one.words = {0: words("left", start=0.2), 1: words("right", start=1.0)}
    found = chunk_result(one, Engine(hears_phrases=False))
    assert [(word.text, word.start) for word in found.words] == [("left", 0.2), ("right", 1.5)]
    assert found.word_sides == bytes([0, 1])


def test_levels_of_both_channels_are_kept_without_the_overlap():
    one = job(None)
    # Half a second before the chunk, one of its own, a tenth after it.
    levels = bytes(n for at in range(80) for n in (at, 255 - at))
    one.pcm = Pcm(samples=bytes(2 * 25_600), start=-0.5, owned=1.0, levels=levels)
    kept = chunk_result(one, Engine(hears_phrases=False)).sides
    assert kept == levels[50:150]
