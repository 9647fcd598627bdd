"""Publish what its sender died before publishing.

    hand-overs      a chunk has its next engine, but no message for it
    complete sets   every chunk of a recording has its result, but they are not merged

Both are read from queries of their own: what they cost depends on what happens, not on how many recordings wait.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from shared.clock import is_ahead, seconds_since
from shared.flow import capacity, dispatch
from shared.state import claims, documents
from shared.state.claims import CLAIMS, Claim
from shared.state.sweep_notes import SWEEPS
from shared.sweep.each import each
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.ports import Ports

SOONEST = 120.0
"""Seconds that a process that hands a chunk on has to publish its message: it needs less than one."""

MARK = "complete"
"""Key of the mark that says which minutes were looked at."""

SETTLED = 2
"""Minutes after which the sets that a result completed must be merged: it takes seconds."""

REMEMBERED = 15
"""Most minutes that are looked at after a pause. What is older is found by stuck.py."""

ROWS = 5000
"""Most results of one minute that a tick looks at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Up to when the results were looked at."""

    minute: int
    """The last minute, since 1970."""


def finish_hand_overs(ports: Ports) -> int:
    """Publish the messages of chunks that were handed over and have none; returns how many.

    Raises:
        Transient: some could not be published; all others were.
    """

    def unpublished(after: str) -> Iterator[tuple[str, Claim]]:
        return documents.every(CLAIMS, Claim, ports.records, {"published": False}, after=after)

    def publish(key: str, claim: Claim) -> bool:
        ago = seconds_since(claim.handed, ports.clock.now())
        if ago < SOONEST:
            return False
        recording = documents.get_recording(ports.records, claim.recording)
        if recording is None or recording.ended:
            claims.change(claim, lambda one: replace(one, published=True) if one == claim else None, ports)
            return False
        log.warning(
            "publish %s to %s: it was handed over %.0f s ago, without a message", key, claim.engine, ago
        )
        dispatch.publish_turn(recording, claim, ports)
        if (planned := recording.chunk(claim.index)) is not None:
            chunk = replace(planned, engine=claim.engine)
            capacity.start_for(recording.id, [chunk], ports, ports.clock.now() - recording.created)
        return True

    return each({"hand-overs": unpublished}, publish, "the end of a hand-over", ports)


def merge_complete(ports: Ports) -> int:
    """Say once more that the last chunk is done, where it is and they are not merged; returns for how many.

    Raises:
        Transient: some could not be looked at; all others were.
    """
    last = int(ports.clock.now() // 60) - SETTLED
    looked = documents.mark(SWEEPS, MARK, Mark, ports.records)
    before = last - 1 if looked is None else looked.minute
    if is_ahead(before * 60.0, last * 60.0):
        before = last - 1
    if before >= last:
        return 0
    keys = sorted(
        {
            key.rpartition(".")[0]
            for minute in range(max(before + 1, last - REMEMBERED), last + 1)
            for key, _ in islice(ports.records.query(documents.CHUNKS, {"minute": minute}), ROWS)
        }
    )

    def merge(key: str, _: str) -> bool:
        recording = documents.get_recording(ports.records, key)
        if recording is None or recording.state != "PLANNED":
            return False
        count = len(recording.chunks)
        if documents.count_done(recording, ports.records) < count:
            return False
        log.warning("merge %s: all %d chunks have a result, and it is not merged after a minute", key, count)
        dispatch.say_done(key, recording.chunks[-1].index, ports)
        return True

    def complete(after: str) -> Iterator[tuple[str, str]]:
        return ((key, key) for key in keys if key > after)

    merged = each({"merges": complete}, merge, "the merge of a recording", ports)
    documents.put(SWEEPS, MARK, Mark(minute=last), ports)
    return merged
