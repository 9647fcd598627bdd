"""The progress of the recordings that clients wait for, read for all of them at once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.openai import stream
from shared.errors import DropscribeError
from shared.messages import TranscriptReady
from shared.model import Recording
from shared.state import answers, documents
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Collection

    from console.openai.intake import Ask
    from console.results import Results
    from shared.ports import Ports

MOST = 100
"""Recordings in progress whose text is kept between two looks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What is known of what is waited for."""

    recording: Recording | None = None
    """None: no process has taken it yet."""
    refusal: TranscriptReady | None = None
    """The answer to the request, if there is no recording, or the one there was is not continued."""
    stalled: bool = False
    """Whether no process runs here that could go on with it."""
    text: str = ""
    """The beginning of the transcript that is certain; empty if its chunks are of no interest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heard:
    """What is known of the words of a recording."""

    planned: float | None
    done: int
    text: str


class Progress:
    """Looks at recordings. For one thread at a time."""

    def __init__(self, ports: Ports, results: Results) -> None:
        self._ports = ports
        self._results = results
        self._heard: OrderedDict[str, _Heard] = OrderedDict()

    def look(self, asks: Collection[Ask]) -> dict[Ask, Look]:
        """What is known of each; one that cannot be read now is left out."""
        found = {}
        for ask in asks:
            try:
                found[ask] = self._look(ask)
            except DropscribeError as error:
                log.warning("%s cannot be looked at now: %s", ask.recording, error)
        return found

    def _look(self, ask: Ask) -> Look:
        recording = documents.get_recording(self._ports.records, ask.recording)
        before = recording is not None and recording.ended_without and recording.life == ask.continues
        if recording is None or before:
            asked = answers.find(ask.request, self._ports.records) if ask.request else None
            return Look(
                refusal=asked.answer if asked is not None else None, stalled=self._ports.nothing_runs()
            )
        if not recording.ended and self._ports.nothing_runs():
            return Look(recording=recording, stalled=True)
        if ask.chunks and not recording.ended and recording.chunks:
            return Look(recording=recording, text=self._text(recording))
        return Look(recording=recording)

    def _text(self, recording: Recording) -> str:
        done = documents.count_done(recording, self._ports.records)
        known = self._heard.pop(recording.id, None)
        if known is None or (known.planned, known.done) != (recording.planned, done):
            found = self._results.of(recording, self._ports)
            known = _Heard(planned=recording.planned, done=done, text=stream.certain(recording, found))
        # The one that was asked for last is the last to go.
        self._heard[recording.id] = known
        if len(self._heard) > MOST:
            self._heard.popitem(last=False)
        return known.text
