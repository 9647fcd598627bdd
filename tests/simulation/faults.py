"""Every call of a port, with what may go wrong there.

    before    the process dies before the call has done anything
    after     it dies when the call has done its work
    lost      the work is done, but the reply is lost
    refused   nothing is done
    slow      it takes longer than any lease

A point is where the flow calls a port, by the call in its source; helpers of `shared/state/` belong to the port.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.errors import BucketRefused, EngineFailed, EngineRefused, StoreUnavailable
from shared.ports import WorkerState
from shared.state.documents import RECORDINGS, chunk_key
from shared.sweep import stuck
from tests.simulation import releases, sites
from tests.simulation.scheduler import running
from tests.simulation.sites import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.model import StoredObject
    from shared.settings import Settings
    from tests.simulation.memory import MemoryQueue, MemoryRecords, MemorySearch, MemoryStore
    from tests.simulation.scheduler import Process, Task

HELPERS = (f"{ROOT}tests/", f"{ROOT}shared/state/")

EFFECT = ("", "before", "after", "lost", "refused", "slow")
"""What may happen to a call that changes something, by its number."""
LOOK = ("", "before", "refused", "slow")
"""The same of one that reads: whether a process dies before or after makes no difference."""

SLOW = 100.0
"""Seconds: more than a lease, less than a call of a hosted engine may take."""

LEVELS = (1.0, 0.4, 3.0)
"""Some histories have few faults, some have many at once."""

MOST_COPIES = 12
"""Faults in a history after which no message is delivered twice any more."""

AWAY = {"store", "records", "queue"}
"""The ports that refuse everything during an outage."""

RENEWED = 20.0
"""Seconds after which a lease is renewed."""

LONG_POLL = 60.0
"""Seconds that a pull waits for a message, so that a history is not full of empty pulls."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that went wrong in a history."""

    time: float
    """Seconds since the history began."""
    what: str
    """One of the faults above, or what else was done to a process or a message."""
    point: str
    """Where."""
    process: int
    """Number of the process that met it."""
    about: str = ""
    """The key of the document, the name of the object or the message that it was about; empty if it is about none."""
    push: bool = False
    """Whether the sweeper was about to push a recording."""

    def __str__(self) -> str:
        return f"{self.time:8.1f} s  {self.what:8} {self.point}"


class Met(NamedTuple):
    """A call that might go wrong."""

    time: float
    """Seconds since the history began."""
    point: str
    """Where the flow makes it."""
    modes: tuple[str, ...]
    """What may happen to it, by the number of the choice."""


class Sent(NamedTuple):
    """A message that was published."""

    time: float
    """Seconds since 1970."""
    process: Process


class Taken(NamedTuple):
    """A delivery."""

    time: float
    """Seconds since 1970."""
    process: Process
    """Who pulled it."""
    subscription: str
    message: str
    """Its id."""
    attributes: Mapping[str, str]
    lease: str


