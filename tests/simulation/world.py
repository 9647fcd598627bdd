"""A whole deployment under the scheduler: its processes, and what starts them again.

Everything is the product's own but the ports: the steps behind the push loops, the sweep, and the life of a worker's
process. On one machine `up` runs the push loops and the scheduler, and keeps workers; in a project the platform does,
which never fails, and workers are started by the job.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import msgspec

from gpu_job import loading
from gpu_job import process as gpu_process
from gpu_job.pipeline import consumer, loaded_engines
from gpu_job.speech import windowing
from local.backend.embedded_ports import embedded_topology
from local.runtime import subscriptions
from local.runtime.events import object_resource
from local.runtime.push import PushLoop
from shared import concurrency
from shared.costs.executions import Place
from shared.engines import hosted_specs, own_specs
from shared.errors import BadRequest, DropscribeError, ModelUnavailable, Transient
from shared.flow import backfill, erase, forget, record, retry
from shared.flow.chunk import result_name
from shared.hosted import hosted_chunk
from shared.hosted.audio_budget import AudioBudget
from shared.messages import AUDIO_FINALIZED, CHUNKS_DONE, TRANSCRIBE_REQUESTS
from shared.ports import Ports, TaskRun
from shared.recovery import replay
from shared.state import answers, dead_letters, documents
from shared.state.claims import CLAIMS
from shared.sweep import observe, sweep
from shared.telemetry import log
from shared.topology import MERGER
from tests.simulation import releases
from tests.simulation.fakes import (
    HEADER,
    TAKE,
    FakeDiarizer,
    FakeEngine,
    FakeHosted,
    FakeJobs,
    FakeMedia,
    Work,
    cut,
    label_of,
    size_of,
)
from tests.simulation.faults import (
    Calls,
    FaultyHosted,
    FaultyJobs,
    FaultyQueue,
    FaultyRecords,
    FaultySearch,
    FaultyStore,
)
from tests.simulation.memory import MemoryQueue, MemoryRecords, MemorySearch, MemoryStore
from tests.simulation.releases import ReleasedQueue, ReleasedRecords
from tests.simulation.scheduler import Scheduler, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shared.messages import TranscriptReady
    from shared.model import Chunk, Recording, StoredObject
    from shared.settings import Settings
    from shared.state.dead_letters import Letter
    from tests.simulation.memory import Message
    from tests.simulation.scenarios import Scenario, Upload
    from tests.simulation.scheduler import Process

RESTART = 2.0
"""Seconds until a process that died is there again."""

AGAIN_IN_VAIN = 30.0
"""The same of one that ends again and again."""

START_UP = 10.0
"""Seconds from the start of a worker's task until its process runs."""

SIGTERM = 10.0
"""Seconds from the request to end until a process is killed."""

WORKERS = {one.subscription for one in own_specs()}
"""The subscriptions that workers pull."""

LATEST_AWAY, AWAY = 30, (180.0, 1200.0, 4500.0)
"""Seconds until a bucket is away at the latest, and for how long it is."""

GIVEN_UP = 540.0
"""Seconds after which what cannot be stored is given up, and sweeps are seldom while a bucket is away."""

AFTER_ITS_END = 60
"""Half seconds after which an upload has ended, if nothing went wrong."""

LAST_ARRIVAL = 30.0
"""Seconds after which all uploads are there."""

LATEST_OUTAGE, OUTAGES = 60, (5.0, 45.0, 90.0)
"""Tenths of seconds until an outage begins at the latest, and seconds that one lasts: more than a lease, too."""

MOMENT = 1.0
"""Seconds within which somebody else may have taken a chunk."""

LOOK_EVERY = 5.0
"""Seconds between two looks whether everything has ended."""

SETTLED = 600.0
"""Seconds after which nobody has anything in hand of what was deleted; an hour would be many sweeps."""

QUIET, SHORT = 15 * 60.0, 3 * 60.0
"""Seconds for which a history goes on after that: nothing may happen any more but the settling of accounts. Three of four
histories from seeds go on for the second, unless an account is open: sweeps cost as much as all that was before them."""

TICK, SELDOM = 60.0, 600.0
"""Seconds between two sweeps, and the same after `SHORT`: what is due then is found by the next one as well."""

REMEMBERED = 3
"""Minutes that the first sweep looks back, or one after a pause: each costs two calls."""


