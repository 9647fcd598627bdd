"""Bugs to plant in the product, by which the simulation itself is tested: it must find each of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from gpu_job.pipeline.committer import Committer
from gpu_job.pipeline.inflight import Inflight
from local.runtime import subscriptions
from shared import versions
from shared.errors import BadRequest, DropscribeError
from shared.flow import chunk, dispatch, erase, record, transcript_files
from shared.formats import of_recording
from shared.model import Recording
from shared.state import claims, documents, ledger
from shared.sweep import release_held, sweep
from shared.webhooks import outbox
from tests.simulation import history
from tests.simulation.faults import FaultyRecords, FaultyStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.history import Outcome


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One bug."""

    about: str
    """What is wrong, in words."""
    scenario: str
    """Where it is looked for."""
    plant: Callable[[], AbstractContextManager[object]]
    """Has it inside."""


def _in_place_of(
    where: Any, name: str, make: Callable[[Any], Any]
) -> Callable[[], AbstractContextManager[object]]:
    """Another function in place of one, made of it."""
    return lambda: patch.object(where, name, make(getattr(where, name)))


def _of_every_plan(recording: Recording, records: Any) -> dict[int, Any]:
    return {one["index"]: one for _, one in records.query(documents.CHUNKS, {"recording": recording.id})}


def _nothing(_real: Any) -> Any:
    return lambda *_, **__: None


def _formats_of_now(_real: Any) -> Any:
    return lambda one, settings: of_recording(one.options.formats, settings.formats)


def _acknowledge_first(real: Any) -> Any:
    def commit(self: Any, job: Any, engine: Any) -> None:
        self._inflight.ack(job.delivery)
        real(self, job, engine)

    return commit


def _overwrite(real: Any) -> Any:
    def create(self: Any, bucket: str, name: str, data: bytes, content_type: str) -> bool:
        self._store.objects.pop((bucket, name), None)
        return bool(real(self, bucket, name, data, content_type))

    return create


def _accept_anew(real: Any) -> Any:
    def create(self: Any, collection: str, key: str, fields: Any) -> bool:
        if collection == "recordings":
            self._records.documents[collection].pop(key, None)
        return bool(real(self, collection, key, fields))

    return create


def _one_too_many(real: Any) -> Any:
    def count(self: Any, collection: str, where: Any = None) -> int:
        return int(real(self, collection, where)) + (collection == "chunks" and "recording" in (where or {}))

    return count


@contextmanager
def _too_early() -> Iterator[None]:
    """Whoever merges counts the results once more as it reads them, so the bug is in both places."""

    def padded(real: Any) -> Any:
        def results(recording: Recording, ports: Any) -> Any:
            found = real(recording, ports)
            return [*found, *found[-1:]] if len(found) == len(recording.chunks) - 1 else found

        return results

    counts = _in_place_of(FaultyRecords, "count", _one_too_many)
    with counts(), _in_place_of(record, "_results", padded)():
        yield


def _verdict_first(real: Any) -> Any:
    def finish(recording: Any, transcript: Any, ports: Any) -> Any:
        late: list[Any] = []

        class Later:
            def __getattr__(self, name: str) -> Any:
                return getattr(ports.store, name)

            def create_all(self, bucket: str, files: Any) -> set[str]:
                late.append((bucket, files))
                return set(files)

        done = real(recording, transcript, replace(ports, store=Later()))
        for bucket, files in late:
            ports.store.create_all(bucket, files)
        return done

    return finish


def _told_before(real: Any) -> Any:
    def announce(recording: Any, ports: Any) -> Any:
        documents.change_recording(
            ports, recording.id, lambda one: None if one.announced else replace(one, announced=True)
        )
        return real(recording, ports)

    return announce


def _only_once(real: Any) -> Any:
    def erase(recording: Any, ports: Any, **_: Any) -> Any:
        return real(recording, ports, last=True) if recording.source.name else recording

    return erase


def _swallow(real: Any) -> Any:
    def handle(*args: Any, **more: Any) -> Any:
        with suppress(DropscribeError):
            return real(*args, **more)

    return handle


def _without_default(real: Any) -> Any:
    def check(found: Any, kind: type) -> None:
        if kind is Recording and "traceparent" not in found:
            raise BadRequest("there is no field `traceparent`")
        real(found, kind)

    return check


def _anew(first: Callable[..., Any]) -> Callable[..., Any]:
    def anew(event: Any, ports: Any) -> Any:
        told = first(event, ports)
        return replace(told, payload=event.payload(ports.clock.now()))

    return anew


def _noted_first(first: Callable[..., Any]) -> Callable[..., Any]:
    def noted(event: Any, ports: Any) -> Any:
        told = first(event, ports)
        outbox.close(event, "delivered", ports)
        return told

    return noted