class Calls:
    """Decides what goes wrong at each call.

    Args:
        chance: of a fault at a call, if the choices come from a seed.
        most: faults in one history.
    """

    def __init__(self, chance: float, most: int) -> None:
        self.faults: list[Fault] = []
        self.met: list[Met] = []
        """All calls that could have a fault."""
        self.trace: list[str] | None = None
        """All calls, if somebody wants to read them."""
        self.sent: dict[str, Sent] = {}
        """All messages, by their ids."""
        self.taken: list[Taken] = []
        """All deliveries, in their order."""
        self.over: dict[str, float] = {}
        """When a delivery was acknowledged or given back, by its lease, seconds since 1970."""
        self.away_until = 0.0
        """When an outage ends, seconds since 1970."""
        self.away: dict[str, tuple[float, float]] = {}
        """From when and until when a bucket is not there, seconds since 1970."""
        self.results: defaultdict[str, list[tuple[float, bool]]] = defaultdict(list)
        """When the result of each chunk was stored, and when it was deleted."""
        self.planned: dict[str, tuple[Settings | None, Any]] = {}
        """The chunks of each recording as they were planned, and the settings of the process that did it, if it has others."""
        self._scheduler = running()
        self.began = self._scheduler.now
        chance *= LEVELS[self._scheduler.choices.pick("level", len(LEVELS))]
        self._chances = {EFFECT: chance, LOOK: chance / 4}
        self._choices = self._scheduler.choices.stream("fault")
        self._most = most

    def effect(
        self,
        what: str,
        work: Callable[[], Any],
        refused: Exception | None = None,
        lost: Exception | None = None,
        about: str = "",
    ) -> Any:
        """Make a call that changes something, with what it raises if it is refused or its reply is lost."""
        mode = self._mode(what, EFFECT, about)
        self._refuse_if_away(what)
        if not mode:
            return work()
        scheduler = self._scheduler
        if mode == "before":
            scheduler.kill(scheduler.current.process)
        if mode == "refused":
            raise refused or StoreUnavailable(f"refused: {what}")
        if mode == "slow":
            scheduler.sleep(SLOW)
        found = work()
        if mode == "after":
            scheduler.kill(scheduler.current.process)
        if mode == "lost":
            raise lost or StoreUnavailable(f"the reply was lost: {what}")
        return found

    def look(self, what: str, work: Callable[[], Any], about: str = "") -> Any:
        """Make a call that only reads."""
        mode = self._mode(what, LOOK, about)
        self._refuse_if_away(what)
        if not mode:
            return work()
        scheduler = self._scheduler
        if mode == "before":
            scheduler.kill(scheduler.current.process)
        if mode == "refused":
            raise StoreUnavailable(f"refused: {what}")
        if mode == "slow":
            scheduler.sleep(SLOW)
        return work()

    def _refuse_if_away(self, what: str) -> None:
        scheduler = self._scheduler
        away = scheduler.now < self.away_until and what.partition(".")[0] in AWAY
        if away and not scheduler.current.process.immune:
            raise StoreUnavailable(f"refused for a while: {what}")

    def stored(self, name: str, *, is_there: bool) -> None:
        """Note that an object is stored, or deleted, which may be the result of a chunk."""
        if name.startswith("chunks/") and name.endswith(".json"):
            key = name.removeprefix("chunks/").removesuffix(".json").replace("/", ".")
            self.results[key].append((running().now, is_there))

    def is_away(self, bucket: str) -> bool:
        """Whether a bucket is not there now."""
        since, until = self.away.get(bucket, (0.0, 0.0))
        return since <= self._scheduler.now < until

    def may_fail(self) -> bool:
        """Whether one more fault may happen now."""
        return not self._scheduler.current.process.immune and len(self.faults) < self._most

    def happened(self, what: str, point: str, about: str = "", process: Process | None = None) -> None:
        """Note something else that went wrong, to the process that asks or to another."""
        now, whose = self._scheduler.now - self.began, process or self._scheduler.current.process
        self.faults.append(
            Fault(time=now, what=what, point=point, process=whose.number, about=about, push=_is_push(point))
        )

    def _mode(self, what: str, modes: tuple[str, ...], about: str) -> str:
        scheduler = self._scheduler
        scheduler.pause()
        process, now = scheduler.current.process, scheduler.now
        point = f"{_place()} {what}"
        scheduler.choices.note(now, process.name, point)
        mode = ""
        if not process.immune:
            chance = self._chances[modes] if len(self.faults) < self._most else 0.0
            if process.name == "sweeper":
                # It makes most of all calls, and most of them when everything is over.
                chance /= 4
            at = self._choices.pick(len(modes), chance)
            self.met.append(Met(now - self.began, point, modes))
            mode = modes[at]
        if self.trace is not None:
            since = scheduler.now - self.began
            self.trace.append(f"{since:8.1f} s  {process.name:14} {scheduler.current.name:12} {point} {mode}")
        if mode:
            self.happened(mode, f"{process.name} {point}", about)
        return mode


def _place() -> str:
    """The call of the flow that leads to the present one, as `sites.py` names it."""
    frame = sys._getframe(3)
    while frame is not None:
        module = _modules[frame.f_code.co_filename]
        if module:
            return sites.name_of(frame, module)
        frame = frame.f_back
    return "tests"


