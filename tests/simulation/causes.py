"""Why an engine was asked twice: each repeat points at the fault that destroyed the earlier work, or hid it.

A call was made for a delivery of a message, which somebody published. What may have destroyed a call before it is a
fault of one of these three processes since then, about this chunk or about nothing in particular; a copy of that
delivery; a result that is gone; or a fault by which whoever repeats it did not learn that somebody else has it. One
fault explains one repeat of a piece of work. Which one is open where several might be its work, so there only has to be
some way to give each repeat a fault of its own: whoever takes the first that fits takes it from a repeat that has no
other.

Of a delivery that was acknowledged or given back (`Queue.nack`, `Queue.postpone`), nothing is made afterwards. A call
that has no other delivery was made without a message, which is wrong whatever broke.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from shared import engines
from shared.model import Recording
from shared.state import documents
from tests.simulation.fakes import label_of, stretch, windows_of
from tests.simulation.faults import SLOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.simulation.checks import Undisturbed
    from tests.simulation.fakes import Call
    from tests.simulation.faults import Fault, Sent, Taken
    from tests.simulation.scheduler import Process
    from tests.simulation.world import World

DEATHS = ("before", "after", "torn", "kills", "lost", "stop")
"""Faults in which a process ends, or is left alone by what it works with: `lost` is a GPU that is gone as well."""


KEPT = (
    "shared/flow/chunk.py:_commit_result",
    "shared/flow/chunk.py:_note_done",
    "gpu_job/pipeline/committer.py:<lambda>",
    "shared/hosted/hosted_call.py:<lambda>",
)
"""Where what an engine answered is stored. It is kept until that has succeeded, so a refusal there, or a reply that is lost,
repeats nothing."""

LEASE = 60.0
"""Seconds for which a worker has a message; it renews that after a third of them."""

RETRY = -1
"""The request of a person to try a recording again, among the numbers of the faults that explain a repeat."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of work."""

    recording: Recording
    index: int
    """Of its chunk."""

    @property
    def key(self) -> str:
        """Of the chunk's document."""
        return documents.chunk_key(self.recording.id, self.index)


def repeats(world: World, recordings: list[Recording], judged_by: Undisturbed) -> Iterator[str]:
    """The repeats that no fault explains."""
    pieces = _pieces(recordings)
    by_work: defaultdict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in sorted(world.work.calls, key=lambda one: one.began):
        by_work[call.engine, call.what].append(call)
    for (engine, what), calls in by_work.items():
        piece = pieces.get(what)
        if piece is None:
            # Of a recording that was deleted, with its chunks: nobody can say any more which one it was.
            if len(calls) > 1 + len(world.calls.faults):
                yield f"{engine} repeated a part of a deleted recording {len(calls) - 1} times"
            continue
        spare = judged_by.times(engine, what, label_of(piece.recording.source), piece.index) - 1
        yield from _unexplained(world, piece, calls, spare)


def _unexplained(world: World, piece: Piece, calls: list[Call], spare: int) -> Iterator[str]:
    """The same of one piece of work, which is done so many times more without any fault."""
    taken = [_delivery(world, piece, call) for call in calls]
    name = f"chunk {piece.index} of {label_of(piece.recording.source)}"
    for call, delivery in zip(calls, taken, strict=True):
        if delivery is None:
            yield f"{call.engine} began with {name} at {_at(world, call)} without a message"
        elif _had_result(world, piece, delivery.time):
            yield (
                f"{call.engine} began with {name} at {_at(world, call)}, whose result was there when its message was "
                "delivered"
            )
    causes = []
    for number in range(1, len(calls)):
        # A copy may be in hand when the work that was begun before it is destroyed, so any earlier call may be the one.
        found = [
            index
            for index, fault in enumerate(world.calls.faults)
            if any(
                _explains(world, fault, piece, calls[one], calls[number], taken[one], taken[number])
                for one in range(number)
            )
        ]
        # Whoever had it before it was asked for again may be the one that begins later.
        had = [one.time for one in taken[number - 1 : number + 1] if one] or [calls[number - 1].began]
        causes.append([*found, RETRY] if _retried(world, piece, min(had), calls[number]) else found)
    explained = matched(causes)
    for number, (earlier, later) in enumerate(pairwise(calls)):
        if number not in explained:
            spare -= 1
            if spare < 0:
                yield (
                    f"{later.engine} repeated {name} at {_at(world, later)} ({later.process.name}), which no fault "
                    f"since {_at(world, earlier)} ({earlier.process.name}) explains"
                )


