"""Figures of two releases: from records, which carry their release, and from Cloud Run's metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from deployment.rollout.judge import Figures, Recent, Seen
from shared.clock import rfc3339
from shared.engines import ENGINES, is_hosted
from shared.errors import BadMedia, BadRequest, Damaged, HandedOn, OverLimit
from shared.model import Recording
from shared.results import LedgerRow
from shared.state import documents, ledger
from shared.state.failure_log import FAILURES, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deployment.api import Api
    from deployment.rollout.state import Rollout
    from shared.ports import Ports

Record = TypeVar("Record")

MOST, FEW = 1000, 25
"""Recordings that are looked at, the newest first: by the first look, and by the next ones if no more are new."""

SETTLES = 300.0
"""Seconds after the end of a recording until its ledger counts as complete."""

BEFORE = 7 * 86400.0
"""Seconds before a rollout from which recordings of the old release still count."""

COLD = 60.0
"""Seconds of a start: half a minute until an L4 works, as the engine's table expects, and as much again."""

OWNERS = frozenset({one.__name__ for one in (BadMedia, BadRequest, Damaged, OverLimit)})
"""Failed attempts of which the file or the request is the cause. Of whole recordings all failures count, against those
of the old release: a release that calls every file unreadable is a broken one."""

DAY = 86400.0

MONITORING = "monitoring.googleapis.com/v3"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """One recording that ended."""

    finished: float
    """When, seconds since 1970."""
    releases: frozenset[str]
    """Releases of all who wrote something about it."""
    failed: bool
    """Whether it failed, for whatever reason."""
    seconds: float | None
    """From upload to transcript; None if there is none."""
    chunks: int
    """Its chunks."""
    handed_on: dict[str, int]
    """How many of them an engine gave to another one, by the release of that engine's process."""
    usd: float
    """Its cost, US dollars."""
    audio: float
    """Seconds of audio of its chunks that were heard."""


