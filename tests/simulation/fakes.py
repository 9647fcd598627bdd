"""Audio, engines and jobs of the simulation, which do no work but keep count of what they were asked for.

A recording has one word a second, a pulse of a height of its own: whoever recognises a stretch of samples, whichever
engine, finds the same words. So the bytes of a transcript do not depend on who did which part, or when.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpu_job.speech import windowing
from gpu_job.speech.transcriber import SAMPLE_RATE, Device, EngineLost, OutOfMemory
from shared.audio import Pcm
from shared.engines import PARAKEET_CPU, PARAKEET_GPU, EngineSpec, own_specs
from shared.model import AudioInfo, StoredObject
from shared.ports import HostedJob, TaskRun, WorkerState
from shared.results import Heard, Voice, Word
from tests.simulation.scheduler import running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from shared.model import Chunk
    from tests.simulation.faults import Calls
    from tests.simulation.scheduler import Process

FROM, TO = 0.3, 0.7
"""Where the word of each second begins and ends in it."""

DECODING, CALL, LISTENING = 0.2, 1.0, 0.7
"""Seconds that it takes to decode a chunk, to recognise a batch, and to find the voices of a chunk."""


def size_of(seconds: float) -> int:
    """Bytes of a recording."""
    return round(seconds * 100)


def length_of(source: StoredObject) -> float:
    """Seconds of a recording, whatever its header says."""
    return source.size / 100


HEADER = "header"
"""The metadata of a recording that say what its header says, seconds."""


TAKE = "take"
"""The metadata of a recording that has the name of another: what is said in it is that of this name."""


def label_of(source: StoredObject) -> str:
    """The name of an upload in its scenario: its own, unless it replaced another one of that name."""
    return str(source.metadata.get(TAKE, source.name))


@cache
def sound(name: str, start: float, end: float) -> bytes:
    """The samples of a stretch of a recording, 16-bit."""
    first, last = round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)
    samples = np.zeros(last - first, np.int16)
    swing = np.where(np.arange(len(samples)) % 2, -1, 1).astype(np.int16)
    for second in range(int(start), int(end) + 1):
        low, high = (round((second + edge) * SAMPLE_RATE) - first for edge in (FROM, TO))
        if high > 0 and low < len(samples):
            samples[max(0, low) : high] = height_of(name, second)
    return (samples * swing).tobytes()


def height_of(name: str, second: int) -> int:
    """The word of one second: the height of its pulse."""
    return 3000 + zlib.crc32(f"{name} {second}".encode()) % 20_000


def text_of(name: str, seconds: float) -> str:
    """What is said in a recording."""
    return " ".join(f"w{height_of(name, second)}" for second in range(int(seconds)))


_words: dict[str, tuple[Word, ...]] = {}


def _heard(samples: bytes, name: str = "") -> tuple[Word, ...]:
    """The words in some samples, whole or cut off, noted under their name, because their hash takes long."""
    name = name or _name_of(samples)
    if name not in _words:
        _words[name] = _found(samples)
    return _words[name]


def _found(samples: bytes) -> tuple[Word, ...]:
    values = np.abs(np.frombuffer(samples, np.int16))
    edges = np.flatnonzero(np.diff(values, prepend=0, append=0))
    words = []
    for low, high in zip(edges[::2], edges[1::2], strict=True):
        start, end = (round(float(edge) / SAMPLE_RATE, 3) for edge in (low, high))
        words.append(Word(text=f"w{values[low]}", start=start, end=end, confidence=0.9))
    return tuple(words)


_product = windowing.cut


@cache
def _cut(samples: bytes) -> tuple[windowing.Window, ...]:
    return tuple(_product(np.frombuffer(samples, np.int16)))


def cut(samples: NDArray[np.int16]) -> list[windowing.Window]:
    """The product's windows, found once for the same bytes."""
    assert isinstance(samples.base, bytes), "it is what was decoded"
    return list(_cut(samples.base))