def _is_push(point: str) -> bool:
    """Whether what happens now happens to a push of the sweeper: in it, or when it was noted that it is one."""
    frame, act = sys._getframe(2), stuck._act.__code__
    while frame is not None and frame.f_code is not act:
        frame = frame.f_back
    return frame is not None or "shared/sweep/stuck.py:_push#" in point


class _Modules(dict[str, str]):
    """The paths of modules of the flow in this repository, by their files; empty for one that is none."""

    def __missing__(self, file: str) -> str:
        is_flow = file.startswith(ROOT) and not file.startswith(HELPERS)
        found = self[file] = file.removeprefix(ROOT) if is_flow else ""
        return found


_modules = _Modules()


class FaultyStore:
    """A store that may fail."""

    def __init__(
        self, store: MemoryStore, calls: Calls, vanishes: Callable[[str], None], *, in_cloud: bool
    ) -> None:
        self._store, self._calls, self._vanishes, self._in_cloud = store, calls, vanishes, in_cloud

    def absence(self, bucket: str) -> str:
        """Why a bucket is not there; empty if it is."""
        return f"there is no bucket {bucket}" if self._calls.is_away(bucket) else ""

    def check(self, source: StoredObject) -> None:
        """What becomes of an attempt to read an object.

        Raises:
            BadMedia: its generation is gone.
            Transient: its bucket is not there.
        """
        self._reach(source.bucket)
        self._store.read(source, 0, 0)

    def _reach(self, bucket: str) -> None:
        if (why := self.absence(bucket)) and not running().current.process.immune:
            raise BucketRefused(why) if self._in_cloud else StoreUnavailable(why)

    def _at(self, bucket: str, work: Callable[[], Any]) -> Callable[[], Any]:
        def reached() -> Any:
            self._reach(bucket)
            return work()

        return reached

    def create(self, bucket, name, data, content_type):
        def work():
            made = self._store.create(bucket, name, data, content_type)
            if made:
                self._calls.stored(name, is_there=True)
            return made

        return self._calls.effect(f"store.create {bucket}", self._at(bucket, work), about=name)

    def create_all(self, bucket, objects):
        def work():
            # They are written one by one, so a crash may leave some of them.
            last = running().choices.pick("torn", len(objects), 0.02 if self._calls.may_fail() else 0.0)
            made: set[str] = set()
            for number, (name, (data, kind)) in enumerate(objects.items(), 1):
                if self._store.create(bucket, name, data, kind):
                    made.add(name)
                if number == last:
                    self._calls.happened("torn", f"store.create_all {bucket}")
                    running().kill(running().current.process)
            return made

        return self._calls.effect(f"store.create_all {bucket}", self._at(bucket, work))

    def delete(self, bucket, name, generation):
        def work():
            gone = self._store.delete(bucket, name, generation)
            if gone:
                self._calls.stored(name, is_there=False)
            return gone

        return self._calls.effect(f"store.delete {bucket}", self._at(bucket, work), about=name)

    def stat(self, bucket, name):
        return self._calls.look(
            f"store.stat {bucket}", self._at(bucket, partial(self._store.stat, bucket, name))
        )

    def read(self, source, start, length):
        work = partial(self._store.read, source, start, length)
        return self._calls.look("store.read", self._at(source.bucket, work))

    def load(self, bucket, name):
        if bucket == "work":
            self._vanishes(name)
        work = self._at(bucket, partial(self._store.load, bucket, name))
        return self._calls.look(f"store.load {bucket}", work, name)

    def signed_url(self, source, seconds):
        return self._store.signed_url(source, seconds)

    def list(self, bucket, prefix=""):
        work = self._at(bucket, lambda: list(self._store.list(bucket, prefix)))
        return iter(self._calls.look(f"store.list {bucket}", work))