MUTANTS = {
    "ack-first": Mutant(
        about="a chunk's message is acknowledged before its result is written",
        scenario="one",
        plant=_in_place_of(Committer, "_commit", _acknowledge_first),
    ),
    "ack-failures": Mutant(
        about="a function acknowledges what it could not do",
        scenario="hosted",
        plant=_in_place_of(subscriptions, "handle", _swallow),
    ),
    "formats-of-now": Mutant(
        about="the settings of whoever writes the files of a transcript say which",
        scenario="settings",
        plant=_in_place_of(transcript_files, "formats_of", _formats_of_now),
    ),
    "not-published": Mutant(
        about="it is not published that a chunk is done",
        scenario="one",
        plant=_in_place_of(dispatch, "say_done", _nothing),
    ),
    "turn-not-published": Mutant(
        about="a hand-over has no message",
        scenario="hand-over",
        plant=_in_place_of(dispatch, "publish_turn", _nothing),
    ),
    "overwrite-result": Mutant(
        about="a later result overwrites the first",
        scenario="copies",
        plant=_in_place_of(FaultyStore, "create", _overwrite),
    ),
    "overwrite-recording": Mutant(
        about="a repeated event overwrites the recording",
        scenario="calm",
        plant=_in_place_of(FaultyRecords, "create", _accept_anew),
    ),
    "publish-again": Mutant(
        about="a repeated event publishes all chunks again",
        scenario="calm",
        plant=_in_place_of(
            dispatch, "publish_chunks", lambda real: lambda *args, **_: real(*args, again=True)
        ),
    ),
    "turn-ignored": Mutant(
        about="a message of an earlier turn is worked on",
        scenario="hand-over",
        plant=_in_place_of(claims, "find", lambda _: lambda *_: None),
    ),
    "earlier-plan": Mutant(
        about="a message of a plan before another engine took the whole over is worked on",
        scenario="speakers-whole",
        plant=_in_place_of(Recording, "chunk", lambda _: lambda self, index: self.chunks[0]),
    ),
    "earlier-results": Mutant(
        about="results of a plan before another engine took the whole over count as done",
        scenario="speakers-whole",
        plant=_in_place_of(documents, "done_of", lambda _: _of_every_plan),
    ),
    "no-row": Mutant(
        about="the row of a result is not written",
        scenario="one",
        plant=_in_place_of(ledger, "write", _nothing),
    ),
    "no-row-before": Mutant(
        about="a paid call has no row before it is made",
        scenario="hosted",
        plant=_in_place_of(
            ledger, "begin", lambda _: lambda row, number, until, ports: replace(row, attempt=f"{number}")
        ),
    ),
    "paid-in-vain": Mutant(
        about="a paid call is made while its answer cannot be stored",
        scenario="away-hosted",
        plant=lambda: patch.multiple(chunk, is_stored=lambda *_: False, check_place=lambda *_: None),
    ),
    "paid-for-again": Mutant(
        about="a result that is stored, but not noted, is paid for again",
        scenario="hosted",
        plant=_in_place_of(chunk, "is_stored", _nothing),
    ),
    "heard-in-vain": Mutant(
        about="a worker recognises what it cannot store",
        scenario="away-bucket",
        plant=lambda: patch.multiple(chunk, is_stored=lambda *_: False, check_place=lambda *_: None),
    ),
    "merge-too-early": Mutant(
        about="a recording is merged with one chunk missing",
        scenario="long",
        plant=_too_early,
    ),
    "verdict-first": Mutant(
        about="a recording is DONE before its files are written",
        scenario="one",
        plant=_in_place_of(record, "_finish", _verdict_first),
    ),
    "told-before": Mutant(
        about="an end is noted as announced before it is",
        scenario="cancelled",
        plant=_in_place_of(record, "announce", _told_before),
    ),
    "not-told": Mutant(
        about="an end is not announced",
        scenario="one",
        plant=_in_place_of(record, "announce", lambda _: lambda recording, _: recording),
    ),
    "lease-not-renewed": Mutant(
        about="leases are not renewed",
        scenario="long",
        plant=_in_place_of(Inflight, "_renew", _nothing),
    ),
    "lost-events": Mutant(
        about="nobody looks for lost events",
        scenario="project",
        plant=_in_place_of(sweep, "take_lost", lambda _: lambda _: 0),
    ),
    "nothing-stays": Mutant(
        about="of a deleted recording not even a document without a name stays",
        scenario="forgotten",
        plant=_in_place_of(
            documents,
            "overwrite",
            lambda _: lambda collection, key, _make, records: records.delete(collection, key),
        ),
    ),
    "erased-once": Mutant(
        about="a recording is erased only when it is deleted, whoever has a part of it in hand",
        scenario="forgotten",
        plant=_in_place_of(erase, "erase", _only_once),
    ),
    "later-fields": Mutant(
        about="a change drops the fields that a later release wrote",
        scenario="later-release",
        plant=_in_place_of(versions, "over", lambda _: lambda _stored, _before, after: after),
    ),
    "earlier-fields": Mutant(
        about="a message without a field that came later counts as malformed",
        scenario="earlier-release",
        plant=_in_place_of(versions, "check_options", _without_default),
    ),
    "webhook-bytes": Mutant(
        about="a webhook is not stored before it is sent, so that a later attempt states another time",
        scenario="webhooks",
        plant=_in_place_of(outbox, "first", _anew),
    ),
    "webhook-unsaid": Mutant(
        about="a webhook is noted as delivered before it is",
        scenario="webhooks",
        plant=_in_place_of(outbox, "first", _noted_first),
    ),
    "held-for-ever": Mutant(
        about="what a budget holds is never released",
        scenario="budget",
        plant=_in_place_of(release_held, "keep_budgets", lambda _: lambda _: 0),
    ),
}
"""By name."""


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """The product with a bug in it; by what its histories are judged has none."""
    if name is not None:
        history.undisturbed(MUTANTS[name].scenario)
    with nullcontext() if name is None else MUTANTS[name].plant():
        yield


def hunt(name: str, most: int) -> tuple[int, Outcome | None]:
    """How many histories it takes until a bug is found, and the one that has it: without the bug, it is right."""
    scenario = MUTANTS[name].scenario
    for seed in range(most):
        with planted(name):
            outcome = history.run(scenario, seed)
        if outcome.problems and not history.run(scenario, seed).problems:
            return seed + 1, outcome
    return most, None