class Watch:
    """Looks at a rollout again and again. What is known of an ended recording is read once."""

    def __init__(self, ports: Ports, project: str, api: Api) -> None:
        self._ports, self._project, self._api = ports, project, api
        self._known: dict[str, Ended] = {}

    def look(self, rollout: Rollout) -> Seen:
        """Everything that can be known now.

        Raises:
            Transient: the records or Cloud Monitoring did not answer.
        """
        releases = rollout.new.releases - rollout.old.releases
        ended = self._fresh(rollout.began - BEFORE)
        ours = [one for one in ended if one.releases & releases and one.finished >= rollout.since]
        theirs = [one for one in ended if not one.releases & releases]
        return Seen(
            new=summed(ours, releases),
            old=summed(theirs, rollout.old.releases),
            recent=self._recent(rollout, releases),
            cold=COLD if rollout.new.gpu != rollout.old.gpu else 0.0,
        )

    def _fresh(self, since: float) -> list[Ended]:
        """The recordings that ended since then, after those that are new here were read."""
        now = self._ports.clock.now()
        for one in self._newest(now - SETTLES):
            finished = one.finished or 0.0
            if one.ended and one.state != "CANCELLED" and finished >= since:
                # Costs of the last minutes may still come in.
                if one.id not in self._known or now - finished < SETTLES:
                    self._known[one.id] = self._read(one)
            else:
                self._known.pop(one.id, None)
        return [one for one in self._known.values() if one.finished >= since]

    def _newest(self, before: float) -> list[Recording]:
        """The recordings that ended last: all that can be new since the last look, few if nothing is."""
        limit = FEW if self._known else MOST
        while True:
            newest = self._ports.records.newest(documents.RECORDINGS, "finished", limit)
            found = [one for _, one in documents.readable(documents.RECORDINGS, newest, Recording)]
            last = found[-1] if found else None
            seen = last is None or ((last.finished or 0.0) < before and last.id in self._known)
            if seen or limit >= MOST or len(newest) < limit:
                return found
            limit = min(MOST, limit * 4)

    def _read(self, recording: Recording) -> Ended:
        of_it = {"recording": recording.id}
        now = self._ports.clock.now()
        written = documents.every(documents.LEDGER, LedgerRow, self._ports.records, of_it)
        rows = [ledger.as_of(one, now) for _, one in written]
        notes = [one for _, one in documents.every(FAILURES, Failure, self._ports.records, of_it)]
        handed = {(one.chunk, one.release) for one in notes if one.code == HandedOn.code}
        return Ended(
            finished=recording.finished or 0.0,
            releases=frozenset(
                {recording.release, *(one.release for one in rows), *(one.release for one in notes)} - {""}
            ),
            failed=recording.state == "FAILED",
            seconds=(recording.finished or 0.0) - recording.created if recording.state == "DONE" else None,
            chunks=len(recording.chunks),
            handed_on={
                release: len({chunk for chunk, its in handed if its == release}) for _, release in handed
            },
            usd=sum(one.usd for one in rows),
            audio=sum(one.owned_seconds for one in rows if one.outcome == "heard"),
        )

    def _recent(self, rollout: Rollout, releases: frozenset[str]) -> Recent:
        lasting, now = rollout.limits.lasting, self._ports.clock.now()
        minutes = range(int((now - lasting) // 60), int(now // 60) + 1)
        rows = [one for one in self._written(documents.LEDGER, LedgerRow, minutes) if one.release in releases]
        attempts = [
            one
            for one in rows
            if one.kind == "attempt" and not is_hosted(one.engine) and one.outcome != "open"
        ]
        notes = [
            one
            for one in self._written(FAILURES, Failure, minutes)
            # What fails in a function is among its answers.
            if one.release in releases and one.where in ENGINES and not is_hosted(one.where)
            and one.code != HandedOn.code and one.error not in OWNERS
        ]  # fmt: skip
        bad_rows = sum(one.outcome != "heard" for one in attempts)
        # One failure may leave a row, a note, or both.
        failed = max(bad_rows, len(notes))
        revisions = sorted(set(rollout.new_revisions.values()) - set(rollout.old_revisions.values()))
        requests = self._metric("request_count", revisions, now - lasting, now, "response_code_class")
        before = sorted(set(rollout.old_revisions.values()))
        usual = self._metric("request_count", before, rollout.began - DAY, now, "response_code_class")
        since = max(rollout.since, now - DAY)
        probes = self._metric("container/completed_probe_count", revisions, since, now, "is_healthy")
        return Recent(
            attempts=len(attempts) - bad_rows + failed,
            attempts_failed=failed,
            requests=sum(requests.values()),
            requests_failed=requests.get("5xx", 0),
            requests_usual=usual.get("5xx", 0) / max(1, sum(usual.values())),
            probes_failed=probes.get("false", 0),
        )

    def _written(self, collection: str, kind: type[Record], minutes: Iterable[int]) -> Iterator[Record]:
        for minute in minutes:
            found = documents.every(collection, kind, self._ports.records, {"minute": minute})
            yield from (one for _, one in found)

    def _metric(self, name: str, revisions: list[str], since: float, until: float, by: str) -> dict[str, int]:
        """A counter of Cloud Run for some revisions, summed over a time, by one of its labels."""
        if not revisions or until - since < 60:
            return {}
        listed = ", ".join(f'"{one}"' for one in revisions)
        answer = self._api.call(
            "GET",
            f"{MONITORING}/projects/{self._project}/timeSeries",
            params={
                "filter": f'metric.type = "run.googleapis.com/{name}" AND '
                f"resource.labels.revision_name = one_of({listed})",
                "interval.startTime": rfc3339(since, "seconds"),
                "interval.endTime": rfc3339(until, "seconds"),
                "aggregation.alignmentPeriod": f"{math.ceil((until - since) / 60) * 60}s",
                "aggregation.perSeriesAligner": "ALIGN_SUM",
                "aggregation.crossSeriesReducer": "REDUCE_SUM",
                "aggregation.groupByFields": f"metric.labels.{by}",
            },
        )
        found: dict[str, int] = {}
        for series in answer.get("timeSeries", ()):
            label = str(series.get("metric", {}).get("labels", {}).get(by, "")).lower()
            values = (one.get("value", {}) for one in series.get("points", ()))
            count = sum(int(one.get("int64Value", 0)) for one in values)
            found[label] = found.get(label, 0) + count
        return found


def summed(ended: Iterable[Ended], releases: frozenset[str]) -> Figures:
    """The figures of some recordings. Pure.

    Only hand-overs of these releases count.
    """
    of = list(ended)
    times = sorted(one.seconds for one in of if one.seconds is not None)
    return Figures(
        ended=len(of),
        failed=sum(one.failed for one in of),
        p95=times[min(len(times) - 1, math.ceil(0.95 * len(times)) - 1)] if times else None,
        chunks=sum(one.chunks for one in of),
        handed_on=sum(count for one in of for name, count in one.handed_on.items() if name in releases),
        usd=sum(one.usd for one in of),
        audio=sum(one.audio for one in of),
    )