def hides_a_call(world: World, fault: Fault, tag: str) -> bool:
    """Whether a fault may be why nobody knows the end of a call of a hosted engine.

    Args:
        world: in which it happened.
        fault: of whichever process.
        tag: of the call: the key of its chunk's document.
    """
    who = fault.point.partition(" ")[0]
    if who not in {engine.subscription for engine in engines.hosted_specs()} | {"everything"}:
        return False
    recording, _, index = tag.rpartition(".")
    return _concerns(world, fault, recording, int(index))


def matched(causes: list[list[int]]) -> set[int]:
    """Which repeats have a cause of their own, if as many as possible get one, the earliest first.

    Args:
        causes: the faults that may be the cause of each repeat.
    """
    taken: dict[int, int] = {}

    def find(repeat: int, seen: set[int]) -> bool:
        for fault in causes[repeat]:
            if fault not in seen:
                seen.add(fault)
                if fault not in taken or find(taken[fault], seen):
                    taken[fault] = repeat
                    return True
        return False

    return {repeat for repeat in range(len(causes)) if find(repeat, set())}


def _at(world: World, call: Call) -> str:
    return f"{call.began - world.calls.began:.0f} s"


def _pieces(recordings: list[Recording]) -> dict[str, Piece]:
    """Which chunk a window, or a call of a hosted engine, is of."""
    found = {}
    for one in recordings:
        for chunk in one.chunks:
            piece = Piece(recording=one, index=chunk.index)
            found[piece.key] = piece
            found |= dict.fromkeys(windows_of(label_of(one.source), *stretch(chunk, one.source)), piece)
    return found


def _delivery(world: World, piece: Piece, call: Call) -> Taken | None:
    """The delivery for which a call was made: the last one before it, to this process if it pulls for itself.

    A worker that has a message in hand begins nothing for a redelivery of it: its work is that of the first one.
    """
    spec, over = engines.spec(call.engine), world.calls.over
    # A worker with a GPU also takes the chunks that were planned for a CPU.
    of_workers = {one.subscription for one in engines.own_specs()}
    subscriptions = {spec.subscription} if spec.hosted else of_workers
    in_hand = [
        one
        for one in world.calls.taken
        if one.time <= call.began < over.get(one.lease, call.began + 1.0)
        and one.subscription in subscriptions
        and _is_about(one, piece)
        and (spec.hosted or one.process is call.process)
    ]
    if spec.hosted or not in_hand:
        return in_hand[-1] if in_hand else None
    return next(one for one in in_hand if one.message == in_hand[-1].message)


def _had_result(world: World, piece: Piece, time: float) -> bool:
    """Whether a chunk had its result at some time."""
    # Of what happened in the same moment, the order is not known.
    before = [made for when, made in world.calls.results[piece.key] if when < time + (0.0 if made else 1e-6)]
    return bool(before) and before[-1]