class FaultyRecords:
    """Records that may fail."""

    def __init__(self, records: MemoryRecords, calls: Calls) -> None:
        self._records, self._calls = records, calls
        self.written: dict[tuple[str, str], float] = {}
        """When each document was last written."""

    def create(self, collection, key, fields):
        def work():
            self.written[collection, key] = running().now
            return self._records.create(collection, key, fields)

        return self._calls.effect(f"records.create {collection}", work, about=key)

    def update(self, collection, key, change):
        def work():
            if running().choices.pick("contended", 2, 0.05):
                # Somebody else wrote meanwhile, so that the change is made again.
                before = self._records.get(collection, key)
                if before is not None:
                    change(before)
            self.written[collection, key] = running().now
            found = self._records.update(collection, key, change)
            if collection == RECORDINGS and found and found["state"] == "PLANNED":
                by = running().current.process.notes.get("other")
                self._calls.planned.setdefault(key, (by, found["chunks"]))
            return found

        return self._calls.effect(f"records.update {collection}", work, about=key)

    def get(self, collection, key):
        return self._calls.look(f"records.get {collection}", partial(self._records.get, collection, key), key)

    def delete(self, collection, key, *, seen=None):
        def work():
            return self._records.delete(collection, key, seen=seen)

        return self._calls.effect(f"records.delete {collection}", work, about=key)

    def query(self, collection, where=None, *, after=""):
        work = lambda: list(self._records.query(collection, where, after=after))  # noqa: E731 - short
        return iter(self._calls.look(f"records.query {collection}", work))

    def newest(self, collection, by, limit, where=None, *, before=None):
        work = partial(self._records.newest, collection, by, limit, where, before=before)
        return self._calls.look(f"records.newest {collection}", work)

    def count(self, collection, where=None):
        return self._calls.look(
            f"records.count {collection}", partial(self._records.count, collection, where)
        )

    def sum(self, collection, field, where=None):
        work = partial(self._records.sum, collection, field, where)
        return self._calls.look(f"records.sum {collection}", work)


class FaultySearch:
    """A search index that may fail."""

    def __init__(self, search: MemorySearch, calls: Calls) -> None:
        self._search, self._calls = search, calls

    def put(self, recording, at, version, passages):
        work = partial(self._search.put, recording, at, version, passages)
        self._calls.effect("search.put", work, about=recording)

    def remove(self, recording):
        self._calls.effect("search.remove", partial(self._search.remove, recording), about=recording)


