"""What a hosted engine heard, on the chunk's own axis."""

from __future__ import annotations

from shared.engines import ENGINES
from shared.hosted.hosted_result import Stretch, result_of
from shared.messages import ChunkMessage
from shared.model import AudioInfo, Chunk, Options, StoredObject, Tried
from shared.results import Heard, Word
from tests.acme import ACME


def message(**changes):
    given = {
        "recording": "r",
        "source": StoredObject(bucket="audio", name="a.mp3", generation=1, size=1),
        "options": Options(),
        "audio": AudioInfo(
            format="mp3", codec="mp3", sample_rate=16_000, channels=1, duration=60.0, exact=True, splittable_by="time"
        ),
        "chunk": Chunk(index=1, start=30.0, end=60.0, lead=4.0, tail=0.0, engine="deepgram"),
        "model": "nova-3",
    }  # fmt: skip
    return ChunkMessage(**given | changes)


def heard(*words):
    return Heard(
        words=tuple(Word(text=text, start=start, end=end, confidence=0.98765) for text, start, end in words),
        seconds=34.0, request_id="q", model="nova-3", revision="v", language="en",
    )  # fmt: skip


def test_times_count_from_the_chunk_and_none_lies_behind_the_audio():
    stretch = Stretch(start=-4.0, owned=30.0, decoded=34.0)
    found = result_of(message(), stretch, heard(("early", 1.0, 1.5), ("late", 33.9, 34.4)), "m-1")
    assert [(one.start, one.end) for one in found.words] == [(-3.0, -2.5), (29.9, 30.0)]
    assert [one.confidence for one in found.words] == [0.988, 0.988]
    assert (found.index, found.lead, found.owned, found.decoded) == (1, 4.0, 30.0, 34.0)
    assert (found.engine, found.model, found.language, found.attempt) == ("deepgram", "nova-3", "en", "m-1")


def test_a_stretch_that_begins_late_has_no_lead():
    found = result_of(
        message(), Stretch(start=0.5, owned=29.5, decoded=29.5), heard(("one", 1.0, 1.5)), "m-1"
    )
    assert (found.lead, found.words[0].start) == (0.0, 1.5)


def test_what_was_asked_for_and_the_engine_cannot_do_is_told(monkeypatch):
    monkeypatch.setitem(ENGINES, "acme", ACME)
    chunk = Chunk(index=0, start=0.0, end=1.0, lead=0.0, tail=0.0, engine="acme")
    asked = message(options=Options(filler_words=True, keyterms="Dropscribe"), chunk=chunk)
    (told,) = result_of(asked, Stretch(start=0.0, owned=1.0, decoded=1.0), heard(), "m-1").warnings
    assert told.startswith("Acme Speech does not keep filler words. These engines do: Deepgram")


def test_what_the_decoder_noticed_and_whose_part_it_was_are_told():
    tried = (Tried(engine="parakeet-cpu", error="EngineLimit", reason="It does not fit."),)
    stretch = Stretch(start=0.0, owned=1.0, decoded=1.0, warnings=("the audio stops",))
    first, second = result_of(message(tried=tried), stretch, heard(), "m-1").warnings
    assert first == "the audio stops"
    assert "Parakeet on a CPU: It does not fit." in second