def _explains(
    world: World,
    fault: Fault,
    piece: Piece,
    earlier: Call,
    later: Call,
    first: Taken | None,
    second: Taken | None,
) -> bool:
    """Whether a fault may be why the later call was made after the earlier one."""
    deliveries, time = [one for one in (first, second) if one], fault.time + world.calls.began
    if time > later.began:
        return False
    if fault.what == "twice":
        copied = {one.message for one in deliveries} | _handed_over(world, piece, first, second)
        return fault.about in copied or _ran_out(world, piece, fault.about)
    if fault.what in {"outage", "away"}:
        return _could_not_keep(world, fault, earlier, later, first)
    if not _concerns(world, fault, piece.recording.id, piece.index):
        return False
    if fault.what in {"refused", "lost"} and any(f" {one}" in fault.point for one in KEPT):
        return False
    # Whose fault it may be, and from when on: of those who worked on it, and, for a message of its own, who sent it.
    since: list[tuple[Process, float]] = [(earlier.process, first.time if first else earlier.began)]
    if first:
        since.append((first.process, first.time))
    if second:
        # It lost its lease, and did not know.
        since.append((later.process, second.time))
    if first and second and first.message != second.message:
        sent = _sent(world, (one.message for one in deliveries))
        # Each may have been handed over by who had a message of its own.
        handed = _sent(world, (one for each in sent for one in _had(world, piece, each)))
        since += [(one.process, min(each.time for each in by) - SLOW) for by in (sent, handed) for one in by]
    return fault.what == "gone" or any(
        time >= start
        and (fault.process == process.number or (fault.what == "all die" and process.died == time))
        for process, start in since
    )


def _could_not_keep(world: World, fault: Fault, earlier: Call, later: Call, first: Taken | None) -> bool:
    """Whether an outage, or a bucket that is away, may be why what an engine had done was lost."""
    time, hosted = fault.time + world.calls.began, engines.spec(later.engine).hosted
    if fault.what == "outage":
        # Nobody could renew a lease: another worker gets the message as soon as anybody can get one.
        renewed = max(first.time, time - LEASE / 3) if first else time
        lost = world.calls.away_until - renewed >= LEASE
        return lost and not hosted and later.process is not earlier.process
    if fault.point != "work":
        return False
    # It is begun only while its result can be stored, so nothing is repeated but what was in hand when the bucket went.
    begun = earlier.began if hosted or first is None else first.time
    return begun <= world.calls.away[fault.point][0]


def _handed_over(world: World, piece: Piece, first: Taken | None, second: Taken | None) -> set[str]:
    """The messages that two processes had in hand at a time, when each of them handed the chunk on by a message of its own."""
    if first is None or second is None or first.message == second.message:
        return set()
    sent = _sent(world, (first.message, second.message))
    if len(sent) < 2 or sent[0].process is sent[1].process:
        return set()
    return _had(world, piece, sent[0]) & _had(world, piece, sent[1])


def _sent(world: World, messages: Iterable[str]) -> list[Sent]:
    """Who sent messages, as far as it is known."""
    return [world.calls.sent[one] for one in messages if one in world.calls.sent]


def _had(world: World, piece: Piece, sent: Sent) -> set[str]:
    """The messages about a chunk that whoever sent one had in hand then."""
    return {
        one.message
        for one in world.calls.taken
        if one.process is sent.process
        and one.time <= sent.time <= world.calls.over.get(one.lease, sent.time)
        and _is_about(one, piece)
    }


def _ran_out(world: World, piece: Piece, message: str) -> bool:
    """Whether a message of a chunk may have come until its deliveries ran out, while a bucket was away: its copy did, too,
    and each of both was published again as a message of its own."""
    return bool(world.calls.away) and any(
        one.message == message and _is_about(one, piece) for one in world.calls.taken
    )


def _is_about(delivery: Taken, piece: Piece) -> bool:
    given = delivery.attributes.get("recording"), delivery.attributes.get("chunk")
    return given == (piece.recording.id, str(piece.index))


def _concerns(world: World, fault: Fault, recording: str, index: int) -> bool:
    """Whether a fault is about a chunk: the end of a process, or a delay in it, is about all that it has in hand."""
    if fault.what in DEATHS or fault.what == "slow" or not fault.about:
        return True
    known = [key for key in world.records.documents[documents.RECORDINGS] if key in fault.about]
    if not known:
        return True
    if recording not in known:
        return False
    chunk = re.search(rf"{recording}[./](\d+)", fault.about)
    return chunk is None or int(chunk[1]) == index


def _retried(world: World, piece: Piece, since: float, later: Call) -> bool:
    """Whether a person asked for it again when an engine had it, since some time: it is begun again, once."""
    at = world.retried.get(label_of(piece.recording.source))
    return at is not None and since <= at <= later.began and not _had_result(world, piece, at)