class FaultyQueue:
    """A queue that may fail, and delivers messages twice, early and in any order."""

    def __init__(self, queue: MemoryQueue, calls: Calls, twice: float) -> None:
        self.topology = queue.topology
        self._queue, self._calls, self._twice = queue, calls, twice
        self._sleepers: defaultdict[str, list[Task]] = defaultdict(list)

    def publish(self, topic, data, attributes=None):
        return self.publish_many(topic, [(data, attributes or {})])[0]

    def publish_many(self, topic, messages):
        several = list(messages)

        def work():
            ids = self._queue.publish_many(topic, several)
            scheduler = running()
            self._calls.sent |= dict.fromkeys(ids, Sent(scheduler.now, scheduler.current.process))
            for one in self.topology.of_topic(topic):
                scheduler.wake(self._sleepers[one.name])
            return ids

        return self._calls.effect(f"queue.publish {topic}", work)

    def pull(self, subscription, limit, lease_seconds):
        if not self.wait(subscription, LONG_POLL):
            return []
        return self._calls.effect(
            f"queue.pull {subscription}", lambda: self._deliver(subscription, limit, lease_seconds)
        )

    def extend(self, subscription, lease, lease_seconds):
        work = partial(self._queue.extend, subscription, lease, lease_seconds)
        return self._calls.effect(
            f"queue.extend {subscription}", work, about=self._chunk_of(subscription, lease)
        )

    def ack(self, subscription, lease):
        def work():
            self._calls.over[lease] = running().now
            return self._queue.ack(subscription, lease)

        return self._calls.effect(
            f"queue.ack {subscription}", work, about=self._chunk_of(subscription, lease)
        )

    def nack(self, subscription, lease, error=""):
        def work():
            self._calls.over[lease] = running().now
            done = self._queue.nack(subscription, lease, error)
            self._wake()
            return done

        return self._calls.effect(
            f"queue.nack {subscription}", work, about=self._chunk_of(subscription, lease)
        )

    def postpone(self, subscription, lease, seconds):
        def work():
            self._calls.over[lease] = running().now
            done = self._queue.postpone(subscription, lease, seconds)
            self._wake()
            return done

        return self._calls.effect(
            f"queue.postpone {subscription}", work, about=self._chunk_of(subscription, lease)
        )

    def wait(self, subscription, timeout):
        """Wait for a message that is due; False if none came in time."""
        scheduler = running()
        # A push loop looks five times a second; what it waits for wakes it here.
        # While it has one in hand it looks at least as often as it must renew the lease.
        in_hand = any(one.lease for one in self._queue.waiting[subscription])
        longest = RENEWED if in_hand else max(timeout, LONG_POLL)
        until, next_due = scheduler.now + longest, self._queue.next_due
        if next_due(subscription) > scheduler.now:
            scheduler.wait(
                self._sleepers[subscription], lambda: min(until, next_due(subscription)) - scheduler.now
            )
        return next_due(subscription) <= scheduler.now

    def _chunk_of(self, subscription: str, lease: str) -> str:
        """What a delivery is about, as the key of its chunk's document."""
        leased = (one.attributes for one in self._queue.waiting[subscription] if one.lease == lease)
        found = next(leased, {})
        if "chunk" not in found:
            return found.get("recording", "")
        return chunk_key(found["recording"], int(found["chunk"]))

    def _wake(self) -> None:
        for sleepers in self._sleepers.values():
            running().wake(sleepers)

    def _deliver(self, subscription, limit, lease_seconds):
        scheduler = running()
        taken = self._queue.pull(subscription, limit, lease_seconds)
        now, process = scheduler.now, scheduler.current.process
        for one in taken:
            self._calls.taken.append(
                Taken(now, process, subscription, one.message_id, one.attributes, one.lease)
            )
            how = scheduler.choices.pick(
                "redeliver", 3, self._twice if len(self._calls.faults) < MOST_COPIES else 0.0
            )
            if how:
                # A copy comes again although somebody has it: soon, or when it has long been acknowledged.
                self._calls.happened("twice", f"{subscription} {one.message_id}", one.message_id)
                self._queue.deliver_again(subscription, one, after=0.5 if how == 1 else 45.0)
        release = str(process.notes.get("release", ""))
        if not release or "worker" not in subscription:
            return taken  # functions read what is posted to them
        topic = self.topology.subscription(subscription).topic
        return [replace(one, data=releases.read(one.data, topic, release)) for one in taken]


class FaultyJobs:
    """Jobs whose executions are the workers; a failure is in their state."""

    def __init__(self, jobs: Any, calls: Calls) -> None:
        self._jobs, self._calls = jobs, calls

    def state(self):
        return self._asked("jobs.state", self._jobs.state)

    def start(self, tasks):
        return self._asked("jobs.start", partial(self._jobs.start, tasks))

    def ended(self, since):
        return self._calls.look("jobs.ended", partial(self._jobs.ended, since))

    def _asked(self, what, work):
        try:
            return self._calls.effect(what, work)
        except StoreUnavailable as error:
            return WorkerState(status="unreachable", running=0, reason=str(error))


class FaultyHosted:
    """A hosted engine that fails in every way, with its bill in the end."""

    def __init__(self, engine: Any, calls: Calls, refuses: float) -> None:
        self._engine, self._calls, self._refuses = engine, calls, refuses

    def transcribe(self, job):
        if self._refuses and running().choices.pick("refuses", 2, self._refuses):
            self._calls.happened("refuses", job.tag, job.tag)
            self._engine.asked(job)
            raise EngineRefused("credit", "there is no credit left")
        how = running().choices.pick("hosted", 4, self._engine.trouble)
        if how:
            self._calls.happened(f"hosted {how}", job.tag, job.tag)
        if how == 1:
            raise EngineFailed("rate", "too many requests")
        if how == 2:
            raise EngineFailed("server", "an error of the engine")
        if how == 3:
            self._engine.transcribe(job)
            raise EngineFailed("answer", "cannot be read", billed_seconds=job.seconds, request_id="?")
        return self._calls.effect(
            "hosted.transcribe",
            partial(self._engine.transcribe, job),
            refused=EngineFailed("unreachable", "no connection"),
            lost=EngineFailed("lost", "the answer was lost", billed_seconds=job.seconds),
            about=job.tag,
        )