class Clock:
    """The clock of the process that asks."""

    def now(self) -> float:
        scheduler = running()
        return scheduler.now + scheduler.current.process.skew

    boot = "the only one"

    def since_boot(self) -> float:
        return running().now


class Truth:
    """The time by which the platform goes."""

    def now(self) -> float:
        return running().now


class PortsOfMachine(Ports):
    """Ports of one machine, where each process has an id by which others see whether it is alive."""

    @property
    def process(self) -> str:
        scheduler = running()
        return str(scheduler.current.process.number)

    @process.setter
    def process(self, _: str) -> None:
        """It is that of whoever asks."""

    def is_gone(self, process: str) -> bool:
        return bool(process) and running().processes[int(process)].killed

    def out_of_reach(self, recording: Recording) -> str:
        assert isinstance(self.store, FaultyStore)
        return self.store.absence(recording.source.bucket)


class PortsOfTwo(PortsOfMachine):
    """The same where some processes have other settings."""

    @property
    def settings(self) -> Settings:
        return running().current.process.notes.get("other", self._settings)

    @settings.setter
    def settings(self, settings: Settings) -> None:
        object.__setattr__(self, "_settings", settings)


class World:
    """A deployment and what happens in it.

    Args:
        scheduler: runs it.
        scenario: what it is.
    """

    def __init__(self, scheduler: Scheduler, scenario: Scenario) -> None:
        self.scenario = scenario
        self.scheduler = scheduler
        self.settings = scenario.deployment
        self.calls = Calls(scenario.faults, scenario.most)
        self.work = Work()
        self.told: list[TranscriptReady] = []
        """What was announced or answered, as often as it was delivered."""
        self.called: list[tuple[str, bytes]] = []
        """Webhooks that arrived: ids and bodies, as often as they came."""
        self.cancelled: set[str] = set()
        """Uploads that a person cancelled, by name."""
        self.forgotten: set[str] = set()
        """Uploads that a person had deleted, by name."""
        self.retries: set[str] = set()
        """Ids of the requests to try one of them again."""
        self.retried: dict[str, float] = {}
        """When a person asked for an upload again, by name, seconds since 1970."""
        self.backfilled: set[str] = set()
        """Ids of the requests for objects without a recording."""
        self.replaced: set[str] = set()
        """Uploads whose files are replaced or deleted, by name."""
        self.refused: set[str] = set()
        """Ids of the requests that cannot be carried out."""
        self.warned: set[str] = set()
        """Uploads whose results were gone: their transcripts say so."""
        self._operating = 0
        self._operated: set[str] = set()
        self._tick = TICK
        self.surprises: list[str] = []
        """Exceptions that nobody anticipated."""
        self.took = 0.0
        """Seconds until everything had ended."""
        in_cloud = scenario.platform == "google"
        self.search = MemorySearch()
        self.store = MemoryStore(
            Truth(), (lambda one: f"sim://{one.bucket}/{label_of(one)}") if in_cloud else None
        )
        self.records = MemoryRecords()
        topology = embedded_topology(webhooks=bool(self.settings.webhook_url))
        self.queue = MemoryQueue(Truth(), topology, self._order)
        self.jobs = FakeJobs(self._start_task, self.settings.gpu_max_tasks)
        hosted = {
            one.name: FaultyHosted(
                FakeHosted(one, self.work, scenario.hosted_trouble), self.calls, scenario.refuses
            )
            for one in hosted_specs(scenario.engines)
        }
        self.released = ReleasedRecords(self.records)
        self._written = FaultyRecords(self.released if scenario.beside else self.records, self.calls)
        kind = PortsOfTwo if scenario.others else PortsOfMachine if scenario.platform == "local" else Ports
        store = FaultyStore(self.store, self.calls, self._vanishes, in_cloud=in_cloud)
        self.ports = kind(
            store=store,
            records=self._written,
            queue=FaultyQueue(
                ReleasedQueue(self.queue) if scenario.beside else self.queue, self.calls, scenario.twice
            ),
            media=FakeMedia(self.calls, self._begins),
            gpu_jobs=FaultyJobs(self.jobs, self.calls),
            search=FaultySearch(self.search, self.calls),
            clock=Clock(),
            settings=self.settings,
            engines=self.settings.engine_set,
            hosted=hosted,
        )
        self.uploads: dict[str, StoredObject] = {}
        self._platform = scheduler.process("platform", immune=True)
        self._functions = {name: Function(name, step, self) for name, step in self._steps().items()}

    # --- what happens ---------------------------------------------------------------------------------

    def run(self, limit: float) -> bool:
        """Let everything happen; True if all uploads and requests had ended within `limit` seconds."""
        spawn = self.scheduler.spawn
        if self.scenario.platform == "google":
            # The first sweep of a deployment only notes from when on it looks for lost events.
            sweep.take_lost(replace(self.ports, records=self.records, store=self.store))
            spawn(lambda: self._serve(self._platform), "push", self._platform)
        else:
            spawn(lambda: self._keep("up", self._serve), "keep up", self._platform)
            for index in range(self.scenario.workers):
                spawn(lambda name=f"worker-{index}": self._keep(name, self._work), "keep", self._platform)
        for upload in self.scenario.uploads:
            spawn(lambda one=upload: self._upload(one), "upload", self._platform)
        for work in self._operators():
            self._operating += 1
            spawn(work, "operator", self._platform)
        spawn(self._catastrophes, "catastrophes", self._platform)
        if self.scenario.outage:
            spawn(self._outage, "outage", self._platform)
        if self.scenario.away:
            spawn(self._away, "away", self._platform)
        began = self.scheduler.now
        ended = False
        while not ended and self.scheduler.now < began + limit:
            self.scheduler.sleep(LOOK_EVERY)
            ended = self.ended()
        self.took = self.scheduler.now - began
        if ended:
            self._rest()
        return ended

    def _operators(self) -> Iterator[Callable[[], None]]:
        """What people do."""
        for upload in self.scenario.uploads:
            if upload.forgotten:
                yield partial(self._forget, upload)
            elif upload.cancelled:
                yield partial(self._operate, upload)
            if upload.removed:
                yield partial(self._remove, upload)
        if self.scenario.backfill:
            yield self._backfill
        if self.scenario.garbage:
            yield self._spoil

    def _rest(self) -> None:
        """Wait whether something happens after the end."""
        is_short = self.scheduler.choices.pick("rest", 4)
        self.scheduler.sleep(SHORT)
        is_open = any(b'"outcome":"open"' in one for one in self.records.documents[documents.LEDGER].values())
        if not is_short or is_open:
            self._tick = SELDOM
            self.scheduler.sleep(QUIET - SHORT)

    def ended(self) -> bool:
        """Whether every upload and request has come to its end, and no message is left but dead letters."""
        recordings = self.records.documents["recordings"].values()
        requests = self.records.documents["requests"].values()
        of_operators = [one for one in requests if b'"request_id":"operator-' in one]
        return (
            not self._operating
            and len(self.uploads) == len(self.scenario.uploads) <= len(recordings)
            and all(b'"announced":true' in one for one in recordings)
            and len(requests) - len(of_operators)
            == sum(one.requests for one in self.scenario.uploads) + len(self.refused)
            # Whoever died with one sent may find, when they come back, that there is nothing to ask for any more.
            and (len(of_operators) == len(self.retries) or self.scenario.backfill or bool(self.replaced))
            and all(b'"answered":true' in one for one in requests)
            and not self.left_over()
        )

    def left_over(self) -> list[str]:
        """Where messages wait that somebody must still take.

        In a project nobody starts a worker for a chunk of a recording that has ended: its message is void, and expires.
        """
        return [
            name
            for name, several in self.queue.waiting.items()
            if any(not self._void(name, one) for one in several)
        ]

    def _void(self, subscription: str, message: Message) -> bool:
        fields = self.records.documents["recordings"].get(message.attributes.get("recording", ""), b"")
        return (
            self.scenario.platform == "google"
            and subscription in WORKERS
            and (b'"state":"DONE"' in fields or b'"state":"FAILED"' in fields)
        )

    def _upload(self, upload: Upload) -> None:
        self.scheduler.sleep(float(self.scheduler.choices.pick("arrival", 30)))
        metadata = dict(upload.metadata) | ({} if upload.header is None else {HEADER: f"{upload.header}"})
        if upload.over:
            metadata[TAKE] = upload.name
            self._wait_for(upload.over, "replaced")
        name = upload.over or upload.name
        source = self.store.put("audio", name, b"", size=size_of(upload.seconds), metadata=metadata)
        self.uploads[upload.name] = source
        self._announce(upload)

    def _remove(self, upload: Upload) -> None:
        """Delete its file."""
        self._wait_for(upload.name, "removed")
        source = self.uploads[upload.name]
        self.store.delete(source.bucket, source.name, source.generation)
        self._operating -= 1

    def _wait_for(self, name: str, stream: str) -> None:
        """Wait until an upload has a recording, and then for any time; undisturbed, it has ended by then.

        Often that is the time at which it is asked for again.
        """
        pick = self.scheduler.choices.pick
        self._key_of(name)
        if pick(f"{stream} with its retry", 2):
            while name not in self._operated | self.retried.keys():
                self.scheduler.sleep(0.25)
            self.scheduler.sleep(0.1 * pick(stream, 30))
        else:
            self.scheduler.sleep(0.5 * ((AFTER_ITS_END - 1 + pick(stream, AFTER_ITS_END)) % AFTER_ITS_END))
        self.replaced.add(name)

    def _announce(self, upload: Upload) -> None:
        """What the platform and other services say about an upload."""
        source = self.uploads[upload.name]
        times = 0 if upload.lost else 1 + self.scheduler.choices.pick("events", 2, self.scenario.repeated)
        for _ in range(times):
            self.ports.queue.publish(AUDIO_FINALIZED, object_resource(source))
        for number in range(upload.requests):
            request = {"uri": f"gs://audio/{upload.name}", "request_id": f"{upload.name}-{number}"}
            for _ in range(1 + self.scheduler.choices.pick("requests", 2, self.scenario.repeated)):
                self.ports.queue.publish(TRANSCRIBE_REQUESTS, json.dumps(request).encode())

    def _spoil(self) -> None:
        """Publish what nobody can read, and let a person replay one of the letters."""
        topics = (AUDIO_FINALIZED, TRANSCRIBE_REQUESTS, CHUNKS_DONE, *(one.topic for one in own_specs()))
        for topic in topics:
            self.ports.queue.publish(topic, b"{}")
        request = {"uri": "ftp://a.wav", "request_id": "bad"}
        self.refused.add("bad")
        self.ports.queue.publish(TRANSCRIBE_REQUESTS, json.dumps(request).encode())
        while not (found := [one for one in dead_letters.every(self.records) if one.source == MERGER]):
            self.scheduler.sleep(0.25)
        self._command(lambda: self._replay(found[0]))
        self._operating -= 1

    def _replay(self, letter: Letter) -> None:
        with suppress(BadRequest):  # it was replayed before the reply was lost
            replay.replay(dead_letters.find(letter.key, self.ports.records) or letter, self.ports)

    def _operate(self, upload: Upload) -> None:
        """Cancel a recording in progress, and ask for it again."""
        pick = self.scheduler.choices.pick
        key = self._key_of(upload.name)
        # Undisturbed, it is at work by then.
        self.scheduler.sleep(0.5 * ((1 + pick("cancel", 20)) % 20))
        self._command(lambda: record.cancel(key, self.ports))
        ended = documents.get_recording(self.records, key)
        assert ended is not None, "it was there a moment ago"
        if ended.state == "CANCELLED":
            self.cancelled.add(upload.name)
            if upload.retried:
                self.scheduler.sleep(1.0 + 0.5 * pick("retry", 60))
                results = self.store.list("work", f"{result_name(key, 0).rpartition('/')[0]}/")
                if (gone := list(results)) and pick("gone", 2, 0.3):
                    # The folder of results was emptied meanwhile.
                    self.calls.happened("gone", f"results of {upload.name}", key)
                    self.warned.add(upload.name)
                    for one in gone:
                        self.store.delete("work", one.name, one.generation)
                        self.calls.stored(one.name, is_there=False)
                self._command(lambda: self._retry(upload, ended))
        self._operated.add(upload.name)
        self._operating -= 1

    def _retry(self, upload: Upload, ended: Recording) -> None:
        """`dropscribe retry`."""
        gone = any(one.removed or one.over for one in self.scenario.uploads)
        if not gone or not retry.obstacle(ended, self.ports):
            self.retried.setdefault(upload.name, self.scheduler.now)
            self.retries.add(retry.ask(ended, self.ports))

    def _backfill(self) -> None:
        """`dropscribe backfill`, at any moment and again when all files are there."""
        pick = self.scheduler.choices.pick

        def ask() -> None:
            for one in (
                self.ports.store.list("audio", "old-")
                if pick("prefix", 2)
                else self.ports.store.list("audio")
            ):
                if backfill.is_new(one, None, self.ports.records):
                    self.backfilled.add(backfill.ask(one, None, self.ports))

        for number in range(2):
            self.scheduler.sleep(0.5 * pick("backfill", 60) + number * LAST_ARRIVAL)
            self._command(ask)
        self._operating -= 1

    def _key_of(self, name: str) -> str:
        """Key of an upload's recording, as soon as there is one."""
        while True:
            for one in documents.recordings(self.records):
                if label_of(one.source) == name:
                    return one.id
            self.scheduler.sleep(0.25)

    def _forget(self, upload: Upload) -> None:
        """Have a recording deleted at any moment of its life, and let what was said about it be said again later."""
        pick = self.scheduler.choices.pick
        key = self._key_of(upload.name)
        while upload.requests and not all(
            self._requested(upload, number) for number in range(upload.requests)
        ):
            self.scheduler.sleep(0.25)
        self.scheduler.sleep(0.5 * ((1 + pick("forget", 60)) % 60))
        self.forgotten.add(upload.name)
        audio = bool(pick("with audio", 2))
        self._command(lambda: forget.forget(key, self.ports, audio=audio))
        for number in range(2):
            # Soon, and when the name is gone.
            self.scheduler.sleep(1.0 + 10.0 * pick("late", 3) + 2.0 * number * SETTLED)
            self._announce(upload)
        self._operating -= 1

    def _requested(self, upload: Upload, number: int) -> bool:
        return answers.find(f"{upload.name}-{number}", self.records) is not None

    def _command(self, work: Callable[[], object]) -> None:
        """What a person runs until it succeeds."""
        while True:
            try:
                return Function("operator", lambda _: work(), self)(b"")
            except Transient:
                self.scheduler.sleep(RESTART)

    def _catastrophes(self) -> None:
        """Now and then a process is asked to end, or the whole machine loses its power."""
        pick = self.scheduler.choices.pick
        for _ in range(2):
            what = pick("catastrophe", 3, 0.1)
            if not what:
                continue
            self.scheduler.sleep(0.5 * pick("when", 120))
            alive = [one for one in self.scheduler.processes if one.tasks and not one.immune]
            if what == 1:
                self.calls.happened("all die", "everything")
                for one in alive:
                    self.scheduler.kill(one)
            elif stoppable := [one for one in alive if "stop" in one.notes]:
                one = stoppable[pick("who", len(stoppable))]
                self.calls.happened("stop", one.name, process=one)
                one.notes["stop"].set()
                self.scheduler.sleep(SIGTERM)
                self.scheduler.kill(one)

    def _outage(self) -> None:
        """For a while nothing can be stored, read or delivered."""
        pick = self.scheduler.choices.pick
        began, seconds = pick("outage", LATEST_OUTAGE + 1), OUTAGES[pick("outage lasts", len(OUTAGES))]
        if began:
            self.scheduler.sleep(0.1 * began)
            self.calls.happened("outage", "store, records and queue")
            self.calls.away_until = self.scheduler.now + seconds

    def _away(self) -> None:
        """One of the buckets is not there for a while, and then it is again."""
        pick = self.scheduler.choices.pick
        began, bucket = (
            pick("away", LATEST_AWAY + 1),
            self.scenario.away[pick("bucket", len(self.scenario.away))],
        )
        seconds = AWAY[pick("away lasts", len(AWAY))]
        if began:
            self.scheduler.sleep(began - 1.0)
            now = self.scheduler.now
            self.calls.away[bucket] = now, now + seconds
            while (left := self.calls.away[bucket][1] - self.scheduler.now) > 0.0:
                # One fault each time that what could not be stored is given up.
                self.calls.happened("away", bucket)
                self._tick = SELDOM if left < seconds else TICK
                self.scheduler.sleep(min(left, GIVEN_UP))
            self._tick = TICK

    # --- processes ------------------------------------------------------------------------------------

    def _new(self, name: str) -> Process:
        skew = self.scenario.skew * (self.scheduler.choices.pick("skew", 3) - 1 if self.scenario.skew else 0)
        process = self.scheduler.process(name, skew=skew)
        if self.scenario.others and self.scheduler.choices.pick("settings", 2):
            process.notes["other"] = self.scenario.other
        if self.scenario.beside and self.scheduler.choices.pick("release", 2):
            process.notes["release"] = self.scenario.beside
        return process

    def _keep(self, name: str, life: Callable[[Process], None]) -> None:
        """Start a process, and again whenever it ends."""
        while True:
            process = self._new(name)
            self._live(process, life)
            self.scheduler.sleep(AGAIN_IN_VAIN if self.scenario.gpu == "no weights" else RESTART)

    def _live(self, process: Process, life: Callable[[Process], None]) -> None:
        task = self.scheduler.spawn(lambda: life(process), "main", process)
        self.scheduler.join(task)
        if task.error is not None and not isinstance(task.error, DropscribeError):
            self.surprises.append(f"{process.name} ended with {task.error!r}")
        self.scheduler.kill(process)

    def _serve(self, process: Process) -> None:
        """`up`, or what Pub/Sub and Cloud Scheduler do in a project."""
        for name, function in self._functions.items():
            if name != "sweeper":
                PushLoop(self.ports.queue, name, function).start()
        while True:
            concurrency.sleep(self._tick)
            try:
                self._functions["sweeper"](b"")
            except Transient as error:
                log.warning("the sweeper failed: %s", error)

    def _work(self, process: Process) -> None:
        """The process of a worker."""
        process.notes["stop"] = stop = concurrency.Event()
        stay = self.scenario.platform == "local"
        gpu_process.run(self.ports, stop, stay=stay, began=self.ports.clock.now())

    def _start_task(self, execution: str, index: int) -> None:
        """Run one task of an execution of the job."""

        def task() -> None:
            began = self.scheduler.now
            self.scheduler.sleep(START_UP)
            process = self._new(f"{execution}.{index}")
            process.notes["place"] = Place(execution=execution, task=index)
            self._live(process, self._work)
            self.jobs.running -= 1
            now = self.scheduler.now
            ended = TaskRun(execution=execution, index=index, started=began, ended=now, completed=now)
            self.jobs.ended_tasks.append(ended)

        self.scheduler.spawn(task, "task", self._platform)

    def _steps(self) -> dict[str, Callable[[Any], None]]:
        """What each subscription's function does, and the sweeper."""
        with patch.object(subscriptions, "webhook_sender", lambda _settings: self._receive):
            webhooks = subscriptions.webhooks(self.ports)
        every = subscriptions.in_process(self.ports) | webhooks
        return every | {"sweeper": lambda _: sweep.on_tick(self.ports)}

    def _receive(self, _url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Take a webhook, and answer with a status; a process may die before it is called, and before it has the answer."""
        taken = (headers["webhook-id"], body)
        if self.calls.may_fail() and self.scheduler.choices.pick("receiver", 2, 0.15):
            self.calls.happened("refused", "webhook", taken[0])
            return 500
        self.calls.effect("call webhook", lambda: self.called.append(taken), about=taken[0])
        return 204

    def hear(self, ready: TranscriptReady, _ports: Ports) -> None:
        """What a subscriber of `transcripts-ready` is told."""
        self.told.append(ready)

    # --- engines --------------------------------------------------------------------------------------

    def load(self, settings: Any, model: str, **_: Any) -> FakeEngine:
        """The engine that a worker loads."""
        if self.scenario.gpu == "no weights":
            raise ModelUnavailable("no weights are here")
        name = (
            "parakeet-gpu"
            if settings.enable_gpu and "parakeet-gpu" in self.scenario.engines
            else "parakeet-cpu"
        )
        return FakeEngine(name, self.work, self._trouble, self.scenario.call_seconds)

    def _trouble(self, engine: str, windows: Sequence[str]) -> str:
        if engine != "parakeet-gpu" or self.scenario.gpu == "fine":
            return ""
        if self.scenario.gpu == "too small":
            return "too small"
        if self.scenario.gpu == "partly":
            return "too small" if any(int(one, 16) % 4 == 0 for one in windows) else ""
        kinds = ("", "too small", "broken", "lost", "kills")
        trouble = kinds[self.scheduler.choices.pick("engine", len(kinds), 0.15)]
        if trouble:
            self.calls.happened(trouble, f"{running().current.process.name} {engine}")
        return trouble

    def _vanishes(self, name: str) -> None:
        """Now and then a result is gone when the merger reads it."""
        pick, chance = self.scheduler.choices.pick, self.scenario.vanishing
        if not chance or running().current.process.name != MERGER or not self.calls.may_fail():
            return
        found = self.store.stat("work", name)
        if name.startswith("chunks/") and found is not None and pick("vanishes", 2, chance):
            self.calls.happened("gone", f"result {name}", name)
            key = name.split("/")[1]
            self.warned |= {
                label_of(one.source) for one in documents.recordings(self.records) if one.id == key
            }
            self.store.delete("work", name, found.generation)
            self.calls.stored(name, is_there=False)

    def _begins(self, source: StoredObject, chunk: Chunk) -> None:
        """Whoever begins with a chunk has looked a moment ago whose it is."""
        for key, text in self.records.documents[CLAIMS].items():
            claim = msgspec.json.decode(text)
            recording = msgspec.json.decode(self.records.documents["recordings"][claim["recording"]])
            of = recording["source"]
            if (of["name"], of["generation"], claim["index"]) != (
                source.name,
                source.generation,
                chunk.index,
            ):
                continue
            age = self.scheduler.now - self._written.written[CLAIMS, key]
            late = any(one.what == "slow" for one in self.calls.faults)
            if claim["engine"] != chunk.engine and age > MOMENT and not late:
                self.surprises.append(f"{chunk.engine} begins with a chunk that {claim['engine']} has")

    def _order(self, due: list[Any]) -> list[Any]:
        left, ordered = list(due), []
        while left:
            ordered.append(left.pop(self.scheduler.choices.pick("order", len(left)) if len(left) > 1 else 0))
        return ordered

    def budget_of_audio(self, _platform: str) -> AudioBudget:
        """Memory for hosted calls of the process that asks."""
        notes = running().current.process.notes
        if "audio" not in notes:
            notes["audio"] = AudioBudget(3600.0)
        return notes["audio"]


class Function:
    """A function behind a push subscription: a process that is there when it is called, and may die in a call."""

    def __init__(self, name: str, step: Callable[[Any], None], world: World) -> None:
        self._name, self._step, self._world = name, step, world
        self._process: Process | None = None
        topics = {one.name: one.topic for one in world.queue.topology.subscriptions}
        self._topic = topics.get(name, "")

    def __call__(self, body: bytes) -> None:
        """Call it, from another process.

        Raises:
            Transient: it failed or died.
        """
        if self._process is None or self._process.killed:
            self._process = self._world._new(self._name)
        release = str(self._process.notes.get("release", ""))
        if release and self._topic:
            body = releases.posted(body, self._topic, release)
        task = running().spawn(lambda: self._step(body), "call", self._process)
        process = self._process
        running().join(task)
        if task.error is not None:
            if not isinstance(task.error, DropscribeError):
                self._world.surprises.append(f"{self._name} raised {task.error!r}")
            raise Transient(f"{self._name} answered 500: {task.error}")
        if process.killed:
            raise Transient(f"{self._name} broke off")


class _Surprises(logging.Handler):
    """Collects what was logged with a traceback: errors that nobody anticipated."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.WARNING)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self._world.surprises.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


@contextmanager
def _placed(*places: tuple[object, str, object]) -> Iterator[None]:
    """Put something in the place of names of modules, as `patch.object` does, which takes a hundredth of a history."""
    before = [(where, name, vars(where)[name]) for where, name, _ in places]
    for where, name, one in places:
        setattr(where, name, one)
    try:
        yield
    finally:
        for where, name, one in before:
            setattr(where, name, one)


@contextmanager
def deployed(scheduler: Scheduler, scenario: Scenario) -> Iterator[World]:
    """A world whose product modules meet the fakes where no port leads there."""
    world = World(scheduler, scenario)
    handler, level = _Surprises(world), log.level

    def place(_environ: object) -> Place | None:
        return running().current.process.notes.get("place")

    log.addHandler(handler)
    log.setLevel(logging.ERROR)
    try:
        with _placed(
            (windowing, "cut", cut),
            (loading, "load", world.load),
            (loading, "load_diarizer", lambda _settings: FakeDiarizer()),
            (subscriptions, "deliver", world.hear),
            (Place, "from_environment", place),
            (erase, "SETTLED", SETTLED),
            (observe, "REMEMBERED", REMEMBERED),
            (loaded_engines, "peak_memory", lambda: 0),
            (consumer, "DECODERS", 2),
            (hosted_chunk, "audio_budget_of", world.budget_of_audio),
        ):
            yield world
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