def _name_of(samples: bytes) -> str:
    return f"{zlib.crc32(samples):08x}"


@cache
def windows_of(name: str, start: float, end: float) -> frozenset[str]:
    """What a worker's engine is asked about one chunk."""
    samples = sound(name, start, end)
    return frozenset(_name_of(samples[2 * one.start : 2 * one.end]) for one in _cut(samples))


class FakeMedia:
    """Probes and decodes recordings by their names and sizes.

    Args:
        calls: what may go wrong.
        begins: told that work begins on a chunk of a recording.
    """

    def __init__(self, calls: Calls, begins: Callable[[StoredObject, Chunk], None]) -> None:
        self._calls = calls
        self._begins = begins

    def probe(self, source: Any, *, name: str, track: int, both: Any = "no") -> AudioInfo:
        def work():
            source.store.check(source.source)
            return _audio(source.source)

        return self._calls.look("media.probe", work)

    def decode(self, source: Any, audio: AudioInfo, chunk: Chunk, *, track: int, both: Any = "no") -> Pcm:
        def work():
            source.store.check(source.source)
            self._begins(source.source, chunk)
            running().sleep(DECODING)
            start, end = stretch(chunk, source.source)
            own = max(0.0, min(chunk.end or end, length_of(source.source)) - chunk.start)
            return Pcm(
                samples=sound(label_of(source.source), start, end), start=start - chunk.start, owned=own
            )

        return self._calls.look("media.decode", work)


def _audio(source: StoredObject) -> AudioInfo:
    return AudioInfo(
        format="wav",
        codec="pcm_s16le",
        sample_rate=SAMPLE_RATE,
        channels=1,
        duration=float(source.metadata.get(HEADER, length_of(source))),
        exact=HEADER not in source.metadata,
        splittable_by="time",
    )


def stretch(chunk: Chunk, source: StoredObject) -> tuple[float, float]:
    """Start and end of what is decoded of a chunk, overlap included."""
    whole, start = length_of(source), chunk.start - chunk.lead
    return start, max(start, min(whole, (whole if chunk.end is None else chunk.end) + chunk.tail))


class FakeEngine:
    """An engine of ours.

    Args:
        name: in the table of engines.
        work: is told of each window that it recognises.
        trouble: what goes wrong in a call, if anything does.
        seconds: that a call takes.
    """

    model, revision, language, batch, hears_phrases = "sim", "1", "en", None, False

    def __init__(
        self, name: str, work: Work, trouble: Callable[[str, Sequence[str]], str], seconds: float
    ) -> None:
        self.engine = name
        self._seconds = seconds
        self.device = Device(name="simulated", memory=0, driver="", dtype="float32", graphs="")
        self._work = work
        self._trouble = trouble

    def memory(self) -> None:
        return None

    def warm_up(self) -> None:
        """Nothing to do."""

    def transcribe(
        self,
        windows: Sequence[Any],
        phrases: Sequence[tuple[str, ...]] = (),
        languages: Sequence[str | None] = (),
    ) -> list[tuple[Word, ...]]:
        samples = [(one * 32768).astype(np.int16).tobytes() for one in windows]
        names = [_name_of(one) for one in samples]
        asked = [(self.engine, one) for one in names]
        self._work.tried.update(asked)
        began = running().now
        running().sleep(self._seconds)
        trouble = self._trouble(self.engine, names)
        if not trouble:
            self._work.done.update(asked)
            for engine, window in asked:
                self._work.note(engine, window, began)
        if trouble == "too small":
            raise OutOfMemory("it does not fit")
        if trouble == "broken":
            raise RuntimeError("the engine broke")
        if trouble == "lost":
            raise EngineLost("the card is gone")
        if trouble == "kills":
            running().kill(running().current.process)
        return [_heard(one, name) for one, name in zip(samples, names, strict=True)]


class FakeDiarizer:
    """Tells voices by the words: each is said by one of two people, see `speaker_of`."""

    revision = "sim"

    def diarize(self, samples: Any, lead: float, owned: float) -> tuple[Voice, ...]:
        """A window for each word within the chunk's bounds."""
        running().sleep(LISTENING)
        found = []
        for number, word in enumerate(_heard(samples.tobytes())):
            start, end = max(0.0, word.start - lead), min(owned, word.end - lead)
            if start < end:
                turns = ((round(1000 * start), round(1000 * end)),)
                vector = np.eye(2, dtype="<f2")[speaker_of(word.text)].tobytes()
                found.append(Voice(window=number, turns=turns, clean=end - start, embedding=vector))
        return tuple(found)


def speaker_of(word: str) -> int:
    """Which of two people says a word."""
    return int(word.removeprefix("w")) % 2


class Call(NamedTuple):
    """A call of an engine that came to its end."""

    began: float
    """Seconds since 1970."""
    process: Process
    """Who made it."""
    engine: str
    what: str
    """A window, or the tag of a call of a hosted engine."""


class Work:
    """What all engines did in a history."""

    def __init__(self) -> None:
        self.done: Counter[tuple[str, str]] = Counter()
        """How often each engine of ours recognised each window."""
        self.tried: set[tuple[str, str]] = set()
        """Engines and windows, or tags of calls: whoever was asked at least once."""
        self.bill: list[tuple[str, float]] = []
        """What the hosted engine charges for: tags and seconds."""
        self.calls: list[Call] = []
        """All that counts in `done` or in `bill`."""

    def note(self, engine: str, what: str, began: float) -> None:
        """Note a call of the process that asks."""
        self.calls.append(Call(began, running().current.process, engine, what))


class FakeHosted:
    """A hosted engine that charges for every call.

    Args:
        spec: the engine.
        work: is told of every call.
        trouble: chance that a call fails, if the choices come from a seed.
    """

    def __init__(self, spec: EngineSpec, work: Work, trouble: float) -> None:
        assert spec.hosted is not None
        self.trouble = trouble
        self._name, self._weights = spec.name, spec.hosted.weights
        self._work = work

    def asked(self, job: HostedJob) -> None:
        """Note that it was asked."""
        self._work.tried.add((self._name, job.tag))

    def transcribe(self, job: HostedJob) -> Heard:
        self.asked(job)
        began = running().now
        running().sleep(CALL)
        self._work.note(self._name, job.tag, began)
        self._work.bill.append((job.tag, job.seconds))
        if job.url is not None:
            name = job.url.rpartition("/")[2]
            samples = sound(name, 0.0, job.seconds)
        else:
            samples = job.samples
        words = _heard(samples)
        if job.options.diarize:
            order: dict[int, int] = {}
            numbers = [order.setdefault(speaker_of(one.text), len(order) + 1) for one in words]
            words = tuple(replace(one, speaker=own) for one, own in zip(words, numbers, strict=True))
        return Heard(
            words=words,
            seconds=job.seconds,
            request_id=f"call-{len(self._work.bill)}",
            model=self._weights,
            revision="1",
            language="en",
        )


class FakeJobs:
    """Starts worker processes, as a Cloud Run job does.

    Args:
        start: starts one, by the names of its execution and task.
        most: tasks at one time.
    """

    def __init__(self, start: Callable[[str, int], None], most: int) -> None:
        self.running = 0
        self.ended_tasks: list[TaskRun] = []
        self._start, self._most, self._executions = start, most, 0

    def state(self) -> WorkerState:
        return WorkerState(status="ready", running=self.running, most=self._most)

    def start(self, tasks: int) -> WorkerState:
        self._executions += 1
        for index in range(min(tasks, self._most - self.running)):
            self.running += 1
            self._start(f"execution-{self._executions}", index)
        return self.state()

    def ended(self, since: float) -> list[TaskRun]:
        return [one for one in self.ended_tasks if one.completed >= since]


assert own_specs() == [PARAKEET_GPU, PARAKEET_CPU], "a new engine of ours needs its fake here"
